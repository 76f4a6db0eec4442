"""The arithmetic of the gate: exact enough never to round up, and which numbers it accepts."""

from decimal import (
    ROUND_DOWN,
    Context,
    Decimal,
    DecimalException,
    InvalidOperation,
    Overflow,
    Rounded,
    Subnormal,
)
from math import isfinite
from typing import Final, TypeGuard

from trading.model.instrument import Instrument, round_to_step, to_decimal

# A number with more digits before or behind the point is a mistake, not money.
_MAGNITUDE_MAX: Final = 18
_DIGITS_MAX: Final = 40

# Products of accepted numbers are exact in so many digits; quotients are cut off, never raised.
ARITHMETIC: Final = Context(prec=160, rounding=ROUND_DOWN)
_SHOWN_DIGITS: Final = 12
# Quotients are cut off here: still more digits than any accepted number has, and never too much.
QUOTIENT: Final = Context(prec=50, rounding=ROUND_DOWN)
_HAVE_STEPS_MAX: Final = 10_000
_HAVE_STEPS: Final[dict[int, tuple[Instrument, bool]]] = {}
# Complains about a number of more digits or of another magnitude, and is quicker than counting.
_SANE: Final = Context(
    prec=_DIGITS_MAX,
    Emin=-_MAGNITUDE_MAX,
    Emax=_MAGNITUDE_MAX,
    traps=[InvalidOperation, Overflow, Rounded, Subnormal],
)


def is_usable(value: Decimal) -> bool:
    """Tell whether a number can be a price, a quantity or an amount: above zero and sane."""
    # As is_sane says it; asked so often that its call would cost as much as the answer.
    if not value.is_finite() or value <= 0:
        return False
    try:
        _SANE.plus(value)
    except DecimalException:
        return False
    return True


def is_sane(value: Decimal) -> bool:
    """Tell whether a number can be computed with: finite, and of a magnitude that money has."""
    if not value.is_finite():
        return False
    if not value:
        return True
    try:
        _SANE.plus(value)
    except DecimalException:
        return False
    return True


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
    # Few instruments are asked about again and again, and no value of theirs ever changes.
    known = _HAVE_STEPS.get(id(instrument))
    if known is not None and known[0] is instrument:
        return known[1]
    found = _are_steps(instrument)
    if len(_HAVE_STEPS) >= _HAVE_STEPS_MAX:
        _HAVE_STEPS.clear()
    _HAVE_STEPS[id(instrument)] = instrument, found
    return found


def _are_steps(instrument: Instrument) -> bool:
    return (
        is_usable(instrument.price_step)
        and is_usable(instrument.quantity_step)
        and _is_bound(instrument.quantity_min)
        and _is_bound(instrument.cost_min)
        and _is_bound(instrument.quantity_max)
    )


def _is_bound(value: Decimal) -> bool:
    return is_sane(value) and value >= 0


def show(value: Decimal) -> str:
    """Return a number for a sentence: to twelve digits, no exponent."""
    digits = max(_SHOWN_DIGITS, value.adjusted() + 1) if value.is_finite() else _SHOWN_DIGITS
    text = f"{Context(prec=digits).plus(value):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
