"""Puts together what keeps our books and the venues in agreement."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from trading.engine.announcer import Announcer
from trading.engine.conditions import Conditions
from trading.engine.dealing import Dealer
from trading.engine.desks import AccountDesk
from trading.engine.difference_answers import DifferenceAnswers
from trading.engine.difference_bookings import DifferenceBookings
from trading.engine.difference_desk import DifferenceDesk
from trading.engine.difference_records import KEY
from trading.engine.fee_coins import FeeCoins
from trading.engine.journal import Journal
from trading.engine.late_fills import LateFills
from trading.engine.liquidation_watch import LiquidationWatch
from trading.engine.liquidations import Liquidations
from trading.engine.markets import Markets
from trading.engine.order_ids import OrderIds
from trading.engine.setup import TradingSetup
from trading.engine.transfers import Transfers
from trading.engine.unvalued_fees import KEY as FEES_KEY
from trading.model.account import MarketKey
from trading.model.instrument import Instrument
from trading.model.order import Fill, Order
from trading.model.report import OrderFilled, Report
from trading.model.venue_news import AccountSeen
from trading.risk.exit_plan import ExitPlans

DIFFERENCES_KEY: Final = KEY


class Reconciliation:
    """Hold the differences of all accounts and the way to answer them."""

    def __init__(  # noqa: PLR0913 - it is where these parts come together
        self,
        setup: TradingSetup,
        desks: Mapping[str, AccountDesk],
        markets: Markets,
        instruments: Mapping[str, Instrument],
        *,
        dealer: Dealer,
        conditions: Conditions,
        transfers: Transfers,
        ids: OrderIds,
        journal: Journal,
        announcer: Announcer,
        values: Mapping[str, str],
    ) -> None:
        self.differences = DifferenceDesk(
            desks,
            dealer.orders,
            instruments,
            ids,
            markets=markets,
            journal=journal,
            announcer=announcer,
            saved=values.get(DIFFERENCES_KEY),
        )
        self._liquidation_watch = LiquidationWatch(desks, markets, announcer)
        self._liquidations = Liquidations(
            desks, markets, dealer=dealer, conditions=conditions, ids=ids, announcer=announcer
        )
        bookings = DifferenceBookings(
            self.differences,
            transfers,
            dealer,
            markets=markets,
            instruments=instruments,
            ids=ids,
            plans=ExitPlans(setup.risk),
        )
        self.fees = FeeCoins(
            desks,
            markets,
            instruments,
            bookings=bookings,
            differences=self.differences,
            transfers=transfers,
            dealer=dealer,
            journal=journal,
            announcer=announcer,
            saved=values.get(FEES_KEY),
        )
        self._late = LateFills(
            self.differences, bookings, transfers, desks, instruments, dealer=dealer
        )
        self._listen(dealer)
        self.answers = DifferenceAnswers(
            self.differences,
            bookings,
            transfers,
            desks=desks,
            dealer=dealer,
            journal=journal,
            announcer=announcer,
            instances=[one.id for one in setup.instances],
        )

    def _listen(self, dealer: Dealer) -> None:
        """Hear of executions, and of what fits no order."""
        dealer.on_unknown = self._note_unknown
        dealer.before_fill = self._expect_fill
        dealer.on_fill = self._note_fill
        # What is in the way of leaving a position, such as an order of a person's, shows there.
        dealer.stuck.on_stuck = self.differences.ask
        self._liquidations.gone = self._late.gone
        self._liquidations.before_fill = self._late.before
        self._liquidations.on_fill = self._late.after

    def take(self, seen: AccountSeen) -> bool:
        """Take in a look at an account; tell whether it is known by now what differs."""
        self._liquidation_watch.take(seen)
        return self.differences.take(seen)

    def sample(self) -> None:
        """Look after what prices alone can bring about."""
        self._liquidation_watch.sample()
        self.fees.sample()

    def liquidation_price(self, key: MarketKey) -> Decimal | None:
        """Return where the venue would liquidate a position, if the last look has told."""
        return self._liquidation_watch.price_of(key)

    def _note_unknown(self, report: Report) -> None:
        if not self._liquidations.take(report):
            self.differences.note_report(report)
        elif isinstance(report, OrderFilled):
            # Told late, it may be all that a difference is about.
            self.differences.note_fill(report.fill)

    def _note_fill(self, fill: Fill) -> None:
        self._late.after(fill)
        self.differences.note_fill(fill)
        self.fees.pay(fill, is_taken=self._late.has_fee)

    def _expect_fill(self, fill: Fill, order: Order) -> None:
        self._late.before(fill, order)
