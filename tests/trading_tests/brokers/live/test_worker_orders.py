"""An order's life between the engine and a venue that answers, is silent, or lies by being late."""

from decimal import Decimal

import pytest

from tests.trading_tests.brokers.live.worker_desk import WorkerDesk, make_order
from trading.brokers.venue import FailureKind, VenueOrderState
from trading.engine.orders import sent
from trading.model.order import OrderType, Side
from trading.model.order_states import OrderState
from trading.model.report import OrderCancelled, OrderExpired, OrderLost, OrderRejected
from trading.model.venue_news import AccountSeen
from trading.risk.approval import approve


@pytest.fixture
def desk() -> WorkerDesk:
    made = WorkerDesk()
    made.begin()
    return made


def test_a_market_order_is_sent_once_accepted_and_filled(desk: WorkerDesk) -> None:
    desk.submit(make_order(kind=OrderType.MARKET))
    desk.run(5)
    assert desk.venue.sent == ["o1"]
    assert desk.story() == ["accepted", "filled"]
    assert desk.state().state is OrderState.FILLED
    assert desk.state().venue_id == "v1"


def test_an_order_that_comes_twice_is_sent_once(desk: WorkerDesk) -> None:
    desk.submit(make_order())
    desk.worker.submit(approve(desk.state()))
    desk.run(5)
    assert desk.venue.sent == ["o1"]


def test_a_definite_no_is_told_and_not_tried_again(desk: WorkerDesk) -> None:
    desk.venue.script("submit", "refused")
    desk.submit(make_order())
    desk.run(60)
    assert desk.venue.sent == ["o1"]
    assert desk.story() == ["rejected"]
    assert desk.state().note == "refused"


@pytest.mark.parametrize("word", ["lost", "bug"])
def test_an_order_whose_answer_is_lost_is_found_and_not_sent_again(
    desk: WorkerDesk, word: str
) -> None:
    desk.venue.script("submit", word)
    desk.submit(make_order())
    desk.run(5)
    assert desk.venue.sent == ["o1"]
    assert desk.story() == ["lost", "accepted"]
    assert desk.state().state is OrderState.WORKING


def test_a_market_order_whose_answer_is_lost_brings_its_fill(desk: WorkerDesk) -> None:
    desk.venue.script("submit", "lost")
    desk.submit(make_order(kind=OrderType.MARKET))
    desk.run(5)
    assert desk.venue.sent == ["o1"]
    assert desk.story() == ["lost", "filled"]


def test_an_order_that_never_arrived_is_given_up_after_the_wait_and_two_looks(
    desk: WorkerDesk,
) -> None:
    desk.venue.script("submit", "dropped")
    desk.submit(make_order())
    desk.run(19)
    assert desk.story() == ["lost"]
    finds = desk.venue.requests.count("find")
    desk.run(5)
    assert desk.story() == ["lost", "cancelled"]
    assert desk.state().note == "never reached the exchange"
    assert desk.venue.requests.count("find") >= finds + 2
    desk.run(60)
    assert desk.venue.sent == ["o1"]


def test_an_order_that_arrives_late_is_found_within_the_wait(desk: WorkerDesk) -> None:
    desk.venue.late_s = 12.0
    desk.venue.script("submit", "late")
    desk.submit(make_order())
    desk.run(30)
    assert desk.story() == ["lost", "accepted"]


def test_a_look_that_fails_is_no_clean_look(desk: WorkerDesk) -> None:
    desk.venue.script("submit", "dropped")
    desk.submit(make_order())
    desk.venue.script("find", *[FailureKind.BAD_ANSWER] * 200)
    desk.run(90)
    assert desk.story() == ["lost"]
    desk.venue.calm("find")
    desk.run(200)
    assert desk.story() == ["lost", "cancelled"]


def test_an_order_that_was_given_up_and_comes_after_all_is_seen_and_its_fill_told(
    desk: WorkerDesk,
) -> None:
    desk.venue.late_s = 100.0
    desk.venue.script("submit", "late")
    desk.submit(make_order())
    desk.run(50)
    assert desk.story() == ["lost", "cancelled"]
    desk.run(250)
    assert [one.order_id for one in desk.told_of(AccountSeen)[-1].orders] == ["o1"]
    desk.venue.fill("o1", "1")
    desk.run(5)
    assert desk.story()[-1] == "filled"
    assert desk.state().state is OrderState.FILLED
    assert desk.venue.sent == ["o1"]


def test_fills_come_before_the_end_of_a_cancelled_order(desk: WorkerDesk) -> None:
    desk.submit(make_order(quantity="3"))
    desk.run(5)
    desk.venue.during("cancel", lambda: desk.venue.fill("o1", "1"))
    desk.cancel()
    desk.run(5)
    assert desk.story() == ["accepted", "filled", "cancelled"]
    assert desk.state().filled == Decimal(1)


def test_a_cancel_that_crosses_the_last_fill_leaves_the_order_filled(desk: WorkerDesk) -> None:
    desk.submit(make_order())
    desk.run(5)
    desk.venue.during("cancel", lambda: desk.venue.fill("o1", "1"))
    desk.cancel()
    desk.run(5)
    assert desk.story() == ["accepted", "filled"]


def test_a_cancel_that_was_not_heard_is_asked_for_again(desk: WorkerDesk) -> None:
    desk.submit(make_order())
    desk.run(5)
    desk.venue.script("cancel", "dropped")
    desk.cancel()
    desk.run(5)
    assert desk.venue.requests.count("cancel") == 2
    assert desk.story() == ["accepted", "cancelled"]


def test_a_cancel_of_what_was_not_sent_yet_needs_no_request(desk: WorkerDesk) -> None:
    desk.submit(make_order())
    desk.cancel()
    desk.run(5)
    assert desk.venue.sent == []
    assert desk.story() == ["cancelled"]


def test_a_cancel_of_an_unclear_order_waits_until_it_is_found(desk: WorkerDesk) -> None:
    desk.venue.script("submit", "lost")
    desk.submit(make_order())
    desk.venue.during("submit", desk.cancel)
    desk.run(10)
    assert desk.story() == ["lost", "accepted", "cancelled"]


def test_an_order_the_venue_ends_by_itself_is_told_with_its_reason(desk: WorkerDesk) -> None:
    desk.submit(make_order("o1"), make_order("o2"), make_order("o3"))
    desk.run(5)
    desk.venue.end("o1", VenueOrderState.EXPIRED)
    desk.venue.end("o2", VenueOrderState.CANCELLED, "self trade")
    desk.venue.end("o3", VenueOrderState.REJECTED, "post only")
    desk.run(5)
    assert [one.order_id for one in desk.told_of(OrderExpired)] == ["o1"]
    assert [one.reason for one in desk.told_of(OrderCancelled)] == ["self trade"]
    assert [one.reason for one in desk.told_of(OrderRejected)] == ["post only"]


def test_a_venue_that_takes_less_for_all_of_it_ends_the_order(desk: WorkerDesk) -> None:
    desk.submit(make_order(quantity="1.00001"))
    desk.run(5)
    desk.venue.fill("o1", "1")
    desk.venue.end("o1", VenueOrderState.FILLED)
    desk.run(5)
    assert desk.story() == ["accepted", "filled", "cancelled"]
    assert desk.state().note == "the exchange filled 1 of 1.00001"


def test_no_end_is_told_while_an_execution_is_missing(desk: WorkerDesk) -> None:
    desk.submit(make_order(quantity="2"))
    desk.run(5)
    desk.venue.fill("o1", "1")
    late = desk.venue.executions.pop()
    desk.venue.end("o1", VenueOrderState.CANCELLED)
    desk.run(60)
    assert desk.story() == ["accepted", "lost"]
    assert desk.told_of(OrderLost)[0].reason == "fills missing"
    desk.venue.executions.append(late)
    desk.run(30)
    assert desk.story() == ["accepted", "lost", "filled", "cancelled"]


def test_a_list_that_is_older_than_the_order_ends_nothing(desk: WorkerDesk) -> None:
    desk.venue.old_list = []
    desk.submit(make_order())
    desk.run(1)
    desk.venue.old_list = []
    desk.run(5)
    assert desk.story() == ["accepted"]


def test_executions_without_our_id_are_told_by_the_venues(desk: WorkerDesk) -> None:
    desk.venue.has_client_ids = False
    desk.submit(make_order(quantity="2"))
    desk.run(5)
    desk.venue.fill("o1", "1")
    desk.venue.fill("o1", "1")
    desk.run(5)
    assert desk.story() == ["accepted", "filled", "filled"]


def test_a_reducing_order_refused_for_a_moment_is_sent_until_it_is_taken(
    desk: WorkerDesk,
) -> None:
    desk.venue.script("submit", "busy", "busy", "busy")
    desk.submit(make_order(side=Side.SELL, reduces=True))
    desk.run(15)
    assert desk.venue.sent == ["o1"] * 4
    assert desk.story() == ["accepted"]


def test_a_reducing_order_refused_for_a_minute_is_told_as_refused(desk: WorkerDesk) -> None:
    desk.venue.script("submit", *["busy"] * 100)
    desk.submit(make_order(side=Side.SELL, reduces=True))
    desk.run(120)
    assert desk.story() == ["rejected"]


def test_an_entry_refused_for_a_moment_is_not_sent_again(desk: WorkerDesk) -> None:
    desk.venue.script("submit", "busy")
    desk.submit(make_order())
    desk.run(60)
    assert desk.venue.sent == ["o1"]
    assert desk.story() == ["rejected"]


def test_an_entry_that_waited_too_long_is_refused_with_the_time(desk: WorkerDesk) -> None:
    desk.venue.trip_s = 3.0
    desk.submit(*[make_order(f"o{number}") for number in range(1, 5)])
    desk.run(30)
    assert desk.venue.sent == ["o1", "o2"]
    assert desk.state("o4").note == "waited 6.0 s to be sent"


def test_reducing_orders_go_before_entries_and_these_before_cancels(desk: WorkerDesk) -> None:
    desk.submit(make_order("old"))
    desk.run(5)
    desk.venue.requests.clear()
    desk.cancel("old")
    desk.submit(make_order("entry"), make_order("exit", side=Side.SELL, reduces=True))
    desk.run(1)
    assert desk.venue.sent[1:] == ["exit", "entry"]
    assert desk.venue.requests[:3] == ["submit", "submit", "cancel"]


def test_what_is_withheld_is_refused_with_the_reason(desk: WorkerDesk) -> None:
    desk.orders.add(sent(make_order(), desk.clock.wall()))
    desk.worker.withhold(approve(desk.state()), "disk full")
    desk.run(1)
    assert desk.venue.sent == []
    assert desk.state().note == "disk full"


def test_an_unclear_order_that_a_list_shows_without_its_id_is_no_strangers(
    desk: WorkerDesk,
) -> None:
    desk.venue.has_client_ids = False
    desk.venue.script("submit", "lost")
    desk.venue.script("find", *[FailureKind.BAD_ANSWER] * 3)
    desk.submit(make_order(quantity="2"))
    desk.worker.ask(1)
    desk.run(0.3)
    desk.venue.fill("o1", "1")
    desk.run(20)
    desk.venue.fill("o1", "1")
    desk.run(20)
    assert desk.story().count("filled") == 2
    assert desk.state().state is OrderState.FILLED


def test_an_unclear_order_stays_unknown_although_a_part_of_it_is_executed(
    desk: WorkerDesk,
) -> None:
    desk.venue.script("submit", "lost")
    desk.venue.during("fills", lambda: desk.venue.fill("o1", "1"))
    desk.venue.script("find", *[FailureKind.BAD_ANSWER] * 99)
    desk.venue.script("open", *[FailureKind.BAD_ANSWER] * 99)
    desk.submit(make_order(quantity="2"))
    desk.run(5)
    assert desk.story() == ["lost", "filled", "lost"]
    assert desk.state().state is OrderState.UNKNOWN
    desk.venue.calm("find")
    desk.run(20)
    assert desk.story() == ["lost", "filled", "lost", "accepted"]
