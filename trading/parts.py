"""The parts of a running bot, wired to each other, and how they start and stop.

Each owns one thread; they meet only through the inbox, the store's queue and the link's queues.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from types import MappingProxyType
from typing import Final
from uuid import uuid4

from daemonkit.clock import Clock
from daemonkit.endpoint import Endpoint
from daemonkit.notify import Notifier
from daemonkit.thread_names import show_thread_names
from daemonkit.version import VERSION
from tcpproto import ClientSettings, Identity, Limits
from tcpproto.tls import build_client_context
from trading.account_identity import ACCOUNT_ID_KEY, AccountIdentity
from trading.brokers.venue_keys import VenueKeys
from trading.config import BotConfig
from trading.control import Control, ThreadEnded
from trading.deadline import Deadline
from trading.engine.core import EngineCore
from trading.engine.core_settings import CoreSettings
from trading.engine.effects import SaveState
from trading.engine.engine import EngineThread
from trading.engine.events import HealthSampled, RunsShort, StopAhead, StopRequested
from trading.engine.inbox import Inbox, InboxLimits
from trading.feed_runner import FeedRetry, FeedRunner
from trading.link.log_forward import LogForward, LogForwardHandler
from trading.link.uplink import Uplink
from trading.live_accounts import LiveWorkers, build_workers
from trading.monitor import Monitor, MonitorLimits
from trading.store.database import StateDatabase, StoreLimits
from trading.store.release import ReleaseRouter
from trading.store.reserve import RESERVE_NAME, RoomyReserve
from trading.store.writer import LAST_TRY_S, StoreThread, StoreTimings
from trading.trading_parts import TradingParts, build_trading

log = logging.getLogger(__name__)

# A bridge that reads nothing must not hold up a stop for longer.
GOODBYE_S_MAX: Final = 2.0
FORWARD_S_MAX: Final = 1.0


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Hold what the command line adds: the numbered alerts that prove the event path."""

    alerts_total: int = 0
    alerts_interval_s: float = 1.0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Hold what the process hands to every part."""

    clock: Clock
    rng: Random
    control: Control
    notifier: Notifier


class Parts:
    """Hold the running parts of one bot."""

    def __init__(
        self,
        config: BotConfig,
        options: RunOptions,
        database: StateDatabase,
        endpoint: Endpoint,
        log_handler: LogForwardHandler,
        around: Surroundings,
        *,
        keys: Mapping[str, VenueKeys] = MappingProxyType({}),
    ) -> None:
        settings, clock = config.settings, around.clock
        lengths = settings.engine
        self._clock = clock
        self._started_at = clock.monotonic()
        self._inbox = Inbox(InboxLimits(lengths.market_len_max, lengths.command_len_max))
        self._uplink = Uplink(
            build_client_settings(config, endpoint),
            Identity(config.bot, str(uuid4()), database.epoch, f"tradebridge-trading/{VERSION}"),
            committed=database,
            take_command=self._inbox.put_command,
            acknowledge=self._acknowledge,
            last_seq=lambda: self._store.last_seq,
            clock=clock,
            rng=around.rng,
        )
        trading = build_trading(
            config,
            database,
            clock,
            rng=around.rng,
            engine_beat=lambda: self._engine.beat,
            give_way=self._inbox.give_way,
        )
        self._guard, self._recall = trading.guard, trading.trader.recall
        self._workers = self._build_workers(config, keys, trading, around)
        released = ReleaseRouter(self._uplink, self._workers.outlets)
        self._store = build_store(config, database, released, self._inbox, around)
        self._store.keep_files(trading.files)
        self._engine = EngineThread(
            EngineCore(build_core_settings(config, options), trading.values, trading.trader),
            self._inbox,
            clock=clock,
            store=self._store,
            outlet=self._uplink,
            sample_health=self._sample_health,
            on_end=lambda error: around.control.put(ThreadEnded("engine", error)),
            on_awake=self._connect,
            ask_account=self._workers.ask,
        )
        self._log_forward = LogForward(log_handler, self._uplink.forward, clock=clock)
        retry = FeedRetry(settings.feed_retry.first_s, settings.feed_retry.longest_s)
        self._feeds = [
            FeedRunner(
                settings.feed.kind,
                trading.feed,
                self._inbox,
                clock=clock,
                rng=around.rng,
                retry=retry,
            )
        ]
        self._monitor = self._build_monitor(config, around.notifier)

    @property
    def inbox(self) -> Inbox:
        """Where the main thread puts what the engine must know."""
        return self._inbox

    def start(self) -> None:
        """Start all threads; those that others depend on come first."""
        self._store.start()
        self._guard.start()
        self._engine.start()
        self._log_forward.start()
        self._workers.start()
        for feed in self._feeds:
            feed.start()
        self._monitor.start()

    def stop(
        self, reason: str, deadline: Deadline, *, takes_entries_back: bool = False
    ) -> list[str]:
        """Stop in order: feeds, entries, engine, store, link; return what did not end well."""
        wrong: list[str] = []
        # What ends from here on was asked to, and is nothing to warn of.
        self._monitor.stop(0.1)
        for feed in self._feeds:
            feed.ask_to_stop()
        if takes_entries_back:
            self._workers.take_entries_back(
                deadline,
                announce=lambda: self._inbox.put_notice(StopAhead(self._clock.wall())),
                are_gone=self._engine.wait_entries_gone,
                is_stored=self._store.is_settled,
            )
        # While the engine still answers fills.
        self._workers.settle(deadline)
        self._inbox.put_notice(StopRequested(reason, self._clock.wall()))
        if not deadline.wait_for(self._engine.join, 0.4):
            wrong.append("the engine did not end in time")
        else:
            self._log_entries_left()
        self._guard.stop(0.5)
        self._inbox.close()
        wrong += self._late_feeds(deadline)
        deadline.wait_for(self._store.is_settled, 0.5)
        # After what the engine wanted last has been handed to them.
        self._workers.stop(deadline)
        # The bridge hears of the stop now if it can, else at the next start: it is in the outbox.
        self._uplink.flush(deadline.share_s(0.3, GOODBYE_S_MAX / 2))
        self._log_forward.stop(deadline.share_s(0.3, FORWARD_S_MAX))
        self._uplink.stop(reason, deadline.share_s(0.5, GOODBYE_S_MAX))
        if not self._store.stop(max(0.0, deadline.left_s - LAST_TRY_S)):
            wrong.append("not everything could be stored")
        return wrong

    def _log_entries_left(self) -> None:
        for line in self._recall.left:
            log.warning("an entry is not known to be gone from its exchange: %s", line)

    def _late_feeds(self, deadline: Deadline) -> list[str]:
        late = [feed for feed in self._feeds if not deadline.wait_for(feed.join, 0.2)]
        for feed in late:
            if not feed.is_lossless:
                # Nothing of it counts any more, and an exchange may owe an answer for long.
                log.warning("feed %s did not end in time, and is not waited for", feed.name)
        return [f"feed {feed.name} did not end in time" for feed in late if feed.is_lossless]

    def close(self) -> None:
        """Take away what only a run that broke off leaves behind."""
        self._guard.close()

    def _build_workers(
        self,
        config: BotConfig,
        keys: Mapping[str, VenueKeys],
        trading: TradingParts,
        around: Surroundings,
    ) -> LiveWorkers:
        identities = {
            name: self._identity_of(name, trading.values, around.control) for name in keys
        }
        workers = build_workers(
            config,
            keys,
            clock=around.clock,
            rng=around.rng,
            tell=self._inbox.put_notice,
            identities=identities,
            last_run_at=trading.last_run_at,
        )
        return LiveWorkers(workers, trading.orders)

    def _identity_of(
        self, account: str, values: Mapping[str, str], control: Control
    ) -> AccountIdentity:
        key, name = ACCOUNT_ID_KEY + account, f"account {account}"
        return AccountIdentity(
            account,
            values.get(key, ""),
            keep=lambda found: self._store.submit([SaveState(key, found)]),
            end=lambda error: control.put(ThreadEnded(name, error)),
        )

    def _connect(self) -> None:
        self._uplink.start()
        # Its threads are named after the one that starts them.
        show_thread_names()

    def _acknowledge(self, epoch: str, seq: int) -> None:
        # Link and store know each other: the link is built first, the store is asked late.
        self._store.acknowledge(epoch, seq)

    def _sample_health(self) -> HealthSampled:
        store, link = self._store.health, self._uplink.state
        return HealthSampled(
            at=self._clock.wall(),
            uptime_s=self._clock.monotonic() - self._started_at,
            ticks_conflated=self._inbox.ticks_conflated,
            outbox_rows=store.outbox_rows,
            outbox_room=store.outbox_room,
            events_refused=store.events_refused,
            log_lines_dropped=self._log_forward.dropped,
            link=link.phase,
            link_since=link.since,
        )

    def _build_monitor(self, config: BotConfig, notifier: Notifier) -> Monitor:
        return Monitor(
            MonitorLimits(**config.settings.monitor.model_dump()),
            clock=self._clock,
            notifier=notifier,
            folder=config.folder,
            engine_beat=lambda: self._engine.beat,
            dead_threads=self._dead_threads,
            tell=self._tell_shortage,
        )

    def _tell_shortage(self, what: str, text: str) -> None:
        self._inbox.put_notice(RunsShort(what, text, self._clock.wall()))

    def _dead_threads(self) -> Sequence[str]:
        alive = {
            "engine": self._engine.is_alive,
            "store": self._store.is_alive,
            "link": self._uplink.is_alive,
            "log-forward": self._log_forward.is_alive,
            "guard": self._guard.is_alive,
        }
        feeds = [f"feed-{feed.name}" for feed in self._feeds if feed.is_dead]
        dead = [name for name, is_alive in alive.items() if not is_alive]
        return dead + feeds + self._workers.dead_threads()


def build_store(
    config: BotConfig,
    database: StateDatabase,
    released: ReleaseRouter,
    inbox: Inbox,
    around: Surroundings,
) -> StoreThread:
    """Return the store thread of a bot, not started."""
    section = config.settings.store
    return StoreThread(
        database,
        RoomyReserve(config.folder / RESERVE_NAME, section.reserve_bytes),
        clock=around.clock,
        limits=StoreLimits(
            outbox_rows_max=section.outbox_rows_max,
            outcome_age_max_s=section.outcome_age_max_s,
            outcome_rows_max=section.outcome_rows_max,
            order_age_max_s=section.order_age_max_s,
        ),
        timings=StoreTimings(
            retry_first_s=section.retry_first_s,
            retry_longest_s=section.retry_longest_s,
            acknowledge_delay_s=section.acknowledge_delay_s,
            prune_interval_s=section.prune_interval_s,
            reserve_check_s=section.reserve_check_s,
        ),
        released=released,
        report=inbox.put_notice,
        on_failure=lambda error: around.control.put(ThreadEnded("store", error)),
    )


def build_core_settings(config: BotConfig, options: RunOptions) -> CoreSettings:
    """Return what the core knows of the configuration."""
    settings = config.settings
    return CoreSettings(
        bot=config.bot,
        title=config.settings.name or config.bot,
        exchange=settings.exchange,
        mode=config.mode,
        version=VERSION,
        trading_allowed=settings.trading.is_allowed,
        status_interval_s=settings.status_interval_s,
        repeat_window_s=settings.engine.repeat_window_s,
        report_interval_s=settings.report_interval_s,
        alerts_total=options.alerts_total,
        alerts_interval_s=options.alerts_interval_s,
        alerts_room_min=settings.store.outbox_rows_max // 2,
    )


def build_client_settings(config: BotConfig, endpoint: Endpoint) -> ClientSettings:
    """Return where the bridge is and how to speak to it."""
    section = config.settings.link
    tls = None
    if endpoint.tls is not None:
        tls = build_client_context(
            endpoint.tls.cert_file, endpoint.tls.key_file, endpoint.tls.ca_file
        )

    def address() -> tuple[str, int]:
        port = endpoint.current_port()
        if port is None:
            raise OSError(f"the bridge has not written its port to {endpoint.port_file} yet")
        return endpoint.host, port

    return ClientSettings(
        address=address,
        secret=None if endpoint.secret is None else endpoint.secret.reveal(),
        tls=tls,
        limits=Limits(
            heartbeat_s=section.heartbeat_s,
            dead_after_s=section.dead_after_s,
            handshake_s=section.handshake_s,
        ),
        bulk_frames_max=section.bulk_frames_max,
        backoff_cap_s=section.reconnect_longest_s or (10.0 if endpoint.is_loopback else 60.0),
    )
