"""How much a worker reads and when: budgets, pauses, rests, and orders that wait for none of it."""

from functools import partial

import pytest

from tests.trading_tests.brokers.live.worker_desk import WorkerDesk, make_order
from trading.brokers.live.settings import RequestBudget, RequestKind
from trading.brokers.venue import Abilities, FailureKind
from trading.model.order import OrderType, Side
from trading.model.order_states import OrderState
from trading.model.venue_news import AccountSeen, VenueTrouble

MARGIN = Abilities(stops=True, brackets=True, positions=True, cash_moves=True, deadline_s=5.0)


@pytest.fixture
def desk() -> WorkerDesk:
    made = WorkerDesk()
    made.begin()
    return made


def test_reads_keep_to_the_budget_and_orders_do_not_wait_for_it() -> None:
    budget = RequestBudget(per_s=0.5, burst=6, weights={RequestKind.FILLS: 2.0})
    desk = WorkerDesk(budget=budget)
    desk.begin()
    desk.submit(make_order())
    began_at = desk.clock.monotonic()
    desk.worker.step()
    assert desk.venue.sent == ["o1"]
    assert desk.clock.monotonic() - began_at < 0.1
    known = len(desk.venue.requests)
    desk.run(100)
    assert len(desk.venue.requests) - known <= 50


def test_many_positions_are_left_within_seconds(desk: WorkerDesk) -> None:
    desk.venue.trip_s = 0.02
    resting = [f"r{number}" for number in range(30)]
    for order_id in resting:
        desk.submit(make_order(order_id))
        desk.run(1)
    desk.run(30)
    exits = [make_order(f"x{n}", kind=OrderType.MARKET, reduces=True) for n in range(20)]
    for order_id in resting:
        desk.cancel(order_id)
    desk.submit(*exits)
    desk.run(3)
    assert all(desk.is_ended(order_id) for order_id in resting)
    assert all(desk.is_ended(order.id) for order in exits)
    desk.worker.ask(1)
    began_at = desk.clock.monotonic()
    assert desk.run_until(AccountSeen).orders == []
    assert desk.clock.monotonic() - began_at < 1


def test_polls_leave_enough_of_a_small_budget_for_what_somebody_waits_for() -> None:
    weights = {RequestKind.ORDER: 0.0, RequestKind.FILLS: 2.0, RequestKind.FIND: 2.0}
    desk = WorkerDesk(budget=RequestBudget(per_s=0.33, burst=15.0, weights=weights))
    desk.begin()
    desk.submit(make_order("resting"))
    desk.run(120)
    desk.submit(make_order("o1", kind=OrderType.MARKET))
    desk.run(1)
    assert desk.state("o1").state is OrderState.FILLED
    desk.cancel("resting")
    desk.run(1)
    assert desk.state("resting").state is OrderState.CANCELLED


def test_a_pause_that_the_venue_asks_for_holds_for_exits_too_and_then_they_go(
    desk: WorkerDesk,
) -> None:
    desk.venue.retry_after_s = 8.0
    desk.venue.script("submit", "busy")
    desk.submit(make_order("e1"))
    desk.run(0.1)
    desk.submit(make_order("x1", side=Side.SELL, reduces=True), make_order("e2"))
    desk.run(7)
    assert desk.venue.sent == ["e1"]
    assert desk.state("e2").note == desk.trouble
    assert desk.trouble == "model may not be asked for 8 s: too much was asked from here"
    desk.run(3)
    assert desk.venue.sent == ["e1", "x1"]
    assert not desk.trouble, "an answer ends it"
    assert len(desk.told_of(VenueTrouble)) == 2, "told once, and its end"


def test_while_an_order_rests_for_days_the_days_are_not_read_again_and_again() -> None:
    desk = WorkerDesk(MARGIN, poll_s=120.0, fills_s=120.0)
    desk.begin()
    desk.submit(make_order())
    desk.run(8 * 3_600)
    for read, late_h in (("fills", 1), ("cash", 6)):
        back_s = desk.clock.wall() - desk.venue.since[read]
        assert late_h * 3_600 <= back_s < late_h * 3_600 + 900, read


def test_an_order_waits_for_one_request_of_a_read_and_not_for_all_of_them() -> None:
    desk = WorkerDesk(budget=RequestBudget(per_s=1_000.0, burst=1_000.0))
    desk.venue.gives_way = desk.worker.orders_wait
    desk.begin()
    desk.venue.trip_s, desk.venue.parts = 8.0, 20
    desk.venue.during("open", lambda: desk.submit(make_order("x1", reduces=True)))
    desk.worker.ask(7)
    asked_at = desk.clock.monotonic()
    while not desk.venue.sent:
        desk.clock.advance(desk.worker.step())
    assert desk.clock.monotonic() - asked_at <= 3 * 8.0, "one read, and its own way"
    assert desk.run_until(AccountSeen, 3_000.0).number == 7
    assert not desk.trouble, "nothing is wrong with a venue that gave way"


def test_orders_without_end_do_not_keep_a_read_from_its_end() -> None:
    desk = WorkerDesk(budget=RequestBudget(per_s=1_000.0, burst=1_000.0))
    desk.venue.gives_way = desk.worker.orders_wait
    desk.begin()
    desk.venue.parts = 3
    for number in range(300):
        one_more = make_order(f"x{number}", reduces=True)
        desk.venue.during("fills", partial(desk.submit, one_more))
    desk.submit(make_order(kind=OrderType.MARKET))
    desk.run(5)
    assert desk.state().state is OrderState.FILLED


def test_reads_that_are_too_many_rest_ever_longer_and_keep_no_exit_back(desk: WorkerDesk) -> None:
    desk.submit(make_order("r1"))
    desk.run(5)
    for read in ("open", "fills", "find", "holdings", "time"):
        desk.venue.script(read, *[FailureKind.BUSY] * 100)
    for number in range(10):
        desk.run(30)
        desk.submit(make_order(f"x{number}", side=Side.SELL, kind=OrderType.MARKET, reduces=True))
        desk.run(1)
        assert desk.venue.sent[-1] == f"x{number}"
    assert len(desk.venue.requests) < 60
