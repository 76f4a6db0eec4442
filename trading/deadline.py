"""The time that is left to stop: counted once for all steps, cut short by a second signal."""

from collections.abc import Callable
from typing import Final

from daemonkit.clock import Clock
from trading.control import Control

# After a second signal, all that is left to do must be done within this.
HASTE_S: Final = 1.0
_SLICE_S: Final = 0.1


class Deadline:
    """Share out the seconds until the process must be gone."""

    def __init__(self, clock: Clock, control: Control, timeout_s: float) -> None:
        self._clock = clock
        self._control = control
        self._asked_before = control.stops_asked
        self._end = clock.monotonic() + timeout_s
        self._is_hastened = False

    @property
    def left_s(self) -> float:
        """Return the seconds that are left, never below zero."""
        now = self._clock.monotonic()
        if not self._is_hastened and self._control.stops_asked > self._asked_before:
            self._is_hastened = True
            self._end = min(self._end, now + HASTE_S)
        return max(0.0, self._end - now)

    def share_s(self, part: float, at_most_s: float = 3_600.0) -> float:
        """Return a part of what is left."""
        return min(self.left_s * part, at_most_s)

    def wait_for(self, join: Callable[[float], bool], part: float) -> bool:
        """Call `join` until it is done or a part of the time is used up; tell whether it is."""
        give_up_at = self._clock.monotonic() + self.share_s(part)
        was_hastened = self._is_hastened
        while not join(min(_SLICE_S, max(0.001, self.left_s))):
            left_s = self.left_s
            if self._is_hastened and not was_hastened:
                was_hastened = True
                # A share of what there was would be all that is left: nothing could be stored.
                give_up_at = min(give_up_at, self._clock.monotonic() + left_s * part)
            if self._clock.monotonic() >= give_up_at or left_s <= 0:
                return False
        return True
