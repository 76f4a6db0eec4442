"""At what price and how much a paper order is filled: slippage, steps and traded volume."""

from decimal import Decimal
from typing import Final

from trading.model.instrument import round_to_step, to_decimal
from trading.model.market import Bar, Tick
from trading.model.order import Side

_ZERO: Final = Decimal(0)


class Volume:
    """Hold how much one market event can still fill, of all orders together."""

    __slots__ = ("left",)

    def __init__(self, left: Decimal | None) -> None:
        self.left = left

    @classmethod
    def of_tick(cls, tick: Tick, share: Decimal) -> "Volume":
        """Return what a tick can fill."""
        return cls(share * _amount(tick.size))

    @classmethod
    def of_bar(cls, bar: Bar, share: Decimal, spent: Decimal) -> "Volume":
        """Return what a candle can fill beyond what was already filled within it."""
        return cls(max(_ZERO, share * _amount(bar.volume) - spent))

    @property
    def is_nothing(self) -> bool:
        """Tell whether nothing was traded that an order could have a share of."""
        return self.left is not None and self.left <= 0

    def take(self, wanted: Decimal, step: Decimal) -> Decimal:
        """Return how much of what is wanted is there, in whole steps, and use it up."""
        if self.left is None:
            return wanted
        taken = min(wanted, round_to_step(self.left, step))
        self.left -= taken
        return taken


# Without a share of the volume everything can be filled, and nothing of it is ever used up.
EVERYTHING: Final = Volume(None)


def round_against(price: Decimal, side: Side, step: Decimal) -> Decimal:
    """Return a price in steps, rounded to the disadvantage of whoever trades."""
    rounded = round_to_step(price, step, up=side is Side.BUY)
    return max(rounded, step)


def taker_price(price: Decimal, side: Side, slippage: Decimal, step: Decimal) -> Decimal:
    """Return what taking costs when the market is at a price."""
    return round_against(price * (1 + side.sign * slippage), side, step)


def better_of(limit: Decimal, price: Decimal, side: Side) -> Decimal:
    """Return the price of a limit order that the market has reached: the limit or better."""
    return min(limit, price) if side is Side.BUY else max(limit, price)


def _amount(size: float) -> Decimal:
    # Bad data (negative, infinite, not a number) is no volume.
    return to_decimal(size) if 0.0 < size < float("inf") else _ZERO
