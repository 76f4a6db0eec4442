"""What is looked at before an order is written: steps, minimums and prices, in words for people.

A size is never rounded up. An exit is rounded down to what the venue can take; an entry must fit
already, since risk has reserved for exactly that size.
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

from trading.brokers.exchanges.markets import Market, in_steps
from trading.brokers.exchanges.reading import plain
from trading.model.order import Order, OrderType, Purpose, Side
from trading.model.values import replace

_LIMITED = {OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.BRACKET}
_TRIGGERED = {OrderType.STOP, OrderType.STOP_LIMIT, OrderType.BRACKET}
# Where an exchange knows stops with a limit only, the limit lies this far beyond the stop. It fills
# in a gap of up to that much; in a wider one it rests, and whoever watches the stop has to act.
GAP_FRACTION: Final = Decimal("0.05")


class NotSendableError(Exception):
    """Say in words why an order cannot be written for its venue; nothing was sent."""


def fitted(order: Order, market: Market) -> Order:
    """Return the order in the venue's steps, or say why it cannot be sent."""
    quantity = _quantity(order, market)
    limit, stop = _limit_price(order, market), _stop_price(order, market)
    _check_cost(order, market, quantity, limit or stop)
    return replace(order, quantity=quantity, limit_price=limit, stop_price=stop)


def _quantity(order: Order, market: Market) -> Decimal:
    instrument = market.instrument
    quantity = in_steps(order.quantity, instrument.quantity_step)
    if order.purpose is Purpose.ENTRY and not order.reduce_only and quantity != order.quantity:
        raise NotSendableError(
            f"size {plain(order.quantity)} {instrument.base} is no multiple of the step "
            f"{plain(instrument.quantity_step)}"
        )
    if quantity <= 0 or quantity < instrument.quantity_min:
        least = max(instrument.quantity_min, instrument.quantity_step)
        raise NotSendableError(
            f"size {plain(order.quantity)} {instrument.base} is below the minimum {plain(least)}"
        )
    if instrument.quantity_max and quantity > instrument.quantity_max:
        raise NotSendableError(
            f"size {plain(quantity)} {instrument.base} is above the maximum "
            f"{plain(instrument.quantity_max)}"
        )
    return quantity


def _limit_price(order: Order, market: Market) -> Decimal | None:
    """Return the limit on the tick, never worse than it was asked for."""
    if order.type not in _LIMITED:
        return None
    if order.limit_price is None:
        raise NotSendableError(f"a {order.type.value} order needs a limit price")
    return _on_tick(order.limit_price, market, is_up=order.side is Side.SELL)


def _stop_price(order: Order, market: Market) -> Decimal | None:
    """Return the stop on the tick, on the side on which it is reached sooner."""
    if order.type not in _TRIGGERED:
        return None
    if order.stop_price is None:
        raise NotSendableError(f"a {order.type.value} order needs a stop price")
    return _on_tick(order.stop_price, market, is_up=order.side is Side.SELL)


def _on_tick(price: Decimal, market: Market, *, is_up: bool) -> Decimal:
    step = market.instrument.price_step
    rounded = (price / step).to_integral_value(ROUND_CEILING if is_up else ROUND_FLOOR) * step
    if rounded <= 0:
        raise NotSendableError(f"price {plain(price)} is below the tick {plain(step)}")
    return rounded


def _check_cost(order: Order, market: Market, quantity: Decimal, price: Decimal | None) -> None:
    least = market.instrument.cost_min
    # A market order has no price of its own: what it may cost at most tells whether it is too
    # small in any case.
    per_unit = price if price is not None else order.reserve_price
    if least and per_unit and quantity * per_unit < least:
        raise NotSendableError(
            f"cost {plain(quantity * per_unit)} {market.instrument.quote} is below the minimum "
            f"{plain(least)}"
        )


def beyond(stop: Decimal, side: Side, market: Market) -> Decimal:
    """Return the limit for a stop that must fill in a gap, on the tick."""
    price = stop * (1 + GAP_FRACTION * side.sign)
    return _on_tick(price, market, is_up=side is Side.BUY)
