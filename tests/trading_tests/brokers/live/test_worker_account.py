"""What a worker looks at beside its orders: all of the account, money that came, at which pace."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.trading_tests.brokers.live.venue_model import SPOT
from tests.trading_tests.brokers.live.worker_desk import WorkerDesk, make_order
from trading.brokers.live.moment import Moment
from trading.brokers.venue import Abilities, VenueOrderState
from trading.model.report import OrderFilled
from trading.model.venue_news import AccountSeen, CashMoved

MARGIN = Abilities(stops=True, brackets=True, positions=True, cash_moves=True, deadline_s=5.0)


@pytest.fixture
def desk() -> WorkerDesk:
    made = WorkerDesk()
    made.begin()
    return made


def test_nothing_is_polled_without_orders(desk: WorkerDesk) -> None:
    known = len(desk.venue.requests)
    desk.run(170)
    assert [one for one in desk.venue.requests[known:] if one != "time"] == []


def test_open_orders_are_polled_quickly_at_first_and_then_steadily(desk: WorkerDesk) -> None:
    desk.submit(make_order())
    desk.run(2)
    quick = desk.venue.requests.count("open")
    desk.run(20)
    assert quick >= 5
    assert 9 <= desk.venue.requests.count("open") - quick <= 11


def test_all_of_the_account_is_looked_at_every_few_minutes(desk: WorkerDesk) -> None:
    desk.run(400)
    assert len(desk.told_of(AccountSeen)) == 3


def test_a_wish_is_answered_by_a_look_that_began_after_it(desk: WorkerDesk) -> None:
    desk.venue.during("open", lambda: desk.worker.ask(2))
    desk.worker.ask(1)
    desk.run(5)
    assert [one.number for one in desk.told_of(AccountSeen)] == [0, 1, 2]
    first, second = desk.told_of(AccountSeen)[1:]
    assert second.at > first.at


def test_where_executions_are_read_market_by_market_a_look_reads_them_once() -> None:
    desk = WorkerDesk(abilities=replace(SPOT, fills_by_market=True))
    desk.begin()
    known = len(desk.venue.requests)
    desk.worker.ask(1)
    desk.run_until(AccountSeen)
    assert desk.venue.requests[known:].count("fills") == 1
    desk.submit(make_order())
    desk.run(5)
    desk.venue.during("holdings", lambda: desk.venue.fill("o1", "1"))
    desk.worker.ask(2)
    seen = desk.run_until(AccountSeen)
    assert seen.holdings["BTC"] == 1
    assert seen.orders == []
    assert isinstance(desk.told[-2], OrderFilled)


def test_a_fill_during_a_look_is_told_before_a_look_that_knows_it(desk: WorkerDesk) -> None:
    desk.submit(make_order())
    desk.run(5)
    desk.venue.during("holdings", lambda: desk.venue.fill("o1", "1"))
    desk.worker.ask(1)
    seen = desk.run_until(AccountSeen)
    assert seen.holdings["BTC"] == 1
    assert seen.orders == []
    assert isinstance(desk.told[-2], OrderFilled)


def test_a_fill_that_another_read_tells_during_a_look_has_it_done_again(
    desk: WorkerDesk,
) -> None:
    desk.submit(make_order("o1"), make_order("o2"))
    desk.run(5)
    desk.worker.ask(1)
    while desk.venue.requests[-1] != "holdings":
        desk.clock.advance(desk.worker.step())
    desk.venue.fill("o1", "1")
    # As when a look-up shows that some are missing.
    desk.worker._tracker._steps.need_fills(Moment(desk.clock.monotonic(), desk.clock.wall()))
    assert desk.run_until(AccountSeen).holdings["BTC"] == 1


def test_a_look_while_an_order_is_placed_is_done_again(desk: WorkerDesk) -> None:
    desk.venue.during("holdings", lambda: desk.submit(make_order()))
    desk.worker.ask(1)
    seen = desk.run_until(AccountSeen)
    assert [one.order_id for one in seen.orders] == ["o1"]


def test_a_look_waits_for_the_end_of_an_order_that_its_list_lacks(desk: WorkerDesk) -> None:
    desk.submit(make_order())
    desk.run(5)
    desk.venue.end("o1", VenueOrderState.CANCELLED)
    desk.worker.ask(1)
    seen = desk.run_until(AccountSeen)
    assert seen.orders == []
    assert desk.story() == ["accepted", "cancelled"]


def test_an_order_of_somebody_else_is_shown_and_can_be_cancelled_by_the_venues_id(
    desk: WorkerDesk,
) -> None:
    desk.venue.take(make_order(""))
    desk.worker.ask(1)
    seen = desk.run_until(AccountSeen)
    assert [(one.order_id, one.venue_id) for one in seen.orders] == [("", "v1")]
    desk.worker.cancel("main", "v1")
    desk.run(5)
    assert desk.venue.orders["v1"].state is VenueOrderState.CANCELLED
    desk.worker.ask(2)
    assert desk.run_until(AccountSeen).orders == []


def test_money_that_came_is_told_once_and_before_the_look_that_counts_it() -> None:
    desk = WorkerDesk(MARGIN)
    desk.begin()
    desk.venue.book("500")
    desk.worker.ask(1)
    seen = desk.run_until(AccountSeen)
    desk.worker.ask(2)
    desk.run(5)
    assert [one.amount for one in desk.told_of(CashMoved)] == [Decimal(500)]
    assert desk.told.index(desk.told_of(CashMoved)[0]) < desk.told.index(seen)
    assert seen.holdings["USDT"] == 10_500


@pytest.mark.parametrize(("age_s", "looks"), [(1_800.0, 1), (0.0, 2)])
def test_only_money_that_came_during_a_look_has_it_done_again(age_s: float, looks: int) -> None:
    desk = WorkerDesk(MARGIN)
    desk.venue.book("500")
    desk.clock.advance(age_s)
    desk.begin()
    desk.run(5)
    assert len(desk.told_of(CashMoved)) == len(desk.told_of(AccountSeen)) == 1
    assert desk.venue.requests.count("holdings") == looks


def test_a_read_that_raises_in_the_adapter_is_tried_again(desk: WorkerDesk) -> None:
    desk.venue.script("holdings", "bug")
    desk.worker.ask(1)
    assert desk.run_until(AccountSeen).number == 1


def test_an_execution_that_a_venue_shows_hours_late_is_found_by_its_order() -> None:
    desk = WorkerDesk(MARGIN, poll_s=60.0, fills_s=60.0)
    desk.begin()
    desk.submit(make_order())
    desk.run(10)
    desk.venue.fill("o1", "0.4")
    late = desk.venue.executions.pop()
    desk.run(3 * 3_600)
    desk.venue.executions.append(late)
    desk.run(130)
    assert desk.state().filled == Decimal("0.4")
