"""Why the paper exchange refuses an order, as far as its own numbers and its market tell.

Money is checked elsewhere. Every reason is one line: what, found, allowed.
"""

from decimal import Context, Decimal
from typing import Final

from trading.model.instrument import Instrument
from trading.model.order import Order, OrderType, Side

# Far above any real order, and far below where Decimal would start to round.
_NUMBER_MAX: Final = Decimal(10) ** 15
# Room for the quotient of the largest number and the finest step: nothing is raised.
_EXACT: Final = Context(prec=100)
_NEEDS_LIMIT: Final = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.BRACKET})
_NEEDS_STOP: Final = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.BRACKET})


def find_fault(order: Order, instrument: Instrument, price: Decimal | None) -> str:
    """Return why an order cannot be taken, or nothing; `price` is what one unit costs about."""
    step = None if order.reduce_only else instrument.quantity_step
    return (
        _number_fault("quantity", order.quantity, step)
        or (order.type is not OrderType.MARKET and _price_faults(order, instrument))
        or _size_fault(order, instrument, price)
    )


def _price_faults(order: Order, instrument: Instrument) -> str:
    kind = order.type
    return (
        (kind in _NEEDS_LIMIT and _price_fault("limit price", order.limit_price, instrument))
        or (kind in _NEEDS_STOP and _price_fault("stop price", order.stop_price, instrument))
        or (kind is OrderType.BRACKET and _bracket_fault(order))
        or ""
    )


def _number_fault(name: str, value: Decimal, step: Decimal | None) -> str:
    if not value.is_finite() or not 0 < value <= _NUMBER_MAX:
        return f"{name}: found {value}, allowed a number of more than 0 and at most {_NUMBER_MAX:f}"
    # Without a step: a position may be older than its market's present steps, and must be sold.
    if step is not None and _EXACT.remainder(value, step):
        return f"{name}: found {value:f}, allowed multiples of {step:f}"
    return ""


def _price_fault(name: str, value: Decimal | None, instrument: Instrument) -> str:
    if value is None:
        return f"{name}: found none, allowed a price"
    return _number_fault(name, value, instrument.price_step)


def _bracket_fault(order: Order) -> str:
    stop, target = order.stop_price, order.limit_price
    assert stop is not None, "a bracket's prices were looked at before"
    assert target is not None, "a bracket's prices were looked at before"
    if (target - stop) * order.side.sign < 0:
        return ""
    where = "above" if order.side is Side.SELL else "below"
    return f"limit price: found {target:f}, allowed {where} the stop price {stop:f}"


def _size_fault(order: Order, instrument: Instrument, price: Decimal | None) -> str:
    most = instrument.quantity_max
    if most and order.quantity > most:
        return f"quantity: found {order.quantity:f}, allowed at most {most:f}"
    # What is left of a position may be small; refusing it would keep it for ever.
    if order.reduce_only:
        return ""
    if order.quantity < instrument.quantity_min:
        return f"quantity: found {order.quantity:f}, allowed at least {instrument.quantity_min:f}"
    if price is not None and order.quantity * price < instrument.cost_min:
        cost = f"{order.quantity * price:f} {instrument.quote}"
        return f"cost: found {cost}, allowed at least {instrument.cost_min:f}"
    return ""
