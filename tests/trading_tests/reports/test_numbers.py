"""How figures look."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.reports.numbers import (
    WIDTH_MAX,
    amount_text,
    duration_text,
    exact_or_none,
    exact_text,
    finite_or_none,
    percent_text,
    price_text,
    profit_text,
    quantity_text,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0.00"),
        (Decimal("-0.0"), "0.00"),
        (1, "1.00"),
        (Decimal("1234567.891"), "1,234,567.89"),
        (Decimal("-12.5"), "-12.50"),
        (0.5, "0.50"),
        (Decimal("0.123456"), "0.1235"),
        (Decimal("0.00001234567"), "0.00001235"),
        (Decimal("999999999999.99"), "999,999,999,999.99"),
        (Decimal(123456789012345678), "1.2346e+17"),
        (None, "-"),
        (float("nan"), "-"),
        (float("inf"), "-"),
    ],
)
def test_money_has_cents_from_one_up_and_digits_below(value: Decimal | None, text: str) -> None:
    assert amount_text(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "+0.00"),
        (Decimal("-0.001"), "-0.001"),
        (Decimal("0.0000845"), "+0.0000845"),
        (Decimal("-0.012345"), "-0.0123"),
        (Decimal("0.05"), "+0.05"),
        (Decimal("0.09999"), "+0.10"),
        (Decimal("-0.000000001"), "+0.00"),
        (1e-13, "+0.00"),
        (12.345, "+12.35"),
        (Decimal("-1234.5"), "-1,234.50"),
        (Decimal("1e30"), "+1.0000e+30"),
        (None, "-"),
    ],
)
def test_a_profit_always_has_its_sign(value: Decimal | None, text: str) -> None:
    assert profit_text(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (67_123.456, "67,123.46"),
        (Decimal("9.87654321"), "9.87654"),
        (Decimal("0.0000123456789"), "0.0000123457"),
        (Decimal("1.50"), "1.5"),
        (Decimal("1e-25"), "1.0000e-25"),
        (0, "0"),
        (None, "-"),
    ],
)
def test_small_prices_keep_their_digits(value: Decimal | None, text: str) -> None:
    assert price_text(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("0.50000000"), "0.5"),
        (Decimal(100), "100"),
        (Decimal("1234.5600"), "1,234.56"),
        (Decimal("0.0000000123456789"), "0.000000012345679"),
        (Decimal(-3), "-3"),
        (Decimal("0E-8"), "0"),
        (None, "-"),
    ],
)
def test_quantities_have_no_trailing_zeros(value: Decimal | None, text: str) -> None:
    assert quantity_text(value) == text


@pytest.mark.parametrize(
    ("fraction", "plain", "signed"),
    [
        (0.0149, "1.49%", "+1.49%"),
        (Decimal("-0.5"), "-50.00%", "-50.00%"),
        (0, "0.00%", "+0.00%"),
        (-0.000001, "0.00%", "-0.00%"),
        (1e9, "1.0e+11%", "+1.0e+11%"),
        (None, "-", "-"),
        (float("-inf"), "-", "-"),
    ],
)
def test_fractions_are_shown_as_percent(fraction: float | None, plain: str, signed: str) -> None:
    assert percent_text(fraction) == plain
    assert percent_text(fraction, signed=True) == signed


def test_durations_grow_from_a_clock_to_days() -> None:
    assert duration_text(3_723.9) == "01:02:03"
    assert duration_text(100_000) == "1d 03:46:40"
    assert duration_text(-5) == "00:00:00"


def test_programs_get_every_digit() -> None:
    assert exact_text(Decimal("1.2300E-10")) == "0.000000000123"
    assert exact_text(Decimal("1E+3")) == "1000"
    assert exact_text(Decimal("-0.0")) == "0"
    assert exact_or_none(None) is None
    assert exact_or_none(Decimal("5.0")) == "5"


def test_programs_get_no_number_that_json_lacks() -> None:
    figures = (1.5, float("inf"), float("-inf"), float("nan"), None)
    assert [finite_or_none(one) for one in figures] == [1.5, None, None, None, None]


@given(st.decimals(allow_nan=False, allow_infinity=False) | st.floats())
def test_no_figure_is_wider_than_its_bound(value: Decimal | float) -> None:
    for text in (amount_text(value), profit_text(value), price_text(value), quantity_text(value)):
        assert 0 < len(text) <= WIDTH_MAX
    assert len(percent_text(value, signed=True)) <= WIDTH_MAX


@given(st.decimals(allow_nan=False, allow_infinity=False, places=12, min_value=-1e9, max_value=1e9))
def test_exact_text_is_exact(value: Decimal) -> None:
    assert Decimal(exact_text(value)) == value
