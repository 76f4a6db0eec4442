"""What Binance spot lets one address ask, and one account order, by the minutes of its own clock.

Weights are counted for all who ask, whatever their key. Who asks on after a refusal is banned, each
time for twice as long. An order that is executed does not count any more.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from tests.fakes.exchange.binance_refusals import (
    BinanceRefusalError,
    banned,
    too_many_orders,
    too_many_requests,
)
from tests.fakes.exchange.binance_shapes import millis
from tests.fakes.exchange.books import News, OrderChanged
from tests.fakes.exchange.engine import Engine
from tests.fakes.exchange.terms import Account

WEIGHT_MAX: Final = 6_000
_SAPI: Final = "/sapi/"
_SAPI_WEIGHT_MAX: Final = 12_000
_MINUTE_S: Final = 60
_ORDERS_S: Final = 10
_DAY_S: Final = 86_400
_ORDERS_MAX: Final = 100
_REFUSED_MAX: Final = 5
_BAN_S: Final = 120
_BAN_S_MAX: Final = 3 * _DAY_S
_MAKER_COUNTS: Final = 5


class BinanceLimits:
    """Count, and refuse what is too much; everything is called under the engine's lock."""

    def __init__(self, engine: Engine, weight_max: int) -> None:
        self._engine = engine
        self._weight_max = weight_max
        self._minute = 0
        self._used: Counter[str] = Counter()
        self._refused = 0  # requests since the weight was used up
        self._bans = 0
        self._banned_until = 0.0
        self._orders: dict[int, Counter[str]] = {_ORDERS_S: Counter(), _DAY_S: Counter()}
        self._interval = {_ORDERS_S: 0, _DAY_S: 0}
        engine.listen(self._take)

    @property
    def _now(self) -> float:
        return self._engine.clock.wall()

    def spend(self, path: str, weight: int) -> None:
        """Count a request, and refuse it if it is too much."""
        self._turn()
        self._used[_pool(path)] += weight
        if self._now < self._banned_until:
            raise banned(millis(self._banned_until), int(self._banned_until - self._now) + 1)
        if self._used[_pool(path)] <= (self._weight_max if not _pool(path) else _SAPI_WEIGHT_MAX):
            return
        self._refused += 1
        if self._refused <= _REFUSED_MAX:
            raise too_many_requests(int(_MINUTE_S - self._now % _MINUTE_S) + 1)
        ban_s = min(_BAN_S * 2**self._bans, _BAN_S_MAX)
        self._bans += 1
        self._banned_until = self._now + ban_s
        raise banned(millis(self._banned_until), ban_s)

    def use(self, weight: int) -> None:
        """Count what others ask at the same address."""
        self._turn()
        self._used[""] += weight

    def begin_minute(self) -> None:
        """Count from nothing, as in the next minute."""
        self._refused = 0
        self._used.clear()

    @contextmanager
    def order(self, account: Account) -> Iterator[None]:
        """Count an order if it is taken; refuse it where too many are not executed."""
        self._turn()
        if self._orders[_ORDERS_S][account.name] >= _ORDERS_MAX:
            raise too_many_orders()
        # Before it is taken: it may be executed at once.
        self._count(account.name, 1)
        try:
            yield
        except BinanceRefusalError:
            self._count(account.name, -1)
            raise

    def headers(self, path: str, account: Account | None = None) -> dict[str, str]:
        """Tell the counts; those of orders with the answer to an order alone."""
        self._turn()
        if pool := _pool(path):
            return {"x-sapi-used-ip-weight-1m": str(self._used[pool])}
        used = str(self._used[pool])
        told = {"x-mbx-used-weight": used, "x-mbx-used-weight-1m": used}
        if account is not None:
            counts = {each_s: orders[account.name] for each_s, orders in self._orders.items()}
            told["x-mbx-order-count-10s"] = str(counts[_ORDERS_S])
            told["x-mbx-order-count-1d"] = str(counts[_DAY_S])
        return told

    def _turn(self) -> None:
        """Begin anew with each minute, and with each interval of orders."""
        if (minute := int(self._now // _MINUTE_S)) != self._minute:
            self._minute = minute
            self.begin_minute()
        for each_s, orders in self._orders.items():
            if (interval := int(self._now // each_s)) != self._interval[each_s]:
                self._interval[each_s] = interval
                orders.clear()

    def _count(self, account: str, change: int) -> None:
        for orders in self._orders.values():
            orders[account] = max(0, orders[account] + change)

    def _take(self, news: News) -> None:
        """Count an order no more that is executed for the first time."""
        if not isinstance(news, OrderChanged) or news.trade is None:
            return
        self._turn()
        if news.order.filled == news.trade.quantity:
            self._count(news.order.account.name, -_MAKER_COUNTS if news.trade.is_maker else -1)


def _pool(path: str) -> str:
    """Return what a request is counted with: beside the API itself each path is for itself."""
    return path if path.startswith(_SAPI) else ""
