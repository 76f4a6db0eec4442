"""Profit by trading day: a day is one of a zone's calendar, by market time of the closing."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Final

from trading.model.account import MarketKey
from trading.model.position import Trade
from trading.model.values import quickly_made

DAYS_MAX: Final = 400
_ZERO: Final = Decimal(0)


@quickly_made
@dataclass(frozen=True, slots=True)
class DayProfit:
    """Sum up the closed trades of one or several days; `day` is the first, as 2026-11-20."""

    day: str
    trades: int = 0
    wins: int = 0
    profit: Decimal = _ZERO
    fees: Decimal = _ZERO

    def with_trade(self, trade: Trade) -> "DayProfit":
        """Return the sums with one more trade."""
        return DayProfit(
            self.day,
            self.trades + 1,
            self.wins + (trade.profit > 0),
            self.profit + trade.profit,
            self.fees + trade.fees,
        )

    def joined(self, other: "DayProfit") -> "DayProfit":
        """Return the sums of both."""
        return DayProfit(
            min(self.day, other.day),
            self.trades + other.trades,
            self.wins + other.wins,
            self.profit + other.profit,
            self.fees + other.fees,
        )


class TradingDays:
    """Tell the trading day of a moment, quickly when it is the same as before."""

    __slots__ = ("_day", "_end", "_start", "zone")

    def __init__(self, zone: tzinfo = UTC) -> None:
        self.zone = zone
        self._day = ""
        self._start = self._end = 0.0

    def day_of(self, at: float) -> str:
        """Return the day of a moment, as 2026-11-20."""
        self._find(at)
        return self._day

    def end_of(self, at: float) -> float:
        """Return the first moment of the next day: its midnight, or what there is of one."""
        self._find(at)
        return self._end

    def start_of(self, at: float) -> float:
        """Return the first moment of the day."""
        self._find(at)
        return self._start

    def days_back(self, at: float, count: int) -> list[str]:
        """Return the last days up to this one, the latest first."""
        today = date.fromisoformat(self.day_of(at))
        return [(today - timedelta(days=back)).isoformat() for back in range(count)]

    def _find(self, at: float) -> None:
        if self._start <= at < self._end:
            return
        day = datetime.fromtimestamp(at, self.zone).date()
        self._day = day.isoformat()
        self._start = self._midnight(day)
        self._end = self._midnight(day + timedelta(days=1))

    def _midnight(self, day: date) -> float:
        return datetime.combine(day, time.min, self.zone).timestamp()


class DailyProfit:
    """Keep the profit of each trading day, for each market of each account."""

    def __init__(
        self, days: TradingDays, trades: Iterable[Trade] = (), *, days_max: int = DAYS_MAX
    ) -> None:
        self.days = days
        self._days_max = days_max
        self._sums: dict[str, dict[MarketKey, DayProfit]] = {}
        for trade in trades:
            self.add(trade)

    def add(self, trade: Trade) -> None:
        """Take a closed trade into account; the oldest day beyond the bound is forgotten."""
        day = self.days.day_of(trade.closed_at)
        of_day = self._sums.get(day)
        if of_day is None:
            of_day = self._sums[day] = {}
        key = trade.key
        of_day[key] = (of_day.get(key) or DayProfit(day)).with_trade(trade)
        if len(self._sums) > self._days_max:
            del self._sums[min(self._sums)]

    def profit(self, at: float, account: str = "", symbol: str = "") -> Decimal:
        """Return what was earned on the day of a moment; an empty name stands for all."""
        return self._of(self.days.day_of(at), account, symbol).profit

    def last_days(self, at: float, count: int, account: str = "") -> list[DayProfit]:
        """Return the last days up to that of a moment, the latest first, empty ones too."""
        return [self._of(day, account, "") for day in self.days.days_back(at, count)]

    def by_market(self, at: float, count: int, account: str = "") -> dict[MarketKey, DayProfit]:
        """Return the sums of each market over the last days, in alphabetical order."""
        sums: dict[MarketKey, DayProfit] = {}
        for day in self.days.days_back(at, count):
            for key, one in self._sums.get(day, {}).items():
                if account in ("", key.account):
                    sums[key] = sums[key].joined(one) if key in sums else one
        return dict(sorted(sums.items()))

    def _of(self, day: str, account: str, symbol: str) -> DayProfit:
        total = DayProfit(day)
        for key, one in self._sums.get(day, {}).items():
            if account in ("", key.account) and symbol in ("", key.symbol):
                total = total.joined(one)
        return total
