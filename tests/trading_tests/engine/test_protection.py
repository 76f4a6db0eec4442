"""Protection: the difference between what should rest for a position and what does."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tests.trading_tests.makers import BTC, NOW
from trading.engine.protection import (
    NOTHING_TO_DO,
    ProtectionStep,
    follow_price,
    is_trail_hit,
    reconcile_protection,
    tighten,
    wanted_protection,
)
from trading.model.order import Order, OrderType, Purpose, Side, TrailPlan
from trading.model.order_states import OrderState
from trading.model.position import Position

D = Decimal
PLAN = TrailPlan(activation=D("0.02"), distance=D("0.01"), tight_distance=D("0.002"))
STEPS_MAX = 4


def make_position(quantity: str = "1", **more: object) -> Position:
    prices: dict[str, object] = {"stop_price": D(95), "target_price": D(110)}
    values = prices | {"best_price": 100.0} | more
    return Position("main", BTC, D(quantity), D(100), NOW, **values)  # type: ignore[arg-type]


def make_order(
    order_id: str = "p1", purpose: Purpose = Purpose.PROTECTION, **more: object
) -> Order:
    values: dict[str, object] = {
        "type": OrderType.BRACKET,
        "quantity": D(1),
        "stop_price": D(95),
        "limit_price": D(110),
        "state": OrderState.WORKING,
    }
    values |= more
    return Order(
        id=order_id,
        account="main",
        symbol=BTC,
        side=Side.SELL,
        purpose=purpose,
        created_at=NOW,
        **values,  # type: ignore[arg-type]
    )


def test_a_position_that_has_its_order_needs_nothing() -> None:
    assert reconcile_protection(make_position(), [make_order()]) == NOTHING_TO_DO


def test_a_bare_position_gets_a_bracket_or_a_stop_alone() -> None:
    placed = reconcile_protection(make_position(), []).place
    assert placed is not None
    assert (placed.type, placed.quantity) == (OrderType.BRACKET, D(1))
    alone = reconcile_protection(make_position(target_price=None), []).place
    assert alone is not None
    assert (alone.type, alone.target_price) == (OrderType.STOP, None)


def test_one_of_another_size_or_price_is_cancelled_before_a_new_one_is_placed() -> None:
    for wrong in (
        make_order(quantity=D(2)),
        make_order(stop_price=D(94)),
        make_order(limit_price=D(111)),
        make_order(type=OrderType.STOP, limit_price=None),
    ):
        assert reconcile_protection(make_position(), [wrong]) == ProtectionStep(cancel=("p1",))


def test_one_that_is_being_cancelled_is_waited_for_and_not_cancelled_again() -> None:
    going = make_order(is_cancelling=True)
    assert reconcile_protection(make_position(), [going]) == NOTHING_TO_DO


def test_of_two_that_fit_one_goes() -> None:
    step = reconcile_protection(make_position(), [make_order("p1"), make_order("p2")])
    assert step == ProtectionStep(cancel=("p2",))


def test_a_partly_filled_one_fits_what_is_left() -> None:
    partial = make_order(quantity=D(2), filled=D(1), state=OrderState.PARTIAL)
    assert reconcile_protection(make_position(), [partial]) == NOTHING_TO_DO


def test_what_is_being_closed_is_freed_of_its_orders_and_then_sold_at_the_market() -> None:
    closing = make_position(closing="enough")
    freed = reconcile_protection(closing, [make_order(), make_order("e1", Purpose.ENTRY)])
    assert freed == ProtectionStep(cancel=("p1", "e1"))
    placed = reconcile_protection(closing, []).place
    assert placed is not None
    assert (placed.purpose, placed.type, placed.quantity) == (
        Purpose.EXIT,
        OrderType.MARKET,
        D(1),
    )
    way_out = make_order("x1", Purpose.EXIT, type=OrderType.MARKET, limit_price=None)
    assert reconcile_protection(closing, [way_out]) == NOTHING_TO_DO


def test_an_exit_that_waits_for_a_price_is_no_way_out() -> None:
    waiting = make_order("x1", Purpose.EXIT, type=OrderType.LIMIT)
    step = reconcile_protection(make_position(closing="enough"), [waiting])
    assert step == ProtectionStep(cancel=("x1",))


def test_what_protects_nothing_is_cancelled_and_entries_stay() -> None:
    orders = [make_order(), make_order("e1", Purpose.ENTRY), make_order("x1", Purpose.EXIT)]
    assert reconcile_protection(None, orders) == ProtectionStep(cancel=("p1", "x1"))


orders_strategy = st.lists(
    st.builds(
        make_order,
        st.uuids().map(str),
        st.sampled_from(Purpose),
        type=st.sampled_from(OrderType),
        quantity=st.sampled_from([D(1), D(2)]),
        stop_price=st.sampled_from([D(95), D(94), None]),
        limit_price=st.sampled_from([D(110), None]),
        is_cancelling=st.booleans(),
    ),
    max_size=5,
)
positions = st.one_of(
    st.none(),
    st.builds(
        make_position,
        st.sampled_from(["1", "-2"]),
        target_price=st.sampled_from([D(110), None]),
        closing=st.sampled_from(["", "flatten"]),
    ),
)


@given(positions, orders_strategy)
def test_applied_step_by_step_it_comes_to_rest_with_exactly_what_is_wanted(
    position: Position | None, orders: list[Order]
) -> None:
    for _ in range(STEPS_MAX):
        step = reconcile_protection(position, orders)
        # The venue carries out what it was asked for.
        asked = {*step.cancel, *(one.id for one in orders if one.is_cancelling)}
        orders = [one for one in orders if one.id not in asked]
        if step.place is not None:
            wanted = step.place
            orders.append(
                make_order(
                    "new",
                    wanted.purpose,
                    type=wanted.type,
                    quantity=wanted.quantity,
                    stop_price=wanted.stop_price,
                    limit_price=wanted.target_price,
                )
            )
    assert reconcile_protection(position, orders) == NOTHING_TO_DO
    others = [one for one in orders if one.purpose is not Purpose.ENTRY]
    if position is None:
        assert not others
    elif position.closing:
        assert orders
        assert {(one.purpose, one.type) for one in orders} == {(Purpose.EXIT, OrderType.MARKET)}
    else:
        (protection,) = [one for one in orders if one.purpose is Purpose.PROTECTION]
        resting = wanted_protection(position)
        assert resting is not None
        assert (protection.quantity, protection.stop_price) == (resting.quantity, D(95))


def test_no_plan_no_trail() -> None:
    position = make_position()
    assert follow_price(position, 200.0) is position
    assert tighten(position) is position
    assert not is_trail_hit(position, 1.0)


@given(
    st.sampled_from(["1", "-1"]),
    st.lists(st.floats(50, 200), min_size=1, max_size=40),
    st.integers(0, 40),
)
def test_a_trailing_stop_never_goes_back_and_stays_behind_the_best_price(
    quantity: str, prices: list[float], tight_from: int
) -> None:
    position = make_position(quantity, trail=PLAN)
    sign = 1 if position.quantity > 0 else -1
    for number, price in enumerate(prices):
        before = position
        if number == tight_from:
            position = tighten(position)
        position = follow_price(position, price)
        if before.trail_price is not None:
            assert position.trail_price is not None
            assert (position.trail_price - before.trail_price) * sign >= 0
        assert (position.best_price - before.best_price) * sign >= 0
        assert replace(position, best_price=0, trail_price=None, is_trail_tight=False) == replace(
            before, best_price=0, trail_price=None, is_trail_tight=False
        )
        if position.trail_price is not None:
            assert (D(position.best_price) - position.trail_price) * sign > 0
            assert is_trail_hit(position, float(position.trail_price))
            assert not is_trail_hit(position, position.best_price)
