"""The `outbox` section of telegram.yaml: how fast chats are spoken to, what waits and how long."""

from typing import Annotated

from pydantic import Field

from daemonkit.settings import Settings
from telegram.bridge.chat_outbox.pacing import Pace, PaceLimits
from telegram.bridge.chat_outbox.posts import Bounds
from telegram.bridge.chat_outbox.retries import Patience

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
    retry_first_s: Seconds = 1.0
    retry_max_s: Seconds = 60.0
    closed_retry_s: Seconds = 3_600.0
    summary_after_s: Seconds = 120.0

    @property
    def limits(self) -> PaceLimits:
        """Return the speeds of all chats."""
        return PaceLimits(self.private.pace, self.group.pace, self.overall.pace, self.log_share)

    @property
    def bounds(self) -> Bounds:
        """Return how much may wait in the memory of one chat."""
        return Bounds(self.rows_max, self.bytes_max)

    def patience(self, token_check_s: float) -> Patience:
        """Return how long is waited for a messenger that does not take what is sent."""
        return Patience(
            retry_first_s=self.retry_first_s,
            retry_max_s=self.retry_max_s,
            closed_retry_s=self.closed_retry_s,
            token_check_s=token_check_s,
            summary_after_s=self.summary_after_s,
        )
