"""A live account whose venue really has what it has, whatever our book says."""

from dataclasses import replace
from decimal import Decimal
from itertools import count

from tcpproto import ReplyState
from tests.trading_tests.engine.floor import D, Floor
from tests.trading_tests.makers import (
    BTC,
    ETH,
    make_account,
    make_account_setup,
    of_kind,
    play,
)
from trading.engine.effects import AskAccount, CancelOrder, SubmitOrder
from trading.model.account import MarketType
from trading.model.order import Fill, Order, OrderType, Side
from trading.model.order_states import OrderState
from trading.model.report import (
    NEVER_REACHED,
    OrderAccepted,
    OrderCancelled,
    OrderFilled,
    OrderRejected,
)
from trading.model.venue_news import AccountSeen, OpenOrderSeen, PositionSeen, VenueConnected

APPLIED = ReplyState.APPLIED


class World:
    """A floor with a live account, and what its venue really has."""

    def __init__(self, kind: MarketType = MarketType.SPOT) -> None:
        account = replace(make_account(kind=kind), is_paper=False, exchange="kraken")
        quiet = play(lambda _context, _tick: None, "quiet")
        self.floor = Floor(quiet, accounts=[replace(make_account_setup(account), paper=None)])
        self.is_spot = kind is MarketType.SPOT
        self.holdings: dict[str, Decimal] = {"USDT": D(10_000)}
        self.orders: list[OpenOrderSeen] = []
        self.positions: list[PositionSeen] = []
        self.price = 100.0
        self._fills = count(1)
        self.connect()

    def connect(self) -> None:
        self.carry_out()
        for order in self.floor.trader.orders.open_orders():
            if order.state is OrderState.SENT:
                # It went out with a process that was killed: the worker finds nothing of it.
                gone = OrderCancelled("main", order.id, NEVER_REACHED, self.floor.now)
                self.floor.tell(gone)
                self.carry_out()
        for symbol, price in ((BTC, self.price), (ETH, 50.0)):
            self.floor.tick(price, symbol)
            self.carry_out()
        self.floor.tell(VenueConnected("main", True, True, self.floor.now))
        self.carry_out()
        self.look()
        self.floor.tick(self.price)
        self.carry_out()

    def look(self, number: int = 0) -> list[int]:
        """Show the account; return the numbers of the looks that are asked for."""
        # What a venue has refused is tried again with the next sample.
        self.floor.sample()
        self.carry_out()
        holdings = {name: amount for name, amount in self.holdings.items() if amount}
        positions = None if self.is_spot else list(self.positions)
        seen = AccountSeen("main", number, list(self.orders), holdings, positions, self.floor.now)
        self.floor.tell(seen)
        self.carry_out()
        return self.asked

    def looks(self, times: int = 2) -> None:
        for _ in range(times):
            self.look()

    @property
    def asked(self) -> list[int]:
        return [one.number for one in of_kind(self.floor.effects, AskAccount)]

    def answer(self, number: int, choice: str) -> str:
        """Answer a difference and let the venue do what follows."""
        state, text = self.floor.do("reconcile", str(number), choice)
        assert state is APPLIED, text
        self.carry_out()
        return text

    def carry_out(self) -> None:
        """Be the venue: take orders in, fill those at the market, cancel what is asked for."""
        while True:
            sent = of_kind(self.floor.effects, SubmitOrder)
            cancelled = of_kind(self.floor.effects, CancelOrder)
            if not sent and not cancelled:
                return
            self.floor.effects = []
            for one in sent:
                self._take(one.approved.order)
            for gone in cancelled:
                self.cancel(gone.order_id)

    def _take(self, order: Order) -> None:
        base = order.symbol.partition("/")[0]
        is_short = order.side is Side.SELL and self.holdings.get(base, D(0)) < order.quantity
        if self.is_spot and is_short:
            self._tell(OrderRejected("main", order.id, "insufficient funds", self.floor.now))
            return
        self._tell(OrderAccepted("main", order.id, f"v-{order.id}", self.floor.now))
        if order.type is OrderType.MARKET:
            self.fill(order)
            return
        self.orders.append(
            OpenOrderSeen(
                order.id,
                f"v-{order.id}",
                order.symbol,
                order.side,
                order.type,
                order.quantity,
                D(0),
                order.limit_price,
                order.stop_price,
                order.reduce_only,
                self.floor.now,
            )
        )

    def fill(self, order: Order) -> None:
        """Fill an order at the price and say so."""
        price = D(str(self.price))
        base = order.symbol.partition("/")[0]
        if self.is_spot:
            moved = order.side.sign * order.quantity
            self.holdings[base] = self.holdings.get(base, D(0)) + moved
            self.holdings["USDT"] -= moved * price
        else:
            self.positions = [one for one in self.positions if one.symbol != order.symbol]
        fill = Fill(
            f"f{next(self._fills)}",
            "main",
            order.id,
            order.symbol,
            order.side,
            order.quantity,
            price,
            D(0),
            "USDT",
            self.floor.now,
        )
        self._tell(OrderFilled(fill))

    def cancel(self, order_id: str) -> None:
        """End an order and say so."""
        self.orders = [one for one in self.orders if order_id not in (one.order_id, one.venue_id)]
        self._tell(OrderCancelled("main", order_id, "cancelled", self.floor.now))

    def _tell(self, report: OrderAccepted | OrderRejected | OrderFilled | OrderCancelled) -> None:
        before = self.floor.effects
        self.floor.tell(report)
        self.floor.effects = [*before, *self.floor.effects]

    def buys(self, symbol: str = BTC) -> ReplyState:
        self.floor.tick(self.price if symbol == BTC else 50.0, symbol)
        answer = self.floor.do("buy", symbol, "1")
        self.carry_out()
        return answer.state


def seen_order(venue_id: str = "V1", order_id: str = "", **more: object) -> OpenOrderSeen:
    plain = OpenOrderSeen(
        order_id, venue_id, BTC, Side.BUY, OrderType.LIMIT, D(2), D(0), D(90), None, False, 1.0
    )
    return replace(plain, **more)  # type: ignore[arg-type]
