"""The part of a status that is about money: balances, positions, orders, flags and limits."""

from collections.abc import Sequence
from typing import Any, Final

from trading.model.order_states import OrderState
from trading.reports.difference_alerts import difference_fields
from trading.reports.holding_lines import holding_block, profit_and_percent
from trading.reports.numbers import amount_text, counted, percent_text
from trading.reports.order_lines import order_block, order_fields, waiting_first
from trading.reports.status_parts import (
    AccountView,
    FlagView,
    HoldingView,
    InstanceView,
    TradingView,
    TrippedView,
)
from trading.reports.tables import View, cut, labelled, limited, page, shortened

# A status is sent every second; the commands for positions and orders tell more of them.
FIELD_ROWS_MAX: Final = 50
POSITIONS_FIELD_ROWS_MAX: Final = 200
# How the latch itself begins to say why it is set.
_LATCHED: Final = "the kill latch is "


def render_trading(view: TradingView) -> View:
    """Return the holdings part of a status; it shows the same whether the bot runs or not."""
    text = page(
        _switch_lines(view),
        _unprotected_lines(view),
        _difference_lines(view),
        _tripped_lines(view),
        *(_account_lines(one, view) for one in view.accounts),
        _flag_lines(view, "buying"),
        _flag_lines(view, "selling"),
        labelled("open", _counts(view)),
        _holding_lines(view, 26),
        _order_lines(view),
        _instance_lines(view),
    )
    return View(text, trading_fields(view))


def trading_fields(view: TradingView) -> dict[str, Any]:
    """Return the holdings part of a status for programs."""
    return {
        "running": view.is_running,
        "trading_on": view.is_trading_on,
        "paused": view.is_paused,
        "kill": view.kill,
        "pairs": view.pairs,
        "accounts": [one.to_fields() for one in view.accounts],
        "positions": [one.to_fields() for one in view.holdings[:FIELD_ROWS_MAX]],
        "orders": [order_fields(one) for one in view.orders[:FIELD_ROWS_MAX]],
        "orders_open": len(view.orders),
        "flags": [one.to_fields() for one in view.flags[:FIELD_ROWS_MAX]],
        "tripped": [one.to_fields() for one in view.tripped[:FIELD_ROWS_MAX]],
        "instances": [one.to_fields() for one in view.instances[:FIELD_ROWS_MAX]],
        "differences": [difference_fields(one) for one in view.differences[:FIELD_ROWS_MAX]],
        "at": view.at,
    }


def positions_view(view: TradingView) -> View:
    """Return all positions."""
    shown = view.holdings[:POSITIONS_FIELD_ROWS_MAX]
    fields = {"positions": [one.to_fields() for one in shown], "positions_open": len(view.holdings)}
    if not view.holdings:
        return View("no open position", fields)
    return View(page(_holding_lines(view, 59)), fields)


def _switch_lines(view: TradingView) -> list[str]:
    if not view.is_running:
        state = "off, not running"
    elif not view.is_trading_on:
        state = "off"
    else:
        state = "paused" if view.is_paused else "on"
    lines = labelled("trading", state)
    if view.kill:
        lines += shortened(f"⛔ KILL LATCH: {view.kill.removeprefix(_LATCHED)}", 4)
    return lines


def _tripped_lines(view: TradingView) -> list[str]:
    return limited(view.tripped, lambda one: _tripped_block(one, view), 14, "tripped limits")


def _tripped_block(tripped: TrippedView, view: TradingView) -> list[str]:
    """Return a limit; what its own text says already is not said twice."""
    is_named = (tripped.symbol or tripped.account) in tripped.text
    where = "" if is_named else _where(tripped.account, tripped.symbol, view)
    lines = shortened(f"⛔ {where}{tripped.text}", 7)
    if tripped.lifted_by not in tripped.text:
        lines += shortened(f"lifted by {tripped.lifted_by}", 3, indent=1)
    return lines


def _account_lines(account: AccountView, view: TradingView) -> list[str]:
    own = [one for one in view.holdings if one.position.account == account.name]
    profit, invested = _sum_profit(own), _invested(own)
    fraction = profit / account.capital if account.capital else None
    exposure = f"{amount_text(account.exposure)} ({percent_text(account.exposure_fraction)})"
    return [
        cut(f"{account.label} {account.currency}"),
        *labelled("balance", amount_text(account.money)),
        *labelled("equity", amount_text(account.equity)),
        *labelled("invested", amount_text(invested)),
        *labelled("P&L open", profit_and_percent(profit, fraction)),
        *labelled("exposure", exposure),
        *_trouble_lines(account),
    ]


def _trouble_lines(account: AccountView) -> list[str]:
    return shortened(f"⚠ no new risk: {account.trouble}", 4) if account.trouble else []


def _flag_lines(view: TradingView, which: str) -> list[str]:
    off = [
        (one, one.buying_reason if which == "buying" else one.selling_reason)
        for one in view.flags
        if not (one.is_buying_on if which == "buying" else one.is_selling_on)
    ]
    if not off:
        return labelled(which, "on")
    return [
        *labelled(which, f"OFF for {len(off):,} of {view.pairs:,}"),
        *limited(off, lambda one: _flag_block(*one, view), 8, "pairs off"),
    ]


def _flag_block(flag: FlagView, reason: str, view: TradingView) -> list[str]:
    where = _where(flag.key.account, flag.key.symbol, view)
    return shortened(f"{where}{reason or 'by command'}", 3, indent=1)


def _counts(view: TradingView) -> str:
    return f"{len(view.holdings):,} pos, {len(view.orders):,} ord, {view.pairs:,} pairs"


def _unprotected_lines(view: TradingView) -> list[str]:
    count = sum(not _has_stop(one) for one in view.holdings)
    return [f"⚠ NO STOP: {counted(count, 'position')}"] if count else []


def _difference_lines(view: TradingView) -> list[str]:
    count = len(view.differences)
    return [f"⚠ {counted(count, 'difference')}: /reconcile"] if count else []


def _has_stop(holding: HoldingView) -> bool:
    return bool(holding.stop_price)


def _holding_lines(view: TradingView, lines_max: int) -> list[str]:
    several = len(view.accounts) > 1
    # A list that is cut short must not hide what nothing protects.
    return limited(
        sorted(view.holdings, key=_has_stop),
        lambda one: holding_block(one, view.at, names_account=several),
        lines_max,
        "positions",
    )


def _order_lines(view: TradingView) -> list[str]:
    if not view.orders:
        return []
    unknown = sum(one.state is OrderState.UNKNOWN for one in view.orders)
    marked = f" ({unknown:,} UNKNOWN)" if unknown else ""
    several = len(view.accounts) > 1
    return [
        *labelled("orders", f"{len(view.orders):,}{marked}"),
        *limited(
            waiting_first(view.orders),
            lambda one: order_block(one, view.at, names_account=several),
            10,
            "orders",
        ),
    ]


def _instance_lines(view: TradingView) -> list[str]:
    return limited(view.instances, _instance_block, 8, "instances")


def _instance_block(one: InstanceView) -> list[str]:
    state = f", {one.state}" if one.state else ""
    return [*shortened(f"{one.name}: {one.mode}{state}", 2), cut(f" {one.strategy} {one.symbol}")]


def _where(account: str, symbol: str, view: TradingView) -> str:
    """Name what a flag or limit is for; the account only where there are several."""
    parts = [account] if len(view.accounts) > 1 or not symbol else []
    return f"{' '.join([*parts, *([symbol] if symbol else [])])}: "


def _sum_profit(holdings: Sequence[HoldingView]) -> float:
    return sum(one.profit for one in holdings if one.profit is not None)


def _invested(holdings: Sequence[HoldingView]) -> float:
    return sum(float(abs(one.position.quantity) * one.position.entry_price) for one in holdings)
