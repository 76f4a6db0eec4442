"""An order that is written while it is committed: it leaves after that, once, or never."""

from collections.abc import Callable

import pytest

from tests.trading_tests.brokers.live.worker_desk import ACCOUNT, WorkerDesk, make_order
from trading.brokers.live.sending import STOPPED
from trading.model.order import OrderType, Side
from trading.model.venue_news import AccountSeen
from trading.risk.approval import ApprovedOrder


@pytest.fixture
def desk() -> WorkerDesk:
    made = WorkerDesk()
    made.begin()
    return made


def prepare(
    desk: WorkerDesk, order_id: str = "o1", *meanwhile: Callable[[ApprovedOrder], object]
) -> ApprovedOrder:
    """Have an order prepared, while it is written let these things happen, and time pass."""
    approved = desk.decide(make_order(order_id))
    for act in meanwhile:
        desk.venue.during("submit if", lambda act=act: act(approved))  # type: ignore[misc]
    desk.worker.prepare(approved)
    desk.run(5)
    return approved


def test_an_order_leaves_as_soon_as_it_is_committed(desk: WorkerDesk) -> None:
    prepare(desk, "o1", desk.worker.submit)
    assert desk.venue.prepared == desk.venue.sent == ["o1"]
    assert desk.story() == ["accepted"]
    assert not desk.worker.orders_wait()
    prepare(desk, "o2", desk.worker.submit)
    assert desk.venue.sent == ["o1", "o2"]


def test_an_order_that_is_not_committed_never_leaves(desk: WorkerDesk) -> None:
    prepare(desk)
    desk.run(60)
    assert desk.venue.prepared == ["o1"]
    assert not desk.venue.sent
    assert not desk.story()


def test_an_order_that_is_committed_late_goes_the_usual_way(desk: WorkerDesk) -> None:
    approved = prepare(desk)
    desk.worker.submit(approved)
    desk.run(5)
    assert desk.venue.sent == ["o1"]
    assert desk.story() == ["accepted"]


def test_an_order_that_is_committed_already_is_not_prepared(desk: WorkerDesk) -> None:
    approved = desk.decide(make_order())
    desk.worker.prepare(approved)
    desk.worker.submit(approved)
    desk.run(5)
    assert not desk.venue.prepared
    assert desk.venue.sent == ["o1"]


def test_an_order_that_is_withheld_never_leaves(desk: WorkerDesk) -> None:
    prepare(desk, "o1", lambda approved: desk.worker.withhold(approved, "the disk is full"))
    assert not desk.venue.sent
    assert desk.story() == ["rejected"]
    assert desk.state().note == "the disk is full"


def test_a_cancel_that_comes_first_is_not_kept_waiting(desk: WorkerDesk) -> None:
    desk.submit(make_order("o0"))
    desk.run(5)
    prepare(desk, "o1", lambda _approved: desk.worker.cancel(ACCOUNT, "o0"), desk.worker.submit)
    assert desk.story("o0") == ["accepted", "cancelled"]
    assert desk.venue.sent == ["o0", "o1"]


def test_an_order_that_was_committed_before_goes_before(desk: WorkerDesk) -> None:
    prepare(desk, "o1", lambda _approved: desk.submit(make_order("o2")), desk.worker.submit)
    assert desk.venue.sent == ["o2", "o1"]
    assert desk.story("o1") == desk.story("o2") == ["accepted"]


def test_what_needs_no_order_waits_until_it_has_left(desk: WorkerDesk) -> None:
    prepare(desk, "o1", lambda _approved: desk.worker.ask(7), desk.worker.submit)
    assert desk.venue.sent == ["o1"]
    assert [one.number for one in desk.told_of(AccountSeen)][-1] == 7


def test_an_order_that_comes_twice_while_it_is_written_is_sent_once(desk: WorkerDesk) -> None:
    prepare(desk, "o1", desk.worker.submit, desk.worker.submit, desk.worker.prepare)
    assert desk.venue.sent == ["o1"]
    assert desk.story() == ["accepted"]


def test_a_stop_that_comes_first_refuses_an_entry_that_is_ready(desk: WorkerDesk) -> None:
    stop = desk.worker.ask_to_stop
    prepare(desk, "o1", lambda _approved: stop(1.0), desk.worker.submit)
    assert not desk.venue.sent
    assert desk.story() == ["rejected"]
    assert desk.state().note == STOPPED


def test_nothing_is_prepared_while_other_orders_wait(desk: WorkerDesk) -> None:
    desk.submit(make_order("o1"), make_order("o2"))
    prepare(desk, "o3")
    assert desk.venue.sent == ["o1", "o2"]
    assert not desk.venue.prepared


def test_nothing_is_prepared_before_the_venue_is_connected() -> None:
    desk = WorkerDesk()
    desk.worker.begin(())
    desk.venue.is_down = True
    approved = prepare(desk)
    assert not desk.venue.prepared
    desk.venue.is_down = False
    desk.run(60)
    assert not desk.venue.sent
    desk.worker.submit(approved)
    desk.run(5)
    assert desk.venue.sent == ["o1"]


def test_an_order_that_cannot_be_prepared_goes_the_usual_way(desk: WorkerDesk) -> None:
    desk.venue.script("submit if", "a bug before anything left")
    approved = prepare(desk)
    assert not desk.story()
    desk.worker.submit(approved)
    desk.run(5)
    assert desk.venue.sent == ["o1"]
    assert desk.story() == ["accepted"]


@pytest.mark.parametrize("word", ["lost", "bug"])
def test_an_order_whose_answer_is_lost_is_found_and_not_sent_again(
    desk: WorkerDesk, word: str
) -> None:
    desk.venue.script("submit", word)
    prepare(desk, "o1", desk.worker.submit)
    assert desk.venue.sent == ["o1"]
    assert desk.story() == ["lost", "accepted"]


def test_a_definite_no_is_told_once(desk: WorkerDesk) -> None:
    desk.venue.script("submit", "refused")
    prepare(desk, "o1", desk.worker.submit)
    assert desk.venue.sent == ["o1"]
    assert desk.story() == ["rejected"]


def test_an_exit_that_is_refused_for_now_is_tried_again(desk: WorkerDesk) -> None:
    desk.venue.script("submit", "busy")
    order = make_order(side=Side.SELL, kind=OrderType.MARKET, reduces=True)
    approved = desk.decide(order)
    desk.venue.during("submit if", lambda: desk.worker.submit(approved))
    desk.worker.prepare(approved)
    desk.run(30)
    assert desk.venue.sent == ["o1", "o1"]
    assert desk.story() == ["accepted", "filled"]
