"""Turn what a strategy passes to place_order into a wish, or refuse it in clear words.

Strategies count in floats; from here on it is Decimal. Must not know prices, cash or limits: what
an order may be worth is judged by the risk gate.
"""

from collections.abc import Mapping
from decimal import Decimal
from numbers import Real
from typing import Any, Final

from trading.model.instrument import to_decimal
from trading.model.order import ExitPlan, OrderType, Side, TrailPlan
from trading.strategies.errors import StrategyError

Number = float | Decimal
Trail = TrailPlan | Mapping[str, Number]

_TYPES: Final = {
    kind.value: kind
    for kind in (OrderType.MARKET, OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT)
}
_LIMITED: Final = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT})
_STOPPED: Final = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})
_SIDES: Final = {side.value: side for side in Side}
_NOTHING_GIVEN: Final = (None,) * 5
_TRAIL_KEYS: Final = ("activation", "distance", "tight_distance")


def parse_side(side: Any) -> Side:
    """Return the side of an order."""
    found = _SIDES.get(side) if isinstance(side, str) else None
    if found is None:
        raise StrategyError(f"side: found {side!r}, allowed 'buy' or 'sell'")
    return found


def parse_type(kind: Any) -> OrderType:
    """Return the type of an order that a strategy may place."""
    found = _TYPES.get(kind) if isinstance(kind, str) else None
    if found is None:
        raise StrategyError(f"type: found {kind!r}, allowed {', '.join(_TYPES)}")
    return found


def parse_number(name: str, value: Any, *, below: int | None = None) -> Decimal | None:
    """Return a positive number as Decimal; None stays None."""
    if value is None:
        return None
    allowed = "a number above 0" if below is None else f"a number above 0 and below {below}"
    number = _to_number(value)
    if number is None or number <= 0 or (below is not None and number >= below):
        raise StrategyError(f"{name}: found {value!r}, allowed {allowed}")
    return number


def _to_number(value: Any) -> Decimal | None:
    """Return a number exactly as it is written, or None for what is none or has no end."""
    match value:
        case Decimal():
            number = value
        case bool():
            return None
        case int():
            number = Decimal(value)
        case float() | Real():
            # Also the numbers of libraries, whose repr is not that of a float. To ask whether
            # something is Real takes many times as long as the rest, so float stands before it.
            number = to_decimal(float(value))
        case _:
            return None
    return number if number.is_finite() else None


def check_prices(kind: OrderType, limit_price: object, stop_price: object) -> None:
    """Raise unless the order has exactly the prices that its type needs."""
    if kind is OrderType.MARKET and limit_price is None and stop_price is None:
        return
    for name, price, needing in (
        ("limit_price", limit_price, _LIMITED),
        ("stop_price", stop_price, _STOPPED),
    ):
        if kind in needing and price is None:
            raise StrategyError(f"{name}: found nothing, allowed a price: it is a {kind} order")
        if kind not in needing and price is not None:
            raise StrategyError(f"{name}: found {price}, allowed nothing: it is a {kind} order")


def check_size(quantity: object, amount: object, equity_fraction: object) -> None:
    """Raise if more than one way to say the size is used."""
    if (quantity is not None) + (amount is not None) + (equity_fraction is not None) > 1:
        sizes = {"quantity": quantity, "amount": amount, "equity_fraction": equity_fraction}
        given = [name for name, size in sizes.items() if size is not None]
        raise StrategyError(f"size: found {' and '.join(given)}, allowed one of them")


def parse_exit_plan(
    stop: Any, target: Any, stop_fraction: Any, target_fraction: Any, trail: Any
) -> ExitPlan | None:
    """Return how the position is to be left, or None when nothing was said."""
    given = (stop, target, stop_fraction, target_fraction, trail)
    if given == _NOTHING_GIVEN:
        return None
    if stop is not None and stop_fraction is not None:
        raise StrategyError("stop: found stop and stop_fraction, allowed one of them")
    if target is not None and target_fraction is not None:
        raise StrategyError("target: found target and target_fraction, allowed one of them")
    return ExitPlan(
        stop_price=parse_number("stop", stop),
        target_price=parse_number("target", target),
        stop_fraction=parse_number("stop_fraction", stop_fraction, below=1),
        target_fraction=parse_number("target_fraction", target_fraction),
        trail=_parse_trail(trail),
    )


def _parse_trail(trail: Any) -> TrailPlan | None:
    if trail is None:
        return None
    if isinstance(trail, TrailPlan):
        return _check_plan(trail)
    if not isinstance(trail, Mapping) or not set(trail) <= set(_TRAIL_KEYS):
        raise StrategyError(f"trail: found {trail!r}, allowed a dict of {', '.join(_TRAIL_KEYS)}")
    activation, distance, tight = (
        parse_number(f"trail.{key}", trail.get(key), below=1) for key in _TRAIL_KEYS
    )
    if activation is None or distance is None:
        raise StrategyError("trail: found no activation or no distance, allowed both as fractions")
    return TrailPlan(activation, distance, tight)


def _check_plan(plan: TrailPlan) -> TrailPlan:
    """Return a plan that a strategy made itself, in Decimal: nothing has looked at its types."""
    activation, distance = _to_number(plan.activation), _to_number(plan.distance)
    tight = None if plan.tight_distance is None else _to_number(plan.tight_distance)
    if activation is None or distance is None or (tight is None) != (plan.tight_distance is None):
        raise StrategyError(f"trail: found {plan!r}, allowed fractions as numbers")
    return TrailPlan(activation, distance, tight)
