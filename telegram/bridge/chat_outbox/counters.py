"""What /health says of the chats of a messenger."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from daemonkit.printable import one_line
from telegram.bridge.chat_outbox.lanes import Lane
from telegram.bridge.render import age_text, fitted

_REASON_LENGTH_MAX: Final = 160


@dataclass(frozen=True, slots=True)
class ChatCounters:
    """Hold how one chat fares; `sent_at` is wall time."""

    name: str
    waiting: Mapping[Lane, int]
    dropped: Mapping[Lane, int]
    sent_total: int
    sent_at: float | None
    blocked_because: str

    def lines(self, now: float) -> list[str]:
        """Return it in lines of at most 34 columns."""
        sent = "nothing sent yet" if self.sent_at is None else f"sent {_ago(now - self.sent_at)}"
        lines = [self.name, f"  {sent}"]
        lines += [
            f"  waiting  {self.waiting[lane]:,} {lane.name.lower()}"
            for lane in Lane
            if self.waiting[lane]
        ]
        lines += [
            f"  dropped  {self.dropped[lane]:,} {lane.name.lower()}"
            for lane in Lane
            if self.dropped[lane]
        ]
        if self.blocked_because:
            lines.append(f"  {one_line(self.blocked_because, _REASON_LENGTH_MAX)}")
        return fitted(lines)


def _ago(seconds: float) -> str:
    return f"{age_text(seconds)} ago"
