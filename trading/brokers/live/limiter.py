"""How many requests a key may make: a bucket of tokens that fills with time.

Orders and cancels never wait for tokens: they take them on credit, and reads wait until it is
paid back. A pause that the venue asks for holds for every request. Where the venue counts by
address, reads also wait for what it has told all who ask from here. Pure: time is handed in.
"""

from collections.abc import Mapping
from threading import Lock
from typing import Final

from trading.brokers.allowance import ROUTINE_SHARE, URGENT_SHARE, WANTED_SHARE, Allowance
from trading.brokers.live.settings import Haste, RequestBudget, RequestKind

_TINY: Final = 1e-6
ON_CREDIT: Final = frozenset({RequestKind.ORDER, RequestKind.CANCEL})
_SHARES: Final[Mapping[Haste, float]] = {
    Haste.URGENT: URGENT_SHARE,
    Haste.WANTED: WANTED_SHARE,
    Haste.ROUTINE: ROUTINE_SHARE,
}


class RequestLimiter:
    """Say how long a request has to wait, and count those that are made."""

    def __init__(
        self, budget: RequestBudget, now: float, allowance: Allowance | None = None
    ) -> None:
        self._budget = budget
        self._allowance = allowance
        self._tokens = budget.burst
        self._filled_at = now
        self._paused_until = now
        # How many pages a read has to be able to read, where it is not one.
        self._pages: dict[RequestKind, int] = {}
        # Orders are counted on one thread, and pages that a second key reads on another.
        self._lock = Lock()

    def wait_s(self, kind: RequestKind, now: float, haste: Haste = Haste.URGENT) -> float:
        """Return how long a request of this kind has to wait from now on.

        A read that can wait leaves a part of what can be saved up to those that cannot.
        """
        allowance = self._allowance
        if kind in ON_CREDIT:
            told_s = 0.0 if allowance is None else allowance.order_wait_s(now)
            return max(told_s, self._paused_until - now)
        wanted = self._weight(kind) * self._pages.get(kind, 1)
        with self._lock:
            saved_s = self._saved_wait_s(max(wanted, haste.value * self._budget.burst), now)
        if allowance is None:
            return saved_s
        return max(saved_s, allowance.read_wait_s(wanted, _SHARES[haste], now))

    def page_wait_s(self, kind: RequestKind, now: float) -> float:
        """Return how long the next page of a read has to wait."""
        with self._lock:
            return self._saved_wait_s(self._weight(kind), now)

    def want_more_pages(self, kind: RequestKind) -> None:
        """Have the next read of a kind wait for more: it begins with a page that was read already.

        With less it would come to its second page never.
        """
        self._pages[kind] = self._pages.get(kind, 1) + 1

    def want_one_page(self, kind: RequestKind) -> None:
        """Have the next read of a kind wait for its first page only."""
        self._pages.pop(kind, None)

    def take(self, kind: RequestKind, now: float) -> None:
        """Count a request that is made now."""
        with self._lock:
            self._fill(now)
            self._tokens -= self._weight(kind)

    def pause(self, for_s: float, now: float) -> None:
        """Let no request out for a time, because the venue asked for it."""
        self._paused_until = max(self._paused_until, now + for_s)

    def pause_s(self, now: float) -> float:
        """Return how long the venue wants not to be asked, by this key or by this address."""
        told_s = 0.0 if self._allowance is None else self._allowance.pause_s(now)
        return max(told_s, self._paused_until - now)

    def blind_s(self, now: float) -> float:
        """Return how long not even the executions could be read that a stop waits for."""
        told_s, weight = 0.0, self._weight(RequestKind.FILLS)
        if self._allowance is not None:
            told_s = self._allowance.read_wait_s(weight, URGENT_SHARE, now)
        return max(told_s, self._paused_until - now)

    def _saved_wait_s(self, wanted: float, now: float) -> float:
        self._fill(now)
        # More than the burst could never be saved up.
        missing = min(wanted, self._budget.burst) - self._tokens
        # A wait that no clock can show would be no wait, again and again.
        wait_s = missing / self._budget.per_s if missing > _TINY else 0.0
        return max(0.0, self._paused_until - now, wait_s)

    def _weight(self, kind: RequestKind) -> float:
        return self._budget.weights.get(kind, 1.0)

    def _fill(self, now: float) -> None:
        gained = (now - self._filled_at) * self._budget.per_s
        self._tokens = min(self._budget.burst, self._tokens + gained)
        self._filled_at = now
