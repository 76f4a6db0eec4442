"""What the contract sees of any venue: an account, a price that is moved, and the books of a bot.

Orders go through the engine's own desk of orders, so a report that its table does not allow fails.
Cash is booked as on spot: a position is paid for in full, and a short sale brings its price.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from daemonkit.clock import Clock
from tests.fakes.exchange.terms import Fees
from trading.engine.journal import Journal
from trading.engine.orders import OrderDesk, sent
from trading.model.order import Fill, Order, OrderType, Purpose, Side
from trading.model.order_states import ENDED
from trading.model.report import OrderFilled, Report

D = Decimal
CASH: Final = D(100_000)
PRICE: Final = D(64_000)


class Face(ABC):
    """An account at a venue in the hands of a story.

    `has_positions`: it may go short. `has_brackets`: stop and target rest there as one order.
    """

    has_positions: bool
    has_brackets: bool

    def __init__(self, account: str, symbol: str, clock: Clock, fees: Fees) -> None:
        self.account, self.symbol, self.fees, self._clock = account, symbol, fees, clock
        self.orders = OrderDesk(Journal())
        self.told: list[Report] = []
        self.cash, self.held = CASH, D(0)
        self._count = 0

    # What a venue does.

    @abstractmethod
    def give(self, order: Order) -> None:
        """Hand an order to the venue."""

    @abstractmethod
    def take_back(self, order_id: str) -> None:
        """Want an order cancelled."""

    @abstractmethod
    def price(self, price: object, volume: object = None) -> None:
        """Let the market trade at a price, so much of it or as much as anybody wants."""

    @abstractmethod
    def wait(self, is_so: Callable[[], bool], what: str) -> None:
        """Let the venue be heard of until something is so."""

    @abstractmethod
    def settle(self) -> None:
        """Let everything be heard that there is to hear."""

    @abstractmethod
    def restart(self) -> None:
        """Drop all that is not in the books, and go on from them."""

    @abstractmethod
    def money(self) -> tuple[Decimal, Decimal]:
        """Return cash and what is held, by the venue's own books."""

    @abstractmethod
    def taken_ids(self) -> list[str]:
        """Return the ids of all orders that the venue took, as often as it took them."""

    # What the bot does with it.

    def order(
        self, side: Side, quantity: object, kind: OrderType = OrderType.MARKET, **more: Any
    ) -> Order:
        """Make an order with an id of its own."""
        self._count += 1
        for name in ("limit_price", "stop_price"):
            if name in more:
                more[name] = D(more[name])
        values: dict[str, Any] = {
            "id": f"t{self.account}abcdefghijk{self._count:03d}"[-18:],
            "account": self.account,
            "symbol": self.symbol,
            "purpose": Purpose.EXIT if more.get("reduce_only") else Purpose.ENTRY,
            "created_at": self._clock.wall(),
            **more,
        }
        return Order(side=side, type=kind, quantity=D(str(quantity)), **values)

    def send(self, order: Order) -> Order:
        """Note that an order is sent, and hand it over."""
        self.orders.add(sent(order, self._clock.wall()))
        self.give(order)
        return order

    def trade(self, side: Side, quantity: object, **more: Any) -> Order:
        """Buy or sell at market and wait for the end of it."""
        return self.wait_ended(self.send(self.order(side, quantity, **more)))

    def rest(self, side: Side, quantity: object, kind: OrderType, **more: Any) -> Order:
        """Send an order that rests, and wait until the venue has it."""
        order = self.send(self.order(side, quantity, kind, **more))
        self.wait(lambda: bool(self.now(order).venue_id), f"the acceptance of {order}")
        assert self.now(order).state not in ENDED, self.now(order)
        return order

    def cancel(self, order: Order) -> None:
        """Want an order cancelled."""
        self.orders.note_cancelling(self.now(order), self._clock.wall())
        self.take_back(order.id)

    def wait_ended(self, order: Order) -> Order:
        """Wait until it is known how an order ended, and return it as it is then."""
        self.wait(lambda: self.now(order).state in ENDED, f"the end of {order}")
        return self.now(order)

    def wait_filled(self, order: Order, quantity: object) -> None:
        """Wait until so much of an order is known to be filled."""
        wanted = D(str(quantity))
        self.wait(lambda: self.now(order).filled == wanted, f"{wanted} filled of {order}")

    def now(self, order: Order) -> Order:
        """Return an order as the books have it."""
        found = self.orders.get(order.id)
        assert found is not None
        return found

    def hear(self, report: Report) -> None:
        """Book a report."""
        self.told.append(report)
        change = self.orders.apply(report)
        if isinstance(report, OrderFilled) and change is not None:
            fill = report.fill
            assert fill.fee_currency in ("", self.symbol.partition("/")[2])
            self.cash -= fill.side.sign * fill.price * fill.quantity + fill.fee
            self.held += fill.side.sign * fill.quantity

    def fills(self, order: Order) -> list[Fill]:
        """Return the executions of an order that were told."""
        return [
            one.fill
            for one in self.told
            if isinstance(one, OrderFilled) and one.order_id == order.id
        ]

    def story(self, order: Order) -> list[str]:
        """Return what was told of an order, in its order."""
        return [
            type(one).__name__.removeprefix("Order").lower()
            for one in self.told
            if one.order_id == order.id
        ]

    def check(self) -> None:
        """Hold the books against the venue's, to the last digit."""
        self.settle()
        assert (self.cash, self.held) == self.money()
        taken = self.taken_ids()
        assert len(taken) == len(set(taken)), "an order is there twice"
