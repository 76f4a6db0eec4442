"""Faults that come again and again: told with their traceback once a minute each, and counted.

A loop that meets the same fault two hundred times a second would otherwise write its log over.
"""

import logging
from dataclasses import dataclass
from typing import Final

from daemonkit.clock import Clock

KINDS_MAX: Final = 64

_Kind = tuple[type[BaseException], str, int]


@dataclass(slots=True)
class _Seen:
    told_at: float
    untold: int = 0


class FaultLog:
    """Log the faults that one loop contains; for one thread."""

    def __init__(self, logger: logging.Logger, clock: Clock, window_s: float = 60.0) -> None:
        self._logger = logger
        self._clock = clock
        self._window_s = window_s
        self._seen: dict[_Kind, _Seen] = {}

    def note(self, error: BaseException, text: str, *arguments: object) -> None:
        """Log a fault, or only count it when one of its type and place was told just now."""
        kind = _kind_of(error)
        now = self._clock.monotonic()
        seen = self._seen.pop(kind, None)
        if seen is not None and now - seen.told_at < self._window_s:
            seen.untold += 1
            self._seen[kind] = seen
            return
        if len(self._seen) >= KINDS_MAX:
            del self._seen[next(iter(self._seen))]
        self._seen[kind] = _Seen(now)
        if seen is not None and seen.untold:
            text, arguments = f"{text} (%d more of these before)", (*arguments, seen.untold)
        self._logger.error(text, *arguments, exc_info=error)


def _kind_of(error: BaseException) -> _Kind:
    trace = error.__traceback__
    if trace is None:
        return type(error), "", 0
    while trace.tb_next is not None:
        trace = trace.tb_next
    return type(error), trace.tb_frame.f_code.co_filename, trace.tb_lineno
