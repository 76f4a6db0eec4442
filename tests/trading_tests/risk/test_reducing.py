"""What reduces risk goes out whatever else is wrong, but never turns a position around."""

from dataclasses import replace
from math import nan
from typing import Any

import pytest

from tests.trading_tests.risk.risk_makers import (
    BTC,
    PERSON,
    SWAP,
    D,
    approved,
    holding,
    make_exit,
    make_intent,
    make_position,
    make_view,
    refused,
)
from trading.model.order import OrderType, Purpose, Side
from trading.risk.gate import RefusalCode

EVERYTHING_WRONG: dict[str, Any] = {
    "trading_on": False,
    "is_paused": True,
    "trading_allowed": False,
    "buying_off": "off",
    "selling_off": "off",
    "barred": ("total loss",),
    "kill": "set",
    "trouble": "the store is failing",
    "instrument": None,
    "price": None,
    "quote_age_s": nan,
    "equity": nan,
    "exposure": nan,
    "cash": D("NaN"),
    "reserved": D("NaN"),
}


@pytest.mark.parametrize("purpose", Purpose)
def test_a_person_sells_whatever_is_wrong(purpose: Purpose) -> None:
    intent = make_intent(Side.SELL, purpose=purpose, **PERSON)
    order = approved(intent, holding("1.23456789", **EVERYTHING_WRONG))
    assert (order.quantity, order.reduce_only) == (D("1.23456789"), True)
    assert order.purpose is (Purpose.EXIT if purpose is Purpose.ENTRY else purpose)
    assert (order.reserve_price, order.exit_plan) == (D(0), None)


def test_protection_stands_whatever_is_wrong() -> None:
    intent = make_intent(
        Side.SELL,
        purpose=Purpose.PROTECTION,
        type=OrderType.BRACKET,
        quantity=D(2),
        limit_price=D(110),
        stop_price=D(95),
    )
    order = approved(intent, holding(**EVERYTHING_WRONG))
    assert (order.quantity, order.reduce_only) == (D(2), True)
    assert (order.limit_price, order.stop_price) == (D(110), D(95))


def test_protection_is_never_larger_than_its_position() -> None:
    intent = make_intent(
        Side.SELL,
        purpose=Purpose.PROTECTION,
        type=OrderType.STOP,
        quantity=D(5),
        stop_price=D(95),
    )
    assert approved(intent, holding("2")).quantity == D(2)
    assert refused(intent, make_view(account=SWAP)).code is RefusalCode.NOTHING_HELD
    wrong_side = replace(intent, side=Side.BUY)
    assert refused(wrong_side, holding("2")).code is RefusalCode.NOTHING_HELD


def test_protection_is_taken_as_it_is() -> None:
    intent = make_intent(
        Side.SELL,
        purpose=Purpose.PROTECTION,
        type=OrderType.BRACKET,
        quantity=D("1.99995"),
        limit_price=D("110.001"),
        stop_price=D("95.001"),
    )
    view = holding("1.99996", instrument=replace(BTC, quantity_max=D(1)))
    order = approved(intent, view)
    assert (order.quantity, order.limit_price, order.stop_price) == (
        D("1.99995"),
        D("110.001"),
        D("95.001"),
    )


def test_a_short_is_bought_back() -> None:
    order = approved(make_intent(Side.BUY, **PERSON), holding("-2", account=SWAP, kill="set"))
    assert (order.side, order.quantity, order.purpose) == (Side.BUY, D(2), Purpose.EXIT)


@pytest.mark.parametrize("part", ["trading_on", "trading_allowed"])
def test_a_strategy_sells_nothing_while_trading_is_off(part: str) -> None:
    flags: dict[str, Any] = {part: False}
    refusal = refused(make_exit(), holding(**flags))
    assert refusal.code is RefusalCode.TRADING_OFF
    assert "protection stays" in refusal.text


def test_a_strategy_sells_nothing_while_selling_is_off() -> None:
    refusal = refused(make_exit(), holding(selling_off="switched off by 42"))
    assert refusal.code is RefusalCode.SELLING_OFF
    assert "switched off by 42" in refusal.text
    assert "protection stays" in refusal.text


def test_a_strategy_sells_while_paused_or_when_nothing_may_be_bought() -> None:
    no_risk: dict[str, Any] = {
        "is_paused": True,
        "kill": "set",
        "barred": ("x",),
        "buying_off": "off",
    }
    assert approved(make_exit(), holding(trouble="outbox full", **no_risk)).quantity == D(2)


def test_a_strategy_that_sells_what_it_holds_leaves_it_by_whatever_verb() -> None:
    assert approved(make_intent(Side.SELL), holding()).purpose is Purpose.EXIT
    refusal = refused(make_intent(Side.SELL), holding(selling_off="off"))
    assert refusal.code is RefusalCode.SELLING_OFF


def test_an_instance_leaves_its_own_or_a_person_s_position_only() -> None:
    assert approved(make_exit(), holding()).quantity == D(2)
    assert approved(make_exit(), holding(position=make_position(instance=""))).quantity == D(2)
    others = holding(position=make_position(instance="other"))
    assert refused(make_exit(), others).code is RefusalCode.OTHER_OWNER
    assert approved(make_exit(**PERSON), others).quantity == D(2)


def test_nothing_held_is_nothing_to_sell() -> None:
    refusal = refused(make_exit(**PERSON), make_view())
    assert refusal.code is RefusalCode.NOTHING_HELD
    assert "nothing is held of BTC/USDT" in refusal.text


@pytest.mark.parametrize(
    ("held", "wish", "quantity"),
    [
        ("2", {}, "2"),
        ("1.99995", {}, "1.99995"),  # a fee in coins left a quantity between two steps
        ("2", {"quantity": D(3)}, "2"),
        ("2", {"quantity": D("0.55555")}, "0.5555"),
        ("2", {"amount": D(50)}, "0.5"),
        ("2", {"equity_fraction": D("0.01")}, "1"),
        ("2", {"quantity": D("1.9999")}, "2"),  # the rest is below quantity_min
        ("2", {"quantity": D("1.96")}, "2"),  # the rest is worth less than cost_min
        ("2", {"quantity": D("1.95")}, "1.95"),
        ("0.0001", {}, "0.0001"),  # below every minimum, and still sold
        ("1.99995", {"quantity": D("1.9999")}, "1.99995"),
    ],
)
def test_an_exit_never_leaves_a_rest_that_cannot_be_sold(
    held: str, wish: dict[str, Any], quantity: str
) -> None:
    assert approved(make_exit(**wish), holding(held)).quantity == D(quantity)


def test_a_part_that_is_too_small_to_be_sold_is_refused_with_a_way_out() -> None:
    refusal = refused(make_exit(quantity=D("0.00001")), holding())
    assert "needed at least 0.0002 BTC, or all of it" in refusal.text


def test_an_exit_above_the_market_s_largest_order_goes_out_in_parts() -> None:
    view = holding("20", instrument=replace(BTC, quantity_max=D("7.00005")))
    assert approved(make_exit(), view).quantity == D(7)


def test_an_amount_is_sold_by_the_entry_price_when_there_is_no_other() -> None:
    order = approved(make_exit(amount=D(50)), holding(price=None))
    assert order.quantity == D("0.5")


@pytest.mark.parametrize("size", ["NaN", "-1", "0", "Infinity", "1E+99"])
def test_a_size_that_is_none_sells_nothing(size: str) -> None:
    assert refused(make_exit(quantity=D(size)), holding()).code is RefusalCode.SIZE


def test_an_exit_at_a_price_keeps_it() -> None:
    intent = make_exit(type=OrderType.LIMIT, limit_price=D("110.001"))
    assert approved(intent, holding()).limit_price == D("110.01")
    stop = make_exit(type=OrderType.STOP, stop_price=D("95.001"))
    assert approved(stop, holding()).stop_price == D("95.01")
