"""How a position looks in a list."""

from trading.model.position import Position
from trading.reports.numbers import (
    NOTHING,
    amount_text,
    duration_text,
    percent_text,
    price_text,
    profit_text,
    quantity_text,
)
from trading.reports.status_parts import HoldingView
from trading.reports.tables import cut, labelled


def holding_block(holding: HoldingView, at: float, *, names_account: bool) -> list[str]:
    """Return the lines of one position; one without a stop says so."""
    position = holding.position
    liquidation = holding.liquidation_price
    side = "LONG" if position.quantity > 0 else "SHORT"
    lines = [
        cut(position.symbol),
        *_indented(side, quantity_text(abs(position.quantity))),
        *(_indented("account", position.account) if names_account else []),
        *_indented("entry", price_text(position.entry_price)),
        *_indented("now", price_text(holding.price)),
        *_indented("P&L", profit_and_percent(holding.profit, holding.profit_fraction)),
        *_indented("trail", _trail(position)),
        *_indented("target", price_text(position.target_price)),
        *_indented("stop", price_text(holding.stop_price) if holding.stop_price else "⚠ NONE"),
        *(_indented("liquid.", price_text(liquidation)) if liquidation is not None else []),
        *_indented("value", amount_text(holding.value)),
        *_indented("held", duration_text(at - position.opened_at)),
    ]
    if position.instance:
        lines += _indented("by", position.instance)
    lines += _indented("closing", position.closing) if position.closing else []
    return lines + (_indented("refused", holding.refused) if holding.refused else [])


def profit_and_percent(profit: float | None, fraction: float | None) -> str:
    """Return a profit with its percentage."""
    if profit is None:
        return NOTHING
    if fraction is None:
        return profit_text(profit)
    return f"{profit_text(profit)} ({percent_text(fraction, signed=True)})"


def _indented(label: str, value: str) -> list[str]:
    return labelled(f" {label}", value)


def _trail(position: Position) -> str:
    if position.trail_price is not None:
        tight = " tight" if position.is_trail_tight else ""
        return f"{price_text(position.trail_price)}{tight}"
    if position.trail is not None:
        return f"from {percent_text(position.trail.activation, signed=True)}"
    return NOTHING
