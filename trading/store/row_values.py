"""Single values of the trading tables: decimals as text, plans as JSON, each checked when read.

What is not what it should be raises ValueError.
"""

from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from daemonkit.secrets import redact
from trading.model.order import ExitPlan, TrailPlan


def words(text: str) -> str:
    """Return a text of others (a venue, a strategy) without secrets and fit to be stored."""
    if not text:
        return text
    text = redact(text)
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def decimal_text(amount: Decimal | None) -> str | None:
    """Return a decimal with every digit, or None without one."""
    return None if amount is None else str(amount)


def plan_to_json(plan: ExitPlan) -> str:
    """Return an exit plan as JSON."""
    return orjson.dumps(
        {
            "stop_price": decimal_text(plan.stop_price),
            "target_price": decimal_text(plan.target_price),
            "stop_fraction": decimal_text(plan.stop_fraction),
            "target_fraction": decimal_text(plan.target_fraction),
            "trail": None if plan.trail is None else _trail_to_dict(plan.trail),
        }
    ).decode()


def plan_from_json(text: object) -> ExitPlan:
    """Return the exit plan that a JSON text holds."""
    plan = _mapping(text)
    trail = plan["trail"]
    return ExitPlan(
        stop_price=to_amount_or_none(plan["stop_price"]),
        target_price=to_amount_or_none(plan["target_price"]),
        stop_fraction=to_amount_or_none(plan["stop_fraction"]),
        target_fraction=to_amount_or_none(plan["target_fraction"]),
        trail=None if trail is None else _trail_from_dict(trail),
    )


def trail_to_json(trail: TrailPlan) -> str:
    """Return a trailing stop as JSON."""
    return orjson.dumps(_trail_to_dict(trail)).decode()


def trail_from_json(text: object) -> TrailPlan:
    """Return the trailing stop that a JSON text holds."""
    return _trail_from_dict(_mapping(text))


def _trail_to_dict(trail: TrailPlan) -> dict[str, str | None]:
    return {
        "activation": str(trail.activation),
        "distance": str(trail.distance),
        "tight_distance": decimal_text(trail.tight_distance),
    }


def _trail_from_dict(trail: dict[str, Any]) -> TrailPlan:
    return TrailPlan(
        activation=to_amount(trail["activation"]),
        distance=to_amount(trail["distance"]),
        tight_distance=to_amount_or_none(trail["tight_distance"]),
    )


def _mapping(text: object) -> dict[str, Any]:
    found = orjson.loads(to_text(text))
    if not isinstance(found, dict):
        raise ValueError(f"{text!r} is no JSON object")  # noqa: TRY004 - the one error of this module
    return found


def to_text(value: object) -> str:
    """Return a value that is a text."""
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")  # noqa: TRY004 - the one error of this module
    return value


def to_amount(value: object) -> Decimal:
    """Return the finite decimal that a text holds."""
    try:
        amount = Decimal(to_text(value))
    except InvalidOperation:
        raise ValueError(f"{value!r} is no decimal number") from None
    if not amount.is_finite():
        raise ValueError(f"{value!r} is no amount")
    return amount


def to_amount_or_none(value: object) -> Decimal | None:
    """Return the finite decimal that a text holds, or None for none."""
    return None if value is None else to_amount(value)


def to_number(value: object) -> float:
    """Return a value that is a number as a float."""
    if not isinstance(value, int | float):
        raise ValueError(f"{value!r} is no number")  # noqa: TRY004 - the one error of this module
    return float(value)


def to_count(value: object) -> int:
    """Return a value that is a whole number."""
    if not isinstance(value, int):
        raise ValueError(f"{value!r} is no whole number")  # noqa: TRY004 - the one error here
    return value


def to_flag(value: object) -> bool:
    """Return a value that is 0 or 1 as a bool."""
    if value not in (0, 1):
        raise ValueError(f"{value!r} is neither 0 nor 1")
    return bool(value)
