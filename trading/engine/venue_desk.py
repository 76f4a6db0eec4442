"""What the workers of live accounts tell beside reports of orders, and what follows from it."""

from collections.abc import Callable, Mapping
from typing import Any

from trading.engine.announcer import Announcer
from trading.engine.dealing import Dealer
from trading.engine.desks import AccountDesk
from trading.engine.markets import Markets
from trading.engine.venue_state import VenueState
from trading.model.instrument import Instrument
from trading.model.venue_news import (
    AccountSeen,
    CashMoved,
    InstrumentsKnown,
    VenueConnected,
    VenueNews,
    VenueTrouble,
)
from trading.reports import venue_alerts


class VenueDesk:
    """Take in the news of all venues."""

    def __init__(
        self,
        desks: Mapping[str, AccountDesk],
        markets: Markets,
        instruments: dict[str, Instrument],
        *,
        dealer: Dealer,
        announcer: Announcer,
    ) -> None:
        self._desks = desks
        self._markets = markets
        # The one table that gate, books and venues on paper look into.
        self._instruments = instruments
        self._dealer = dealer
        self._announcer = announcer
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

    def _on_instruments(self, news: InstrumentsKnown) -> None:
        traded = self._markets.by_symbol
        known = {symbol: one for symbol, one in news.instruments.items() if symbol in traded}
        self._instruments.update(known)

    def _on_connected(self, news: VenueConnected) -> None:
        venue = self._venue_of(news.account)
        if venue is None:
            return
        venue.is_connected = True
        venue.has_stops, venue.has_brackets = news.has_stops, news.has_brackets
        self._dealer.review(news.account)

    def _on_trouble(self, news: VenueTrouble) -> None:
        venue = self._venue_of(news.account)
        if venue is None or news.reason == venue.trouble:
            return
        venue.trouble = news.reason
        account = self._desks[news.account].account
        self._announcer.tell(venue_alerts.venue_trouble(account, news.reason, news.at))

    def _on_cash(self, news: CashMoved) -> None:
        """Take in a booking of money."""

    def _on_account(self, news: AccountSeen) -> None:
        venue = self._venue_of(news.account)
        if venue is not None:
            venue.is_looked_at = True

    def _venue_of(self, account: str) -> VenueState | None:
        desk = self._desks.get(account)
        return None if desk is None else desk.venue
