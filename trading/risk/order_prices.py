"""The prices of an order: those it names, on the market's steps, and what one unit may cost."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from trading.model.instrument import Instrument, round_to_step
from trading.model.order import OrderIntent, OrderType, Side
from trading.model.values import quickly_made
from trading.risk.money import has_steps, is_usable
from trading.risk.refusal import Refusal, RefusalCode

_HAS_LIMIT: Final = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.BRACKET})
_HAS_STOP: Final = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.BRACKET})


@quickly_made
@dataclass(frozen=True, slots=True)
class NamedPrices:
    """Hold the prices that an order's type asks for; what it has no use for is None."""

    limit: Decimal | None
    stop: Decimal | None


NO_PRICES: Final = NamedPrices(None, None)


@quickly_made
@dataclass(frozen=True, slots=True)
class UnitPrices:
    """Hold what one unit of an entry means.

    `expected` is where it is likely to fill, `lowest` what a venue may count it as, `worth` the
    most its position may be worth then, and `reserve` that with fees on top.
    """

    expected: Decimal
    lowest: Decimal
    worth: Decimal
    reserve: Decimal


def name_prices(
    intent: OrderIntent, instrument: Instrument | None, *, reduces: bool
) -> NamedPrices | Refusal:
    """Return the prices that the order's type needs, on the market's steps, or what is wrong.

    A limit is never moved to a worse price. The stop of an entry is moved away from the market
    and that of an exit towards it, so that neither risks more than was asked for.
    """
    if intent.type is OrderType.MARKET:
        return NO_PRICES
    is_buy = intent.side is Side.BUY
    limit = stop = None
    if intent.type in _HAS_LIMIT:
        limit = _on_step(intent.limit_price, instrument, up=not is_buy)
        if limit is None:
            return _refuse(intent, "limit_price", intent.limit_price)
    if intent.type in _HAS_STOP:
        stop = _on_step(intent.stop_price, instrument, up=is_buy is not reduces)
        if stop is None:
            return _refuse(intent, "stop_price", intent.stop_price)
    return NamedPrices(limit, stop)


def price_unit(side: Side, named: NamedPrices, last: Decimal, cost_reserve: Decimal) -> UnitPrices:
    """Return what one unit of an entry means, given the last price."""
    limit, stop = named.limit, named.stop
    with_costs = 1 + cost_reserve
    if limit is None and stop is None:
        worth = last * with_costs
        return UnitPrices(last, last, worth, worth)
    is_buy = side is Side.BUY
    expected = last
    if stop is not None:
        expected = max(stop, last) if is_buy else min(stop, last)
    if limit is not None:
        expected = min(limit, expected) if is_buy else max(limit, expected)
    named_prices = [price for price in (limit, stop) if price is not None]
    # Only a buy has a price that it cannot exceed. A sell below the market fills at the market's
    # price, and so does a stop that the market has passed already: they are worth at least that.
    worth = limit if is_buy and limit is not None else max(*named_prices, last)
    return UnitPrices(expected, min(*named_prices, expected), worth, worth * with_costs)


def _on_step(price: Decimal | None, instrument: Instrument | None, *, up: bool) -> Decimal | None:
    if price is None or not is_usable(price):
        return None
    if not has_steps(instrument):
        return price
    rounded = round_to_step(price, instrument.price_step, up=up)
    return rounded if is_usable(rounded) else None


def _refuse(intent: OrderIntent, name: str, found: Decimal | None) -> Refusal:
    return Refusal(
        RefusalCode.PRICE,
        f"{intent.symbol} on {intent.account}: a {intent.type} order: {name}: found"
        f" {'nothing' if found is None else found}, allowed a price of at least one step",
    )
