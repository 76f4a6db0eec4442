"""What follows when a strategy fails: people are told, and one that is stopped stays out for good.

Whether a failure stops an instance was decided before; what it wanted to enter is taken back here.
"""

from collections.abc import Iterable

from trading.engine.announcer import Announcer
from trading.engine.dealing import Dealer
from trading.engine.decisions import Decisions
from trading.engine.instances import Instance
from trading.engine.journal import Journal
from trading.engine.markets import Markets
from trading.engine.quarantine import PREFIX, dump_quarantine
from trading.reports import alerts
from trading.strategies.failures import describe_failure


class StrategyFailures:
    """Take in the failures of all instances."""

    def __init__(
        self,
        dealer: Dealer,
        markets: Markets,
        journal: Journal,
        announcer: Announcer,
        decisions: Decisions,
    ) -> None:
        self._dealer = dealer
        self._markets = markets
        self._journal = journal
        self._announcer = announcer
        self._decisions = decisions

    def take(self, instance: Instance, error: BaseException) -> None:
        """Take in that a call has failed, and perhaps stopped its instance."""
        wall, name = self._markets.wall, instance.setup.id
        failure = describe_failure(error)
        self._decisions.note(self._markets.now, instance.key, f"{name} failed: {failure}")
        if instance.stopped:
            self._dealer.cancel_entries_of(name)
            self._quarantine(instance)
            self._announcer.tell(alerts.strategy_stopped(name, _until_changed(instance), wall))
        else:
            self._announcer.tell(alerts.strategy_failed(name, failure, wall))

    def tell_kept_out(self, instances: Iterable[Instance]) -> None:
        """Tell at a start which instances an earlier run has stopped."""
        for instance in instances:
            if instance.stopped:
                self._quarantine(instance)
                name, why = instance.setup.id, _until_changed(instance)
                self._announcer.tell(alerts.strategy_quarantined(name, why, self._markets.wall))

    def _quarantine(self, instance: Instance) -> None:
        """Keep an instance stopped over restarts."""
        setup = instance.setup
        kept = dump_quarantine(instance.stopped, setup.fingerprint)
        self._journal.save(PREFIX + setup.id, kept)


def _until_changed(instance: Instance) -> str:
    return f"{instance.stopped}; it stays out until its file or its parameters change"
