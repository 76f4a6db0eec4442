"""A paper exchange in the hands of a story: orders in, reports out, and a ledger beside it."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeVar

from trading.brokers.paper.exchange import PaperExchange
from trading.brokers.paper.terms import PaperTerms
from trading.model.account import Account, MarketType
from trading.model.instrument import Instrument
from trading.model.market import Bar, Tick
from trading.model.order import Fill, Order, OrderType, Purpose, Side
from trading.model.order_states import ENDED, OrderState, OrderTrigger, advance_order
from trading.model.report import (
    OrderAccepted,
    OrderCancelled,
    OrderFilled,
    OrderRejected,
    OrderTriggered,
    Report,
)

T = TypeVar("T")

BTC = "BTC/USDT"
ETH = "ETH/USDT"
SPOT = Account("main", "paper", MarketType.SPOT, True, "USDT", can_short=False, leverage=Decimal(1))
SWAP = Account("main", "paper", MarketType.SWAP, True, "USDT", can_short=True, leverage=Decimal(2))
FREE = PaperTerms(Decimal(0), Decimal(0), Decimal(0))
INSTRUMENTS = {
    BTC: Instrument(
        BTC,
        "BTC",
        "USDT",
        price_step=Decimal("0.01"),
        quantity_step=Decimal("0.001"),
        quantity_min=Decimal("0.005"),
        cost_min=Decimal(1),
        quantity_max=Decimal(1000),
    ),
    ETH: Instrument(ETH, "ETH", "USDT", price_step=Decimal("0.1"), quantity_step=Decimal("0.01")),
}


def make_order(side: Side, kind: OrderType, quantity: object, **more: Any) -> Order:
    """Return an order; prices may be given as text or whole numbers."""
    for name in ("limit_price", "stop_price", "reserve_price"):
        if name in more:
            more[name] = Decimal(more[name])
    fields: dict[str, Any] = {
        "id": "o1",
        "symbol": BTC,
        "created_at": 0.0,
        "purpose": Purpose.ENTRY,
    } | more
    return Order(account="main", side=side, type=kind, quantity=Decimal(str(quantity)), **fields)


def make_exchange(
    account: Account = SPOT, terms: PaperTerms = FREE, cash: object = 1000, **held: Any
) -> PaperExchange:
    """Return an exchange with money and, as `btc=` and `eth=`, coins."""
    exchange = PaperExchange(account, terms, INSTRUMENTS)
    holdings = {f"{coin.upper()}/USDT": Decimal(str(amount)) for coin, amount in held.items()}
    exchange.restore(cash=Decimal(str(cash)), holdings=holdings, orders=[], at=0.0)
    return exchange


class Desk:
    """Place orders at an exchange and follow them as the bot's ledger does."""

    def __init__(self, exchange: PaperExchange, *, at: float = 0.0) -> None:
        self.exchange = exchange
        self.at = at
        self.cash = exchange.cash
        self.holdings = dict(exchange.holdings)
        self.orders: dict[str, Order] = {}
        self.fills: list[Fill] = []
        self.reports: list[Report] = []

    def place(self, side: Side, kind: OrderType, quantity: object, **more: Any) -> list[Report]:
        """Submit an order at the moment of the last event."""
        more.setdefault("id", f"o{len(self.orders) + 1}")
        return self.submit(make_order(side, kind, quantity, created_at=self.at, **more))

    def submit(self, order: Order) -> list[Report]:
        """Submit an order that exists already."""
        assert order.id not in self.orders
        self.orders[order.id] = replace(order, state=OrderState.SENT)
        return self.follow(self.exchange.submit(order, self.at))

    def cancel(self, order_id: str) -> list[Report]:
        """Cancel an order."""
        return self.follow(self.exchange.cancel(order_id, self.at))

    def tick(
        self, price: float, at: float | None = None, *, size: float = 1.0, symbol: str = BTC
    ) -> list[Report]:
        """Let a price be seen, by default a second later, as the core does: if it is awaited."""
        self.at = self.at + 1.0 if at is None else at
        if symbol not in self.exchange.busy:
            return []
        return self.follow(self.exchange.on_tick(Tick(symbol, price, size, self.at)))

    def bar(
        self,
        prices: tuple[float, float, float, float],
        *,
        start: float | None = None,
        volume: float = 1.0,
        symbol: str = BTC,
    ) -> list[Report]:
        """Let a candle (open, high, low, close) of a minute close, from the last event on."""
        start = self.at if start is None else start
        candle = Bar(symbol, start, 60, *prices, volume)
        self.at = candle.end
        if symbol not in self.exchange.busy:
            return []
        return self.follow(self.exchange.on_bar_open(candle) + self.exchange.on_bar_range(candle))

    def quiet(self, price: float, at: float | None = None, symbol: str = BTC) -> list[Report]:
        """Say that nothing happens."""
        self.at = self.at + 1.0 if at is None else at
        return self.follow(self.exchange.on_quiet(symbol, price, self.at))

    def follow(self, reports: list[Report]) -> list[Report]:
        """Book reports; any that an order could not have raises."""
        for report in reports:
            self.reports.append(report)
            self._book(report)
        return reports

    def restart(self, *, prices: Mapping[str, float] | None = None) -> None:
        """Build the exchange anew from what the ledger has."""
        prices = self.exchange.marks if prices is None else prices
        open_orders = [order for order in self.orders.values() if order.state not in ENDED]
        old = self.exchange
        self.exchange = PaperExchange(old._account, old._terms, old._instruments)
        self.follow(
            self.exchange.restore(
                cash=self.cash,
                holdings=self.holdings,
                orders=open_orders,
                at=self.at,
                prices=prices,
            )
        )

    def _book(self, report: Report) -> None:
        order = self.orders[report.order_id]
        if isinstance(report, OrderTriggered):
            assert not order.is_triggered
            self._keep(replace(order, is_triggered=True, updated_at=report.at))
        elif isinstance(report, OrderFilled):
            self._book_fill(order, report.fill)
        else:
            trigger = {
                OrderAccepted: OrderTrigger.ACCEPT,
                OrderRejected: OrderTrigger.REJECT,
                OrderCancelled: OrderTrigger.CANCEL,
            }[type(report)]
            accepted_at = report.at if trigger is OrderTrigger.ACCEPT else order.accepted_at
            state = advance_order(order.state, trigger)
            self._keep(replace(order, state=state, accepted_at=accepted_at, updated_at=report.at))

    def _book_fill(self, order: Order, fill: Fill) -> None:
        assert order.state not in ENDED
        filled = order.filled + fill.quantity
        is_whole = filled == order.quantity
        state = advance_order(order.state, OrderTrigger.COMPLETE if is_whole else OrderTrigger.FILL)
        self._keep(
            replace(
                order,
                state=state,
                filled=filled,
                cost=order.cost + fill.price * fill.quantity,
                updated_at=fill.at,
            )
        )
        self.fills.append(fill)
        sign = fill.side.sign
        self.cash -= sign * fill.price * fill.quantity + fill.fee
        before = self.holdings.pop(fill.symbol, Decimal(0))
        after = before + sign * fill.quantity
        if order.reduce_only:
            assert before * after >= 0
            assert abs(after) < abs(before)
        if after:
            self.holdings[fill.symbol] = after

    def _keep(self, order: Order) -> None:
        self.orders[order.id] = order


def make_desk(
    account: Account = SPOT, terms: PaperTerms = FREE, cash: object = 1000, **held: Any
) -> Desk:
    """Return a desk at an exchange with money and coins."""
    return Desk(make_exchange(account, terms, cash, **held))


def fills_of(reports: Iterable[Report]) -> list[tuple[float, float]]:
    """Return price and quantity of each fill."""
    return [
        (float(one.fill.price), float(one.fill.quantity))
        for one in reports
        if isinstance(one, OrderFilled)
    ]


def kinds_of(reports: Iterable[Report]) -> list[type]:
    """Return what the reports are."""
    return [type(one) for one in reports]


def only(reports: Iterable[Report], kind: type[T]) -> T:
    """Return the one report there is, which is of a kind."""
    (report,) = reports
    assert isinstance(report, kind)
    return report


NAN = math.nan
