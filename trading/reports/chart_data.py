"""What a chart is drawn from: candles with what was done in them, and profit over time.

Figures for programs and a few lines for those who have no pictures. Bounded, whatever is given.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from trading.model.market import Bar
from trading.model.order import Side
from trading.model.position import Position, Trade
from trading.reports.numbers import (
    counted,
    exact_or_none,
    exact_text,
    percent_text,
    price_text,
    profit_text,
    quantity_text,
)
from trading.reports.status_parts import HoldingView
from trading.reports.tables import View, cut, labelled, limited, page

CANDLES_MAX: Final = 200
TRADES_MAX: Final = 100
POINTS_MAX: Final = 300
_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "m"))


@dataclass(frozen=True, slots=True)
class ChartView:
    """Hold what a chart of one market shows; candles and trades are the oldest first."""

    symbol: str
    interval_s: int
    candles: Sequence[Bar]
    trades: Sequence[Trade]
    holdings: Sequence[HoldingView]
    price: float | None
    at: float
    names_account: bool = False


@dataclass(frozen=True, slots=True)
class Gain:
    """Hold what a moment brought: one closed trade, or all of a day."""

    at: float
    profit: float


def chart_view(chart: ChartView) -> View:
    """Return a chart as figures, and as the lines that stand for it where nothing is drawn."""
    candles = chart.candles[-CANDLES_MAX:]
    trades = _within(chart.trades, candles)
    span = f"{counted(len(candles), 'candle')} of {interval_text(chart.interval_s)}"
    head = [cut(chart.symbol), cut(span), *labelled("price", price_text(chart.price))]
    if candles:
        head += _range_lines(candles, chart.price)
    head += labelled("trades", f"{len(trades):,} closed in this time")
    lines = limited(
        chart.holdings,
        lambda one: _holding_block(one, names_account=chart.names_account),
        40,
        "positions",
    )
    return View(page(head, lines or ["no open position"]), {"chart": _fields(chart, trades)})


def curve_fields(gains: Iterable[Gain], currency: str, *, start: float, by: str) -> dict[str, Any]:
    """Return profit over time, the oldest gain first: each moment's sum and its fall from the peak.

    Begins with nothing at `start`. Too many points are thinned out: the last of each stretch
    stays, and so does the deepest fall.
    """
    total = peak = 0.0
    points = [(start, 0.0, 0.0)]
    for gain in gains:
        total += gain.profit
        peak = max(peak, total)
        points.append((gain.at, total, total - peak))
    shown = [[at, round(profit, 8), round(fall, 8)] for at, profit, fall in _thinned(points)]
    return {"currency": currency, "by": by, "points": shown}


def interval_text(interval_s: int) -> str:
    """Return a candle's length such as 15m or 1h."""
    for unit_s, name in _UNITS:
        if interval_s and interval_s % unit_s == 0:
            return f"{interval_s // unit_s}{name}"
    return f"{interval_s}s"


def _thinned(points: Sequence[tuple[float, float, float]]) -> list[tuple[float, float, float]]:
    if len(points) <= POINTS_MAX:
        return list(points)
    stretches = POINTS_MAX // 2
    edges = [len(points) * n // stretches for n in range(stretches + 1)]
    kept = {0, len(points) - 1}
    for start, end in pairwise(edges):
        kept.add(end - 1)
        kept.add(min(range(start, end), key=lambda n: points[n][2]))
    return [points[n] for n in sorted(kept)][:POINTS_MAX]


def _within(trades: Sequence[Trade], candles: Sequence[Bar]) -> list[Trade]:
    start = candles[0].start if candles else float("inf")
    return [one for one in trades if one.closed_at >= start][-TRADES_MAX:]


def _range_lines(candles: Sequence[Bar], price: float | None) -> list[str]:
    first = candles[0].open
    last = candles[-1].close if price is None else price
    return [
        *labelled("change", percent_text(last / first - 1, signed=True)),
        *labelled("high", price_text(max(one.high for one in candles))),
        *labelled("low", price_text(min(one.low for one in candles))),
    ]


def _holding_block(one: HoldingView, *, names_account: bool) -> list[str]:
    position = one.position
    lines = labelled(_side_text(position), quantity_text(abs(position.quantity)))
    if names_account:
        lines += labelled(" account", position.account)
    lines += labelled(" entry", price_text(position.entry_price))
    if position.stop_price is not None:
        lines += labelled(" stop", price_text(position.stop_price))
    if position.target_price is not None:
        lines += labelled(" target", price_text(position.target_price))
    if position.trail_price is not None:
        lines += labelled(" trail", price_text(position.trail_price))
    return lines + labelled(" P&L", profit_text(one.profit))


def _fields(chart: ChartView, trades: Sequence[Trade]) -> dict[str, Any]:
    candles = chart.candles[-CANDLES_MAX:]
    return {
        "symbol": chart.symbol,
        "interval_s": chart.interval_s,
        "price": chart.price,
        "at": chart.at,
        "candles": [
            [one.start, one.open, one.high, one.low, one.close, one.volume] for one in candles
        ],
        "trades": [_trade_fields(one) for one in trades],
        "positions": [_position_fields(one.position) for one in chart.holdings[:TRADES_MAX]],
    }


def _trade_fields(trade: Trade) -> dict[str, Any]:
    return {
        "side": "long" if trade.side is Side.BUY else "short",
        "entry_price": exact_text(trade.entry_price),
        "exit_price": exact_text(trade.exit_price),
        "opened_at": trade.opened_at,
        "closed_at": trade.closed_at,
        "profit": exact_text(trade.profit),
    }


def _position_fields(position: Position) -> dict[str, Any]:
    return {
        "account": position.account,
        "side": _side_text(position),
        "quantity": exact_text(abs(position.quantity)),
        "entry_price": exact_text(position.entry_price),
        "opened_at": position.opened_at,
        "stop_price": exact_or_none(position.stop_price),
        "target_price": exact_or_none(position.target_price),
        "trail_price": exact_or_none(position.trail_price),
    }


def _side_text(position: Position) -> str:
    return "long" if position.side is Side.BUY else "short"
