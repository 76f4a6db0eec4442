"""How large an entry becomes: its wish, the room below the caps, the market's steps."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tests.trading_tests.risk.risk_makers import (
    BTC,
    SETTINGS,
    SWAP,
    D,
    approved,
    holding,
    make_intent,
    make_view,
    refused,
    with_order,
)
from trading.model.order import OrderType, Purpose, Side
from trading.risk.gate import RefusalCode
from trading.risk.money import show
from trading.risk.settings import RiskSettings

WIDE = replace(SETTINGS, max_position_fraction=D(10), max_exposure_fraction=D(10))


@pytest.mark.parametrize(
    ("wish", "quantity"),
    [
        ({}, "0.9900"),  # 100 of trade_amount at 101 a unit
        ({"amount": D(202)}, "2"),
        ({"quantity": D("1.23456")}, "1.2345"),
        ({"equity_fraction": D("0.1")}, "9.9009"),
        ({"quantity": D(1), "amount": D(500)}, "1"),
    ],
)
def test_a_market_order_is_valued_at_the_price_with_its_costs(
    wish: dict[str, Any], quantity: str
) -> None:
    order = approved(make_intent(**wish), make_view())
    assert order.quantity == D(quantity)
    assert order.reserve_price == D(101)


def test_a_limit_order_is_valued_at_its_own_price_and_reserves_its_fees() -> None:
    intent = make_intent(type=OrderType.LIMIT, limit_price=D("80.009"), amount=D(160))
    order = approved(intent, make_view())
    assert (order.limit_price, order.quantity) == (D("80.00"), D(2))
    assert order.reserve_price == D("80.80")


def test_cash_pays_the_fees_of_a_limit_order_too() -> None:
    intent = make_intent(type=OrderType.LIMIT, limit_price=D(80), quantity=D(1_000))
    assert approved(intent, make_view(cash=D(808)), WIDE).quantity == D(10)


def test_a_buy_stop_is_valued_at_its_trigger() -> None:
    intent = make_intent(type=OrderType.STOP, stop_price=D("124.999"), amount=D(250))
    order = approved(intent, make_view())
    assert (order.stop_price, order.quantity) == (D(125), D(2))


def test_a_sale_below_the_market_is_worth_what_the_market_pays() -> None:
    intent = make_intent(Side.SELL, type=OrderType.LIMIT, limit_price=D(1), quantity=D(1_000))
    order = approved(intent, make_view(account=SWAP))
    assert order.quantity == D(25)
    assert order.reserve_price == D(101)


def test_a_buy_stop_that_the_market_has_passed_is_worth_the_market() -> None:
    intent = make_intent(type=OrderType.STOP, stop_price=D(1), quantity=D(1_000))
    assert approved(intent, make_view()).quantity == D(25)


@pytest.mark.parametrize(
    ("view", "settings", "quantity", "cap"),
    [
        (make_view(), SETTINGS, "24.7524", "max_position_pct"),
        (make_view(exposure=8_000.0), SETTINGS, "9.9009", "max_exposure_pct"),
        (make_view(exposure=8_000.0, reserved=D(495)), SETTINGS, "5", "max_exposure_pct"),
        (make_view(cash=D(1_010)), SETTINGS, "10", "the cash that is left"),
        (make_view(cash=D(1_010), reserved=D(505)), SETTINGS, "5", "the cash that is left"),
        (make_view(account=SWAP, cash=D(0)), WIDE, "297.0297", "leverage of 3"),
        (make_view(account=SWAP, exposure=29_697.0, reserved=D(202)), WIDE, "1", "leverage of 3"),
        (holding("24"), SETTINGS, "0.9900", "max_position_pct"),
        (make_view(instrument=replace(BTC, quantity_max=D(7))), SETTINGS, "7", "largest order"),
    ],
)
def test_a_wish_is_cut_to_the_tightest_cap(
    view: Any, settings: RiskSettings, quantity: str, cap: str
) -> None:
    order = approved(make_intent(quantity=D(1_000)), view, settings)
    assert order.quantity == D(quantity)
    assert cap in order.note
    assert "cut from 1,000 to" in order.note


def test_open_entries_of_the_market_take_room_before_they_fill() -> None:
    view = make_view()
    first = approved(make_intent(quantity=D(20)), view)
    second = approved(make_intent(quantity=D(20)), with_order(view, first))
    assert (first.quantity, second.quantity) == (D(20), D("4.7524"))
    full = with_order(with_order(view, first), second)
    assert "max_position_pct" in refused(make_intent(quantity=D(20)), full).text


def test_a_partly_filled_entry_reserves_what_is_left_of_it() -> None:
    view = make_view()
    first = replace(approved(make_intent(quantity=D(20)), view), filled=D(15))
    assert with_order(view, first).reserved == D(505)


@pytest.mark.parametrize(
    ("wish", "instrument", "words"),
    [
        ({"quantity": D("0.00019")}, BTC, "found 0.00019 BTC, needed at least 0.0002 BTC"),
        ({"quantity": D("0.04")}, BTC, "found 4 USDT, needed at least 5 USDT"),
        ({"quantity": D("0.5")}, replace(BTC, quantity_step=D(1)), "needed at least 1 BTC"),
    ],
)
def test_what_is_too_small_is_never_raised(
    wish: dict[str, Any], instrument: Any, words: str
) -> None:
    refusal = refused(make_intent(**wish), make_view(instrument=instrument))
    assert refusal.code is RefusalCode.SIZE
    assert words in refusal.text


@pytest.mark.parametrize(
    ("size", "shown"), [("1E+300", "1e+300"), ("-1", "-1"), ("1" * 5_000, "1.11111e+4999")]
)
def test_a_size_that_cannot_be_is_told_with_what_could_be(size: str, shown: str) -> None:
    refusal = refused(make_intent(quantity=D(size)), make_view())
    assert refusal.text.endswith(f"found {shown}, allowed a number from 1e-18 to 1e18")


def test_a_wish_that_is_cut_to_almost_nothing_is_refused_with_both_figures() -> None:
    view = make_view(exposure=8_960.0)
    refusal = refused(make_intent(quantity=D(10)), view)
    assert "found room for 39.996 USDT, needed at least 50 USDT" in refusal.text
    assert "max_exposure_pct" in refusal.text


def test_a_small_wish_is_a_small_order() -> None:
    assert approved(make_intent(quantity=D("0.2")), make_view()).quantity == D("0.2")
    nearly_full = make_view(exposure=8_960.0)
    assert approved(make_intent(quantity=D("0.2")), nearly_full).quantity == D("0.2")


def test_without_any_size_the_reason_names_the_key() -> None:
    refusal = refused(make_intent(), make_view(), RiskSettings())
    assert "trade_amount" in refusal.text


def test_more_digits_than_usual_are_cut_off_not_rounded() -> None:
    wish = Decimal("0.99999999999999999999999999999999999999")
    instrument = replace(BTC, quantity_step=D("0.1"))
    order = approved(make_intent(quantity=wish), make_view(instrument=instrument))
    assert order.quantity == D("0.9")


@pytest.mark.parametrize("price", ["limit_price", "stop_price"])
def test_an_order_without_the_price_of_its_type_is_refused(price: str) -> None:
    prices: dict[str, Any] = {"limit_price": D(100), "stop_price": D(100), price: None}
    refusal = refused(make_intent(type=OrderType.STOP_LIMIT, **prices), make_view())
    assert refusal.code is RefusalCode.PRICE
    assert f"{price}: found nothing" in refusal.text


def test_a_price_that_its_type_has_no_use_for_is_left_out() -> None:
    order = approved(make_intent(limit_price=D(5), stop_price=D(5)), make_view())
    assert (order.limit_price, order.stop_price) == (None, None)


def test_a_largest_order_below_one_step_does_not_hold_a_position_in() -> None:
    stepless = replace(BTC, quantity_step=D("0.1"), quantity_max=D("0.05"))
    view = replace(holding("1"), instrument=stepless)
    order = approved(make_intent(Side.SELL, purpose=Purpose.EXIT, is_forced=True), view)
    assert order.quantity == 1


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("0.000000123456789", "0.000000123456789"),
        ("123456789012345.1", "123,456,789,012,345"),
        ("1234567.891", "1,234,567.891"),
        ("1E+3", "1,000"),
        ("0.3333333333333333", "0.333333333333"),
    ],
)
def test_a_number_in_a_sentence_keeps_its_digits(number: str, text: str) -> None:
    assert show(D(number)) == text
