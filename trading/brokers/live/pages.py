"""What a read of several pages costs where each of them counts, and whether it goes on. Pure."""

from trading.brokers.live.limiter import RequestLimiter
from trading.brokers.live.settings import RequestBudget, RequestKind


class ReadPages:
    """Count the pages of one read after the other; the first is counted with its read."""

    def __init__(self, budget: RequestBudget, limiter: RequestLimiter) -> None:
        self._by_page = budget.by_page
        self._limiter = limiter
        self._kind = RequestKind.CONNECT
        self._is_first = True

    def begin(self, kind: RequestKind) -> None:
        """Count the pages of another read from now on."""
        self._kind, self._is_first = kind, True

    def next_waits(self, now: float) -> bool:
        """Count the next page, or tell that it is more than may be asked now."""
        is_first, self._is_first = self._is_first, False
        if is_first or self._kind not in self._by_page:
            return False
        # A stop may wait for executions: the reads after them pay for it.
        if self._kind is not RequestKind.FILLS and self._limiter.page_wait_s(self._kind, now) > 0:
            self._limiter.want_more_pages(self._kind)
            return True
        self._limiter.take(self._kind, now)
        return False

    def end(self, kind: RequestKind) -> None:
        """Note that a read was not broken off."""
        self._limiter.want_one_page(kind)
