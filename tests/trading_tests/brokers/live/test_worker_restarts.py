"""A worker that ends and begins again: what was on its way is looked up and never sent twice."""

import pytest

from tests.trading_tests.brokers.live.worker_desk import WorkerDesk, make_order
from trading.brokers.venue import VenueOrderState
from trading.model.order import OrderType, Side
from trading.model.order_states import OrderState


@pytest.fixture
def desk() -> WorkerDesk:
    made = WorkerDesk()
    made.begin()
    return made


def test_after_a_restart_what_may_have_been_sent_is_looked_up_and_not_sent(
    desk: WorkerDesk,
) -> None:
    desk.submit(make_order("o1"), make_order("o2"))
    desk.worker.step()
    assert desk.venue.sent == ["o1"]
    desk.restart()
    desk.run(60)
    assert desk.venue.sent == ["o1"]
    assert desk.state("o1").state is OrderState.WORKING
    assert desk.state("o2").note == "never reached the exchange"


def test_what_was_filled_while_the_bot_was_down_is_told(desk: WorkerDesk) -> None:
    desk.submit(make_order("o1", quantity="3"), make_order("o2"))
    desk.run(5)
    desk.venue.fill("o1", "1")
    desk.run(5)
    desk.venue.fill("o1", "2")
    desk.venue.end("o2", VenueOrderState.CANCELLED)
    desk.clock.advance(86_400)
    desk.restart()
    desk.run(60)
    assert desk.state("o1").state is OrderState.FILLED
    assert desk.state("o2").state is OrderState.CANCELLED


def test_a_cancel_that_was_wanted_before_a_restart_is_asked_for(desk: WorkerDesk) -> None:
    desk.submit(make_order())
    desk.run(5)
    desk.cancel()
    desk.restart()
    desk.run(10)
    assert desk.state().state is OrderState.CANCELLED


def test_a_stop_refuses_entries_sends_exits_and_ends(desk: WorkerDesk) -> None:
    desk.submit(make_order("e1"), make_order("x1", side=Side.SELL, reduces=True))
    desk.worker.ask_to_stop(5.0)
    desk.run(1)
    assert desk.venue.sent == ["x1"]
    assert desk.state("e1").note == "stopped before it was sent"
    assert desk.venue.is_closed
    desk.submit(make_order("e2"))
    assert desk.state("e2").note == "stopped before it was sent"


def test_an_exit_that_cannot_be_sent_before_the_limit_of_a_stop_is_told(
    desk: WorkerDesk,
) -> None:
    desk.venue.script("submit", *["busy"] * 50)
    desk.submit(make_order("x1", side=Side.SELL, reduces=True))
    desk.run(1)
    desk.worker.ask_to_stop(3.0)
    desk.run(10)
    assert desk.story("x1") == ["rejected"]
    assert desk.venue.is_closed


def test_an_order_without_an_answer_at_a_stop_stays_as_it_is(desk: WorkerDesk) -> None:
    desk.venue.script("submit", "dropped")
    desk.submit(make_order(kind=OrderType.MARKET))
    desk.worker.step()
    desk.worker.ask_to_stop(3.0)
    desk.run(10)
    assert desk.story() == ["lost"]
