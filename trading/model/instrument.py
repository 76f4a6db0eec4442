"""Instruments: the steps and minimums of a market, and the one function that rounds to steps."""

from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_UP, Decimal
from typing import Final

_ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Instrument:
    """Hold what a venue says of a market; prices and costs are in the quote currency.

    A `quantity_max` or minimum of zero means that the venue sets none.
    """

    symbol: str
    base: str
    quote: str
    price_step: Decimal
    quantity_step: Decimal
    quantity_min: Decimal = _ZERO
    cost_min: Decimal = _ZERO
    quantity_max: Decimal = _ZERO


def round_to_step(value: Decimal, step: Decimal, *, up: bool = False) -> Decimal:
    """Return the nearest multiple of `step` towards zero, or away from it with `up`.

    Raises ValueError for a step that is not positive: an unknown instrument has no steps, and
    nothing is rounded for it by guess.
    """
    if not step > 0:
        raise ValueError(f"step: found {step}, allowed more than 0")
    steps = (value / step).to_integral_value(ROUND_UP if up else ROUND_DOWN)
    return steps * step


def to_decimal(value: float) -> Decimal:
    """Return market data as money: by its shortest decimal form, not by its binary one."""
    return Decimal(repr(value))
