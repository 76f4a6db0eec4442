"""What a venue does not take: a definite no in words, and nothing has changed."""

from decimal import Decimal
from typing import Any

import pytest

from tests.contract.face import CASH, Face
from trading.model.order import OrderType, Side
from trading.model.order_states import OrderState

D = Decimal
REFUSALS: dict[str, tuple[str, dict[str, Any]]] = {
    "money": ("100", {"limit_price": 60_000}),
    "size": ("0.00001", {"limit_price": 60_000}),
    "cost": ("0.00005", {"limit_price": 5_000}),
    "step of the quantity": ("0.012345678", {"limit_price": 60_000}),
    "market": ("0.01", {"limit_price": 60_000, "symbol": "DOGE/USD"}),
}


@pytest.mark.parametrize("what", REFUSALS)
def test_a_refusal_is_definite_and_changes_nothing(face: Face, what: str) -> None:
    quantity, more = REFUSALS[what]
    order = face.send(face.order(Side.BUY, quantity, OrderType.LIMIT, **more))
    ended = face.wait_ended(order)
    assert (ended.state, ended.filled) == (OrderState.REJECTED, D(0))
    assert ended.note
    face.settle()
    assert face.taken_ids() == []
    assert face.money() == (CASH, D(0))
    assert face.story(order) == ["rejected"]


def test_a_price_between_steps_is_refused_or_made_no_worse(face: Face) -> None:
    order = face.order(Side.BUY, "0.01", OrderType.LIMIT, limit_price="60000.09")
    face.send(order)
    face.settle()
    assert face.now(order).state in (OrderState.WORKING, OrderState.REJECTED)
    face.price("60000.1")
    face.settle()
    assert not face.fills(order)
    face.price(60_000)
    face.settle()
    assert {one.price for one in face.fills(order)} <= {D(60_000)}


def test_more_than_is_held_is_not_sold_on_spot(face: Face) -> None:
    face.trade(Side.BUY, "0.01")
    if face.has_positions:
        assert face.trade(Side.SELL, "0.03").state is OrderState.FILLED
        assert face.held == D("-0.02")
        return
    assert face.trade(Side.SELL, "0.03").state is OrderState.REJECTED
    assert face.held == D("0.01")


@pytest.mark.parametrize("held", ["0", "0.01", "-0.01"])
def test_an_order_that_only_reduces_never_opens_or_turns_a_position(face: Face, held: str) -> None:
    start = D(held)
    if start < 0 and not face.has_positions:
        pytest.skip("nothing is sold short on spot")
    if start:
        face.trade(Side.BUY if start > 0 else Side.SELL, abs(start))
    side = Side.BUY if start < 0 else Side.SELL
    order = face.wait_ended(face.send(face.order(side, "0.03", reduce_only=True)))
    face.settle()
    assert order.filled <= abs(start)
    assert face.held * start >= 0
    assert abs(face.held) <= abs(start)
