"""A venue that is not on paper, spoken for by hand: orders go out as effects, words come back."""

from dataclasses import replace
from itertools import count
from typing import Any

from tcpproto import ReplyState
from tests.trading_tests.engine.floor import D, Floor
from tests.trading_tests.makers import BTC, make_account, make_account_setup, of_kind
from trading.engine.effects import AskAccount, CancelOrder, SubmitOrder
from trading.model.account import MarketType
from trading.model.order import Fill, Order
from trading.model.report import OrderAccepted, OrderCancelled, OrderFilled, OrderLost
from trading.model.venue_news import AccountSeen, OpenOrderSeen, PositionSeen, VenueConnected


class Venue:
    """Speak for a venue: every word becomes a report to the core."""

    def __init__(
        self,
        kind: MarketType = MarketType.SPOT,
        *,
        leverage: str = "1",
        has_stops: bool = True,
        has_brackets: bool = True,
        **rules: Any,
    ) -> None:
        account = replace(make_account("main", kind, leverage=leverage), exchange="kraken")
        setup = make_account_setup(replace(account, is_paper=False))
        self.floor = Floor(accounts=[replace(setup, paper=None)], **rules)
        self.floor.tick(100.0)
        self._fills = count(1)
        self._means = has_stops, has_brackets
        self.begin()

    def begin(self) -> None:
        """Connect, and show the account until nothing about it is in doubt."""
        self.connect()
        self.show()
        self.show()

    def connect(self) -> None:
        """Say that the account can be traded, and what its venue can hold."""
        self.floor.tell(VenueConnected("main", *self._means, self.floor.now))

    def show(
        self, number: int = 0, *orders: OpenOrderSeen, usdt: str = "10000", **holdings: str
    ) -> None:
        """Show the account, with holdings beside its money."""
        held = {"USDT": D(usdt)} | {name: D(text) for name, text in holdings.items()}
        kind = self.floor.trader.desks["main"].account.market_type
        positions: list[PositionSeen] | None = None if kind is MarketType.SPOT else []
        self.floor.tell(AccountSeen("main", number, orders, held, positions, self.floor.now))

    def buy(self, quantity: str = "1") -> Order:
        """Have a person buy, and return the order as it went out."""
        assert self.floor.do("buy", BTC, quantity).state is ReplyState.APPLIED
        return self.sent()

    def sent(self) -> Order:
        """Return the only order that went out with the last event."""
        (effect,) = of_kind(self.floor.effects, SubmitOrder)
        return effect.approved.order

    def accept(self, order: Order) -> None:
        self.floor.tell(OrderAccepted("main", order.id, f"v-{order.id}", self.floor.now))

    def fill(
        self,
        order: Order,
        price: float,
        quantity: str | None = None,
        *,
        fee: str = "0",
        fee_currency: str = "USDT",
        at: float | None = None,
    ) -> OrderFilled:
        size = order.quantity if quantity is None else D(quantity)
        fill = Fill(
            f"fill-{next(self._fills)}",
            "main",
            order.id,
            BTC,
            order.side,
            size,
            D(str(price)),
            D(fee),
            fee_currency,
            self.floor.now if at is None else at,
        )
        report = OrderFilled(fill)
        self.floor.tell(report)
        return report

    def cancelled(self, order_id: str, reason: str = "cancelled") -> None:
        self.floor.tell(OrderCancelled("main", order_id, reason, self.floor.now))

    def lose(self, order: Order) -> None:
        self.floor.tell(OrderLost("main", order.id, "timeout", self.floor.now))

    def asked(self) -> list[int]:
        """Return the numbers of the looks that were asked for with the last event."""
        return [one.number for one in of_kind(self.floor.effects, AskAccount)]

    @property
    def is_idle(self) -> bool:
        """Tell whether the last event had the venue do nothing."""
        return not [one for one in self.floor.effects if isinstance(one, SubmitOrder | CancelOrder)]

    def bought(self, quantity: str = "1") -> Order:
        """Have bitcoins bought at 100, and return the order that protects them."""
        entry = self.buy(quantity)
        self.accept(entry)
        self.fill(entry, 100.0)
        protection = self.sent()
        self.accept(protection)
        return protection

    def asked_to_cancel(self) -> list[str]:
        """Return the orders that the venue was asked to cancel with the last event."""
        return [one.order_id for one in of_kind(self.floor.effects, CancelOrder)]
