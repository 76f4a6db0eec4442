"""Commands that read: status, statistics, positions, orders, trades, profit, balances, reasons."""

from typing import Final

from trading.engine.chart_reading import ChartReading
from trading.engine.command_call import Answer, Call, NotPossibleError, applied, shown
from trading.engine.command_places import Places
from trading.engine.status import render_fields, render_text
from trading.engine.trader import Trader
from trading.engine.trading_view import view_account, view_statistics, view_trading
from trading.reports.trading_status import positions_view
from trading.reports.views import (
    balance_view,
    daily_view,
    orders_view,
    profit_view,
    stats_view,
    trades_view,
    why_view,
)

TRADES_DEFAULT: Final = 10
DAYS_DEFAULT: Final = 7
PROFIT_DAYS_DEFAULT: Final = 30
DECISIONS_MAX: Final = 15


class Readings:
    """Answer the commands that change nothing."""

    def __init__(self, trader: Trader, version: str) -> None:
        self._trader = trader
        self._version = version
        self._places = Places(trader.desks)
        self._charts = ChartReading(trader)

    def status(self, call: Call) -> Answer:
        """Show everything."""
        snapshot = call.snapshot()
        return applied(render_text(snapshot), render_fields(snapshot))

    def stats(self, call: Call) -> Answer:
        """Show the statistics, of all and of each market or of one."""
        keys = self._places.keys(call)
        rows = view_statistics(self._trader, keys, with_totals=call.is_for_all)
        currencies = {desk.name: desk.account.currency for desk in self._places.desks(call)}
        together = "/".join(sorted(set(currencies.values())))
        return shown(stats_view(rows, self._version, together, currencies=currencies))

    def positions(self, call: Call) -> Answer:
        """Show open positions."""
        chosen = set(self._places.keys(call))
        view = view_trading(self._trader, only=chosen)
        return shown(positions_view(view))

    def orders(self, call: Call) -> Answer:
        """Show open orders."""
        chosen = set(self._places.keys(call))
        found = [one for one in self._trader.orders.open_orders() if one.key in chosen]
        return shown(orders_view(found, self._now, names_account=self._names_account(call)))

    def trades(self, call: Call) -> Answer:
        """Show closed trades, the latest first."""
        self._places.keys(call)
        count = int(call.named.get("count", TRADES_DEFAULT))
        found = self._trader.history.last(count, call.symbol, call.account)
        return shown(trades_view(found, names_account=self._names_account(call)))

    def profit(self, call: Call) -> Answer:
        """Show what some days brought together."""
        count = int(call.named.get("days", PROFIT_DAYS_DEFAULT))
        currency, daily = self._one_currency(call), self._trader.history.daily
        days = daily.last_days(self._now, count, call.account)
        markets = daily.by_market(self._now, count, call.account)
        view = profit_view(days, markets, currency)
        curve = self._charts.curve(count, call.account, currency)
        return applied(view.text, {**view.fields, "curve": curve})

    def chart(self, call: Call) -> Answer:
        """Show candles with what was done in them."""
        return self._charts.chart(call)

    def daily(self, call: Call) -> Answer:
        """Show what each day brought."""
        count = int(call.named.get("days", DAYS_DEFAULT))
        currency = self._one_currency(call)
        days = self._trader.history.daily.last_days(self._now, count, call.account)
        return shown(daily_view(days, currency))

    def balance(self, call: Call) -> Answer:
        """Show the money of the accounts."""
        desks = self._places.desks(call)
        return shown(balance_view([view_account(self._trader, desk) for desk in desks]))

    def why(self, call: Call) -> Answer:
        """Show the last decisions."""
        self._places.keys(call)
        found = self._trader.decisions.latest(DECISIONS_MAX, call.symbol, call.account)
        names_account = self._names_account(call)
        return shown(why_view(found, call.symbol or "", names_account=names_account))

    @property
    def _now(self) -> float:
        return max(0.0, self._trader.markets.now)

    def _names_account(self, call: Call) -> bool:
        return not call.account and len(self._trader.desks) > 1

    def _one_currency(self, call: Call) -> str:
        """Return the currency of a sum; dollars and euros have none."""
        desks = self._places.desks(call)
        currencies = sorted({desk.account.currency for desk in desks})
        if len(currencies) > 1:
            names = " or ".join(f"@:{desk.name}" for desk in desks)
            raise NotPossibleError(
                f"{' and '.join(currencies)} cannot be added up; of which account? add {names}"
            )
        return currencies[0]
