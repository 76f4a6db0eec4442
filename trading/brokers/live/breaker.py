"""The circuit breaker of one venue as a table: after failures in a row nothing new is risked there.

OPEN asks the venue nothing until a wait is over; HALF_OPEN lets one read out, which decides. The
waits double with jitter. Orders that reduce risk do not ask here. Pure: time is handed in.
"""

from collections.abc import Mapping
from enum import StrEnum
from random import Random
from types import MappingProxyType

from trading.errors import IllegalTransitionError


class BreakerState(StrEnum):
    """Name whether a venue is asked."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class BreakerTrigger(StrEnum):
    """Name what moves the breaker."""

    SUCCEED = "succeed"
    FAIL = "fail"
    TRIP = "trip"
    PROBE = "probe"


TRANSITIONS: Mapping[tuple[BreakerState, BreakerTrigger], BreakerState] = MappingProxyType(
    {
        (BreakerState.CLOSED, BreakerTrigger.SUCCEED): BreakerState.CLOSED,
        (BreakerState.CLOSED, BreakerTrigger.FAIL): BreakerState.CLOSED,
        (BreakerState.CLOSED, BreakerTrigger.TRIP): BreakerState.OPEN,
        (BreakerState.OPEN, BreakerTrigger.PROBE): BreakerState.HALF_OPEN,
        # A reducing order that goes out meanwhile tells as much as a probe.
        (BreakerState.OPEN, BreakerTrigger.SUCCEED): BreakerState.CLOSED,
        (BreakerState.OPEN, BreakerTrigger.FAIL): BreakerState.OPEN,
        (BreakerState.HALF_OPEN, BreakerTrigger.SUCCEED): BreakerState.CLOSED,
        (BreakerState.HALF_OPEN, BreakerTrigger.FAIL): BreakerState.OPEN,
    }
)


def advance_breaker(state: BreakerState, trigger: BreakerTrigger) -> BreakerState:
    """Return the state that follows, or raise IllegalTransitionError."""
    following = TRANSITIONS.get((state, trigger))
    if following is None:
        raise IllegalTransitionError(f"a breaker that is {state} cannot {trigger}")
    return following


class CircuitBreaker:
    """Count failures in a row and say when the venue may be asked again."""

    def __init__(self, *, failures_max: int, first_s: float, longest_s: float, rng: Random) -> None:
        self._failures_max = failures_max
        self._first_s = first_s
        self._longest_s = longest_s
        self._rng = rng
        self._failures = 0
        self._openings = 0
        self._probe_at = 0.0
        self.state = BreakerState.CLOSED
        self.reason = ""

    def succeed(self) -> bool:
        """Note an answer; True if this closed the breaker."""
        was_closed = self.state is BreakerState.CLOSED
        self.state = advance_breaker(self.state, BreakerTrigger.SUCCEED)
        self._failures = self._openings = 0
        self.reason = ""
        return not was_closed

    def fail(self, reason: str, now: float) -> bool:
        """Note that no answer could be had; True if this opened the breaker."""
        self._failures += 1
        if self.state is BreakerState.OPEN:
            return False
        is_first = self.state is BreakerState.CLOSED
        if is_first and self._failures < self._failures_max:
            return False
        trigger = BreakerTrigger.TRIP if is_first else BreakerTrigger.FAIL
        self.state = advance_breaker(self.state, trigger)
        ceiling = min(self._longest_s, self._first_s * 2.0 ** min(self._openings, 32))
        self._openings += 1
        # Half fixed, half random: bots that lost one venue together do not return as one.
        self._probe_at = now + ceiling * (0.5 + self._rng.random() / 2)
        if is_first:
            self.reason = reason
        return is_first

    def wait_s(self, now: float) -> float:
        """Return how long reads have to wait; at the end of the wait one of them is the probe."""
        if self.state is BreakerState.OPEN and now >= self._probe_at:
            self.state = advance_breaker(self.state, BreakerTrigger.PROBE)
        return max(0.0, self._probe_at - now) if self.state is BreakerState.OPEN else 0.0
