"""The durable events about positions that are to be left and cannot be for now."""

from collections.abc import Sequence
from typing import Final

from trading.model.event import DurableEvent, Severity
from trading.model.order import Order
from trading.model.position import Position
from trading.reports.alert_lines import make_alert, reason_lines, row, where_fields, where_line
from trading.reports.numbers import exact_or_none, exact_text, price_text, quantity_text

_AGAIN: Final = "tried again, ever more rarely; a stop rests meanwhile if the exchange takes one"
_BOTH: Final = "to leave it is tried again, at least once a minute"


def exit_refused(position: Position, reason: str, is_paper: bool) -> DurableEvent:
    """Say that a position cannot be closed for now, and stands without its stop."""
    return _unprotected("NOT CLOSED", position, reason, _AGAIN, is_paper)


def stop_refused(position: Position, reason: str, is_paper: bool) -> DurableEvent:
    """Say that a position can neither be closed for now nor protected."""
    return _unprotected("NOT CLOSED, NO STOP", position, reason, _BOTH, is_paper)


def protection_back(position: Position, stop: Order, is_paper: bool) -> DurableEvent:
    """Say that a stop rests again for a position that cannot be closed for now."""
    lines = [
        f"{position.symbol}: a stop rests again",
        where_line(position.account, is_paper),
        *row("stop", price_text(stop.stop_price)),
        *row("quantity", quantity_text(stop.remaining)),
        *reason_lines("it goes before each further try to close the position"),
    ]
    fields = {
        **_fields(position, is_paper),
        "stop_price": exact_or_none(stop.stop_price),
        "id": stop.id,
    }
    key = f"protection_back:{position.account}:{position.symbol}"
    return make_alert("protection_back", Severity.NOTICE, lines, 0.0, fields, key)


def _unprotected(
    head: str, position: Position, reason: str, after: str, is_paper: bool
) -> DurableEvent:
    held = quantity_text(abs(position.quantity))
    lines = [
        f"⚠ {head}: {position.symbol}",
        where_line(position.account, is_paper),
        *reason_lines(f"{held} held without a stop"),
        *reason_lines(reason),
        *reason_lines(after),
        *_advice(position),
    ]
    fields = {**_fields(position, is_paper), "reason": reason}
    key = f"protection_missing:{position.account}:{position.symbol}"
    return make_alert("protection_missing", Severity.CRITICAL, lines, 0.0, fields, key)


def _advice(position: Position) -> Sequence[str]:
    verb = "sell" if position.quantity > 0 else "buy"
    return [
        *reason_lines(f"at once: /{verb} {position.symbol}"),
        *reason_lines("or close it at the exchange: its open orders there may hold what is sold"),
    ]


def _fields(position: Position, is_paper: bool) -> dict[str, object]:
    return {
        **where_fields(position.account, is_paper),
        "symbol": position.symbol,
        "position_quantity": exact_text(position.quantity),
        "entry_price": exact_text(position.entry_price),
        "stop_price": exact_or_none(position.stop_price),
        "target_price": exact_or_none(position.target_price),
        "closing": position.closing,
    }
