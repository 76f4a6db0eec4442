"""Warns once when the price of a position comes near to where its venue would liquidate it."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from trading.engine.announcer import Announcer
from trading.engine.desks import AccountDesk
from trading.engine.markets import Markets
from trading.model.account import MarketKey, key_of
from trading.model.venue_news import AccountSeen
from trading.reports.live_alerts import liquidation_near

NEAR: Final = 0.10
# Further away than this it is news again when it comes back.
FAR: Final = 0.12


class LiquidationWatch:
    """Watch the liquidation prices that looks at accounts have shown."""

    def __init__(
        self, desks: Mapping[str, AccountDesk], markets: Markets, announcer: Announcer
    ) -> None:
        self._desks = desks
        self._markets = markets
        self._announcer = announcer
        self._prices: dict[MarketKey, tuple[Decimal, Decimal]] = {}
        self._warned: set[MarketKey] = set()

    def take(self, seen: AccountSeen) -> None:
        """Take in what a look has shown."""
        self._prices = {
            key: one for key, one in self._prices.items() if key.account != seen.account
        }
        for one in seen.positions or ():
            if one.liquidation_price is not None and one.liquidation_price > 0 and one.quantity:
                key = key_of(seen.account, one.symbol)
                self._prices[key] = one.quantity, one.liquidation_price
        self._warned &= self._prices.keys()
        self.sample()

    def price_of(self, key: MarketKey) -> Decimal | None:
        """Return where a position would be liquidated, as far as its venue told."""
        found = self._prices.get(key)
        return None if found is None else found[1]

    def sample(self) -> None:
        """Hold the last prices against them."""
        for key, (quantity, liquidation) in self._prices.items():
            market = self._markets.by_symbol.get(key.symbol)
            if market is None or market.price is None:
                continue
            distance = abs(market.price - float(liquidation)) / market.price
            if distance > FAR:
                self._warned.discard(key)
            elif distance <= NEAR and key not in self._warned:
                self._warned.add(key)
                account, price = self._desks[key.account].account, market.price
                self._announcer.tell(
                    liquidation_near(account, key.symbol, quantity, price, liquidation, 0.0)
                )
