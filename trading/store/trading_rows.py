"""Orders, fills, positions and trades as rows of `state.db`, and back without losing a digit.

A row is a tuple in the order of its table's columns. What cannot be read raises ValueError.
"""

from collections.abc import Sequence
from typing import Any

from trading.model.order import Fill, Order, OrderType, Purpose, Side
from trading.model.order_states import OrderState
from trading.model.position import Position, Trade
from trading.store.row_values import (
    decimal_text,
    plan_from_json,
    plan_to_json,
    to_amount,
    to_amount_or_none,
    to_count,
    to_flag,
    to_number,
    to_text,
    trail_from_json,
    trail_to_json,
    words,
)

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
        decimal_text(order.limit_price),
        decimal_text(order.stop_price),
        order.reduce_only,
        order.instance,
        order.author,
        words(order.reason),
        None if order.exit_plan is None else plan_to_json(order.exit_plan),
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
        words(order.note),
    )


def order_from_row(row: Row) -> Order:
    """Return the order that a row holds."""
    return Order(
        account=to_text(row[0]),
        id=to_text(row[1]),
        symbol=to_text(row[2]),
        side=Side(row[3]),
        type=OrderType(row[4]),
        purpose=Purpose(row[5]),
        quantity=to_amount(row[6]),
        created_at=to_number(row[7]),
        limit_price=to_amount_or_none(row[8]),
        stop_price=to_amount_or_none(row[9]),
        reduce_only=to_flag(row[10]),
        instance=to_text(row[11]),
        author=to_text(row[12]),
        reason=to_text(row[13]),
        exit_plan=None if row[14] is None else plan_from_json(row[14]),
        reserve_price=to_amount(row[15]),
        state=OrderState(row[16]),
        filled=to_amount(row[17]),
        cost=to_amount(row[18]),
        fees=to_amount(row[19]),
        venue_id=to_text(row[20]),
        accepted_at=None if row[21] is None else to_number(row[21]),
        updated_at=to_number(row[22]),
        is_triggered=to_flag(row[23]),
        is_cancelling=to_flag(row[24]),
        note=to_text(row[25]),
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
        decimal_text(fill.fee_worth),
    )


def fill_from_row(row: Row) -> Fill:
    """Return the fill that a row holds."""
    return Fill(
        account=to_text(row[0]),
        fill_id=to_text(row[1]),
        order_id=to_text(row[2]),
        symbol=to_text(row[3]),
        side=Side(row[4]),
        quantity=to_amount(row[5]),
        price=to_amount(row[6]),
        fee=to_amount(row[7]),
        fee_currency=to_text(row[8]),
        at=to_number(row[9]),
        is_maker=to_flag(row[10]),
        fee_worth=to_amount_or_none(row[11]),
    )


def position_to_row(position: Position) -> tuple[object, ...]:
    """Return a position as a row."""
    return (
        position.account,
        position.symbol,
        str(position.quantity),
        str(position.entry_price),
        position.opened_at,
        position.instance,
        str(position.entry_quantity),
        str(position.entry_cost),
        str(position.exit_quantity),
        str(position.exit_cost),
        str(position.fees),
        str(position.realised),
        decimal_text(position.stop_price),
        decimal_text(position.target_price),
        None if position.trail is None else trail_to_json(position.trail),
        position.is_trail_tight,
        position.best_price,
        decimal_text(position.trail_price),
        words(position.closing),
    )


def position_from_row(row: Row) -> Position:
    """Return the position that a row holds."""
    return Position(
        account=to_text(row[0]),
        symbol=to_text(row[1]),
        quantity=to_amount(row[2]),
        entry_price=to_amount(row[3]),
        opened_at=to_number(row[4]),
        instance=to_text(row[5]),
        entry_quantity=to_amount(row[6]),
        entry_cost=to_amount(row[7]),
        exit_quantity=to_amount(row[8]),
        exit_cost=to_amount(row[9]),
        fees=to_amount(row[10]),
        realised=to_amount(row[11]),
        stop_price=to_amount_or_none(row[12]),
        target_price=to_amount_or_none(row[13]),
        trail=None if row[14] is None else trail_from_json(row[14]),
        is_trail_tight=to_flag(row[15]),
        best_price=to_number(row[16]),
        trail_price=to_amount_or_none(row[17]),
        closing=to_text(row[18]),
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
        words(trade.reason),
    )


def trade_from_row(row: Row) -> Trade:
    """Return the trade that a row holds."""
    return Trade(
        number=to_count(row[0]),
        account=to_text(row[1]),
        symbol=to_text(row[2]),
        instance=to_text(row[3]),
        side=Side(row[4]),
        quantity=to_amount(row[5]),
        entry_price=to_amount(row[6]),
        exit_price=to_amount(row[7]),
        opened_at=to_number(row[8]),
        closed_at=to_number(row[9]),
        gross=to_amount(row[10]),
        fees=to_amount(row[11]),
        profit=to_amount(row[12]),
        reason=to_text(row[13]),
    )
