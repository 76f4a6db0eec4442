"""Telegram's limits of speed: 1 a second in a private chat, 20 a minute in a group, 30 in all."""

import math
from collections import defaultdict, deque
from dataclasses import dataclass
from typing import Final

from tests.fakes.bot_api.refusals import too_many_requests

_ALL: Final = 0
_COUNTED: Final = ("send", "edit", "copy", "forward")


@dataclass(frozen=True, slots=True)
class FloodLimits:
    """How much is let through: so many within so many seconds."""

    private: tuple[int, float] = (3, 3.0)  # one a second, with a short burst
    group: tuple[int, float] = (20, 60.0)
    overall: tuple[int, float] = (30, 1.0)


class FloodGuard:
    """Count what a bot sends and edits; off until limits are set."""

    def __init__(self) -> None:
        self.limits: FloodLimits | None = None
        self._times: defaultdict[int, deque[float]] = defaultdict(deque)
        self._barred_until: defaultdict[int, float] = defaultdict(float)

    def check(self, method: str, chat_id: int | None, now: float) -> None:
        """Take note of a request, or refuse it with the seconds to wait."""
        if self.limits is None or chat_id is None or not method.startswith(_COUNTED):
            return
        if method == "sendChatAction":
            return
        rule = self.limits.private if chat_id > 0 else self.limits.group
        for key, (count, span_s) in ((chat_id, rule), (_ALL, self.limits.overall)):
            wait_s = self._wait_s(key, count, span_s, now)
            if wait_s > 0:
                self._barred_until[key] = now + wait_s
                raise too_many_requests(max(1, math.ceil(wait_s)))
        for key in (chat_id, _ALL):
            self._times[key].append(now)

    def _wait_s(self, key: int, count: int, span_s: float, now: float) -> float:
        times = self._times[key]
        while times and times[0] <= now - span_s:
            times.popleft()
        barred_s = self._barred_until[key] - now
        if barred_s > 0:
            return barred_s
        return times[0] + span_s - now if len(times) >= count else 0.0
