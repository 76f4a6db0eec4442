"""The arithmetic of the gate: exact enough never to round up, and which numbers it accepts."""

from decimal import ROUND_DOWN, Context, Decimal
from math import isfinite
from typing import Final, TypeGuard

from trading.model.instrument import Instrument, round_to_step, to_decimal

# A number with more digits before or behind the point is a mistake, not money.
_MAGNITUDE_MAX: Final = 18
_DIGITS_MAX: Final = 40

# Products of accepted numbers are exact in so many digits; quotients are cut off, never raised.
ARITHMETIC: Final = Context(prec=160, rounding=ROUND_DOWN)
_SHOWN: Final = Context(prec=8)


def is_usable(value: Decimal) -> bool:
    """Tell whether a number can be a price, a quantity or an amount: above zero and sane."""
    return is_sane(value) and value > 0


def is_sane(value: Decimal) -> bool:
    """Tell whether a number can be computed with: finite, and of a magnitude that money has."""
    if not value.is_finite():
        return False
    if not value:
        return True
    return abs(value.adjusted()) <= _MAGNITUDE_MAX and len(value.as_tuple().digits) <= _DIGITS_MAX


def to_sane(value: float) -> Decimal | None:
    """Return market data as money, or None when it is not a number to compute with."""
    if not isfinite(value):
        return None
    money = to_decimal(value)
    return money if is_sane(money) else None


def floor_to_step(value: Decimal, step: Decimal) -> Decimal:
    """Return the largest multiple of a step that is not above a positive value."""
    return round_to_step(value, step)


def has_steps(instrument: Instrument | None) -> TypeGuard[Instrument]:
    """Tell whether a market's steps and minimums are known."""
    if instrument is None:
        return False
    steps = (instrument.price_step, instrument.quantity_step)
    bounds = (instrument.quantity_min, instrument.cost_min, instrument.quantity_max)
    return all(map(is_usable, steps)) and all(is_sane(bound) and bound >= 0 for bound in bounds)


def show(value: Decimal) -> str:
    """Return a number for a sentence: eight digits that count, no exponent."""
    text = f"{_SHOWN.plus(value):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
