"""Coalescing of repeated events: the first passes, its repeats are counted and told once.

Within a window, events with the same key become one with a count, so an error that repeats
every half second cannot fill the outbox or the chat; while it lasts the windows grow, to hours.
After a rest it is new. Pure: times come with the events.
"""

from dataclasses import dataclass, replace
from typing import Final

from trading.model.event import DurableEvent

KEYS_MAX: Final = 1_000
# With the usual window of a minute: five minutes, half an hour, four hours.
GROWTH: Final = (1.0, 5.0, 30.0, 240.0)
# So many windows without it, and it has ended.
REST: Final = 5.0


@dataclass(slots=True)
class _Window:
    opened_at: float
    length_s: float
    last: DurableEvent
    repeats: int = 0

    def is_over(self, now: float) -> bool:
        # Wall time: a clock that was set back must not hold the window open for hours.
        return abs(now - self.opened_at) >= self.length_s

    def is_resting(self, now: float, rest_s: float) -> bool:
        return abs(now - self.last.at) >= rest_s


class RepeatFilter:
    """Let at most one event of each key through in each window; the rest is counted.

    At most KEYS_MAX keys are open; one more closes the oldest and tells its count early.
    """

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._rest_s = REST * window_s
        self._windows: dict[str, _Window] = {}

    def admit(self, event: DurableEvent) -> list[DurableEvent]:
        """Return the events to raise now, oldest first: none, the event, or more."""
        if not event.key:
            return [event]
        window = self._windows.get(event.key)
        is_new = window is None or window.is_resting(event.at, self._rest_s)
        if window is not None and not is_new and (window.repeats or not window.is_over(event.at)):
            window.repeats += 1
            window.last = event
            # A window that is over tells its count, this event included, and opens anew.
            return self.due(event.at)
        told = self._close(event.key)
        if len(self._windows) >= KEYS_MAX:
            told += self._close(next(iter(self._windows)))
        self._windows[event.key] = _Window(event.at, self._window_s, event)
        return [*told, event]

    def due(self, now: float) -> list[DurableEvent]:
        """Return the counts of the windows that are over; of what goes on, longer ones open."""
        told: list[DurableEvent] = []
        for key, window in list(self._windows.items()):
            is_resting = window.is_resting(now, self._rest_s)
            if not is_resting and not window.is_over(now):
                continue
            told += self._close(key)
            if window.repeats and not is_resting:
                self._windows[key] = _Window(now, self._longer_s(window.length_s), window.last)
        return told

    def flush(self) -> list[DurableEvent]:
        """Return all counts that were not told yet."""
        return [event for key in list(self._windows) for event in self._close(key)]

    def _longer_s(self, length_s: float) -> float:
        steps = [growth * self._window_s for growth in GROWTH]
        return next((step for step in steps if step > length_s), steps[-1])

    def _close(self, key: str) -> list[DurableEvent]:
        window = self._windows.pop(key, None)
        if window is None or not window.repeats:
            return []
        text = f"{window.last.text} ({window.repeats} more in {window.length_s:g} s)"
        fields = {**window.last.fields, "repeats": window.repeats}
        return [replace(window.last, text=text, fields=fields)]
