"""How fast a chat and the whole bot may speak: token buckets, and never more than so many in a
span, which is what Telegram counts. Edits count as messages do. No clock: callers say what time
it is.
"""

from collections import deque
from dataclasses import dataclass

# Nothing is gained by being exactly on the limit, and seconds in floats are not exact.
_MARGIN_S = 0.001


@dataclass(frozen=True, slots=True)
class Pace:
    """Hold a speed: at most `count` in any `span_s`, at most `burst` of them at once."""

    count: int
    span_s: float
    burst: int

    def share(self, part: float) -> "Pace":
        """Return the pace that uses this part of it."""
        return Pace(max(1, int(self.count * part)), self.span_s, max(1, int(self.burst * part)))


@dataclass(frozen=True, slots=True)
class PaceLimits:
    """Hold the speeds of all chats; texts, notices and log lines get at most a part of a chat's.

    A status is edited only so often, in a private chat and in a group.
    """

    private: Pace = Pace(3, 3.0, 3)
    group: Pace = Pace(18, 60.0, 4)
    overall: Pace = Pace(25, 1.0, 25)
    log_share: float = 0.5
    status_private_s: float = 10.0
    status_group_s: float = 20.0


class Meter:
    """Measure one speed."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._rate = pace.count / pace.span_s
        self._tokens = float(pace.burst)
        self._filled_at = float("-inf")
        self._times: deque[float] = deque(maxlen=pace.count)

    def wait_s(self, now: float) -> float:
        """Return how long the next call has to wait."""
        self._fill(now)
        lacking = 1.0 - self._tokens
        bucket_s = lacking / self._rate + _MARGIN_S if lacking > 0.0 else 0.0
        if len(self._times) < self._pace.count:
            return max(0.0, bucket_s)
        window_s = self._times[0] + self._pace.span_s + _MARGIN_S - now
        return max(0.0, bucket_s, window_s)

    def take(self, now: float) -> None:
        """Count a call."""
        self._fill(now)
        self._tokens -= 1.0
        self._times.append(now)

    def settle(self, now: float) -> None:
        """Have the last call count from its answer: when it arrived is not known better."""
        if self._times and now > self._times[-1]:
            self._times[-1] = now

    def _fill(self, now: float) -> None:
        passed = now - self._filled_at
        if passed > 0:
            self._tokens = min(float(self._pace.burst), self._tokens + passed * self._rate)
            self._filled_at = now


class ChatMeter:
    """Measure the speed of one chat, whose bulk leaves room for what matters."""

    def __init__(self, limits: PaceLimits, *, is_group: bool) -> None:
        pace = limits.group if is_group else limits.private
        self._all = Meter(pace)
        self._bulk = Meter(pace.share(limits.log_share))

    def wait_s(self, now: float, *, is_bulk: bool) -> float:
        """Return how long the next call has to wait."""
        wait_s = self._all.wait_s(now)
        return max(wait_s, self._bulk.wait_s(now)) if is_bulk else wait_s

    def take(self, now: float, *, is_bulk: bool) -> None:
        """Count a call."""
        self._all.take(now)
        if is_bulk:
            self._bulk.take(now)

    def settle(self, now: float) -> None:
        """Have the last call count from its answer."""
        self._all.settle(now)
