"""What the answers of a venue say about itself: whether it is asked, how often, what is told of it.

A failure counts in the breaker, a rate limit pauses all requests, a refused key pauses the reads.
Reads are tried again after waits that double with jitter, for each kind on its own.
"""

import logging
from random import Random
from typing import Final

from trading.brokers.allowance import Allowance
from trading.brokers.live.breaker import BreakerState, CircuitBreaker
from trading.brokers.live.limiter import RequestLimiter
from trading.brokers.live.moment import Moment
from trading.brokers.live.settings import LOOK_UPS, Haste, LiveSettings, RequestKind
from trading.brokers.live.troubles import Troubles
from trading.brokers.venue import FailureKind, VenueError

log = logging.getLogger(__name__)

VENUE: Final = "venue"
PAUSE: Final = "pause"
KEY: Final = "key"
# What says that the venue itself does not work, and not that it does not want to.
_FAILURES: Final = frozenset(
    {FailureKind.UNREACHABLE, FailureKind.MAINTENANCE, FailureKind.BAD_ANSWER}
)


class VenueHealth:
    """Judge one venue by its answers."""

    def __init__(
        self,
        name: str,
        settings: LiveSettings,
        troubles: Troubles,
        rng: Random,
        now: float,
        allowance: Allowance | None = None,
    ) -> None:
        self._name = name
        self._settings = settings
        self._rng = rng
        self._tries: dict[RequestKind, int] = {}
        self._not_before: dict[RequestKind, float] = {}
        self._reads_not_before = now
        # How often it was away for a while and came back.
        self.gaps = 0
        self.troubles = troubles
        self.limiter = RequestLimiter(settings.budget, now, allowance)
        self.breaker = CircuitBreaker(
            failures_max=settings.breaker_failures,
            first_s=settings.retry_first_s * 2,
            longest_s=settings.retry_longest_s,
            rng=rng,
        )

    def order_wait_s(self, moment: Moment) -> float:
        """Return how long an order or a cancel has to wait: only as long as the venue asked for."""
        return self.limiter.wait_s(RequestKind.ORDER, moment.passed)

    def read_wait_s(self, kind: RequestKind, moment: Moment, haste: Haste = Haste.URGENT) -> float:
        """Return how long a read of this kind has to wait."""
        now = moment.passed
        return max(
            self.breaker.wait_s(now),
            self.limiter.wait_s(kind, now, haste),
            self._reads_not_before - now,
            self._not_before.get(kind, now) - now,
        )

    def note_answer(self, kind: RequestKind, moment: Moment) -> None:
        """Note that the venue answered."""
        self._tries.pop(kind, None)
        self._not_before.pop(kind, None)
        self.troubles.clear(kind, moment.at)
        if self.is_unasked(moment):
            self.troubles.clear(PAUSE, moment.at)
        if self.breaker.succeed():
            self.gaps += 1
            log.info("breaker closes venue=%s", self._name)

    def note_good_key(self, moment: Moment) -> None:
        """Note that the key was good for something."""
        self.troubles.clear(KEY, moment.at)

    def is_unasked(self, moment: Moment) -> bool:
        """Tell whether the venue may be asked again after a pause that was told, and was not."""
        return self.troubles.has(PAUSE) and self.limiter.blind_s(moment.passed) <= 0

    def tell_pause(self, moment: Moment) -> None:
        """Tell of a pause in which an entry gets too old, whoever at this address caused it.

        What would fill now had no stop. A shorter one is waited for like a slow answer.
        """
        wait_s = self.limiter.blind_s(moment.passed)
        if wait_s > self._settings.entry_age_max_s and not self.troubles.has(PAUSE):
            text = f"{self._name} may not be asked for {wait_s:.0f} s: too much was asked from here"
            self.troubles.set(PAUSE, text, moment.at)

    def note_failure(self, reason: str, moment: Moment) -> None:
        """Note that no answer could be had."""
        if self.breaker.fail(reason, moment.passed):
            log.warning("breaker opens venue=%s: %s", self._name, reason)
            self.troubles.set(VENUE, f"{self._name} does not answer: {reason}", moment.at)

    def note_passing_refusal(self, retry_after_s: float | None, moment: Moment) -> None:
        """Note that the venue answered, but not now."""
        if retry_after_s is not None:
            self._pause(retry_after_s, moment)

    def note_read_failure(self, kind: RequestKind, error: VenueError, moment: Moment) -> None:
        """Note how a read failed, and let its kind rest for a while."""
        wait_s = self.wait_before_retry_s(self._tries.get(kind, 0))
        self._tries[kind] = self._tries.get(kind, 0) + 1
        if kind not in LOOK_UPS:
            # Look-ups have waits of their own, one for each order.
            self._not_before[kind] = moment.passed + wait_s
        if error.kind in _FAILURES:
            self.note_failure(str(error), moment)
        elif error.kind is FailureKind.BUSY:
            # Only a pause that the venue itself asks for keeps orders back as well: where it asks
            # for none, it is a matter of how much is read.
            self._reads_not_before = max(self._reads_not_before, moment.passed + wait_s)
            self.note_passing_refusal(error.retry_after_s, moment)
        elif error.kind is FailureKind.KEY:
            self._reads_not_before = moment.passed + self._settings.key_retry_s
            self.troubles.set(KEY, f"{self._name} refuses the key: {error}", moment.at)
        else:
            log.warning("read refused venue=%s kind=%s: %s", self._name, kind, error)
        self._note_blindness(kind, error, moment)

    def _note_blindness(self, kind: RequestKind, error: VenueError, moment: Moment) -> None:
        """Tell when one kind of read fails again and again, although others may work."""
        is_lasting = self._tries[kind] >= self._settings.breaker_failures
        # An order that cannot be looked up stays unknown, which is told by itself.
        is_told = kind in LOOK_UPS or error.kind is FailureKind.KEY
        if is_lasting and not is_told and self.breaker.state is BreakerState.CLOSED:
            self.troubles.set(kind, f"{self._name} does not tell the {kind}: {error}", moment.at)

    def wait_before_retry_s(self, tries: int) -> float:
        """Return the wait after so many tries: it doubles, half of it is random."""
        settings = self._settings
        ceiling = min(settings.retry_longest_s, settings.retry_first_s * 2.0 ** min(tries, 32))
        return ceiling * (0.5 + self._rng.random() / 2)

    def note_seen(self, moment: Moment) -> None:
        """Note that all of the account was seen: after a gap this ends the trouble, not before."""
        if self.breaker.state is BreakerState.CLOSED:
            self.troubles.clear(VENUE, moment.at)

    def _pause(self, for_s: float, moment: Moment) -> None:
        # Exits have to be tried now and then, however long the venue would like to have its rest.
        self.limiter.pause(min(for_s, self._settings.pause_longest_s), moment.passed)
        log.info("pause venue=%s for %.1f s", self._name, for_s)
        self.tell_pause(moment)
