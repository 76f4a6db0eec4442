"""The closed trades of a bot: their numbers, their statistics, and the last of them."""

from collections import deque
from collections.abc import Iterable
from datetime import tzinfo
from itertools import islice
from typing import Final

from trading.model.position import Trade
from trading.reports.daily_profit import DailyProfit, TradingDays
from trading.reports.statistics import TradeStatistics

KEPT_MAX: Final = 1_000


class TradeHistory:
    """Count the trades of earlier runs and of this one."""

    def __init__(self, zone: tzinfo, trades: Iterable[Trade]) -> None:
        self.statistics = TradeStatistics()
        self.daily = DailyProfit(TradingDays(zone))
        self._last: deque[Trade] = deque(maxlen=KEPT_MAX)
        self._last_number = 0
        # What each market of each account earned in all, as a marked value.
        self.realised: dict[str, dict[str, float]] = {}
        for trade in trades:
            self.add(trade)

    def add(self, trade: Trade) -> None:
        """Count a closed trade."""
        self.statistics.add(trade)
        self.daily.add(trade)
        self._last.append(trade)
        self._last_number = max(self._last_number, trade.number)
        earned = self.realised.setdefault(trade.account, {})
        earned[trade.symbol] = earned.get(trade.symbol, 0.0) + float(trade.profit)

    def next_number(self) -> int:
        """Return the number of the trade that is just being closed."""
        self._last_number += 1
        return self._last_number

    def last(self, count: int, symbol: str | None = None, account: str = "") -> list[Trade]:
        """Return closed trades, the latest first, of one market and account or of all."""
        chosen = (
            one
            for one in reversed(self._last)
            if symbol in (None, one.symbol) and account in ("", one.account)
        )
        return list(islice(chosen, count))
