"""The engine's timers: few, repeating, on monotonic time that is handed in."""

from collections.abc import Iterator
from dataclasses import dataclass

from trading.engine.events import TimerName


@dataclass(slots=True)
class _Timer:
    interval_s: float
    due: float


class Timers:
    """Keep which timer is due when; a timer that is late fires once, not once for each miss."""

    def __init__(self) -> None:
        self._timers: dict[TimerName, _Timer] = {}

    def start(self, name: TimerName, interval_s: float, now: float) -> None:
        """Fire from one interval after now on."""
        self._timers[name] = _Timer(interval_s, now + interval_s)

    def stop(self, name: TimerName) -> None:
        """Let a timer rest, running or not."""
        self._timers.pop(name, None)

    def due_in_s(self, now: float, longest_s: float) -> float:
        """Return how long until the first timer is due, at most `longest_s`."""
        first_s = min((one.due - now for one in self._timers.values()), default=longest_s)
        return min(max(0.0, first_s), longest_s)

    def take_due(self, now: float) -> Iterator[TimerName]:
        """Give each timer that is due, once, and set its next time."""
        for name, timer in list(self._timers.items()):
            if timer.due <= now:
                timer.due = max(timer.due + timer.interval_s, now)
                yield name
