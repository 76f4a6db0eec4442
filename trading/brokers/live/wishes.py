"""What an account's worker is asked for, from any thread, in order. Knows no venue."""

import threading
from collections import deque
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from daemonkit.clock import Clock
from trading.brokers.live.reads_thread import ReadAnswer
from trading.brokers.live.stream_thread import TokenWanted, Woken
from trading.model.order import Order


@dataclass(frozen=True, slots=True)
class Prepare:
    """Have an order written that is being committed: only a Submit lets it leave."""

    order: Order


@dataclass(frozen=True, slots=True)
class Submit:
    """Have an order sent."""

    order: Order
    since: float


@dataclass(frozen=True, slots=True)
class Cancel:
    """Have an order cancelled."""

    order_id: str


@dataclass(frozen=True, slots=True)
class Withhold:
    """Have it told that an order was not sent."""

    order: Order
    reason: str


@dataclass(frozen=True, slots=True)
class Ask:
    """Have all of the account looked at."""

    number: int


@dataclass(frozen=True, slots=True)
class NoEntries:
    """Have no entry sent any more."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Have the worker end."""

    within_s: float


Wish = (
    Prepare | Submit | Cancel | Withhold | Ask | NoEntries | Stop | ReadAnswer | TokenWanted | Woken
)
# What an order that is ready must not go before, or wait beside.
_FIRST = Prepare | Submit | Cancel | Withhold | NoEntries | Stop


class Wishes:
    """Queue wishes until it is closed; any thread may put, one takes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._queue: SimpleQueue[Wish] = SimpleQueue()
        # What came while an order was waited for: it is taken before the rest.
        self._passed_over: deque[Wish] = deque()
        self._lock = threading.Lock()
        # How many orders and cancels were given and taken.
        self._given = self._taken = 0
        self.is_closed = False

    def put(self, wish: Wish) -> bool:
        """Add a wish; False when nothing is taken any more. Never waits."""
        with self._lock:
            if not self.is_closed:
                self._given += isinstance(wish, Submit | Cancel)
                self._queue.put(wish)
            return not self.is_closed

    def close(self) -> None:
        """Refuse what comes from now on."""
        with self._lock:
            self.is_closed = True

    def take(self, wait_s: float = 0.0) -> Wish | None:
        """Return the next wish, or None when none has come in time."""
        wish = self._passed_over.popleft() if self._passed_over else self._get(wait_s)
        self._taken += isinstance(wish, Submit | Cancel)
        return wish

    def await_submit(self, order: Order, within_s: float) -> Submit | None:
        """Return the leave of this order; None when it does not come, or something else first."""
        until = self._clock.monotonic() + within_s
        while (left_s := until - self._clock.monotonic()) > 0:
            wish = self._get(left_s)
            if isinstance(wish, Submit) and wish.order is order:
                self._taken += 1
                return wish
            if wish is None:
                break
            self._passed_over.append(wish)
            if isinstance(wish, _FIRST):
                break
        return None

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing waits."""
        return self._queue.empty() and not self._passed_over

    @property
    def has_orders(self) -> bool:
        """Tell whether an order or a cancel waits."""
        return self._given != self._taken

    def _get(self, wait_s: float) -> Wish | None:
        try:
            return self._queue.get(timeout=wait_s) if wait_s > 0 else self._queue.get_nowait()
        except Empty:
            return None
