"""The report of a bot: statistics by market, positions and trades, as text and as fields."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from daemonkit.log_lines import timestamp_text
from daemonkit.printable import one_line
from trading.ledger.columns import columns
from trading.ledger.trade_lines import trade_to_fields
from trading.model.position import Position, Trade
from trading.reports.numbers import (
    amount_text,
    exact_text,
    percent_text,
    price_text,
    profit_text,
    quantity_text,
)
from trading.reports.statistics import Statistics, TradeStatistics

DAY_S: Final = 86_400.0
# Where the engine keeps the market's time among its values.
MARKET_TIME_KEY: Final = "market.time"
_REASON_LEN_MAX: Final = 40


@dataclass(frozen=True, slots=True)
class ReportRange:
    """Say which trades are wanted: closed within so many days before `at`, and how many to list."""

    at: float
    days: float | None = None
    listed_max: int = 10

    def holds(self, trade: Trade) -> bool:
        """Tell whether a trade was closed in the time."""
        return self.days is None or trade.closed_at > self.at - self.days * DAY_S


@dataclass(slots=True)
class Report:
    """Hold what is told of a bot."""

    bot: str
    mode: str
    range: ReportRange
    positions: Sequence[Position]
    orders_open: int
    statistics: TradeStatistics = field(default_factory=TradeStatistics)
    trades: deque[Trade] = field(default_factory=deque)

    def take(self, trades: Iterable[Trade]) -> Iterator[Trade]:
        """Yield the trades that are in the range, and take each into account."""
        self.trades = deque(maxlen=self.range.listed_max)
        for trade in trades:
            if self.range.holds(trade):
                self.statistics.add(trade)
                self.trades.append(trade)
                yield trade

    def accounts(self) -> list[Statistics]:
        """Return the figures of each account."""
        names = sorted({key.account for key in self.statistics.markets()})
        return [self.statistics.of_account(name, self.range.at) for name in names]

    def markets(self) -> list[Statistics]:
        """Return the figures of each market."""
        keys = self.statistics.markets()
        return [self.statistics.of(key, self.range.at) for key in keys]

    def to_fields(self) -> dict[str, Any]:
        """Return everything for programs: times in ISO 8601, money as text."""
        return {
            "bot": self.bot,
            "mode": self.mode,
            "at": timestamp_text(self.range.at),
            "days": self.range.days,
            "accounts": [_figures(one) for one in self.accounts()],
            "markets": [_figures(one) for one in self.markets()],
            "positions": [_position_fields(one) for one in self.positions],
            "orders_open": self.orders_open,
            "trades": [trade_to_fields(one) for one in self.trades],
        }

    def to_text(self) -> str:
        """Return the report for a terminal."""
        accounts = self.accounts()
        count = sum(one.trades for one in accounts)
        since = "" if self.range.days is None else f" in {_days_text(self.range.days)}"
        head = (
            f"{self.bot} ({self.mode}) at {timestamp_text(self.range.at)}: "
            f"{_counted(count, 'closed trade')}{since}, "
            f"{_counted(len(self.positions), 'position')}, "
            f"{_counted(self.orders_open, 'open order')}"
        )
        lines = [head]
        if count:
            rows = [_statistics_row(one) for one in (*self.markets(), *accounts)]
            lines += ["", *columns(_STATISTICS, rows, words=_WORDS)]
        if self.positions:
            rows = [_position_row(one) for one in self.positions]
            lines += ["", *columns(_POSITIONS, rows, words=_WORDS)]
        if self.trades:
            lines += ["", *columns(_TRADES, [_trade_row(one) for one in self.trades], words=_WORDS)]
        return "\n".join(lines)


_WORDS: Final = {"account", "market", "side", "closed", "reason"}
_STATISTICS: Final = (
    *("account", "market", "trades", "won", "profit", "24 h", "7 days", "30 days"),
    *("fees", "factor", "best", "worst"),
)
_POSITIONS: Final = ("account", "market", "side", "quantity", "entry", "stop", "target")
_TRADES: Final = (
    *("no.", "closed", "account", "market", "side", "quantity", "entry", "exit", "profit"),
    "reason",
)


def _days_text(days: float) -> str:
    return "1 day" if days == 1 else f"{days:g} days"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _figures(one: Statistics) -> dict[str, Any]:
    found = one.to_fields()
    # The same moment for all, and falls of the equity that are not known from outside.
    for name in ("at", "drawdown_daily", "drawdown_total"):
        found.pop(name, None)
    return found


def _statistics_row(one: Statistics) -> list[str]:
    return [
        one.account,
        one.symbol or "all",
        str(one.trades),
        percent_text(one.win_rate),
        profit_text(one.profit),
        profit_text(one.profit_24h),
        profit_text(one.profit_7d),
        profit_text(one.profit_30d),
        amount_text(one.fees),
        "-" if one.profit_factor is None else f"{one.profit_factor:.2f}",
        profit_text(one.win_largest),
        profit_text(one.loss_largest),
    ]


def _side(position: Position) -> str:
    return "long" if position.quantity > 0 else "short"


def _position_row(one: Position) -> list[str]:
    return [
        one.account,
        one.symbol,
        _side(one),
        quantity_text(abs(one.quantity)),
        price_text(one.entry_price),
        price_text(one.trail_price or one.stop_price),
        price_text(one.target_price),
    ]


def _position_fields(one: Position) -> dict[str, Any]:
    prices = {"stop_price": one.trail_price or one.stop_price, "target_price": one.target_price}
    return {
        "account": one.account,
        "symbol": one.symbol,
        "instance": one.instance,
        "side": _side(one),
        "quantity": exact_text(abs(one.quantity)),
        "entry_price": exact_text(one.entry_price),
        "opened_at": timestamp_text(one.opened_at),
        **{name: None if price is None else exact_text(price) for name, price in prices.items()},
    }


def _trade_row(one: Trade) -> list[str]:
    return [
        str(one.number),
        timestamp_text(one.closed_at)[:19].replace("T", " "),
        one.account,
        one.symbol,
        "long" if one.side.sign > 0 else "short",
        quantity_text(one.quantity),
        price_text(one.entry_price),
        price_text(one.exit_price),
        profit_text(one.profit),
        one_line(one.reason, _REASON_LEN_MAX),
    ]
