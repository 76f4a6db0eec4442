"""Makes the desks of all accounts: from the configuration, and from what earlier runs left."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from trading.brokers.paper.exchange import PaperExchange
from trading.engine.desks import CAPITAL_KEY, CASH_KEY, CURRENCY_KEY, AccountDesk
from trading.engine.journal import Journal
from trading.engine.ledger import AccountBook
from trading.engine.residues import KEY as RESIDUES_KEY
from trading.engine.residues import load_residues
from trading.engine.setup import AccountSetup, SavedTrading
from trading.engine.trade_history import TradeHistory
from trading.model.account import MarketKey
from trading.model.instrument import Instrument
from trading.risk.limits import LimitBook

_ZERO: Final = Decimal(0)


class DeskBuilder:
    """Make desks of what is kept."""

    def __init__(
        self,
        saved: SavedTrading,
        instruments: Mapping[str, Instrument],
        history: TradeHistory,
        limits: LimitBook,
    ) -> None:
        self._saved = saved
        self._instruments = instruments
        self._history = history
        self._limits = limits

    def build(self, setup: AccountSetup, journal: Journal) -> AccountDesk:
        """Return the desk of one account."""
        account, values = setup.account, self._saved.values
        name, terms = account.name, setup.paper
        # What a real account begins with is what its venue shows first.
        begun = setup.start_cash if terms is not None else _ZERO
        # What it began with stays what it is measured against, whatever is configured later.
        start_cash = Decimal(values.get(CAPITAL_KEY + name, begun))
        if start_cash:
            journal.save(CAPITAL_KEY + name, str(start_cash))
        if values.get(CURRENCY_KEY + name) != account.currency:
            journal.save(CURRENCY_KEY + name, account.currency)
        cash = values.get(CASH_KEY + name)
        book = AccountBook(
            account,
            start_cash if cash is None else Decimal(cash),
            [one for one in self._saved.positions if one.account == name],
            self._history.next_number,
            load_residues(values.get(RESIDUES_KEY + name)),
        )
        venue = None if terms is None else PaperExchange(account, terms, self._instruments)
        markets = {symbol: MarketKey(name, symbol) for symbol in setup.symbols}
        earned = self._history.realised.setdefault(name, {})
        return AccountDesk(
            account, book, venue, markets, start_cash, earned, self._limits.bases(name)
        )
