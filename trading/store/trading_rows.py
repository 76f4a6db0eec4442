"""Orders, fills, positions and trades as rows of `state.db`, and back without losing a digit.

A row is a tuple in the order of its table's columns. What cannot be read raises ValueError.
"""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from daemonkit.secrets import redact
from trading.model.order import ExitPlan, Fill, Order, OrderType, Purpose, Side, TrailPlan
from trading.model.order_states import OrderState
from trading.model.position import Position, Trade

Row = Sequence[Any]


def order_to_row(order: Order) -> tuple[object, ...]:
    """Return an order as a row."""
    return (
        order.account,
        order.id,
        order.symbol,
        order.side.value,
        order.type.value,
        order.purpose.value,
        str(order.quantity),
        order.created_at,
        _text_or_none(order.limit_price),
        _text_or_none(order.stop_price),
        order.reduce_only,
        order.instance,
        order.author,
        _words(order.reason),
        None if order.exit_plan is None else _plan_to_json(order.exit_plan),
        str(order.reserve_price),
        order.state.value,
        str(order.filled),
        str(order.cost),
        str(order.fees),
        order.venue_id,
        order.accepted_at,
        order.updated_at,
        order.is_triggered,
        order.is_cancelling,
        _words(order.note),
    )


def order_from_row(row: Row) -> Order:
    """Return the order that a row holds."""
    return Order(
        account=_text(row[0]),
        id=_text(row[1]),
        symbol=_text(row[2]),
        side=Side(row[3]),
        type=OrderType(row[4]),
        purpose=Purpose(row[5]),
        quantity=_amount(row[6]),
        created_at=_number(row[7]),
        limit_price=_amount_or_none(row[8]),
        stop_price=_amount_or_none(row[9]),
        reduce_only=_flag(row[10]),
        instance=_text(row[11]),
        author=_text(row[12]),
        reason=_text(row[13]),
        exit_plan=None if row[14] is None else _plan_from_json(row[14]),
        reserve_price=_amount(row[15]),
        state=OrderState(row[16]),
        filled=_amount(row[17]),
        cost=_amount(row[18]),
        fees=_amount(row[19]),
        venue_id=_text(row[20]),
        accepted_at=None if row[21] is None else _number(row[21]),
        updated_at=_number(row[22]),
        is_triggered=_flag(row[23]),
        is_cancelling=_flag(row[24]),
        note=_text(row[25]),
    )


def fill_to_row(fill: Fill) -> tuple[object, ...]:
    """Return a fill as a row."""
    return (
        fill.account,
        fill.fill_id,
        fill.order_id,
        fill.symbol,
        fill.side.value,
        str(fill.quantity),
        str(fill.price),
        str(fill.fee),
        fill.fee_currency,
        fill.at,
        fill.is_maker,
    )


def fill_from_row(row: Row) -> Fill:
    """Return the fill that a row holds."""
    return Fill(
        account=_text(row[0]),
        fill_id=_text(row[1]),
        order_id=_text(row[2]),
        symbol=_text(row[3]),
        side=Side(row[4]),
        quantity=_amount(row[5]),
        price=_amount(row[6]),
        fee=_amount(row[7]),
        fee_currency=_text(row[8]),
        at=_number(row[9]),
        is_maker=_flag(row[10]),
    )


def position_to_row(position: Position) -> tuple[object, ...]:
    """Return a position as a row."""
    return (
        position.account,
        position.symbol,
        str(position.quantity),
        str(position.entry_price),
        position.opened_at,
        position.trade_number,
        position.instance,
        str(position.entry_quantity),
        str(position.entry_cost),
        str(position.exit_quantity),
        str(position.exit_cost),
        str(position.fees),
        str(position.realised),
        _text_or_none(position.stop_price),
        _text_or_none(position.target_price),
        None if position.trail is None else orjson.dumps(_trail_to_dict(position.trail)).decode(),
        position.is_trail_tight,
        position.best_price,
        _text_or_none(position.trail_price),
        _words(position.closing),
    )


def position_from_row(row: Row) -> Position:
    """Return the position that a row holds."""
    return Position(
        account=_text(row[0]),
        symbol=_text(row[1]),
        quantity=_amount(row[2]),
        entry_price=_amount(row[3]),
        opened_at=_number(row[4]),
        trade_number=_count(row[5]),
        instance=_text(row[6]),
        entry_quantity=_amount(row[7]),
        entry_cost=_amount(row[8]),
        exit_quantity=_amount(row[9]),
        exit_cost=_amount(row[10]),
        fees=_amount(row[11]),
        realised=_amount(row[12]),
        stop_price=_amount_or_none(row[13]),
        target_price=_amount_or_none(row[14]),
        trail=None if row[15] is None else _trail_from_dict(_mapping(row[15])),
        is_trail_tight=_flag(row[16]),
        best_price=_number(row[17]),
        trail_price=_amount_or_none(row[18]),
        closing=_text(row[19]),
    )


def trade_to_row(trade: Trade) -> tuple[object, ...]:
    """Return a trade as a row."""
    return (
        trade.number,
        trade.account,
        trade.symbol,
        trade.instance,
        trade.side.value,
        str(trade.quantity),
        str(trade.entry_price),
        str(trade.exit_price),
        trade.opened_at,
        trade.closed_at,
        str(trade.gross),
        str(trade.fees),
        str(trade.profit),
        _words(trade.reason),
    )


def trade_from_row(row: Row) -> Trade:
    """Return the trade that a row holds."""
    return Trade(
        number=_count(row[0]),
        account=_text(row[1]),
        symbol=_text(row[2]),
        instance=_text(row[3]),
        side=Side(row[4]),
        quantity=_amount(row[5]),
        entry_price=_amount(row[6]),
        exit_price=_amount(row[7]),
        opened_at=_number(row[8]),
        closed_at=_number(row[9]),
        gross=_amount(row[10]),
        fees=_amount(row[11]),
        profit=_amount(row[12]),
        reason=_text(row[13]),
    )


def _words(text: str) -> str:
    """Return a text of others (a venue, a strategy) without secrets and fit to be stored."""
    if not text:
        return text
    text = redact(text)
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _text_or_none(amount: Decimal | None) -> str | None:
    return None if amount is None else str(amount)


def _plan_to_json(plan: ExitPlan) -> str:
    return orjson.dumps(
        {
            "stop_price": _text_or_none(plan.stop_price),
            "target_price": _text_or_none(plan.target_price),
            "stop_fraction": _text_or_none(plan.stop_fraction),
            "target_fraction": _text_or_none(plan.target_fraction),
            "trail": None if plan.trail is None else _trail_to_dict(plan.trail),
        }
    ).decode()


def _plan_from_json(text: object) -> ExitPlan:
    plan = _mapping(text)
    trail = plan["trail"]
    return ExitPlan(
        stop_price=_amount_or_none(plan["stop_price"]),
        target_price=_amount_or_none(plan["target_price"]),
        stop_fraction=_amount_or_none(plan["stop_fraction"]),
        target_fraction=_amount_or_none(plan["target_fraction"]),
        trail=None if trail is None else _trail_from_dict(trail),
    )


def _trail_to_dict(trail: TrailPlan) -> dict[str, str | None]:
    return {
        "activation": str(trail.activation),
        "distance": str(trail.distance),
        "tight_distance": _text_or_none(trail.tight_distance),
    }


def _trail_from_dict(trail: dict[str, Any]) -> TrailPlan:
    return TrailPlan(
        activation=_amount(trail["activation"]),
        distance=_amount(trail["distance"]),
        tight_distance=_amount_or_none(trail["tight_distance"]),
    )


def _mapping(text: object) -> dict[str, Any]:
    found = orjson.loads(_text(text))
    if not isinstance(found, dict):
        raise ValueError(f"{text!r} is no JSON object")  # noqa: TRY004 - the one error of this module
    return found


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")  # noqa: TRY004 - the one error of this module
    return value


def _amount(value: object) -> Decimal:
    try:
        amount = Decimal(_text(value))
    except InvalidOperation:
        raise ValueError(f"{value!r} is no decimal number") from None
    if not amount.is_finite():
        raise ValueError(f"{value!r} is no amount")
    return amount


def _amount_or_none(value: object) -> Decimal | None:
    return None if value is None else _amount(value)


def _number(value: object) -> float:
    if not isinstance(value, int | float):
        raise ValueError(f"{value!r} is no number")  # noqa: TRY004 - the one error of this module
    return float(value)


def _count(value: object) -> int:
    if not isinstance(value, int):
        raise ValueError(f"{value!r} is no whole number")  # noqa: TRY004 - the one error here
    return value


def _flag(value: object) -> bool:
    if value not in (0, 1):
        raise ValueError(f"{value!r} is neither 0 nor 1")
    return bool(value)
