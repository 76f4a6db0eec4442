"""Orders that are looked up together, where the venue shows several in one request."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.trading_tests.brokers.live.venue_model import SPOT
from tests.trading_tests.brokers.live.worker_desk import WorkerDesk, make_order
from trading.brokers.venue import FailureKind, VenueOrderState
from trading.engine.orders import sent
from trading.model.order_states import OrderState

AT_ONCE = 5


@pytest.fixture
def desk() -> WorkerDesk:
    # Nothing but look-ups tells what became of a cancelled order within these tests.
    made = WorkerDesk(replace(SPOT, finds_at_once=AT_ONCE), poll_first_s=30.0, poll_s=30.0)
    made.begin()
    return made


def rest(desk: WorkerDesk, count: int) -> list[str]:
    """Have orders rest at the venue, and the worker know it."""
    order_ids = [f"o{number}" for number in range(1, count + 1)]
    desk.submit(*(make_order(order_id, quantity="3") for order_id in order_ids))
    desk.run(5)
    desk.venue.requests.clear()
    return order_ids


def cancel(desk: WorkerDesk, order_ids: list[str]) -> None:
    for order_id in order_ids:
        desk.cancel(order_id)


def finds(desk: WorkerDesk) -> list[str]:
    """Return the requests that looked orders up."""
    return [one for one in desk.venue.requests if one.startswith("find")]


def stories(desk: WorkerDesk, order_ids: list[str]) -> set[tuple[str, ...]]:
    return {tuple(desk.story(order_id)) for order_id in order_ids}


@pytest.mark.parametrize(("count", "expected"), [(1, ["find"]), (5, ["find all"])])
def test_what_became_of_cancelled_orders_is_looked_up_at_once(
    desk: WorkerDesk, count: int, expected: list[str]
) -> None:
    order_ids = rest(desk, count)
    cancel(desk, order_ids)
    desk.run(0.2)
    assert stories(desk, order_ids) == {("accepted", "cancelled")}
    assert desk.venue.requests == ["cancel"] * count + expected


def test_never_more_are_looked_up_at_once_than_the_venue_shows(desk: WorkerDesk) -> None:
    order_ids = rest(desk, 2 * AT_ONCE + 1)
    cancel(desk, order_ids)
    desk.run(0.5)
    assert stories(desk, order_ids) == {("accepted", "cancelled")}
    assert finds(desk) == ["find all", "find all", "find"]


def test_executions_that_the_look_up_tells_of_are_read_before_the_end(desk: WorkerDesk) -> None:
    order_ids = rest(desk, 4)
    desk.venue.during("cancel", lambda: desk.venue.fill("o2", "1"))
    desk.venue.during("cancel", lambda: desk.venue.fill("o3", "3"))
    cancel(desk, order_ids)
    desk.run(0.5)
    assert desk.story("o2") == ["accepted", "filled", "cancelled"]
    assert desk.story("o3") == ["accepted", "filled"]
    assert desk.state("o2").filled == Decimal(1)
    assert stories(desk, ["o1", "o4"]) == {("accepted", "cancelled")}
    assert finds(desk) == ["find all"]
    assert desk.venue.requests.count("fills") == 1


def test_an_order_that_is_still_shown_as_open_is_looked_up_again_and_has_not_ended(
    desk: WorkerDesk,
) -> None:
    order_ids = rest(desk, 3)
    cancel(desk, order_ids)
    for _ in order_ids:
        desk.worker.step()
    # The copy that is asked knows of two cancels only.
    ended = desk.venue.order("o2")
    desk.venue.orders[ended.venue_id] = replace(ended, state=VenueOrderState.OPEN)
    desk.worker.step()
    desk.venue.orders[ended.venue_id] = ended
    assert stories(desk, ["o1", "o3"]) == {("accepted", "cancelled")}
    assert desk.story("o2") == ["accepted"]
    desk.run(0.5)
    assert desk.story("o2") == ["accepted", "cancelled"]
    assert finds(desk) == ["find all", "find"]


def test_orders_that_the_answer_leaves_out_are_looked_up_one_by_one(desk: WorkerDesk) -> None:
    order_ids = rest(desk, 5)
    desk.venue.left_out = {"o2", "o4"}
    cancel(desk, order_ids)
    desk.run(0.2)
    assert stories(desk, order_ids) == {("accepted", "cancelled")}
    assert finds(desk) == ["find all", "find", "find"]


def test_an_order_that_has_the_others_refused_is_left_behind_by_halves(desk: WorkerDesk) -> None:
    order_ids = rest(desk, 5)
    desk.venue.spoiling = {"o5"}
    cancel(desk, order_ids)
    desk.run(3)
    assert stories(desk, order_ids) == {("accepted", "cancelled")}
    # Five, two, two, one.
    assert finds(desk) == ["find all", "find all", "find all", "find"]


def test_an_order_that_was_shown_is_looked_up_with_others_again(desk: WorkerDesk) -> None:
    order_ids = rest(desk, 2)
    desk.venue.left_out = {"o1", "o2"}
    desk.venue.script("cancel", "dropped", "dropped")
    cancel(desk, order_ids)
    desk.run(0.2)
    assert finds(desk) == ["find all", "find", "find"]
    desk.venue.left_out = set()
    # By now both cancels were asked for again.
    desk.run(1.5)
    assert stories(desk, order_ids) == {("accepted", "cancelled")}
    assert finds(desk)[-1] == "find all"


def test_orders_that_could_not_be_looked_up_for_now_are_so_together_later(
    desk: WorkerDesk,
) -> None:
    order_ids = rest(desk, 5)
    desk.venue.script("find all", FailureKind.UNREACHABLE, FailureKind.BUSY)
    cancel(desk, order_ids)
    desk.run(5)
    assert stories(desk, order_ids) == {("accepted", "cancelled")}
    assert finds(desk) == ["find all"] * 3


def test_orders_without_an_id_of_the_venue_are_looked_up_one_by_one(desk: WorkerDesk) -> None:
    desk.venue.script("submit", "lost", "lost")
    desk.submit(make_order("o1"), make_order("o2"))
    desk.run(1)
    assert stories(desk, ["o1", "o2"]) == {("lost", "accepted")}
    assert finds(desk) == ["find", "find"]


def test_cancelled_orders_are_looked_up_together_after_a_crash(desk: WorkerDesk) -> None:
    order_ids = rest(desk, 4)
    cancel(desk, order_ids)
    desk.venue.during("cancel", lambda: desk.venue.fill("o1", "1"))
    for _ in order_ids:
        desk.worker.step()
    desk.venue.requests.clear()
    desk.restart()
    desk.run(2)
    assert desk.story("o1") == ["accepted", "filled", "cancelled"]
    assert stories(desk, order_ids[1:]) == {("accepted", "cancelled")}
    assert all(desk.state(each).state is OrderState.CANCELLED for each in order_ids)


def test_executions_are_read_once_for_all_orders_that_are_nowhere_to_be_found(
    desk: WorkerDesk,
) -> None:
    order_ids = [f"o{number}" for number in range(1, 11)]
    for order in map(make_order, order_ids):
        desk.orders.add(sent(order, desk.clock.wall()))
    # The process ended before it had sent any.
    desk.restart()
    desk.run(19)
    desk.venue.requests.clear()
    desk.run(6)
    assert stories(desk, order_ids) == {("lost", "cancelled")}
    assert desk.venue.sent == []
    assert desk.venue.requests.count("fills") <= 3
