"""A worker with its threads, at a fake exchange through ccxt, and the engine's desk of orders."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from random import Random
from typing import Any

from daemonkit.clock import SystemClock
from daemonkit.secrets import Secret
from tests.fakes.exchange.terms import Rights
from tests.fakes.exchange.venues import KEY
from tests.trading_tests.brokers.ccxt_fake_desks import Desk, open_desk
from tests.waiting import wait_until
from trading.brokers.live.settings import LiveSettings, RequestBudget
from trading.brokers.live.worker import AccountWorker
from trading.brokers.venue import Venue
from trading.engine.journal import Journal
from trading.engine.orders import OrderDesk, sent
from trading.model.order import Order
from trading.model.order_states import ENDED
from trading.model.report import OrderFilled, Report
from trading.model.venue_news import AccountSeen, VenueNews
from trading.risk.approval import approve

SETTINGS = LiveSettings(
    poll_s=0.1,
    poll_first_s=0.02,
    fills_s=0.3,
    reconcile_s=30.0,
    unknown_settle_s=1.0,
    find_first_s=0.05,
    find_longest_s=0.3,
    cancel_first_s=0.2,
    fills_patience_s=1.0,
    retry_first_s=0.05,
    retry_longest_s=0.3,
    budget=RequestBudget(per_s=500.0, burst=500.0),
)


class LiveDesk:
    """Play the engine for a worker that runs."""

    def __init__(self, desk: Desk, reads: Venue | None = None) -> None:
        self.desk = desk
        self.told: list[Report | VenueNews] = []
        self.orders = OrderDesk(Journal())
        self._lock = threading.Lock()
        self._reads = reads
        self.worker = self._make_worker()

    def _make_worker(self) -> AccountWorker:
        return AccountWorker(
            "main",
            self.desk.venue,
            settings=SETTINGS,
            clock=SystemClock(),
            rng=Random(1),
            tell=self._hear,
            reads=self._reads,
        )

    def _hear(self, told: Report | VenueNews) -> None:
        with self._lock:
            self.told.append(told)
            if isinstance(told, Report):
                self.orders.apply(told)

    def start(self) -> None:
        """Start and wait for the first look."""
        with self._lock:
            saved = list(self.orders.open.values())
        self.worker.start(saved)
        wait_until(lambda: self.looks, 5, "the first look at the account")

    def restart(self) -> None:
        """Drop the worker with what it knows, and start one from what the engine has kept."""
        self.stop()
        self.worker = self._make_worker()
        self.told.clear()
        self.start()

    def stop(self) -> None:
        """Stop the worker."""
        self.worker.ask_to_stop(1.0)
        assert self.worker.join(5.0)

    def send(self, order: Order) -> Order:
        """Have an order sent."""
        with self._lock:
            self.orders.add(sent(order, SystemClock.wall()))
        self.worker.submit(approve(order))
        return order

    def cancel(self, order: Order) -> None:
        """Have an order cancelled."""
        with self._lock:
            self.orders.note_cancelling(self.state(order), SystemClock.wall())
        self.worker.cancel("main", order.id)

    def state(self, order: Order) -> Order:
        """Return an order as the engine has it."""
        found = self.orders.get(order.id)
        assert found is not None
        return found

    def wait_ended(self, *orders: Order, within_s: float = 8.0) -> None:
        """Wait until the engine knows how orders ended."""
        wait_until(
            lambda: all(self.state(one).state in ENDED for one in orders),
            within_s,
            f"the ends of {[(one.id, str(self.state(one).state)) for one in orders]}",
        )

    def look(self, number: int) -> AccountSeen:
        """Have all of the account looked at."""
        self.worker.ask(number)
        wait_until(lambda: any(one.number == number for one in self.looks), 5, f"look {number}")
        return next(one for one in self.looks if one.number == number)

    @property
    def looks(self) -> list[AccountSeen]:
        """Return the looks that were told."""
        return [one for one in list(self.told) if isinstance(one, AccountSeen)]

    def check_against_the_exchange(self) -> None:
        """Hold every execution and order that the engine knows against the exchange's own books."""
        engine, account = self.desk.engine, self.desk.account
        fills = [one.fill for one in list(self.told) if isinstance(one, OrderFilled)]
        theirs = engine.trades(account)
        assert sorted((one.quantity, one.price, one.fee) for one in fills) == sorted(
            (one.quantity, one.price, one.fee) for one in theirs
        )
        sent_ids = [one.client_id for one in engine.orders(account)]
        assert len(sent_ids) == len(set(sent_ids)), "an order is there twice"
        for one in engine.orders(account):
            mine = self.orders.get(one.client_id)
            assert mine is not None
            assert mine.filled == one.filled


@contextmanager
def live_desk(name: str, **more: Any) -> Iterator[LiveDesk]:
    """Run a worker at a fake exchange."""
    with open_desk(name) as desk:
        made = LiveDesk(desk, **more)
        made.start()
        try:
            yield made
        finally:
            made.stop()


def market(desk: LiveDesk, quantity: str = "0.01", **more: Any) -> Order:
    """Return a market order."""
    return desk.desk.order(quantity=Decimal(quantity), **more)


def second_venue(desk: Desk) -> Venue:
    """Return another connection of a desk, with a key of its own."""
    secret = desk.engine.keys[KEY].secret
    desk.engine.add_key(desk.account, "second-key", secret, Rights())
    return desk.build(key=Secret("second-key"), is_for_reads=True, timeout_s=0.4)
