"""How an order that is cancelled ends: by what the answer shows, or by a look-up after it."""

from decimal import Decimal

import pytest

from tests.trading_tests.brokers.live.worker_desk import WorkerDesk, make_order
from trading.brokers.venue import VenueOrder, VenueOrderState
from trading.model.order_states import OrderState


@pytest.fixture
def desk() -> WorkerDesk:
    made = WorkerDesk()
    made.venue.shows_cancelled = True
    made.begin()
    return made


def rest(desk: WorkerDesk, *order_ids: str, quantity: str = "3") -> None:
    """Have orders rest at the venue, and the worker know it."""
    desk.submit(*(make_order(order_id, quantity=quantity) for order_id in order_ids))
    desk.run(5)
    desk.venue.requests.clear()


def test_an_order_that_the_answer_shows_as_ended_is_not_looked_up(desk: WorkerDesk) -> None:
    rest(desk, "o1")
    desk.cancel()
    desk.run(0.05)
    assert desk.story() == ["accepted", "cancelled"]
    desk.run(30)
    assert desk.venue.requests.count("cancel") == 1
    assert "find" not in desk.venue.requests


def test_what_was_told_before_is_not_read_again_when_the_answer_shows_no_more(
    desk: WorkerDesk,
) -> None:
    rest(desk, "o1")
    desk.venue.fill("o1", "1")
    desk.run(5)
    desk.venue.requests.clear()
    desk.cancel()
    assert desk.worker.step() == 0
    assert desk.venue.requests == ["cancel"]
    assert desk.story() == ["accepted", "filled", "cancelled"]
    assert desk.state().filled == Decimal(1)


def test_executions_that_only_the_answer_tells_of_are_read_before_the_end(
    desk: WorkerDesk,
) -> None:
    rest(desk, "o1")
    desk.venue.during("cancel", lambda: desk.venue.fill("o1", "1"))
    desk.cancel()
    desk.run(0.05)
    assert desk.venue.requests == ["cancel", "fills"]
    assert desk.story() == ["accepted", "filled", "cancelled"]
    assert desk.state().filled == Decimal(1)


def test_the_end_waits_for_executions_that_lag_behind_the_answer(desk: WorkerDesk) -> None:
    rest(desk, "o1")
    desk.venue.during("cancel", lambda: desk.venue.fill("o1", "1"))
    desk.cancel()
    assert desk.worker.step() == 0
    late = desk.venue.executions.pop()
    desk.run(3)
    assert desk.story() == ["accepted"]
    desk.run(30)
    assert desk.story() == ["accepted", "lost"]
    desk.venue.executions.append(late)
    desk.run(30)
    assert desk.story() == ["accepted", "lost", "filled", "cancelled"]
    assert desk.venue.requests.count("cancel") == 1


def test_an_answer_that_shows_less_than_is_known_is_not_taken_for_the_end(
    desk: WorkerDesk,
) -> None:
    rest(desk, "o1")
    fill = desk.venue.fill("o1", "1")
    desk.run(5)
    shown = desk.venue.orders[fill.venue_id]
    desk.venue.orders[fill.venue_id] = _with_filled(shown, "0")
    desk.cancel()
    assert desk.worker.step() == 0
    assert desk.story() == ["accepted", "filled"]
    desk.venue.orders[fill.venue_id] = _with_filled(desk.venue.order("o1"), "1")
    desk.run(1)
    assert desk.venue.requests.count("find") == 1
    assert desk.story() == ["accepted", "filled", "cancelled"]


def test_the_last_execution_ends_an_order_before_its_cancel_does(desk: WorkerDesk) -> None:
    rest(desk, "o1")
    desk.venue.during("cancel", lambda: desk.venue.fill("o1", "3"))
    desk.cancel()
    desk.run(5)
    assert desk.story() == ["accepted", "filled"]
    assert desk.state().state is OrderState.FILLED


def test_a_list_that_is_older_than_the_cancel_takes_nothing_back(desk: WorkerDesk) -> None:
    rest(desk, "o1", "o2")
    before = desk.venue.open_now()
    desk.cancel()
    desk.run(0.05)
    desk.venue.old_list = before
    desk.run(30)
    assert desk.story() == ["accepted", "cancelled"]
    assert desk.story("o2") == ["accepted"]


@pytest.mark.parametrize("quantity", ["0", "1"])
def test_an_end_that_was_not_told_before_a_crash_is_told_after_it(
    desk: WorkerDesk, quantity: str
) -> None:
    rest(desk, "o1")
    if Decimal(quantity):
        desk.venue.fill("o1", quantity)
    desk.orders.note_cancelling(desk.state(), desk.clock.wall())
    # Its worker took this answer in, and the process ended before it was committed.
    assert isinstance(desk.venue.cancel(desk.state()), VenueOrder)
    desk.restart()
    desk.run(10)
    assert desk.state().state is OrderState.CANCELLED
    assert desk.state().filled == Decimal(quantity)
    assert desk.venue.order("o1").state is VenueOrderState.CANCELLED


def _with_filled(shown: VenueOrder, filled: str) -> VenueOrder:
    values = {name: getattr(shown, name) for name in shown.__slots__}
    return VenueOrder(**values | {"filled": Decimal(filled)})
