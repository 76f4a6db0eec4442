"""Log lines for a chat: alike ones counted, and when they come too fast only a digest.

Nothing grows with the number of lines. No clock: callers say what time it is.
"""

import re
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from telegram.bridge.chat_outbox.splitting import UNITS_BUDGET, head, utf16_len

LINES_KEPT_MAX: Final = 200
TEMPLATES_MAX: Final = 200
LINE_LEN_MAX: Final = 300
COLLECT_S: Final = 2.0
FAST_LINES: Final = 30
FAST_SPAN_S: Final = 10.0
DIGEST_EVERY_S: Final = 60.0
LIFETIME_S: Final = 600.0
_TOP: Final = 5
_CHANGING: Final = re.compile(r"0x[0-9a-fA-F]+|\b(?=[0-9a-fA-F]*\d)[0-9a-fA-F]{6,}\b|\d+")


@dataclass(frozen=True, slots=True)
class LogLine:
    """Hold one line and its level."""

    level: str
    text: str


@dataclass(slots=True)
class _Alike:
    text: str
    count: int = 1


def template_of(text: str) -> str:
    """Return a line without what differs from one time to the next."""
    return _CHANGING.sub("#", text)


class LogDigest:
    """Collect lines; give them as one text when they are due."""

    def __init__(self) -> None:
        self._alike: dict[str, _Alike] = {}
        self._levels: Counter[str] = Counter()
        self._recent: deque[float] = deque(maxlen=FAST_LINES + 1)
        self._is_fast = False
        self._since = 0.0
        self._shown_at = float("-inf")
        self._units = 0
        self.dropped = 0

    @property
    def waiting(self) -> int:
        """Count the lines that wait."""
        return self._levels.total()

    def add(self, lines: Sequence[LogLine], now: float) -> None:
        """Collect lines."""
        if not self._levels:
            self._since = now
        for line in lines:
            self._levels[line.level.upper()[:8]] += 1
            self._recent.append(now)
            text = head(line.text, LINE_LEN_MAX)
            template = template_of(text)
            if (alike := self._alike.get(template)) is not None:
                alike.count += 1
            elif len(self._alike) < TEMPLATES_MAX:
                self._alike[template] = _Alike(text)
                self._units += utf16_len(text) + 8
        self._is_fast = self._is_fast or (
            len(self._recent) > FAST_LINES and now - self._recent[0] <= FAST_SPAN_S
        )

    def due_at(self, now: float) -> float | None:
        """Return when the lines are to be shown; None when there are none."""
        if self._levels and now - self._since > LIFETIME_S:
            self.drop()
        if not self._levels:
            return None
        if self._is_fast:
            return max(self._since + COLLECT_S, self._shown_at + DIGEST_EVERY_S)
        return self._since if self._units >= UNITS_BUDGET else self._since + COLLECT_S

    def take(self, now: float) -> str:
        """Return the lines, or what they were like, and forget them."""
        text = self._digest() if self._is_digest() else self._lines()
        self._is_fast = bool(self._recent) and (
            len(self._recent) > FAST_LINES and now - self._recent[0] <= FAST_SPAN_S
        )
        self._shown_at = now
        self._forget()
        return text

    def drop(self) -> int:
        """Forget the lines; return how many there were."""
        count = self.waiting
        self.dropped += count
        self._forget()
        return count

    def _is_digest(self) -> bool:
        return self._is_fast or self._units > UNITS_BUDGET

    def _lines(self) -> str:
        return "\n".join(_counted(one) for one in self._alike.values())

    def _digest(self) -> str:
        levels = ", ".join(f"{count:,} {level}" for level, count in self._levels.most_common(5))
        top = sorted(self._alike.values(), key=lambda one: -one.count)[:_TOP]
        lines = [f"{self.waiting:,} log lines: {levels}", *(_counted(one) for one in top)]
        return "\n".join([*lines, "more: /logs"])

    def _forget(self) -> None:
        self._alike.clear()
        self._levels.clear()
        self._units = 0


def _counted(alike: _Alike) -> str:
    return alike.text if alike.count == 1 else f"{alike.text} ×{alike.count:,}"
