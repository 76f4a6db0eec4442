"""Fees that a venue takes in a third currency: what they are worth, and whose coins pay them.

On spot they are paid with coins that may be a position of ours. What a person said is none of
ours pays first, then positions, then rests: a position is always what is there and can be sold.
The coins count as sold at the price of the moment, and what that brings as paid.
"""

from collections.abc import Mapping
from decimal import Context, Decimal, localcontext
from typing import Final

from trading.engine.announcer import Announcer
from trading.engine.dealing import Dealer
from trading.engine.desks import AccountDesk
from trading.engine.difference_bookings import DifferenceBookings
from trading.engine.difference_desk import DifferenceDesk
from trading.engine.journal import Journal
from trading.engine.markets import Markets
from trading.engine.residues import KEY as RESIDUES_KEY
from trading.engine.residues import dump_residues
from trading.engine.transfers import Transfers
from trading.engine.unvalued_fees import UnvaluedFees
from trading.model.account import MarketType
from trading.model.difference import DifferenceKind, Topic
from trading.model.instrument import Instrument, to_decimal
from trading.model.order import Fill
from trading.model.report import OrderFilled, Report
from trading.model.values import replace
from trading.reports.fee_alerts import fee_of_unknown_worth

REASON: Final = "paid as a fee"
_ZERO: Final = Decimal(0)
_EXACT: Final = Context(prec=100)
_QUOTIENT: Final = Context(prec=18)


class FeeCoins:
    """Value fees in third currencies, and take them from what is held."""

    def __init__(  # noqa: PLR0913 - what pays a fee may be in any of these
        self,
        desks: Mapping[str, AccountDesk],
        markets: Markets,
        instruments: Mapping[str, Instrument],
        *,
        bookings: DifferenceBookings,
        differences: DifferenceDesk,
        transfers: Transfers,
        dealer: Dealer,
        journal: Journal,
        announcer: Announcer,
        saved: str | None,
    ) -> None:
        self._desks = desks
        self._markets = markets
        self._instruments = instruments
        self._bookings = bookings
        self._differences = differences
        self._transfers = transfers
        self._dealer = dealer
        self._journal = journal
        self._announcer = announcer
        self._unvalued = UnvaluedFees(journal, saved)

    def valued(self, report: Report) -> Report:
        """Return a report with the worth of its fee, if only the market knows that."""
        if not isinstance(report, OrderFilled) or report.fill.fee_worth is not None:
            return report
        fill = report.fill
        price = self._price(fill.fee_currency, fill.symbol) if self._is_third(fill) else None
        if price is None:
            return report
        with localcontext(_EXACT):
            return OrderFilled(replace(fill, fee_worth=fill.fee * price))

    def pay(self, fill: Fill, *, is_taken: bool = False) -> None:
        """Take the fee of a fill that was just booked from whatever paid it, unless it is."""
        desk = self._desks[fill.account]
        if desk.venue is None or not self._is_third(fill):
            return
        if fill.fee_worth is None:
            self._note_unvalued(desk, fill)
        if desk.account.market_type is MarketType.SPOT and fill.fee > 0 and not is_taken:
            self._take_coins(desk, fill)

    def sample(self) -> None:
        """Count fees whose worth was not known, as long as their position is held."""
        for one in self._unvalued:
            desk = self._desks.get(one.key.account)
            position = None if desk is None else desk.book.positions.get(one.key.symbol)
            if position is None or not one.is_of(position):
                self._unvalued.drop(one)
            elif (price := self._price(one.currency, one.key.symbol)) is not None:
                self._unvalued.drop(one)
                with localcontext(_EXACT):
                    fees = position.fees + one.amount * price
                self._dealer.keep_position(replace(position, fees=fees))

    def _is_third(self, fill: Fill) -> bool:
        instrument = self._instruments.get(fill.symbol)
        if instrument is None or not fill.fee:
            return False
        return fill.fee_currency not in ("", instrument.base, instrument.quote)

    def _base(self, symbol: str) -> str:
        instrument = self._instruments.get(symbol)
        return "" if instrument is None else instrument.base

    def _price(self, currency: str, symbol: str) -> Decimal | None:
        """Return what a coin costs in the quote currency of a market, if that is traded here."""
        here = self._instruments.get(symbol)
        if here is None:
            return None
        for one, market in self._markets.by_symbol.items():
            instrument = self._instruments.get(one)
            if instrument is None or market.price is None:
                continue
            if (instrument.base, instrument.quote) == (currency, here.quote):
                return to_decimal(market.price)
        return None

    def _note_unvalued(self, desk: AccountDesk, fill: Fill) -> None:
        self._announcer.tell(fee_of_unknown_worth(desk.account, fill))
        position = desk.book.positions.get(fill.symbol)
        if position is not None:
            self._unvalued.add(position, fill.fee_currency, fill.fee)

    def _take_coins(self, desk: AccountDesk, fill: Fill) -> None:
        left, topic = fill.fee, Topic(DifferenceKind.HOLDING, fill.fee_currency)
        if self._differences.ignored(desk, topic) > 0:
            left -= self._differences.forget_ignored(desk, topic, left)
        for position in list(desk.book.positions.values()):
            taken = min(left, position.quantity)
            if self._base(position.symbol) == fill.fee_currency and taken > 0:
                self._spend(desk, position.symbol, taken, fill)
                left -= taken
        for symbol, rest in list(desk.book.residues.items()):
            taken = min(left, rest.quantity)
            if self._base(symbol) == fill.fee_currency and taken > 0:
                desk.book.spend_residue(symbol, taken)
                self._journal.save(RESIDUES_KEY + desk.name, dump_residues(desk.book.residues))
                left -= taken

    def _spend(self, desk: AccountDesk, symbol: str, quantity: Decimal, fill: Fill) -> None:
        """Book coins of a position as sold, and what they bring as paid."""
        price = desk.book.positions[symbol].entry_price
        if (now := self._markets.by_symbol[symbol].price) is not None:
            price = to_decimal(now)
        is_same_quote = self._instruments[symbol].quote == self._instruments[fill.symbol].quote
        if fill.fee_worth is not None and is_same_quote:
            price = _QUOTIENT.divide(fill.fee_worth, fill.fee)
        self._bookings.fill(desk, symbol, -quantity, price, REASON, hurries=False)
        with localcontext(_EXACT):
            self._transfers.book_earned(desk, -quantity * price)
