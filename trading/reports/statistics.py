"""Statistics of closed trades, kept up with each one: for each market, each account and in total.

Figures of the whole life are sums. Only the trades of the last 30 days of market time are kept
one by one, for the rolling windows, and of them no more than a given number.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any, Final

from trading.model.account import MarketKey, key_of
from trading.model.position import Trade
from trading.reports.drawdown import Drawdown
from trading.reports.numbers import exact_text, finite_or_none

DAY_S: Final = 86_400.0
WINDOWS_S: Final = (DAY_S, 7 * DAY_S, 30 * DAY_S)
RECENT_MAX: Final = 10_000
TOTAL: Final = MarketKey("", "")

_ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Statistics:
    """Hold the figures of one scope at one moment; money is net of all fees.

    An empty account or symbol stands for all of them. What has no meaning yet is None, such as
    the profit factor before the first loss. `is_recent_cut` says that more trades fell into the
    rolling windows than are kept, so these miss the oldest.
    """

    account: str
    symbol: str
    at: float
    trades: int = 0
    wins: int = 0
    losses: int = 0
    win_rate: float | None = None
    profit_factor: float | None = None
    profit: Decimal = _ZERO
    profit_24h: Decimal = _ZERO
    profit_7d: Decimal = _ZERO
    profit_30d: Decimal = _ZERO
    win_largest: Decimal | None = None
    loss_largest: Decimal | None = None
    profit_mean: Decimal | None = None
    losing_streak: int = 0
    losing_streak_max: int = 0
    fees: Decimal = _ZERO
    hold_mean_s: float | None = None
    drawdown_daily: float | None = None
    drawdown_total: float | None = None
    is_recent_cut: bool = False

    def to_fields(self) -> dict[str, Any]:
        """Return the figures for programs: money as exact decimal text, None as null."""
        return {one.name: _jsonable(getattr(self, one.name)) for one in fields(self)}


class _Scope:
    """Sum up the trades of one market, one account or all."""

    __slots__ = (
        "cut_at",
        "fees",
        "gross_loss",
        "gross_win",
        "hold_s",
        "loss_largest",
        "losses",
        "profit",
        "recent_at",
        "recent_before",
        "recent_max",
        "streak",
        "streak_max",
        "trades",
        "win_largest",
        "wins",
    )

    def __init__(self, recent_max: int) -> None:
        self.recent_max = recent_max
        # When each recent trade was closed, and what had been earned before it.
        self.recent_at: list[float] = []
        self.recent_before: list[Decimal] = []
        # When the latest trade was closed that went for want of room and not of age.
        self.cut_at = float("-inf")
        self.trades = self.wins = self.losses = self.streak = self.streak_max = 0
        self.profit = self.fees = self.gross_win = self.gross_loss = _ZERO
        self.win_largest: Decimal | None = None
        self.loss_largest: Decimal | None = None
        self.hold_s = 0.0

    def add(self, trade: Trade) -> None:
        recent_at, at, profit = self.recent_at, trade.closed_at, trade.profit
        if recent_at and recent_at[-1] > at:
            at = recent_at[-1]
        recent_at.append(at)
        self.recent_before.append(self.profit)
        self.trades += 1
        self.profit += profit
        self.fees += trade.fees
        self.hold_s += trade.closed_at - trade.opened_at
        self._count(profit)
        if recent_at[0] <= at - WINDOWS_S[-1] or len(recent_at) > self.recent_max:
            self._forget(at)

    def since(self, at: float) -> Decimal:
        first = bisect_right(self.recent_at, at)
        return self.profit - self.recent_before[first] if first < len(self.recent_at) else _ZERO

    def _count(self, profit: Decimal) -> None:
        if profit > 0:
            self.wins += 1
            self.gross_win += profit
            self.win_largest = max(profit, self.win_largest or _ZERO)
        elif profit < 0:
            self.losses += 1
            self.gross_loss -= profit
            self.loss_largest = min(profit, self.loss_largest or _ZERO)
        self.streak = self.streak + 1 if profit < 0 else 0
        self.streak_max = max(self.streak_max, self.streak)

    def _forget(self, now: float) -> None:
        gone = bisect_right(self.recent_at, now - WINDOWS_S[-1])
        over = len(self.recent_at) - self.recent_max
        if over > gone:
            gone = over
            self.cut_at = self.recent_at[gone - 1]
        del self.recent_at[:gone], self.recent_before[:gone]


class TradeStatistics:
    """Follow all trades of a bot."""

    def __init__(self, trades: Iterable[Trade] = (), *, recent_max: int = RECENT_MAX) -> None:
        self._recent_max = recent_max
        self._scopes: dict[MarketKey, _Scope] = {}
        for trade in trades:
            self.add(trade)

    def add(self, trade: Trade) -> None:
        """Take a closed trade into account, in the order of closing."""
        for key in (trade.key, key_of(trade.account, ""), TOTAL):
            scope = self._scopes.get(key)
            if scope is None:
                scope = self._scopes[key] = _Scope(self._recent_max)
            scope.add(trade)

    def total(self, at: float, drawdown: Drawdown | None = None) -> Statistics:
        """Return the figures of all accounts; they must share a currency to mean anything."""
        return self.of(TOTAL, at, drawdown)

    def of_account(self, account: str, at: float, drawdown: Drawdown | None = None) -> Statistics:
        """Return the figures of all markets of an account."""
        return self.of(MarketKey(account, ""), at, drawdown)

    def of(self, key: MarketKey, at: float, drawdown: Drawdown | None = None) -> Statistics:
        """Return the figures of one market of an account at a moment of market time."""
        return _figures(key, self._scopes.get(key) or _Scope(0), at, drawdown)

    def profit(self, key: MarketKey) -> Decimal:
        """Return what a market, or with an empty symbol an account, has earned in all."""
        scope = self._scopes.get(key)
        return _ZERO if scope is None else scope.profit

    def markets(self) -> list[MarketKey]:
        """Return the markets that have closed trades, in alphabetical order."""
        return sorted(key for key in self._scopes if key.symbol)


def _figures(key: MarketKey, scope: _Scope, at: float, drawdown: Drawdown | None) -> Statistics:
    day, week, month = (scope.since(at - span) for span in WINDOWS_S)
    count = scope.trades
    return Statistics(
        account=key.account,
        symbol=key.symbol,
        at=at,
        trades=count,
        wins=scope.wins,
        losses=scope.losses,
        win_rate=scope.wins / count if count else None,
        profit_factor=float(scope.gross_win / scope.gross_loss) if scope.gross_loss else None,
        profit=scope.profit,
        profit_24h=day,
        profit_7d=week,
        profit_30d=month,
        win_largest=scope.win_largest,
        loss_largest=scope.loss_largest,
        profit_mean=scope.profit / count if count else None,
        losing_streak=scope.streak,
        losing_streak_max=scope.streak_max,
        fees=scope.fees,
        hold_mean_s=scope.hold_s / count if count else None,
        drawdown_daily=None if drawdown is None else drawdown.daily,
        drawdown_total=None if drawdown is None else drawdown.total,
        is_recent_cut=scope.cut_at > at - WINDOWS_S[-1],
    )


def _jsonable(value: Any) -> Any:
    if isinstance(value, Decimal):
        return exact_text(value)
    return finite_or_none(value) if isinstance(value, float) else value
