"""Seeded lives of an account: orders, executions, trouble and restarts at any step.

At every look the holdings must be what the executions told before it add up to; at the end every
order must be as the venue has it, and none may be there twice.
"""

from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from tests.trading_tests.brokers.live.venue_model import SPOT
from tests.trading_tests.brokers.live.worker_desk import ACCOUNT, WorkerDesk, make_order
from tests.trading_tests.makers import NOW
from trading.brokers.venue import FailureKind, VenueOrderState
from trading.model.order import Order, OrderType, Side
from trading.model.order_states import OrderState
from trading.model.report import Report
from trading.model.venue_news import AccountSeen, VenueNews
from trading.risk.approval import ApprovedOrder

READS = ("find", "find all", "open", "fills", "holdings", "time", "connect")
RESTING = (OrderState.WORKING, OrderState.PARTIAL)


class SeededLife(WorkerDesk):
    """Let chance do what it can to one account."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self.every_order: list[Order] = []
        self.under_commit: dict[str, ApprovedOrder] = {}
        self.unsent: set[str] = set()
        super().__init__(replace(SPOT, finds_at_once=self.rng.choice((1, 2, 50))))
        self.venue.fills_at_once = self.rng.random() < 0.5
        self.venue.has_client_ids = self.rng.random() < 0.7
        self.venue.shows_cancelled = self.rng.random() < 0.5
        self.venue.late_s = 8.0

    def hear(self, told: Report | VenueNews) -> None:
        super().hear(told)
        if isinstance(told, AccountSeen):
            self._check_look(told)

    def live(self) -> None:
        """Do a hundred things, and let the worker do a few steps after each."""
        acts = (self._order, self._order, self._cancel, self._execute, self._end, self._trouble)
        others = (self._trouble, self._ask, self._wait, self._wait, self._list_old, self._drop)
        self.worker.begin(())
        for _ in range(100):
            self.rng.choice(acts + others)()
            for _ in range(self.rng.randrange(6)):
                self.clock.advance(min(self.worker.step(), 0.2))
            self._end_commits()

    def come_to_rest(self) -> None:
        """Let everything work again for long enough."""
        for request in (*READS, "submit", "cancel"):
            self.venue.calm(request)
        while self.under_commit:
            self._end_commits()
        self.run(400)

    def check(self) -> None:
        """Hold what the engine knows against the venue."""
        assert self.worker.trouble == ""
        truth = {one.client_id: one for one in self.venue.orders.values()}
        assert len(truth) == len(self.venue.orders), "an order is there twice"
        assert self.unsent.isdisjoint(self.venue.sent), "an order left that was not committed"
        for order in map(self.state, [one.id for one in self.every_order]):
            shown = truth.get(order.id)
            if shown is None:
                assert order.state in (OrderState.REJECTED, OrderState.CANCELLED), order
                continue
            assert order.filled == shown.filled, (order, shown)
            assert (order.state in RESTING) == (shown.state is VenueOrderState.OPEN), order

    def _check_look(self, seen: AccountSeen) -> None:
        orders = [self.state(one.id) for one in self.every_order]
        if any(one.state is OrderState.UNKNOWN for one in orders):
            # The engine compares nothing in a market in which it knows that it does not know.
            return
        bought = sum((one.side.sign * one.filled for one in orders), Decimal(0))
        assert seen.holdings.get("BTC", Decimal(0)) == bought
        shown = {one.order_id for one in seen.orders}
        for order in orders:
            if order.state in RESTING:
                assert order.id in shown, (order, seen)

    def _order(self) -> None:
        kind = self.rng.choice((OrderType.MARKET, OrderType.LIMIT, OrderType.LIMIT))
        side = self.rng.choice((Side.BUY, Side.SELL))
        order_id = f"o{len(self.every_order) + 1}"
        more: dict[str, Any] = {"side": side, "reduces": side is Side.SELL}
        order = make_order(
            order_id, kind=kind, quantity="2", at=self.clock.wall() if self.told else NOW, **more
        )
        self.every_order.append(order)
        words = ("", "", "lost", "dropped", "late", "refused", "busy", "bug")
        self.venue.script("submit", self.rng.choice(words))
        self._commit(order)

    def _commit(self, order: Order) -> None:
        """Have an order sent that is committed, or written while it is."""
        if self.rng.random() < 0.5:
            self.submit(order)
            return
        self.under_commit[order.id] = self.decide(order)
        self.worker.prepare(self.under_commit[order.id])
        if self.rng.random() < 0.8:
            self.venue.during("submit if", self._end_commits)

    def _end_commits(self) -> None:
        """Let some orders be committed, and a few not: perhaps in the middle of being written."""
        for order_id, approved in list(self.under_commit.items()):
            if (chance := self.rng.random()) < 0.6:
                del self.under_commit[order_id]
                if chance < 0.1:
                    self.unsent.add(order_id)
                    self.worker.withhold(approved, "the disk is full")
                else:
                    self.worker.submit(approved)

    def _cancel(self) -> None:
        wanted = [one for one in self.orders.open_orders() if not one.is_cancelling]
        if wanted:
            self.venue.script("cancel", self.rng.choice(("", "", "lost", "dropped")))
            self.cancel(self.rng.choice(wanted).id)

    def _execute(self) -> None:
        if self.rng.random() < 0.5:
            self._execute_now()
        else:
            # In the middle of whatever is asked next.
            self.venue.during(self.rng.choice((*READS, "cancel")), self._execute_now)

    def _execute_now(self) -> None:
        resting = [one for one in self.venue.orders.values() if one.state is VenueOrderState.OPEN]
        if resting:
            self.venue.fill(self.rng.choice(resting).client_id, "1")

    def _end(self) -> None:
        resting = [one for one in self.venue.orders.values() if one.state is VenueOrderState.OPEN]
        if resting and self.rng.random() < 0.5:
            states = (VenueOrderState.CANCELLED, VenueOrderState.EXPIRED)
            self.venue.end(self.rng.choice(resting).client_id, self.rng.choice(states))

    def _trouble(self) -> None:
        kinds = (FailureKind.UNREACHABLE, FailureKind.BUSY, FailureKind.BAD_ANSWER)
        trouble = self.rng.choice((*kinds, FailureKind.KEY, "bug"))
        self.venue.script(self.rng.choice(READS), *[trouble] * self.rng.randrange(1, 5))

    def _ask(self) -> None:
        self.worker.ask(self.rng.randrange(1, 100))

    def _wait(self) -> None:
        self.run(self.rng.random() * 4)

    def _list_old(self) -> None:
        self.venue.old_list = list(self.venue.open_now())

    def _drop(self) -> None:
        if self.rng.random() < 0.3:
            self.restart()

    def restart(self) -> None:
        """Begin again with what was kept, ended orders included; nothing else is sent any more."""
        self.unsent.update(self.under_commit)
        self.under_commit.clear()
        self.worker = self.make_worker()
        self.worker.begin([self.state(one.id) for one in self.every_order])


@pytest.mark.parametrize("block", range(8))
def test_seeded_lives_end_as_the_venue_has_them(block: int) -> None:
    for seed in range(block * 3, block * 3 + 3):
        live(seed)


@pytest.mark.long
@pytest.mark.parametrize("block", range(10))
def test_a_thousand_seeded_lives_end_as_the_venue_has_them(block: int) -> None:
    for seed in range(1_000 + block * 100, 1_100 + block * 100):
        live(seed)


def live(seed: int) -> None:
    life = SeededLife(seed)
    assert life.worker.account == ACCOUNT
    try:
        life.live()
        life.come_to_rest()
        life.check()
    except AssertionError as error:
        raise AssertionError(f"seed {seed}: {error}") from error
