"""One desk for each account: its book, its venue, and what it earned today by market."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from trading.brokers.paper.exchange import PaperExchange
from trading.engine.differences import cash_figure
from trading.engine.ledger import AccountBook
from trading.engine.venue_state import VenueState
from trading.model.account import Account, MarketKey, MarketType
from trading.risk.limit_bases import AccountBases

CASH_KEY: Final = "cash."
CAPITAL_KEY: Final = "capital."
CURRENCY_KEY: Final = "currency."


class AccountDesk:
    """Hold what belongs to one account.

    An account on paper has its venue as `exchange`; of a live one `venue` is what is known of the
    real venue. Each has one of the two.
    """

    __slots__ = (
        "account",
        "bases",
        "book",
        "capital",
        "cash_key",
        "exchange",
        "floors",
        "markets",
        "name",
        "realised_today",
        "realised_total",
        "start_cash",
        "venue",
    )

    def __init__(
        self,
        account: Account,
        book: AccountBook,
        exchange: PaperExchange | None,
        markets: Mapping[str, MarketKey],
        start_cash: Decimal,
        realised_total: Mapping[str, float],
        bases: AccountBases,
    ) -> None:
        self.account = account
        self.name = account.name
        self.cash_key = CASH_KEY + account.name
        self.book = book
        self.exchange = exchange
        self.venue = VenueState(account.name) if exchange is None else None
        if self.venue is not None:
            self.venue.has_money = bool(start_cash)
        self.markets = markets
        self.set_capital(start_cash)
        self.realised_today: dict[str, float] = {}
        # Kept up by the history of trades.
        self.realised_total = realised_total
        # Asked for with each price: between which equities nothing can happen, and below which
        # value a market is looked at; one that is not there is looked at.
        self.bases = bases
        self.floors: dict[str, float] = {}

    def set_capital(self, amount: Decimal) -> None:
        """Measure profits and losses against this much money from now on."""
        self.start_cash = amount
        self.capital = float(amount)

    @property
    def money(self) -> Decimal:
        """Return what there is beside positions, as an account of its kind counts it."""
        is_apart = self.account.market_type is not MarketType.SPOT
        held = self.book.positions.values()
        return cash_figure(self.book.cash, held, has_positions_apart=is_apart)

    def day_profit(self, symbol: str) -> float:
        """Return what a market earned since the day began, its open position included."""
        return self.realised_today.get(symbol, 0.0) + self.book.open_profit(symbol)

    def total_profit(self, symbol: str) -> float:
        """Return what a market earned in all, its open position included."""
        return self.realised_total.get(symbol, 0.0) + self.book.open_profit(symbol)

    def profits(self, symbol: str) -> tuple[float, float]:
        """Return what a market earned today and in all, its open position included."""
        still_open = self.book.open_profit(symbol)
        return (
            self.realised_today.get(symbol, 0.0) + still_open,
            self.realised_total.get(symbol, 0.0) + still_open,
        )
