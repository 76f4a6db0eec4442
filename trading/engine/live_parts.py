"""Puts together what only live accounts need: news of venues, differences, proof of flatness."""

from collections.abc import Mapping

from trading.engine.announcer import Announcer
from trading.engine.conditions import Conditions
from trading.engine.dealing import Dealer
from trading.engine.desks import AccountDesk
from trading.engine.entry_recall import EntryRecall
from trading.engine.flat_check import FlatCheck
from trading.engine.journal import Journal
from trading.engine.markets import Markets
from trading.engine.order_ids import OrderIds
from trading.engine.reconciliation import Reconciliation
from trading.engine.setup import TradingSetup
from trading.engine.venue_desk import VenueDesk
from trading.model.instrument import Instrument


class LiveParts:
    """Hold the parts for live accounts; they rest where there are none."""

    def __init__(  # noqa: PLR0913 - it is where these parts come together
        self,
        setup: TradingSetup,
        desks: Mapping[str, AccountDesk],
        markets: Markets,
        instruments: dict[str, Instrument],
        *,
        conditions: Conditions,
        dealer: Dealer,
        journal: Journal,
        announcer: Announcer,
        ids: OrderIds,
        values: Mapping[str, str],
    ) -> None:
        self.venues = VenueDesk(
            desks,
            markets,
            instruments,
            conditions=conditions,
            dealer=dealer,
            journal=journal,
            announcer=announcer,
            values=values,
        )
        self.reconciliation = Reconciliation(
            setup,
            desks,
            markets,
            instruments,
            dealer=dealer,
            conditions=conditions,
            transfers=self.venues.transfers,
            ids=ids,
            journal=journal,
            announcer=announcer,
            values=values,
        )
        differences = self.reconciliation.differences
        self.venues.on_seen = self.reconciliation.take
        self.recall = EntryRecall(desks, dealer, conditions, announcer)
        self.venues.on_sample = self._sample
        self.check = FlatCheck(
            desks,
            instruments,
            markets=markets,
            journal=journal,
            announcer=announcer,
            is_ours=ids.is_ours,
        )
        self.check.ignored = lambda account: differences.records.ignored.get(account, {})

    def _sample(self) -> None:
        self.reconciliation.sample()
        # Whatever has come to light since then.
        self.recall.press()
