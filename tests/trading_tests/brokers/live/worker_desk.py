"""A worker at its model venue without threads, and the engine's own desk of orders behind it."""

from collections.abc import Iterable
from decimal import Decimal
from random import Random
from typing import Any, TypeVar

from daemonkit.clock import ManualClock
from tests.trading_tests.brokers.live.venue_model import SPOT, ModelVenue
from tests.trading_tests.makers import BTC, NOW
from trading.brokers.live.breaker import BreakerState
from trading.brokers.live.settings import LiveSettings
from trading.brokers.live.worker import AccountWorker
from trading.brokers.venue import Abilities
from trading.engine.journal import Journal
from trading.engine.orders import OrderDesk, sent
from trading.model.order import Order, OrderType, Purpose, Side
from trading.model.order_states import ENDED
from trading.model.report import Report
from trading.model.venue_news import AccountSeen, VenueNews, VenueTrouble
from trading.risk.approval import ApprovedOrder, approve

ACCOUNT = "main"
T = TypeVar("T")


def make_order(
    order_id: str = "o1",
    *,
    side: Side = Side.BUY,
    kind: OrderType = OrderType.LIMIT,
    quantity: str = "1",
    reduces: bool = False,
    at: float = NOW,
    **more: Any,
) -> Order:
    """Return an approved order: an entry at a limit unless said otherwise."""
    return Order(
        id=order_id,
        account=ACCOUNT,
        symbol=BTC,
        side=side,
        type=kind,
        purpose=Purpose.EXIT if reduces else Purpose.ENTRY,
        quantity=Decimal(quantity),
        created_at=at,
        limit_price=None if kind is OrderType.MARKET else Decimal(90),
        reduce_only=reduces,
        **more,
    )


class WorkerDesk:
    """Play the engine for one worker: give it orders, apply what it tells, restart it."""

    def __init__(self, abilities: Abilities = SPOT, **settings: Any) -> None:
        self.clock = ManualClock(NOW, 1_000.0)
        self.venue = ModelVenue(self.clock, abilities)
        self.settings = LiveSettings(**settings)
        self.told: list[Report | VenueNews] = []
        self.orders = OrderDesk(Journal())
        self.worker = self.make_worker()

    def make_worker(self, **more: Any) -> AccountWorker:
        """Return a worker that has not begun."""
        return AccountWorker(
            ACCOUNT,
            self.venue,
            settings=self.settings,
            clock=self.clock,
            rng=Random(1),
            tell=self.hear,
            submit_if=self.venue.submit_if,
            **more,
        )

    def hear(self, told: Report | VenueNews) -> None:
        """Take in what the worker tells, as the engine does: an illegal report raises."""
        self.told.append(told)
        if isinstance(told, Report):
            self.orders.apply(told)

    def begin(self, saved: Iterable[Order] = ()) -> None:
        """Begin and wait for the first look."""
        self.worker.begin(saved)
        self.run_until(AccountSeen)

    def restart(self) -> None:
        """Drop the worker with all that it knows, and begin with what the engine has kept."""
        self.worker = self.make_worker()
        self.worker.begin(self.orders.open_orders())

    def decide(self, order: Order) -> ApprovedOrder:
        """Have the engine keep an order that is to be sent."""
        self.orders.add(sent(order, self.clock.wall()))
        return approve(self.state(order.id))

    def submit(self, *orders: Order) -> None:
        """Give orders as the store does after its commit."""
        for order in orders:
            self.worker.submit(self.decide(order))

    def cancel(self, order_id: str = "o1") -> None:
        """Want an order cancelled."""
        order = self.orders.get(order_id)
        if order is not None:
            self.orders.note_cancelling(order, self.clock.wall())
        self.worker.cancel(ACCOUNT, order_id)

    def run(self, seconds: float) -> None:
        """Let time pass and the worker work; the clock moves from one due thing to the next."""
        ends_at = self.clock.monotonic() + seconds
        while (left_s := ends_at - self.clock.monotonic()) > 0:
            self.clock.advance(min(self.worker.step(), left_s))

    def run_until(self, kind: type[T], within_s: float = 60.0) -> T:
        """Let the worker work until it tells something of a kind."""
        ends_at = self.clock.monotonic() + within_s
        known = len(self.told)
        while self.clock.monotonic() < ends_at:
            wait_s = self.worker.step()
            for one in self.told[known:]:
                if isinstance(one, kind):
                    return one
            self.clock.advance(wait_s)
        raise AssertionError(f"no {kind.__name__} within {within_s:g} s")

    def told_of(self, kind: type[T]) -> list[T]:
        """Return what was told of a kind."""
        return [one for one in self.told if isinstance(one, kind)]

    def story(self, order_id: str = "o1") -> list[str]:
        """Return the kinds of reports of an order, in order."""
        return [
            type(one).__name__.removeprefix("Order").lower()
            for one in self.told
            if isinstance(one, Report) and one.order_id == order_id
        ]

    def state(self, order_id: str = "o1") -> Order:
        """Return an order as the engine has it."""
        order = self.orders.get(order_id)
        assert order is not None, order_id
        return order

    def is_closed(self) -> bool:
        """Tell whether the breaker is closed: the venue is asked."""
        return self.worker.breaker_state is BreakerState.CLOSED

    @property
    def trouble(self) -> str:
        """Return the last trouble that was told."""
        told = self.told_of(VenueTrouble)
        return told[-1].reason if told else ""

    def is_ended(self, order_id: str = "o1") -> bool:
        """Tell whether the engine knows how an order ended."""
        return self.state(order_id).state in ENDED
