"""Live accounts, from configuration and keys to workers that have not started.

What speaks to exchanges is loaded only when there is such an account: it takes half a second and
a hundred MiB.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import Final, Protocol

from daemonkit.clock import Clock
from trading.account_identity import AccountIdentity
from trading.brokers.account_stream import AccountStream
from trading.brokers.allowance import Allowance
from trading.brokers.exchanges.clock import VenueClock
from trading.brokers.exchanges.loading import Credentials
from trading.brokers.live.settings import LiveSettings
from trading.brokers.live.worker import AccountWorker, Tell
from trading.brokers.venue import SubmitAnswer, Venue
from trading.brokers.venue_keys import VenueKeys
from trading.config import BotConfig
from trading.confirm import live_terms
from trading.deadline import Deadline
from trading.model.order import Order
from trading.request_budgets import budget_of, fills_rest_s, fills_s, hints_of, poll_stream_s
from trading.settings.accounts import AccountTerms
from trading.settings.live import LiveSection
from trading.settings.markets import pairs_of
from trading.store.release import BrokerOutlet

log = logging.getLogger(__name__)

# Of the time there is for a stop: what reduces risk and waits goes out in it.
_STOP_SHARE: Final = 0.5
_STOP_S_MAX: Final = 3.0
# Of that time, for what rests at exchanges to be cancelled and to be known as gone.
_RECALL_SHARE: Final = 0.5
# Between a fill and the order that protects it lie a commit and two threads.
_SETTLE_SHARE: Final = 0.4
_QUIET_LOOKS: Final = 3


class TradedVenue(Venue, Protocol):
    """A venue that makes orders ready, and whose reads of several requests can be broken off."""

    @property
    def allowance(self) -> Allowance | None:
        """What the exchange lets this address ask, where it counts so."""
        ...

    def submit_if(self, order: Order, may_leave: Callable[[], bool]) -> SubmitAnswer | None:
        """Write an order, ask whether it may leave, and send it or nothing (None)."""
        ...

    def give_way_to(self, read_waits: Callable[[], bool]) -> None:
        """Say how it is known that a read has to wait."""
        ...


def build_venues(
    config: BotConfig, keys: Mapping[str, VenueKeys], *, clock: Clock
) -> dict[str, tuple[TradedVenue, TradedVenue | None]]:
    """Make the venues of all live accounts, and their second ones for reads; nothing is asked yet.

    ConfigurationError says what cannot work.
    """
    made: dict[str, tuple[TradedVenue, TradedVenue | None]] = {}
    for terms in live_terms(config):
        own, venue_clock = keys[terms.name], VenueClock(clock)
        trade = _build_venue(config, terms, own.trade, venue_clock)
        read = None
        if own.read is not None:
            read = _build_venue(config, terms, own.read, venue_clock, is_for_reads=True)
        made[terms.name] = (trade, read)
    return made


def build_workers(
    config: BotConfig,
    keys: Mapping[str, VenueKeys],
    *,
    clock: Clock,
    rng: Random,
    tell: Tell,
    identities: Mapping[str, AccountIdentity],
    last_run_at: float | None,
) -> dict[str, AccountWorker]:
    """Make the workers of all live accounts; what happened since the last run is looked at."""
    workers = {}
    venues = build_venues(config, keys, clock=clock)
    for terms in live_terms(config):
        settings = worker_settings(
            config.settings.live,
            terms.exchange,
            terms.market_type,
            markets=len(pairs_of(terms, config.settings)),
        )
        since = None if last_run_at is None else last_run_at - settings.fills_lookback_s
        venue, reads = venues[terms.name]
        worker = workers[terms.name] = AccountWorker(
            terms.name,
            venue,
            settings=settings,
            clock=clock,
            rng=rng,
            tell=tell,
            reads=reads,
            check_key=identities[terms.name].check_trading_key,
            check_read_key=identities[terms.name].check_reading_key,
            fills_since=since,
            stream=_build_stream(config, terms, settings),
            submit_if=venue.submit_if,
            allowance=venue.allowance,
        )
        venue.give_way_to(worker.read_waits if reads is None else worker.orders_wait)
        if reads is not None:
            reads.give_way_to(worker.page_waits)
    return workers


class LiveWorkers:
    """Hold the workers of all live accounts, and how they start and stop together."""

    def __init__(self, workers: Mapping[str, AccountWorker], orders: Iterable[Order]) -> None:
        self._workers = workers
        self._orders = list(orders)

    @property
    def outlets(self) -> Mapping[str, BrokerOutlet]:
        """Where the orders of each account go."""
        return self._workers

    def start(self) -> None:
        """Take up what earlier runs left, and work from now on."""
        for name, worker in self._workers.items():
            worker.start([order for order in self._orders if order.account == name])
        self._orders = []

    def ask(self, account: str, number: int) -> None:
        """Have all of an account looked at."""
        self._workers[account].ask(number)

    def take_entries_back(
        self,
        deadline: Deadline,
        *,
        announce: Callable[[], None],
        are_gone: Callable[[float], bool],
        is_stored: Callable[[float], bool],
    ) -> None:
        """Send no entry any more, have the engine cancel those that rest, and wait for their ends.

        `announce` tells the engine, `are_gone` and `is_stored` wait for it and for the store.
        """
        if not self._workers:
            return
        for worker in self._workers.values():
            worker.send_no_entries()
        announce()
        deadline.wait_for(are_gone, _RECALL_SHARE)
        # What protects the part that was filled is with its worker then, which `settle` asks.
        deadline.wait_for(is_stored, _RECALL_SHARE)

    def settle(self, deadline: Deadline) -> None:
        """Wait a while until no order is on its way: what fills now still gets its stop."""
        quiet_looks = 0

        def is_quiet(wait_s: float) -> bool:
            nonlocal quiet_looks
            is_busy = any(worker.is_busy for worker in self._workers.values())
            quiet_looks = 0 if is_busy else quiet_looks + 1
            if quiet_looks < _QUIET_LOOKS:
                threading.Event().wait(wait_s)
            return quiet_looks >= _QUIET_LOOKS

        if self._workers and not deadline.wait_for(is_quiet, _SETTLE_SHARE):
            log.warning("an order is still on its way: the next start looks it up")

    def stop(self, deadline: Deadline) -> None:
        """Send no entry any more, and what reduces risk for a moment."""
        for worker in self._workers.values():
            worker.ask_to_stop(deadline.share_s(_STOP_SHARE, _STOP_S_MAX))
        for name, worker in self._workers.items():
            if not deadline.wait_for(worker.join, _STOP_SHARE):
                # No failure of ours: the next start looks up what may have been sent.
                log.warning("account %s: the exchange owes an answer, and is not waited for", name)

    def dead_threads(self) -> list[str]:
        """Name the threads that ended although nobody said they may."""
        return [f"broker-{name}" for name, worker in self._workers.items() if worker.is_dead]


def _build_venue(
    config: BotConfig,
    terms: AccountTerms,
    credentials: Credentials,
    clock: VenueClock,
    *,
    is_for_reads: bool = False,
) -> TradedVenue:
    from trading.brokers.ccxt_broker import build_venue  # noqa: PLC0415 - as said above

    return build_venue(
        terms.exchange,
        terms.market_type,
        pairs_of(terms, config.settings),
        key=credentials.key,
        secret=credentials.secret,
        password=credentials.password,
        uid=credentials.uid,
        settings=terms.class_settings,
        clock=clock,
        timeout_s=config.settings.live.request_timeout_s,
        leverage=int(terms.leverage),
        margin_mode=terms.margin_mode,
        where=f"{config.file}: account {terms.name}",
        is_for_reads=is_for_reads,
    )


def _build_stream(
    config: BotConfig, terms: AccountTerms, settings: LiveSettings
) -> AccountStream | None:
    from trading.brokers.exchanges.account_stream import build_stream  # noqa: PLC0415 - as said above

    if not config.settings.live.stream:
        return None
    return build_stream(
        terms.exchange,
        terms.market_type,
        terms.class_settings,
        timeout_s=config.settings.live.request_timeout_s,
        silence_s=settings.stream_silence_s,
    )


def worker_settings(
    section: LiveSection, exchange: str, market_type: str = "spot", *, markets: int = 1
) -> LiveSettings:
    """Return the rules of the worker of an account at an exchange with so many markets."""
    budget = budget_of(
        exchange, market_type, markets=markets, requests_per_s=section.requests_per_s
    )
    return LiveSettings(
        poll_s=section.poll_s,
        reconcile_s=section.reconcile_s,
        unknown_settle_s=section.unknown_settle_s,
        entry_age_max_s=section.entry_age_max_s,
        exit_retry_s=section.exit_retry_s,
        poll_stream_s=max(section.poll_s, poll_stream_s(exchange, budget, section.poll_stream_s)),
        fills_s=fills_s(budget),
        fills_rest_s=fills_rest_s(exchange, budget),
        budget=budget,
        hints=hints_of(exchange, budget),
    )
