"""The only place that reads the clock of the machine; everything else is handed a Clock."""

import time
from typing import Protocol


class Clock(Protocol):
    """Tell the time of day and the time that has passed."""

    def wall(self) -> float:
        """Return the seconds since the epoch; jumps when the machine's clock is set."""
        ...

    def monotonic(self) -> float:
        """Return seconds that only ever grow, counted from an arbitrary moment."""
        ...


class SystemClock:
    """Tell the time of this machine."""

    __slots__ = ()

    # The functions themselves: a method around each would double the price of looking.
    wall = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)


class ManualClock:
    """Tell the time it was told; backtests and tests move it by hand."""

    __slots__ = ("_monotonic", "_wall")

    def __init__(self, wall: float = 0.0, monotonic: float = 0.0) -> None:
        self._wall = wall
        self._monotonic = monotonic

    def wall(self) -> float:
        """Return the seconds since the epoch."""
        return self._wall

    def monotonic(self) -> float:
        """Return the seconds passed since an arbitrary moment."""
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let time pass on both counts; it never runs backwards."""
        if seconds < 0:
            raise ValueError("time does not run backwards; use set_wall for a clock that was set")
        self._wall += seconds
        self._monotonic += seconds

    def set_wall(self, wall: float) -> None:
        """Set the time of day alone, as an operator or a time server does."""
        self._wall = wall
