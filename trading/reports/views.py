"""The answers to reading commands: texts for a phone, and the same figures for programs.

Drawn from values that are handed in; whoever calls knows accounts, markets and orders.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from trading.model.account import MarketKey
from trading.model.order import Order, Side
from trading.model.order_states import OrderState
from trading.model.position import Trade
from trading.reports.daily_profit import DayProfit
from trading.reports.numbers import (
    NOTHING,
    amount_text,
    duration_text,
    exact_text,
    percent_text,
    price_text,
    profit_text,
    quantity_text,
)
from trading.reports.order_lines import order_block, order_fields, waiting_first
from trading.reports.statistics import Statistics
from trading.reports.status_parts import AccountView, Decision
from trading.reports.tables import (
    COLUMNS,
    LINES_MAX,
    View,
    cut,
    labelled,
    limited,
    page,
    shortened,
    spread,
    wrapped,
)

FIELD_ROWS_MAX: Final = 200
# A heading takes a line, and so does "… N more".
_LIST_LINES_MAX: Final = LINES_MAX - 2
# Where Z stands for UTC, the bridge may write the name of a person's zone, such as ` +0545`.
_ZONED: Final = COLUMNS - 5


def stats_view(
    rows: Sequence[Statistics],
    version: str,
    currency: str,
    *,
    currencies: Mapping[str, str] | None = None,
) -> View:
    """Return the statistics of some scopes: usually the total first, then each market.

    `currencies` names those of the accounts, where there is more than the one.
    """
    head = labelled("version", f"v{version}")
    if rows:
        head += labelled("market", moment_text(rows[0].at))
    fields = {
        "version": version,
        "currency": currency,
        "statistics": [one.to_fields() for one in rows[:FIELD_ROWS_MAX]],
    }
    named = currencies or {}
    has_several = len({one.account for one in rows if one.account}) > 1
    lines = limited(
        rows,
        lambda one: _stats_block(one, named.get(one.account, currency), has_several=has_several),
        LINES_MAX - len(head) - 1,
        "markets",
    )
    return View(page(head, lines), fields)


def orders_view(orders: Sequence[Order], at: float, *, names_account: bool = False) -> View:
    """Return the open orders, those of which nobody knows the fate first."""
    unknown = sum(one.state is OrderState.UNKNOWN for one in orders)
    fields = {
        "orders": [order_fields(one) for one in orders[:FIELD_ROWS_MAX]],
        "orders_open": len(orders),
        "orders_unknown": unknown,
    }
    if not orders:
        return View("no open order", fields)
    marked = f", {unknown:,} UNKNOWN" if unknown else ""
    head = cut(f"{len(orders):,} open{marked}")
    waiting = waiting_first(orders)
    lines = limited(
        waiting,
        lambda one: order_block(one, at, names_account=names_account),
        _LIST_LINES_MAX,
        "orders",
    )
    return View(page([head], lines), fields)


def trades_view(trades: Sequence[Trade], *, names_account: bool = False) -> View:
    """Return closed trades in the order in which they are given."""
    fields = {"trades": [trade_fields(one) for one in trades[:FIELD_ROWS_MAX]]}
    if not trades:
        return View("no closed trade yet", fields)
    lines = limited(
        trades, lambda one: _trade_block(one, names_account=names_account), 59, "trades"
    )
    return View(page(lines), fields)


def profit_view(
    days: Sequence[DayProfit], markets: Mapping[MarketKey, DayProfit], currency: str
) -> View:
    """Return what some trading days have brought together, and each market's part."""
    total = _sum(days)
    head = [
        *labelled("profit", f"{profit_text(total.profit)} {currency}"),
        *labelled("days", f"{len(days):,}"),
        *labelled("trades", f"{total.trades:,}"),
        *labelled("wins", _rate(total)),
        *labelled("fees", amount_text(total.fees)),
    ]
    fields = {
        "currency": currency,
        "days": len(days),
        "profit": exact_text(total.profit),
        "fees": exact_text(total.fees),
        "trades": total.trades,
        "wins": total.wins,
        "markets": [
            {"account": key.account, "symbol": key.symbol, **_day_fields(one)}
            for key, one in list(markets.items())[:FIELD_ROWS_MAX]
        ],
    }
    several = len({key.account for key in markets}) > 1
    rows = [
        (f"{key.account} {key.symbol}" if several else key.symbol, markets[key]) for key in markets
    ]
    return View(page(head, limited(rows, _market_block, 54, "markets")), fields)


def daily_view(days: Sequence[DayProfit], currency: str) -> View:
    """Return the profit of each trading day."""
    total = _sum(days)
    head = spread("day     trades", currency)
    tail = spread(f"together   {total.trades:>3,}", profit_text(total.profit))
    fields = {"currency": currency, "days": [{"day": one.day, **_day_fields(one)} for one in days]}
    return View(page(head, limited(days, _day_block, 56, "days"), tail), fields)


def balance_view(accounts: Sequence[AccountView]) -> View:
    """Return the money of each account."""
    fields = {"accounts": [one.to_fields() for one in accounts[:FIELD_ROWS_MAX]]}
    return View(page(limited(accounts, _balance_block, 59, "accounts")), fields)


def why_view(
    decisions: Sequence[Decision], symbol: str = "", *, names_account: bool = False
) -> View:
    """Return the last decisions in the order in which they are given."""
    rows = [
        {"at": one.at, "account": one.account, "symbol": one.symbol, "text": one.text}
        for one in decisions[:FIELD_ROWS_MAX]
    ]
    fields: dict[str, Any] = {"symbol": symbol, "decisions": rows}
    if not decisions:
        about = f" of {symbol}" if symbol else ""
        return View(page(wrapped(f"nothing was decided{about} yet")), fields)
    lines = limited(
        decisions, lambda one: _decision_block(one, names_account=names_account), 59, "decisions"
    )
    return View(page(lines), fields)


def trade_fields(trade: Trade) -> dict[str, Any]:
    """Return a closed trade for programs."""
    return {
        "number": trade.number,
        "account": trade.account,
        "symbol": trade.symbol,
        "instance": trade.instance,
        "side": "long" if trade.side is Side.BUY else "short",
        "quantity": exact_text(trade.quantity),
        "entry_price": exact_text(trade.entry_price),
        "exit_price": exact_text(trade.exit_price),
        "opened_at": trade.opened_at,
        "closed_at": trade.closed_at,
        "gross": exact_text(trade.gross),
        "fees": exact_text(trade.fees),
        "profit": exact_text(trade.profit),
        "profit_fraction": float(trade.profit_fraction),
        "reason": trade.reason,
    }


def moment_text(at: float) -> str:
    """Return a moment of market time, UTC, to the minute."""
    if not at:
        # Market time begins with the first price.
        return "no price yet"
    return datetime.fromtimestamp(at, UTC).strftime("%y-%m-%d %H:%MZ")


def _stats_block(one: Statistics, currency: str, *, has_several: bool) -> list[str]:
    own = [one.symbol, one.account if has_several else ""]
    parts = own if one.symbol else ["total", one.account, currency]
    name = " ".join(part for part in parts if part)
    if not one.trades and one.symbol:
        return [cut(name), " no trades yet", *_drawdown_lines(one)]
    wins = f"{one.wins:,} of {one.trades:,} ({percent_text(one.win_rate)})"
    factor = "-" if one.profit_factor is None else f"{one.profit_factor:.3g}"
    streak = f"{one.losing_streak:,} lost (longest {one.losing_streak_max:,})"
    lines = [
        cut(name),
        *labelled(" trades", f"{one.trades:,}"),
        *labelled(" P&L", profit_text(one.profit)),
        *labelled(" 24 h", profit_text(one.profit_24h)),
        *labelled(" 7 d", profit_text(one.profit_7d)),
        *labelled(" 30 d", profit_text(one.profit_30d)),
        *labelled(" wins", wins if one.trades else "-"),
        *labelled(" factor", factor),
        *labelled(" best", profit_text(one.win_largest)),
        *labelled(" worst", profit_text(one.loss_largest)),
        *labelled(" mean", profit_text(one.profit_mean)),
        *labelled(" streak", streak),
        *labelled(" fees", amount_text(one.fees)),
        *labelled(" hold", "-" if one.hold_mean_s is None else duration_text(one.hold_mean_s)),
    ]
    lines += _drawdown_lines(one)
    return lines + (wrapped("24 h to 30 d: latest only", indent=1) if one.is_recent_cut else [])


def _drawdown_lines(one: Statistics) -> list[str]:
    if one.drawdown_daily is None and one.drawdown_total is None:
        return []
    total, daily = percent_text(one.drawdown_total), percent_text(one.drawdown_daily)
    return labelled(" drawdown", f"{total} (today {daily})")


def _trade_block(trade: Trade, *, names_account: bool) -> list[str]:
    side = "long" if trade.side is Side.BUY else "short"
    percent = percent_text(trade.profit_fraction, signed=True)
    return [
        cut(f"#{trade.number:,} {trade.symbol} {side}"),
        *([cut(f" account {trade.account}")] if names_account else []),
        *wrapped(f"{profit_text(trade.profit)} ({percent})", indent=1),
        *wrapped(f"{price_text(trade.entry_price)} → {price_text(trade.exit_price)}", indent=1),
        *wrapped(
            f"{moment_text(trade.closed_at)}, {duration_text(trade.closed_at - trade.opened_at)}",
            indent=1,
            width=_ZONED,
        ),
        cut(f" {trade.reason}"),
    ]


def _balance_block(account: AccountView) -> list[str]:
    what = "cash" if account.collateral is None else "collateral"
    return [
        cut(f"{account.label} {account.currency}"),
        *labelled(" exchange", account.exchange),
        *labelled(f" {what}", amount_text(account.money)),
        *labelled(" reserved", amount_text(account.reserved)),
        *labelled(" equity", amount_text(account.equity)),
        *_told_lines(account),
        *labelled(" exposure", percent_text(account.exposure_fraction)),
        *labelled(" today", profit_text(account.day_profit)),
        *_rest_lines(account),
        *(wrapped(f"⚠ {account.trouble}", indent=1) if account.trouble else []),
    ]


def _told_lines(account: AccountView) -> list[str]:
    """Return what the venue itself says of a margin account."""
    told = {" equity there": account.venue_equity, " free margin": account.free_margin}
    return [
        line
        for label, amount in told.items()
        if amount is not None
        for line in labelled(label, amount_text(amount))
    ]


def _rest_lines(account: AccountView) -> list[str]:
    """Return what is too small to be sold; it is in the equity."""
    if not account.residues:
        return []
    return [
        cut(" too small to be sold:"),
        *limited(
            list(account.residues.items()),
            lambda one: spread(f"  {one[0]}", quantity_text(one[1])),
            10,
            "markets",
        ),
    ]


def _market_block(row: tuple[str, DayProfit]) -> list[str]:
    name, one = row
    return spread(name, profit_text(one.profit))


def _day_block(one: DayProfit) -> list[str]:
    return spread(f"{one.day} {one.trades:>3,}", profit_text(one.profit))


def _decision_block(one: Decision, *, names_account: bool) -> list[str]:
    return [
        cut(f"{moment_text(one.at)} {one.symbol}", _ZONED),
        *([cut(f" account {one.account}")] if names_account else []),
        *shortened(one.text, 6, indent=1),
    ]


def _sum(days: Sequence[DayProfit]) -> DayProfit:
    total = DayProfit(days[0].day if days else "")
    for one in days:
        total = total.joined(one)
    return total


def _rate(total: DayProfit) -> str:
    if not total.trades:
        return NOTHING
    return f"{total.wins:,} ({percent_text(total.wins / total.trades)})"


def _day_fields(one: DayProfit) -> dict[str, Any]:
    return {
        "profit": exact_text(one.profit),
        "fees": exact_text(one.fees),
        "trades": one.trades,
        "wins": one.wins,
    }
