"""Stories of orders that only a venue or only the books know: a person's, ours, and lost ones."""

import pytest

from tcpproto import ReplyState
from tests.trading_tests.engine.floor import D
from tests.trading_tests.engine.live_venue import Venue
from tests.trading_tests.engine.live_world import World, seen_order
from tests.trading_tests.makers import BTC
from trading.engine.order_ids import OrderIds
from trading.model.order import Order, OrderType, Purpose, Side
from trading.model.order_states import OrderState
from trading.model.report import NEVER_REACHED, OrderCancelled, OrderLost
from trading.model.venue_news import AccountSeen

APPLIED, REJECTED = ReplyState.APPLIED, ReplyState.REJECTED


@pytest.fixture
def world() -> World:
    return World()


def test_an_order_of_a_person_is_asked_about_and_cancelled_or_kept(world: World) -> None:
    world.orders = [seen_order("V1"), seen_order("V2"), seen_order("V3")]
    world.looks()
    assert world.floor.kinds.count("difference") == 3
    assert world.buys() is REJECTED
    world.answer(1, "close")
    assert [one.venue_id for one in world.orders] == ["V2", "V3"]
    world.answer(2, "ignore")
    kept = world.answer(3, "adopt")
    assert "kept as a person's order, id V3" in kept
    assert world.floor.order().exit_plan is not None
    world.looks(3)
    assert world.floor.kinds.count("difference") == 3


def test_an_order_that_was_adopted_fills_into_a_position_with_a_stop(world: World) -> None:
    world.orders = [seen_order("V1")]
    world.looks()
    world.answer(1, "adopt")
    order = world.floor.order()
    world.orders = []
    world.price = 90.0
    world.floor.effects = []
    world.fill(order)
    world.carry_out()
    assert world.floor.position().stop_price == D("85.5")
    assert world.floor.order().purpose is Purpose.PROTECTION
    world.looks(3)
    assert world.floor.kinds.count("difference") == 1


def test_a_foreign_sale_of_what_is_not_held_is_not_adopted(world: World) -> None:
    world.orders = [seen_order("V1", side=Side.SELL)]
    world.looks()
    state, text = world.floor.do("reconcile", "1", "adopt")
    assert state is REJECTED
    assert "holds nothing" in text
    world.answer(1, "close")
    assert world.orders == []


def ours(instance: str = "", run: str = "an earlier run") -> str:
    return OrderIds("paper", run).next_id("main", instance)


def test_our_own_order_that_the_store_has_lost_is_taken_up_by_itself(world: World) -> None:
    order_id = ours("quiet")
    world.orders = [seen_order("V1", order_id)]
    world.looks()
    assert "difference" not in world.floor.kinds
    assert len(world.floor.told("order_adopted")) == 1
    order = world.floor.order()
    assert (order.id, order.venue_id, order.state) == (order_id, "V1", OrderState.WORKING)
    assert (order.instance, order.purpose) == ("quiet", Purpose.ENTRY)
    world.looks(3)
    assert len(world.floor.told("order_adopted")) == 1


def test_a_stop_of_ours_that_nothing_is_held_for_any_more_is_taken_up_and_cancelled(
    world: World,
) -> None:
    stop = seen_order("V1", ours(), side=Side.SELL, type=OrderType.STOP, stop_price=D(80))
    world.orders = [stop]
    world.looks()
    assert world.orders == []
    assert world.floor.orders() == []


def test_our_own_order_that_had_ended_here_is_cancelled_there(world: World) -> None:
    world.buys()
    protection = world.floor.order()
    resting = world.orders[0]
    world.floor.do("sell", BTC)
    world.carry_out()
    assert world.floor.held() is None
    world.orders = [resting]
    world.looks()
    assert world.orders == []
    assert protection.id in " ".join(world.floor.told("order_adopted"))


def test_nothing_is_compared_where_something_of_ours_is_on_its_way(world: World) -> None:
    world.floor.tick(100.0)
    world.floor.do("buy", BTC, "1")
    world.holdings["BTC"] = D(1)
    world.holdings["USDT"] = D(9_900)
    for _ in range(3):
        world.floor.tell(AccountSeen("main", 0, [], dict(world.holdings), None, world.floor.now))
    assert "difference" not in world.floor.kinds


def test_an_order_that_was_adopted_ended_and_came_back_is_asked_about_anew(world: World) -> None:
    world.orders = [seen_order("V1")]
    world.looks()
    world.answer(1, "adopt")
    world.cancel("V1")
    world.orders = [seen_order("V1")]
    world.looks()
    assert "had ended here" in world.floor.do("reconcile", "2", "adopt").text
    world.answer(2, "close")
    assert world.orders == []


def test_fills_of_a_foreign_order_that_come_before_the_answer_are_counted(world: World) -> None:
    world.orders = [seen_order("V1")]
    world.looks()
    order = Order("V1", "main", BTC, Side.BUY, OrderType.LIMIT, Purpose.ENTRY, D("0.5"), 1.0)
    world.fill(order)
    world.answer(1, "adopt")
    adopted = world.floor.order()
    assert (adopted.filled, adopted.state) == (D("0.5"), OrderState.PARTIAL)
    world.looks()
    assert "difference 2: BTC" in world.floor.told("difference")[1]


def test_an_order_that_never_arrived_is_given_up_in_words(world: World) -> None:
    world.floor.tick(100.0)
    world.floor.do("buy", BTC, "1")
    order = world.floor.order()
    world.floor.tell(OrderLost("main", order.id, "timeout", world.floor.now))
    world.floor.tell(OrderCancelled("main", order.id, NEVER_REACHED, world.floor.now))
    (told,) = world.floor.told("order_given_up")
    assert "it never reached the exchange, and is not sent again" in " ".join(told.split())
    assert "order_cancelled" not in world.floor.kinds


def test_an_order_of_ours_that_comes_back_is_cancelled_with_a_second_look_at_once() -> None:
    venue = Venue()
    entry = venue.buy()
    venue.lose(entry)
    venue.cancelled(entry.id, NEVER_REACHED)
    there = seen_order("V1", entry.id, quantity=entry.quantity)
    venue.show(0, there)
    (again,) = venue.asked()
    venue.show(again, there)
    assert venue.asked_to_cancel() == [entry.id]
    assert not venue.asked()
