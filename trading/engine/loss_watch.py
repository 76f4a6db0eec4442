"""Losses held against the limits: equity at each mark, markets' profits, streaks, trading days.

A trading day is a calendar day of market time in the configured zone.
"""

from collections.abc import Iterable, Mapping
from datetime import tzinfo
from typing import Any, Final

import orjson

from trading.engine.announcer import Announcer
from trading.engine.conditions import Conditions
from trading.engine.dealing import Dealer
from trading.engine.desks import AccountDesk
from trading.engine.journal import Journal
from trading.model.position import Trade
from trading.reports.daily_profit import TradingDays
from trading.risk.limits import Tripped
from trading.risk.settings import LimitSettings

KEY: Final = "trading.day"
# A market is looked at closely once its loss is this share of what its tighter limit allows.
_CLOSE_LOOK: Final = 0.5


class LossWatch:
    """Watch the losses of all accounts."""

    def __init__(
        self,
        desks: Mapping[str, AccountDesk],
        conditions: Conditions,
        journal: Journal,
        announcer: Announcer,
        dealer: Dealer,
        *,
        settings: LimitSettings,
        zone: tzinfo,
        saved: str | None,
    ) -> None:
        self._desks = desks
        self._conditions = conditions
        self._journal = journal
        self._announcer = announcer
        self._dealer = dealer
        self.days = TradingDays(zone)
        self.day = ""
        # The market time at which the trading day is over: asked for each price.
        self.day_ends = float("-inf")
        tighter = float(min(settings.symbol_daily_loss, settings.symbol_total_loss)) * _CLOSE_LOOK
        self._alarm = -tighter
        if saved:
            self._load(orjson.loads(saved))

    def on_mark(self, desk: AccountDesk, symbol: str, at: float) -> None:
        """Look at an account and a market after one of its positions was valued anew."""
        tripped = self._conditions.limits.on_equity(desk.name, desk.book.equity(), at)
        if tripped:
            self._trip(tripped)
        # Both profits move as the value does, until there is a fill or a new day.
        above = min(desk.profits(symbol)) - self._alarm * desk.capital
        if above < 0.0:
            self._look_at(desk, symbol, at)
        else:
            desk.floors[symbol] = desk.book.value(symbol) - above

    def on_trade(self, trade: Trade) -> None:
        """Take a closed trade into the day's and the streak's account."""
        desk, symbol, profit = self._desks[trade.account], trade.symbol, float(trade.profit)
        limits, at = self._conditions.limits, trade.closed_at
        desk.realised_today[symbol] = desk.realised_today.get(symbol, 0.0) + profit
        desk.floors.pop(symbol, None)
        if tripped := limits.on_trade(trade):
            self._trip(tripped)
        if tripped := limits.on_equity(desk.name, desk.book.equity(), at):
            self._trip(tripped)
        self._look_at(desk, symbol, at)
        if not self._journal.is_silent:
            # Together with the trade: a streak must not be shorter after a kill.
            self._keep_day()
            self.sample()

    def sample(self) -> None:
        """Keep bases that have moved since the last time, such as the highest equity."""
        if self._conditions.limits.is_dirty:
            self._conditions.keep_limits()

    def _look_at(self, desk: AccountDesk, symbol: str, at: float) -> None:
        today, in_all = desk.profits(symbol)
        tripped = self._conditions.limits.on_symbol(
            desk.markets[symbol], today, in_all, desk.capital, at
        )
        if tripped:
            self._trip(tripped)

    def _trip(self, tripped: Iterable[Tripped]) -> None:
        for one in tripped:
            self._announcer.tripped(one)
            # What rests at the venue would still raise risk when it fills.
            keys = self._desks[one.account].markets
            barred = [keys[one.symbol]] if one.symbol in keys else list(keys.values())
            self._dealer.cancel_entries(barred)
            self._conditions.keep_limits()

    def start_day(self, at: float) -> None:
        """Begin the trading day of a moment of market time, unless it has begun before."""
        day = self.days.day_of(at)
        self.day_ends = self.days.end_of(at)
        if day == self.day:
            return
        self.day = day
        for desk in self._desks.values():
            book = desk.book
            # What an open position has earned so far belongs to the days before.
            desk.realised_today = {symbol: -book.open_profit(symbol) for symbol in book.positions}
            desk.floors.clear()
            for one in self._conditions.limits.start_day(desk.name, day, book.equity()):
                self._announcer.lifted(one, "the new day")
        self._keep_day()
        self._conditions.keep_limits()

    def _keep_day(self) -> None:
        self._journal.save(KEY, self._to_json)

    def _to_json(self) -> str:
        today = {name: desk.realised_today for name, desk in self._desks.items()}
        return orjson.dumps({"day": self.day, "realised": today}).decode()

    def _load(self, saved: Mapping[str, Any]) -> None:
        self.day = saved["day"]
        for name, realised in saved["realised"].items():
            if name in self._desks:
                self._desks[name].realised_today = dict(realised)
