"""What a command reads for pictures: a market's candles with its trades, profit over time."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, tzinfo
from typing import Any, Final

from trading.engine.command_call import Answer, Call, NotPossibleError, shown
from trading.engine.command_places import Places
from trading.engine.trader import Trader
from trading.engine.trading_view import view_holding
from trading.market.series import SymbolSeries
from trading.model.account import MarketKey
from trading.reports.chart_data import (
    CANDLES_MAX,
    POINTS_MAX,
    ChartView,
    Gain,
    chart_view,
    curve_fields,
    interval_text,
)

_TRADES_LOOKED_AT: Final = 1_000
_SECONDS: Final = {"m": 60, "h": 3_600, "d": 86_400}


class ChartReading:
    """Answer /chart, and draw the line of /profit."""

    def __init__(self, trader: Trader) -> None:
        self._trader = trader
        self._places = Places(trader.desks)

    def chart(self, call: Call) -> Answer:
        """Show the candles of one market, its trades in their time and what is held now."""
        keys = self._keys(call)
        symbol = keys[0].symbol
        market = self._trader.markets.find(symbol)
        series = _series_of(market.series, call.named.get("timeframe"))
        trades = self._trader.history.last(_TRADES_LOOKED_AT, symbol, call.account)
        positions = [
            self._trader.desks[key.account].book.positions.get(symbol)
            for key in keys
            if key.symbol == symbol
        ]
        chart = ChartView(
            symbol=symbol,
            interval_s=series.interval_s,
            candles=series.candles(CANDLES_MAX),
            trades=trades[::-1],
            holdings=[view_holding(self._trader, one) for one in positions if one is not None],
            price=market.price,
            at=max(0.0, self._trader.markets.now),
            names_account=len(keys) > 1,
        )
        return shown(chart_view(chart))

    def curve(self, count: int, account: str, currency: str) -> Mapping[str, Any]:
        """Return the profit of some days over time: trade by trade, or by day when too many."""
        history, now = self._trader.history, max(0.0, self._trader.markets.now)
        days = history.daily.last_days(now, count, account)[::-1]
        start = _midnight(days[0].day, history.daily.days.zone)
        found = history.last(_TRADES_LOOKED_AT, None, account)[::-1]
        recent = [one for one in found if one.closed_at >= start]
        if len(recent) == sum(one.trades for one in days) and len(recent) < POINTS_MAX:
            gains = [Gain(one.closed_at, float(one.profit)) for one in recent]
            return curve_fields(gains, currency, start=_start_of(gains, start), by="trade")
        traded = next((n for n, one in enumerate(days) if one.trades), 0)
        gains = [
            Gain(_midnight(one.day, history.daily.days.zone), float(one.profit))
            for one in days[traded:]
        ]
        return curve_fields(gains, currency, start=_start_of(gains, start), by="day")

    def _keys(self, call: Call) -> Sequence[MarketKey]:
        """Return the market meant; without a name the one that is held, or the only one."""
        keys = self._places.keys(call)
        if call.symbol is not None:
            return keys
        held = [key for key in keys if key.symbol in self._trader.desks[key.account].book.positions]
        symbols = sorted({key.symbol for key in (held or keys)})
        if not symbols:
            raise NotPossibleError("no market is traded")
        if len(symbols) > 1:
            known = ", ".join(symbols[:10])
            raise NotPossibleError(
                f"of which market? such as /chart {symbols[0]}; there is {known}"
            )
        return [key for key in keys if key.symbol == symbols[0]]


def _series_of(series: SymbolSeries, timeframe: str | None) -> SymbolSeries:
    if timeframe is None:
        return series
    interval_s = int(timeframe[:-1]) * _SECONDS[timeframe[-1]]
    try:
        return series.at_interval(interval_s)
    except ValueError:
        own = interval_text(series.interval_s)
        raise NotPossibleError(
            f"{series.symbol} has candles of {own}; {timeframe} cannot be made of them"
        ) from None


def _start_of(gains: Sequence[Gain], start: float) -> float:
    """Return where a line begins: not long before the first gain, as nothing is to be seen."""
    if not gains:
        return start
    return max(start, gains[0].at - max(300.0, (gains[-1].at - gains[0].at) / 20))


def _midnight(day: str, zone: tzinfo) -> float:
    return datetime.combine(date.fromisoformat(day), time.min, zone).timestamp()
