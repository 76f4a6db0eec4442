"""The `outbox` section of telegram.yaml: how fast chats are spoken to, and how much may wait."""

from typing import Annotated

from pydantic import Field

from daemonkit.settings import Settings
from telegram.bridge.chat_outbox.pacing import Pace, PaceLimits
from telegram.bridge.chat_outbox.posts import Bounds

Count = Annotated[int, Field(ge=1, le=1_000_000)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]


class PaceSection(Settings):
    """One speed: at most `count` in any `span_s`, at most `burst` at once."""

    count: Count
    span_s: Seconds
    burst: Count

    @property
    def pace(self) -> Pace:
        """Return the speed."""
        return Pace(self.count, self.span_s, self.burst)


class OutboxSection(Settings):
    """The `outbox` section; the speeds are a little below what Telegram allows."""

    private: PaceSection = PaceSection(count=3, span_s=3.0, burst=3)
    group: PaceSection = PaceSection(count=18, span_s=60.0, burst=4)
    overall: PaceSection = PaceSection(count=25, span_s=1.0, burst=25)
    log_share: Annotated[float, Field(gt=0, le=1)] = 0.5
    rows_max: Count = 5_000
    bytes_max: Annotated[int, Field(ge=100_000, le=2**40)] = 20 * 1024 * 1024

    @property
    def limits(self) -> PaceLimits:
        """Return the speeds of all chats."""
        return PaceLimits(self.private.pace, self.group.pace, self.overall.pace, self.log_share)

    @property
    def bounds(self) -> Bounds:
        """Return how much may wait in the memory of one chat."""
        return Bounds(self.rows_max, self.bytes_max)
