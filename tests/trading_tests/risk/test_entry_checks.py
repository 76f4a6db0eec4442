"""What keeps an order that raises risk from being approved, and in which order it is said."""

from dataclasses import replace
from decimal import Decimal
from math import nan
from typing import Any

import pytest

from tests.trading_tests.risk.risk_makers import (
    PERSON,
    SPOT,
    SWAP,
    approved,
    holding,
    make_exit,
    make_intent,
    make_position,
    make_view,
    refused,
    with_order,
)
from trading.model.instrument import Instrument
from trading.model.order import OrderType, Purpose, Side
from trading.risk.gate import RefusalCode, overridden_by_force, raises_risk

WRONG: list[tuple[dict[str, Any], RefusalCode, str]] = [
    ({"trading_allowed": False}, RefusalCode.NOT_ALLOWED, "configuration"),
    ({"kill": "the kill latch is set by 42: test"}, RefusalCode.KILLED, "kill latch"),
    ({"trading_on": False}, RefusalCode.TRADING_OFF, "/starttrading"),
    ({"is_paused": True}, RefusalCode.PAUSED, "/resume"),
    ({"buying_off": "switched off by 42"}, RefusalCode.BUYING_OFF, "switched off by 42"),
    ({"barred": ("daily loss 5.1 %, limit 5 %",)}, RefusalCode.LIMIT, "daily loss 5.1 %"),
    ({"trouble": "the store is failing"}, RefusalCode.TROUBLE, "the store is failing"),
    ({"position": make_position(instance="other")}, RefusalCode.OTHER_OWNER, "instance other"),
    ({"instrument": None}, RefusalCode.UNKNOWN_INSTRUMENT, "steps"),
    ({"price": None}, RefusalCode.QUOTE, "no price"),
    ({"equity": nan}, RefusalCode.EQUITY, "equity"),
]
PASSED_BY_FORCE = {
    RefusalCode.TRADING_OFF,
    RefusalCode.PAUSED,
    RefusalCode.BUYING_OFF,
    RefusalCode.OTHER_OWNER,
}


def test_an_entry_is_approved_when_nothing_is_wrong() -> None:
    order = approved(make_intent(reason="cross"), make_view())
    assert (order.id, order.purpose, order.reduce_only) == ("order1", Purpose.ENTRY, False)
    assert (order.instance, order.reason, order.created_at) == ("trend", "cross", make_view().at)


@pytest.mark.parametrize(("parts", "code", "words"), WRONG, ids=lambda part: str(part)[:30])
def test_one_thing_wrong_refuses_an_entry(
    parts: dict[str, Any], code: RefusalCode, words: str
) -> None:
    refusal = refused(make_intent(), make_view(**parts))
    assert refusal.code is code
    assert words in refusal.text


@pytest.mark.parametrize(("parts", "code", "words"), WRONG, ids=lambda part: str(part)[:30])
def test_force_passes_flags_and_owners_and_nothing_else(
    parts: dict[str, Any], code: RefusalCode, words: str
) -> None:
    view = make_view(**parts)
    if code in PASSED_BY_FORCE:
        assert approved(make_intent(**PERSON), view).quantity > 0
    else:
        assert words in refused(make_intent(**PERSON), view).text


def test_reasons_are_said_in_their_order() -> None:
    wrong = [parts for parts, _, _ in WRONG]
    for index, (_, code, _) in enumerate(WRONG):
        everything: dict[str, Any] = {}
        for parts in wrong[index:]:
            everything |= parts
        assert refused(make_intent(), make_view(**everything)).code is code


def test_a_forced_order_notes_what_it_overrode() -> None:
    view = make_view(trading_on=False, buying_off="a bad day")
    assert [each.code for each in overridden_by_force(view)] == [
        RefusalCode.TRADING_OFF,
        RefusalCode.BUYING_OFF,
    ]
    note = approved(make_intent(**PERSON), view).note
    assert "trading is off" in note
    assert "a bad day" in note


def test_a_long_only_account_sells_nothing_short() -> None:
    refusal = refused(make_intent(Side.SELL), make_view(account=SPOT))
    assert refusal.code is RefusalCode.LONG_ONLY


@pytest.mark.parametrize("author", [{}, PERSON])
def test_an_account_with_more_leverage_than_the_most_opens_nothing_and_closes_all(
    author: dict[str, Any],
) -> None:
    account = replace(SWAP, leverage=Decimal("3.5"))
    refusal = refused(make_intent(**author), make_view(account=account))
    assert refusal.code is RefusalCode.LEVERAGE
    assert "found a leverage of 3.5, allowed 3 (max_leverage)" in refusal.text
    assert approved(make_intent(**author), make_view(account=SWAP)).quantity > 0
    out = approved(make_exit(**author), holding(account=account))
    assert (out.quantity, out.reduce_only) == (Decimal(2), True)


def test_a_person_who_sells_nothing_is_told_so_whatever_else_is_wrong() -> None:
    refusal = refused(make_intent(Side.SELL, **PERSON), make_view(kill="set", trading_on=False))
    assert refusal.code is RefusalCode.NOTHING_HELD
    assert "nothing is held of BTC/USDT" in refusal.text


def test_a_plain_sell_while_flat_raises_risk_where_shorts_are_possible() -> None:
    order = approved(make_intent(Side.SELL, **PERSON), make_view(account=SWAP))
    assert (order.purpose, order.side, order.reduce_only) == (Purpose.ENTRY, Side.SELL, False)
    refusal = refused(make_intent(Side.SELL, **PERSON), make_view(account=SWAP, kill="set"))
    assert refusal.code is RefusalCode.KILLED


def test_an_exit_never_opens_a_position() -> None:
    intent = make_intent(Side.SELL, purpose=Purpose.EXIT, **PERSON)
    assert refused(intent, make_view(account=SWAP)).code is RefusalCode.NOTHING_HELD
    more = make_intent(Side.BUY, purpose=Purpose.EXIT)
    assert "held long" in refused(more, holding()).text


def test_an_instance_adds_to_its_own_position_only() -> None:
    assert approved(make_intent(), holding()).quantity > 0
    persons = holding(position=make_position(instance=""))
    assert "belongs to a person" in refused(make_intent(), persons).text


def test_an_entry_that_is_on_its_way_owns_the_market_already() -> None:
    view = with_order(make_view(), approved(make_intent(instance="first"), make_view()))
    assert refused(make_intent(), view).code is RefusalCode.OTHER_OWNER
    assert approved(make_intent(instance="first"), view).instance == "first"
    assert approved(make_intent(**PERSON), view).instance == ""


@pytest.mark.parametrize("age", [10.1, nan, float("inf"), -60.0])
def test_a_stale_quote_is_no_quote(age: float) -> None:
    assert refused(make_intent(**PERSON), make_view(quote_age_s=age)).code is RefusalCode.QUOTE


@pytest.mark.parametrize("price", [nan, float("inf"), 0.0, -1.0, 1e300])
def test_a_price_that_is_none_is_refused(price: float) -> None:
    assert refused(make_intent(), make_view(price=price)).code is RefusalCode.QUOTE


def test_a_market_without_steps_is_unknown() -> None:
    stepless = Instrument("BTC/USDT", "BTC", "USDT", Decimal(0), Decimal("0.1"))
    refusal = refused(make_intent(), make_view(instrument=stepless))
    assert refusal.code is RefusalCode.UNKNOWN_INSTRUMENT


def test_a_bracket_opens_nothing() -> None:
    intent = make_intent(type=OrderType.BRACKET, limit_price=Decimal(110), stop_price=Decimal(90))
    assert "opens none" in refused(intent, make_view()).text


@pytest.mark.parametrize(
    ("side", "quantity", "held", "raises"),
    [
        (Side.BUY, None, "0", True),
        (Side.SELL, None, "0", True),
        (Side.BUY, "1", "2", True),
        (Side.SELL, "1", "-2", True),
        (Side.SELL, "2", "2", False),
        (Side.SELL, None, "2", False),
        (Side.SELL, "2.1", "2", True),
        (Side.BUY, "3", "-2", True),
        (Side.BUY, "1", "-2", False),
        (Side.SELL, "NaN", "2", True),
    ],
)
def test_risk_is_raised_by_effect_not_by_verb(
    side: Side, quantity: str | None, held: str, *, raises: bool
) -> None:
    wish = None if quantity is None else Decimal(quantity)
    assert raises_risk(side, wish, Decimal(held)) is raises


def test_a_limit_names_once_what_it_is_for() -> None:
    text = "BTC/USDT on main: 2 trades lost in a row, limit 2"
    assert refused(make_intent(), make_view(barred=(text,))).text == text
