"""What strategies' contexts ask the engine: prices, candles, positions, orders, ids."""

from collections.abc import Mapping, Sequence

from trading.engine.desks import AccountDesk
from trading.engine.markets import Markets
from trading.engine.order_ids import OrderIds
from trading.engine.orders import OrderDesk
from trading.market.series import SymbolSeries
from trading.model.order import Order
from trading.model.position import Position
from trading.strategies.errors import StrategyError


class MarketView:
    """Answer contexts; the methods are on the hot path."""

    def __init__(
        self,
        markets: Markets,
        desks: Mapping[str, AccountDesk],
        orders: OrderDesk,
        ids: OrderIds,
        account_of: Mapping[str, str],
    ) -> None:
        self._markets = markets
        self._desks = desks
        self._orders = orders
        self._ids = ids
        self._account_of = account_of

    @property
    def now(self) -> float:
        """The market time, in Unix seconds."""
        return self._markets.now

    def price(self, symbol: str) -> float | None:
        """Return the last price of a symbol, or None before the first."""
        market = self._markets.by_symbol.get(symbol)
        return None if market is None else market.price

    def position(self, account: str, symbol: str) -> Position | None:
        """Return the position in a market, whoever owns it."""
        return self._desks[account].book.positions.get(symbol)

    def equity(self, account: str) -> float:
        """Return what an account is worth now."""
        return self._desks[account].book.equity()

    def open_orders(self, instance: str) -> Sequence[Order]:
        """Return the orders of an instance that are not done."""
        return [one for one in self._orders.open_orders() if one.instance == instance]

    def series(self, symbol: str) -> SymbolSeries:
        """Return the candles of a symbol."""
        market = self._markets.by_symbol.get(symbol)
        if market is None:
            raise StrategyError(f"{symbol}: no market of this bot")
        return market.series

    def next_order_id(self, instance: str) -> str:
        """Return a new client order id."""
        return self._ids.next_id(self._account_of[instance], instance)
