"""The content of state.json: what people and scripts read of a bot without asking it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from trading.model.position import Position
from trading.reports.numbers import finite_or_none

NO_POSITION = "NONE"


@dataclass(frozen=True, slots=True)
class AccountMoney:
    """Hold the money of one account; `equity` is no number while a price is missing."""

    account: str
    currency: str
    equity: float
    pnl_24h: Decimal


@dataclass(frozen=True, slots=True)
class StateView:
    """Hold what state.json tells: `trading_pair` is the first market that is configured.

    `last_signal` is LONG, SHORT or NONE.
    """

    bot: str
    mode: str
    is_running: bool
    is_trading_on: bool
    strategy: str
    trading_pair: str
    positions: Sequence[Position]
    last_signal: str
    accounts: Sequence[AccountMoney]
    updated_at: float


def state_fields(view: StateView) -> dict[str, Any]:
    """Return the content of state.json: numbers as numbers, times as UTC text.

    The single figures at the top are those of the configured pair, or, when nothing is held of
    it, of the position that was opened first; `positions` lists them all.
    """
    held = sorted(view.positions, key=lambda one: (one.opened_at, one.account, one.symbol))
    of_pair = [one for one in held if one.symbol == view.trading_pair]
    shown = next(iter(of_pair or held), None)
    return {
        "bot": view.bot,
        "running": view.is_running,
        "trading": view.is_trading_on,
        "mode": view.mode,
        "strategy": view.strategy,
        "trading_pair": view.trading_pair if shown is None else shown.symbol,
        "position": NO_POSITION if shown is None else _direction(shown),
        "entry_price": None if shown is None else float(shown.entry_price),
        "quantity": 0.0 if shown is None else float(abs(shown.quantity)),
        "last_signal": view.last_signal or NO_POSITION,
        **_money_fields(view.accounts),
        "positions": [_position_fields(one) for one in held],
        "updated_at": utc_text(view.updated_at),
    }


def utc_text(at: float) -> str:
    """Return a moment in UTC as ISO 8601."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _money_fields(accounts: Sequence[AccountMoney]) -> dict[str, Any]:
    """Return the sums, none where the accounts are in several currencies, and each account's."""
    currencies = {one.currency for one in accounts}
    is_one = len(currencies) == 1
    return {
        "pnl_24h": float(sum(one.pnl_24h for one in accounts)) if is_one else None,
        "equity": finite_or_none(sum(one.equity for one in accounts)) if is_one else None,
        "currency": next(iter(currencies)) if is_one else None,
        "accounts": [
            {
                "account": one.account,
                "currency": one.currency,
                "equity": finite_or_none(one.equity),
                "pnl_24h": float(one.pnl_24h),
            }
            for one in accounts
        ],
    }


def _direction(position: Position) -> str:
    return "LONG" if position.quantity > 0 else "SHORT"


def _position_fields(position: Position) -> dict[str, Any]:
    return {
        "account": position.account,
        "trading_pair": position.symbol,
        "position": _direction(position),
        "quantity": float(abs(position.quantity)),
        "entry_price": float(position.entry_price),
        "stop_price": _number(position.stop_price),
        "target_price": _number(position.target_price),
        "trail_price": _number(position.trail_price),
        "instance": position.instance,
        "opened_at": utc_text(position.opened_at),
    }


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
