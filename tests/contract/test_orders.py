"""What becomes of orders, and how it is told: the same on paper and at every exchange."""

from decimal import Decimal

import pytest

from tests.contract.face import CASH, PRICE, Face
from trading.model.order import OrderType, Side
from trading.model.order_states import OrderState

D = Decimal
# Exchanges round fees, each to digits of its own.
CENT = D("0.01")
LIMIT, STOP, BRACKET = OrderType.LIMIT, OrderType.STOP, OrderType.BRACKET


def test_market_orders_fill_at_the_price_with_their_fees(face: Face) -> None:
    bought = face.trade(Side.BUY, "0.01234567")
    assert (bought.state, bought.filled) == (OrderState.FILLED, D("0.01234567"))
    (fill,) = face.fills(bought)
    assert (fill.side, fill.price, fill.is_maker) == (Side.BUY, PRICE, False)
    assert abs(fill.fee - fill.quantity * PRICE * face.fees.taker) <= CENT
    face.price(65_000)
    sold = face.trade(Side.SELL, "0.01234567")
    (fill,) = face.fills(sold)
    assert (fill.side, fill.price) == (Side.SELL, D(65_000))
    assert face.held == 0
    traded = D("0.01234567") * (D(65_000) + PRICE)
    gained = D("12.34567") - traded * face.fees.taker
    assert abs(face.cash - CASH - gained) <= CENT


def test_acceptance_comes_first_and_the_fill_is_the_end(face: Face) -> None:
    bought = face.trade(Side.BUY, "0.01")
    assert [one for one in face.story(bought) if one != "accepted"] == ["filled"]
    face.settle()
    assert face.story(bought)[-1] == "filled"


def test_a_limit_rests_and_fills_at_its_price_when_that_is_reached(face: Face) -> None:
    order = face.rest(Side.BUY, "0.02", LIMIT, limit_price=60_000)
    face.price("60000.1")
    face.settle()
    assert face.story(order) == ["accepted"]
    face.price(60_000)
    assert face.wait_ended(order).state is OrderState.FILLED
    (fill,) = face.fills(order)
    assert (fill.price, fill.quantity, fill.is_maker) == (D(60_000), D("0.02"), True)
    assert fill.fee == 1_200 * face.fees.maker


def test_a_limit_fills_in_parts_as_far_as_something_is_traded(face: Face) -> None:
    order = face.rest(Side.BUY, "0.02", LIMIT, limit_price=60_000)
    face.price(60_000, "0.005")
    face.wait_filled(order, "0.005")
    assert face.now(order).state is OrderState.PARTIAL
    face.price(60_000, "0.007")
    face.price(60_000, "0.1")
    assert face.wait_ended(order).state is OrderState.FILLED
    fills = face.fills(order)
    assert sorted(one.quantity for one in fills) == [D("0.005"), D("0.007"), D("0.008")]
    assert {one.price for one in fills} == {D(60_000)}


def test_a_stop_fills_behind_the_gap_at_the_worse_price(face: Face) -> None:
    face.trade(Side.BUY, "0.01")
    stop = face.rest(Side.SELL, "0.01", STOP, stop_price=62_000, reduce_only=True)
    face.price("62000.1")
    face.settle()
    assert face.now(stop).state is OrderState.WORKING
    face.price(60_500)
    assert face.wait_ended(stop).state is OrderState.FILLED
    assert [one.price for one in face.fills(stop)] == [D(60_500)]
    assert face.held == 0


@pytest.mark.parametrize(("price", "paid"), [(66_000, 66_000), (60_500, 60_500)])
def test_of_a_bracket_one_side_fills_and_the_other_is_gone(
    face: Face, price: int, paid: int
) -> None:
    face.trade(Side.BUY, "0.01")
    order = face.order(
        Side.SELL, "0.01", BRACKET, limit_price=66_000, stop_price=62_000, reduce_only=True
    )
    face.send(order)
    if not face.has_brackets:
        # Then the engine watches the target itself; half of a bracket would be the worst.
        assert face.wait_ended(order).state is OrderState.REJECTED
        assert len(face.taken_ids()) == 1
        return
    face.wait(lambda: face.now(order).state is OrderState.WORKING, "a bracket that rests")
    face.price(price)
    assert face.wait_ended(order).state is OrderState.FILLED
    assert [one.price for one in face.fills(order)] == [D(paid)]
    face.price(60_000)
    face.price(67_000)
    face.settle()
    assert face.held == 0


def test_what_is_cancelled_is_gone_and_its_money_is_free(face: Face) -> None:
    order = face.rest(Side.BUY, "1.5", LIMIT, limit_price=60_000)
    face.cancel(order)
    assert face.wait_ended(order).state is OrderState.CANCELLED
    face.price(59_000)
    face.settle()
    assert face.story(order) == ["accepted", "cancelled"]
    assert face.trade(Side.BUY, "1.5").state is OrderState.FILLED


def test_a_cancel_of_a_part_keeps_what_was_filled_which_is_told_first(face: Face) -> None:
    order = face.rest(Side.BUY, "0.02", LIMIT, limit_price=60_000)
    # Not told yet when the cancel goes out.
    face.price(59_990, "0.005")
    face.cancel(order)
    ended = face.wait_ended(order)
    assert (ended.state, ended.filled) == (OrderState.CANCELLED, D("0.005"))
    assert face.story(order)[-2:] == ["filled", "cancelled"]
    assert face.held == D("0.005")


def test_a_cancel_that_comes_after_the_fill_changes_nothing(face: Face) -> None:
    order = face.rest(Side.BUY, "0.02", LIMIT, limit_price=60_000)
    face.price(59_990)
    face.cancel(order) if face.now(order).state is OrderState.WORKING else face.take_back(order.id)
    ended = face.wait_ended(order)
    face.take_back(order.id)
    face.settle()
    assert face.now(order) == ended
    assert (ended.state, ended.filled) == (OrderState.FILLED, D("0.02"))


def test_a_cancel_of_an_order_that_nobody_knows_does_nothing(face: Face) -> None:
    resting = face.rest(Side.BUY, "0.02", LIMIT, limit_price=60_000)
    face.take_back("tnobodyknowsthis01")
    face.settle()
    assert face.now(resting).state is OrderState.WORKING
    assert {one.order_id for one in face.told} == {resting.id}


def test_an_order_that_is_given_twice_is_there_once(face: Face) -> None:
    order = face.rest(Side.BUY, "0.02", LIMIT, limit_price=60_000)
    face.give(order)
    face.settle()
    face.price(59_990)
    face.wait_ended(order)
    face.settle()
    assert face.taken_ids() == [order.id]
    assert face.held == D("0.02")


def test_an_execution_is_told_once_however_often_the_account_is_looked_at(face: Face) -> None:
    order = face.rest(Side.BUY, "0.02", LIMIT, limit_price=60_000)
    face.price(59_990, "0.005")
    for _ in range(3):
        face.settle()
    face.price(59_990, "0.5")
    for _ in range(3):
        face.settle()
    fills = face.fills(order)
    assert [one.quantity for one in fills] == [D("0.005"), D("0.015")]
    assert len({one.fill_id for one in fills}) == 2
