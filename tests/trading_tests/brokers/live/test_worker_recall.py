"""A worker before a stop: no entry is sent any more, cancels are answered or asked for again."""

from decimal import Decimal

import pytest

from tests.trading_tests.brokers.live.worker_desk import WorkerDesk, make_order
from trading.brokers.live.sending import STOPPED
from trading.brokers.venue import FailureKind, VenueOrderState
from trading.model.order import OrderType, Side
from trading.model.order_states import OrderState

# What a stop of ten seconds leaves for it.
WITHIN_S = 5.0


@pytest.fixture
def desk() -> WorkerDesk:
    made = WorkerDesk()
    made.begin()
    return made


def rest(desk: WorkerDesk, quantity: str = "3") -> None:
    """Have an entry rest at the venue, and the worker know it."""
    desk.submit(make_order(quantity=quantity))
    desk.run(5)
    desk.venue.requests.clear()


def take_back(desk: WorkerDesk) -> None:
    """Do what the engine and the main thread do before a stop."""
    desk.worker.send_no_entries()
    desk.cancel()
    desk.run(WITHIN_S)


def test_an_entry_that_waits_is_refused_and_what_reduces_goes_out(desk: WorkerDesk) -> None:
    desk.submit(make_order("e1"), make_order("x1", side=Side.SELL, reduces=True))
    desk.worker.send_no_entries()
    desk.run(1)
    assert desk.venue.sent == ["x1"]
    assert desk.state("e1").note == STOPPED
    assert not desk.venue.is_closed


def test_an_entry_that_comes_later_is_refused_and_the_account_is_looked_at_as_before(
    desk: WorkerDesk,
) -> None:
    desk.worker.send_no_entries()
    desk.run(1)
    desk.submit(make_order("e1", kind=OrderType.MARKET))
    desk.run(400)
    assert not desk.venue.sent
    assert desk.state("e1").note == STOPPED
    assert "holdings" in desk.venue.requests


def test_an_entry_that_is_ready_does_not_leave_after_that(desk: WorkerDesk) -> None:
    approved = desk.decide(make_order("e1"))
    desk.venue.during("submit if", desk.worker.send_no_entries)
    desk.venue.during("submit if", lambda: desk.worker.submit(approved))
    desk.worker.prepare(approved)
    desk.run(5)
    assert desk.venue.prepared == ["e1"]
    assert not desk.venue.sent
    assert desk.state("e1").note == STOPPED


def test_an_entry_that_rests_is_known_to_be_gone_in_time(desk: WorkerDesk) -> None:
    rest(desk)
    take_back(desk)
    assert desk.state().state is OrderState.CANCELLED
    assert desk.venue.requests.count("cancel") == 1


@pytest.mark.parametrize("answer", ["lost", "dropped"])
def test_a_cancel_without_an_answer_is_looked_up_and_asked_for_again_in_time(
    desk: WorkerDesk, answer: str
) -> None:
    rest(desk)
    desk.venue.script("cancel", answer)
    take_back(desk)
    assert desk.state().state is OrderState.CANCELLED
    assert desk.venue.order("o1").state is VenueOrderState.CANCELLED


def test_a_cancel_that_comes_too_late_shows_what_was_filled(desk: WorkerDesk) -> None:
    rest(desk)
    desk.venue.fill("o1", "3")
    take_back(desk)
    assert desk.state().state is OrderState.FILLED
    assert desk.story() == ["accepted", "filled"]


def test_what_is_filled_while_it_is_cancelled_is_told_before_its_end(desk: WorkerDesk) -> None:
    rest(desk)
    desk.venue.during("cancel", lambda: desk.venue.fill("o1", "1"))
    take_back(desk)
    assert desk.story() == ["accepted", "filled", "cancelled"]
    assert desk.state().filled == Decimal(1)


def test_cancels_go_out_behind_an_open_breaker_until_the_exchange_is_back(
    desk: WorkerDesk,
) -> None:
    rest(desk)
    desk.venue.is_down = True
    desk.venue.script("cancel", *["dropped"] * 100)
    desk.run(30)
    assert not desk.is_closed()
    take_back(desk)
    assert desk.venue.requests.count("cancel") >= 4
    assert not desk.is_ended(), "nobody knows"
    desk.venue.is_down = False
    desk.venue.calm("cancel")
    desk.run(WITHIN_S)
    assert desk.state().state is OrderState.CANCELLED


def test_a_cancel_that_is_never_answered_leaves_the_entry_for_the_next_start(
    desk: WorkerDesk,
) -> None:
    rest(desk)
    desk.venue.is_down = True
    desk.venue.script("cancel", *["dropped"] * 100)
    take_back(desk)
    assert not desk.is_ended()
    desk.worker.ask_to_stop(3.0)
    desk.run(10)
    assert desk.venue.is_closed
    assert desk.state().is_cancelling
    desk.venue.is_down = False
    desk.venue.calm("cancel")
    desk.restart()
    desk.run(10)
    assert desk.state().state is OrderState.CANCELLED


def test_a_cancel_that_could_not_be_looked_up_is_over_once_it_can(desk: WorkerDesk) -> None:
    rest(desk)
    desk.venue.script("find", *[FailureKind.MAINTENANCE] * 2)
    take_back(desk)
    assert desk.state().state is OrderState.CANCELLED


def test_an_entry_whose_answer_is_lost_is_cancelled_once_it_is_found(desk: WorkerDesk) -> None:
    desk.venue.script("submit", "lost")
    desk.submit(make_order())
    desk.worker.step()
    take_back(desk)
    assert desk.story() == ["lost", "accepted", "cancelled"]
    assert desk.venue.order("o1").state is VenueOrderState.CANCELLED


def test_a_cancel_that_waits_when_the_worker_ends_still_goes_out(desk: WorkerDesk) -> None:
    rest(desk)
    desk.cancel()
    desk.worker.ask_to_stop(3.0)
    desk.run(1)
    assert desk.venue.requests == ["cancel"]
    assert desk.venue.order("o1").state is VenueOrderState.CANCELLED


def test_a_worker_is_busy_while_the_answer_to_an_order_is_awaited(desk: WorkerDesk) -> None:
    seen: list[bool] = []
    desk.venue.during("submit", lambda: seen.append(desk.worker.is_busy))
    desk.submit(make_order("x1", side=Side.SELL, kind=OrderType.STOP, reduces=True))
    desk.run(1)
    assert seen == [True]
    assert not desk.worker.is_busy


def test_a_worker_is_busy_until_it_is_known_that_a_stop_is_gone_which_another_replaces(
    desk: WorkerDesk,
) -> None:
    desk.submit(make_order("x1", side=Side.SELL, kind=OrderType.STOP, reduces=True))
    desk.run(5)
    desk.venue.script("find", FailureKind.MAINTENANCE)
    desk.venue.requests.clear()
    desk.cancel("x1")
    while "find" not in desk.venue.requests:
        assert desk.worker.is_busy
        desk.run(0.1)
    assert desk.state("x1").state is not OrderState.CANCELLED
    assert desk.worker.is_busy
    desk.run(WITHIN_S)
    assert desk.state("x1").state is OrderState.CANCELLED
    assert not desk.worker.is_busy
