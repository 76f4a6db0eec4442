"""What the workers of live accounts tell beside reports of orders, and what follows from it.

Also what the engine must watch itself: exits that no venue holds for us, and stops that a venue
holds and does not carry out.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from trading.engine.announcer import Announcer
from trading.engine.cash_moves import CashMoves
from trading.engine.conditions import Conditions
from trading.engine.dealing import Dealer
from trading.engine.desks import AccountDesk
from trading.engine.instrument_texts import KEY as INSTRUMENTS_KEY
from trading.engine.instrument_texts import dump_instruments
from trading.engine.journal import Journal
from trading.engine.markets import Markets
from trading.engine.protection import STOP, is_resting, reached_exit
from trading.engine.transfers import Transfers
from trading.engine.venue_state import VenueState
from trading.model.account import MarketKey
from trading.model.instrument import Instrument
from trading.model.order_states import OrderState
from trading.model.venue_news import (
    AccountSeen,
    CashMoved,
    InstrumentsKnown,
    VenueConnected,
    VenueNews,
    VenueTrouble,
)
from trading.reports import venue_alerts

MONEY_KEY: Final = "money_since."
# A stop that stands at the venue is given so long to fill once the price has passed it: one that
# became a limit order may have been jumped over.
STOP_LATE_S: Final = 10.0
# Nobody knows for so long what became of an order: then a person should look.
UNKNOWN_LONG_S: Final = 60.0
_ZERO: Final = Decimal(0)


class VenueDesk:
    """Take in the news of all venues, and watch what they cannot."""

    def __init__(
        self,
        desks: Mapping[str, AccountDesk],
        markets: Markets,
        instruments: dict[str, Instrument],
        *,
        conditions: Conditions,
        dealer: Dealer,
        journal: Journal,
        announcer: Announcer,
        values: Mapping[str, str],
    ) -> None:
        self._desks = desks
        self._live = [desk for desk in desks.values() if desk.venue is not None]
        self._markets = markets
        # The one table that gate, books and venues on paper look into.
        self._instruments = instruments
        self._conditions = conditions
        self._dealer = dealer
        self._journal = journal
        self._announcer = announcer
        self.transfers = Transfers(conditions, journal)
        self._cash = CashMoves(self.transfers, journal, announcer, values)
        # Since when the price is beyond a stop that the venue holds.
        self._passed: dict[MarketKey, float] = {}
        # Since when, by wall time, orders are unknown; None once that was told.
        self._unknown: dict[str, float | None] = {}
        for desk in self._live:
            if desk.venue is not None and (since := values.get(MONEY_KEY + desk.name)):
                desk.venue.money_since = float(since)
        # Holds what is there against what is known; tells whether it knows by now what differs.
        self.on_seen: Callable[[AccountSeen], bool] = _agree
        self.on_sample: Callable[[], None] = _rest
        self._handlers: Mapping[type, Callable[[Any], None]] = {
            InstrumentsKnown: self._on_instruments,
            VenueConnected: self._on_connected,
            VenueTrouble: self._on_trouble,
            CashMoved: self._on_cash,
            AccountSeen: self._on_account,
        }

    def take(self, news: VenueNews) -> None:
        """Take in a piece of news."""
        self._handlers[type(news)](news)

    def watch(self, desk: AccountDesk, symbol: str, price: float, at: float) -> None:
        """Close a position whose exit a price has reached, where no venue does it for us.

        One that waits to be left, because that was refused, is tried again at its stop.
        """
        position = desk.book.positions.get(symbol)
        if position is None:
            return
        which = reached_exit(position, price)
        key = desk.markets[symbol]
        if not which:
            self._passed.pop(key, None)
            return
        is_held = is_resting(position, which, self._dealer.orders.open_orders(key))
        if is_held and (which != STOP or at - self._passed.setdefault(key, at) < STOP_LATE_S):
            return
        # Whatever rests is cancelled before anything is sold: never two ways out.
        self._passed.pop(key, None)
        if not position.closing:
            self._dealer.close(position, which)
        elif which == STOP and self._dealer.stuck.hurry(key):
            # As it is: what is kept is acted on, and it is tried with this very price.
            self._dealer.keep_position(position)

    def sample(self, wall: float) -> None:
        """Value what is too small to be sold, and tell what nobody knows for long."""
        for desk in self._live:
            if desk.book.residues:
                desk.book.mark_residues(self._prices(desk))
        if self._live:
            self._look_for_unknown(wall)
            self.on_sample()

    def _prices(self, desk: AccountDesk) -> dict[str, float]:
        by_symbol = self._markets.by_symbol
        found = ((symbol, by_symbol.get(symbol)) for symbol in desk.book.residues)
        return {
            symbol: market.price
            for symbol, market in found
            if market is not None and market.price is not None
        }

    def _look_for_unknown(self, wall: float) -> None:
        orders = self._dealer.orders.open
        unknown = {one.id: one for one in orders.values() if one.state is OrderState.UNKNOWN}
        self._unknown = {each: self._unknown.get(each, wall) for each in unknown}
        for order_id, since in self._unknown.items():
            if since is not None and wall - since >= UNKNOWN_LONG_S:
                self._unknown[order_id] = None
                order, for_s = unknown[order_id], wall - since
                self._announcer.tell(venue_alerts.order_still_unknown(order, for_s, wall))

    def _on_instruments(self, news: InstrumentsKnown) -> None:
        traded = self._markets.by_symbol
        known = {symbol: one for symbol, one in news.instruments.items() if symbol in traded}
        if any(self._instruments.get(symbol) != one for symbol, one in known.items()):
            self._instruments.update(known)
            self._journal.save(INSTRUMENTS_KEY, dump_instruments(self._instruments))

    def _on_connected(self, news: VenueConnected) -> None:
        venue = self._venue_of(news.account)
        if venue is None:
            return
        venue.is_connected = True
        venue.has_stops, venue.has_brackets = news.has_stops, news.has_brackets
        # A worker that has just been started may never have heard of them.
        self._dealer.repeat_cancels(news.account)
        self._dealer.hurry(self._desks[news.account].markets.values())
        self._dealer.review(news.account)

    def _on_trouble(self, news: VenueTrouble) -> None:
        venue = self._venue_of(news.account)
        if venue is None or news.reason == venue.trouble:
            return
        venue.trouble = news.reason
        if not news.reason:
            self._dealer.hurry(self._desks[news.account].markets.values())
        account = self._desks[news.account].account
        self._announcer.tell(venue_alerts.venue_trouble(account, news.reason, news.at))

    def _on_cash(self, news: CashMoved) -> None:
        desk = self._desks.get(news.account)
        if desk is not None:
            self._cash.take(desk, news)

    def _on_account(self, news: AccountSeen) -> None:
        desk = self._desks.get(news.account)
        if desk is None or desk.venue is None:
            return
        desk.venue.margin = news.margin
        if not desk.venue.has_money:
            self._take_money(desk, desk.venue, news)
        is_known = self.on_seen(news)
        desk.venue.is_looked_at = desk.venue.is_looked_at or is_known
        if any(self._is_cancelling(one.order_id) for one in news.orders):
            self._dealer.repeat_cancels(desk.name)

    def _take_money(self, desk: AccountDesk, venue: VenueState, news: AccountSeen) -> None:
        """Begin with the money that is there; without any there is nothing to trade with."""
        money = news.holdings.get(desk.account.currency, _ZERO)
        if money <= 0:
            return
        venue.has_money, venue.money_since = True, news.at
        self._journal.save(MONEY_KEY + desk.name, repr(news.at))
        self._journal.save(desk.cash_key, desk.book.add_cash(money))
        self.transfers.set_capital(desk, money)
        self._conditions.limits.on_equity(desk.name, desk.book.equity(), self._markets.now)
        self._conditions.keep_limits()
        self._announcer.tell(venue_alerts.money_seen(desk.account, money, news.at))

    def _is_cancelling(self, order_id: str) -> bool:
        order = self._dealer.orders.open.get(order_id)
        return order is not None and order.is_cancelling

    def _venue_of(self, account: str) -> VenueState | None:
        desk = self._desks.get(account)
        return None if desk is None else desk.venue


def _agree(_seen: AccountSeen) -> bool:
    return True


def _rest() -> None:
    return None
