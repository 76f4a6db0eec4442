"""Coalescing of repeated events: the first passes, its repeats are counted and told once.

Within a window, events with the same key become one with a count, so an error that repeats
every half second cannot fill the outbox or the chat. Pure: times come with the events.
"""

from dataclasses import dataclass, replace
from typing import Final

from trading.model.event import DurableEvent

KEYS_MAX: Final = 1_000


@dataclass(slots=True)
class _Window:
    opened_at: float
    last: DurableEvent
    repeats: int = 0

    def is_over(self, now: float, window_s: float) -> bool:
        # Wall time: a clock that was set back must not hold the window open for hours.
        return abs(now - self.opened_at) >= window_s


class RepeatFilter:
    """Let at most one event of each key through in each window; the rest is counted.

    At most KEYS_MAX keys are open; one more closes the oldest and tells its count early.
    """

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._windows: dict[str, _Window] = {}

    def admit(self, event: DurableEvent) -> list[DurableEvent]:
        """Return the events to raise now, oldest first: none, the event, or more."""
        if not event.key:
            return [event]
        window = self._windows.get(event.key)
        if window is not None and (window.repeats or not window.is_over(event.at, self._window_s)):
            window.repeats += 1
            window.last = event
            # A window that is over tells its count, this event included, and opens anew.
            return self.due(event.at)
        self._windows.pop(event.key, None)
        told = self._close(next(iter(self._windows))) if len(self._windows) >= KEYS_MAX else []
        self._windows[event.key] = _Window(event.at, event)
        return [*told, event]

    def due(self, now: float) -> list[DurableEvent]:
        """Return the counts of the windows that are over; those with repeats open anew."""
        over = [key for key, one in self._windows.items() if one.is_over(now, self._window_s)]
        told: list[DurableEvent] = []
        for key in over:
            window = self._windows[key]
            told += self._close(key)
            if window.repeats:
                self._windows[key] = _Window(now, window.last)
        return told

    def flush(self) -> list[DurableEvent]:
        """Return all counts that were not told yet."""
        return [event for key in list(self._windows) for event in self._close(key)]

    def _close(self, key: str) -> list[DurableEvent]:
        window = self._windows.pop(key, None)
        if window is None or not window.repeats:
            return []
        text = f"{window.last.text} ({window.repeats} more in {self._window_s:g} s)"
        fields = {**window.last.fields, "repeats": window.repeats}
        return [replace(window.last, text=text, fields=fields)]
