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
# So many trades at most wait until they are counted.
WAITING_MAX: Final = 500


class TradeHistory:
    """Count the trades of earlier runs and of this one.

    Statistics are reckoned when somebody asks for them: a trade only waits for that, because many
    at once cost a third of one by one.
    """

    def __init__(self, zone: tzinfo, trades: Iterable[Trade]) -> None:
        self._statistics = TradeStatistics()
        self._daily = DailyProfit(TradingDays(zone))
        self._waiting: list[Trade] = []
        self._last: deque[Trade] = deque(maxlen=KEPT_MAX)
        self._last_number = 0
        # What each market of each account earned in all, as a marked value.
        self.realised: dict[str, dict[str, float]] = {}
        for trade in trades:
            self.add(trade)

    def add(self, trade: Trade) -> None:
        """Count a closed trade."""
        self._waiting.append(trade)
        if len(self._waiting) >= WAITING_MAX:
            self._count()
        self._last.append(trade)
        if trade.number > self._last_number:  # noqa: PLR1730 - a call would cost more
            self._last_number = trade.number
        earned = self.realised.get(trade.account)
        if earned is None:
            earned = self.realised[trade.account] = {}
        earned[trade.symbol] = earned.get(trade.symbol, 0.0) + float(trade.profit)

    @property
    def statistics(self) -> TradeStatistics:
        """Return the statistics of all trades."""
        self._count()
        return self._statistics

    @property
    def daily(self) -> DailyProfit:
        """Return the profit of each trading day."""
        self._count()
        return self._daily

    def _count(self) -> None:
        waiting, self._waiting = self._waiting, []
        for trade in waiting:
            self._statistics.add(trade)
        for trade in waiting:
            self._daily.add(trade)

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
