"""After an outage: whether one summary comes first, and what it says.

Only a chat that could not be written to (or a process that has just begun) asks; a burst of
alerts alone needs no summary.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from daemonkit.printable import one_line
from telegram.bridge.chat_outbox.lanes import FILL_KINDS, Lane, lane_of
from telegram.bridge.render import age_text, plural, utc_text

ROWS_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class KindCount:
    """Hold how many events of one kind wait, and since when."""

    kind: str
    severity: str
    count: int
    first_at: float


@dataclass(slots=True)
class Blockade:
    """Know since when and why a chat could not be written to; times are wall times."""

    is_unsure: bool = True
    since: float | None = None
    because: str = ""
    log_lines_before: int = 0
    replies_before: int = 0

    def begin(self, because: str, now: float, log_lines: int, replies: int) -> None:
        """Note that a call failed, or that nothing may be sent."""
        if self.since is None:
            self.since = now
            self.log_lines_before, self.replies_before = log_lines, replies
        self.is_unsure, self.because = True, because

    def end(self) -> None:
        """Note that a call went through."""
        self.is_unsure, self.since, self.because = False, None, ""


@dataclass(frozen=True, slots=True)
class Backlog:
    """Hold what waits after an outage."""

    events: Sequence[KindCount] = field(default_factory=tuple)
    log_lines: int = 0
    replies: int = 0

    def needs_summary(self, now: float, after_s: float) -> bool:
        """Tell whether a summary comes first: much waits, or something for longer than that."""
        rows = sum(one.count for one in self.events) + self.log_lines + self.replies
        oldest = min((one.first_at for one in self.events), default=now)
        return rows > ROWS_MAX or now - oldest > after_s

    def text(self, blockade: Blockade, now: float, *, is_repeat: bool) -> str:
        """Return the summary."""
        mark = " (perhaps shown before)" if is_repeat else ""
        if blockade.since is None:
            opening = "This waited while the bridge was not running"
        else:
            length = age_text(now - blockade.since)
            span = f"{utc_text(blockade.since)} to {utc_text(now)} ({length})"
            opening = (
                f"This chat could not be written to from {span}: {one_line(blockade.because, 100)}"
            )
        return f"{opening}{mark}\nwaiting: {self._counts()}\nall alerts follow, oldest first"

    def _counts(self) -> str:
        fills = alerts = notices = 0
        for one in self.events:
            if one.kind in FILL_KINDS:
                fills += one.count
            elif lane_of(one.kind, one.severity) is Lane.ALERT:
                alerts += one.count
            else:
                notices += one.count
        counts = [
            plural(count, noun)
            for count, noun in (
                (fills, "fill"),
                (alerts, "other alert" if fills else "alert"),
                (notices, "notice"),
            )
            if count
        ]
        if self.replies:
            counts.append(f"{self.replies:,} answers too old to be sent")
        if self.log_lines:
            counts.append(f"{plural(self.log_lines, 'log line')} (not sent, see /logs)")
        return ", ".join(counts) or "nothing"
