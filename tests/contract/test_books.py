"""The books of a bot beside those of its venue: over a restart, a long day, and two accounts."""

from decimal import Decimal
from random import Random

import pytest

from tests.contract.face import CASH, Face
from trading.model.order import Order, OrderType, Side
from trading.model.order_states import ENDED, OrderState

D = Decimal
LIMIT, STOP = OrderType.LIMIT, OrderType.STOP


def test_open_orders_go_on_over_a_restart(face: Face) -> None:
    face.trade(Side.BUY, "0.01")
    part = face.rest(Side.BUY, "0.03", LIMIT, limit_price=60_000)
    gone = face.rest(Side.BUY, "0.02", LIMIT, limit_price=40_000)
    # Sizes of which the mean prices have an end.
    face.price(60_000, "0.01")
    face.wait_filled(part, "0.01")
    face.price(61_000)
    stop = face.rest(Side.SELL, "0.01", STOP, stop_price=58_000, reduce_only=True)
    face.restart()
    face.settle()
    assert face.now(part).filled == D("0.01")
    face.price(60_000)
    assert face.wait_ended(part).filled == D("0.03")
    face.price(57_500)
    assert face.wait_ended(stop).state is OrderState.FILLED
    face.cancel(gone)
    assert face.wait_ended(gone).state is OrderState.CANCELLED
    assert face.held == D("0.03")


def test_what_happens_while_nobody_looks_is_in_the_books_after_a_restart(face: Face) -> None:
    face.trade(Side.BUY, "0.01")
    stop = face.rest(Side.SELL, "0.01", STOP, stop_price=62_000, reduce_only=True)
    unseen = face.rest(Side.BUY, "0.02", LIMIT, limit_price=60_000)
    face.price(59_000)
    face.restart()
    assert face.wait_ended(stop).state is OrderState.FILLED
    assert face.wait_ended(unseen).state is OrderState.FILLED
    assert face.held == D("0.02")


@pytest.mark.parametrize("seed", [1])
def test_after_a_long_day_cash_and_holdings_are_the_venue_s_to_the_last_digit(
    face: Face, seed: int
) -> None:
    rng = Random(seed)
    resting: list[Order] = []
    for step in range(24):
        level = 64_000 + 100 * rng.randint(-20, 20)
        act = rng.randrange(4)
        # As much as anybody wants, and above all that rests.
        face.price(level)
        if act == 0:
            face.trade(Side.BUY, D(rng.randint(10_000, 200_000)).scaleb(-8))
        elif act == 1:
            price = level - 100 * rng.randint(1, 10)
            size = D(rng.randint(10_000, 200_000)).scaleb(-7)
            resting.append(face.rest(Side.BUY, size, LIMIT, limit_price=min(price, 61_000)))
        elif act == 2 and resting:
            last = resting.pop()
            if face.now(last).state not in ENDED:
                face.cancel(last)
        face.price(level - 100 * rng.randint(0, 30), D(rng.randint(1, 50)).scaleb(-4))
        if step % 8 == 7:
            face.settle()
    for order in resting:
        if face.now(order).state not in ENDED:
            face.cancel(order)
            face.wait_ended(order)
    face.price(64_000)
    face.settle()
    assert face.held > 0
    assert face.trade(Side.SELL, face.held, reduce_only=True).state is OrderState.FILLED
    assert face.held == 0
    assert face.money() == (face.cash, D(0))


def test_two_accounts_at_one_venue_know_nothing_of_each_other(faces: list[Face]) -> None:
    first, second = faces
    resting = first.rest(Side.BUY, "0.02", LIMIT, limit_price=60_000)
    other = second.rest(Side.BUY, "0.03", LIMIT, limit_price=60_000)
    second.cancel(other)
    second.wait_ended(other)
    first.price(59_990)
    first.wait_ended(resting)
    second.settle()
    assert (first.held, second.held) == (D("0.02"), D(0))
    assert second.cash == CASH
    assert {one.account for one in second.told} == {second.account}
    second.trade(Side.BUY, "0.01")
    first.settle()
    assert {one.account for one in first.told} == {first.account}
