"""The life of the trading process: start, wait for signals, reload, stop, exit code.

The main thread trades nothing and holds no state of trading; see `parts` for what runs.
"""

import logging
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from random import Random
from uuid import uuid4

from daemonkit.clock import Clock
from daemonkit.endpoint import load_endpoint
from daemonkit.errors import (
    ConfigurationError,
    DaemonError,
    ExitCode,
    StateError,
    UnavailableError,
)
from daemonkit.folder_lock import FolderLock
from daemonkit.interpreter import settle_interpreter
from daemonkit.logs import setup_logging
from daemonkit.notify import Notifier
from daemonkit.reserve import ReserveFile
from daemonkit.thread_names import show_thread_names
from daemonkit.version import VERSION
from trading.brokers.venue_keys import VenueKeys
from trading.config import BotConfig, BotSettings, load_config
from trading.confirm import check_live_accounts
from trading.control import STOP_SIGNALS, Control, SignalCame, ThreadEnded
from trading.currency_kept import check_currency_stays
from trading.deadline import Deadline
from trading.engine.events import ConfigurationReloaded, ReloadRefused
from trading.errors import CoreFailedError
from trading.instances_of import load_instances
from trading.link.log_forward import LogForwardHandler
from trading.parts import Parts, RunOptions, Surroundings
from trading.reload import merge_settings
from trading.settings.accounts import AccountTerms
from trading.setup_of import check_nothing_is_left_out
from trading.store.database import StateDatabase, open_state_database
from trading.store.ownership import (
    LIVE,
    PAPER,
    SANDBOX,
    AccountOwner,
    Owner,
    check_same_accounts,
)
from trading.store.reserve import RESERVE_NAME

log = logging.getLogger(__name__)


class TradingApp:
    """Run one bot until it is asked to stop."""

    def __init__(
        self,
        bot_dir: Path,
        options: RunOptions,
        *,
        environ: Mapping[str, str],
        clock: Clock,
        rng: Random,
        control: Control,
    ) -> None:
        self._environ = environ
        self._options = options
        self._control = control
        self._around = Surroundings(clock, rng, control, Notifier(environ, clock))
        self._config = load_config(bot_dir, environ)
        self._settings: BotSettings = self._config.settings
        self._keys: Mapping[str, VenueKeys] = {}
        self._log_handler = LogForwardHandler(
            logging.getLevelNamesMapping()[self._settings.logs.forward_level],
            self._settings.logs.queue_len_max,
        )

    def run(self) -> int:
        """Start, serve, stop; return the exit code."""
        with ExitStack() as closing:
            closing.enter_context(self._build_lock())
            self._start_logging(closing)
            database = self._open_database(closing)
            parts = self._build_parts(database)
            if self._control.stops_asked:
                log.info("asked to stop while starting")
                return ExitCode.OK
            settle_interpreter()
            parts.start()
            show_thread_names()
            self._around.notifier.announce_ready()
            reason, failure = self._serve(parts, database)
            code = self._stop(parts, reason, failure)
            parts.close()
            return code

    def _build_lock(self) -> FolderLock:
        folder = self._config.folder
        reserve = ReserveFile(folder / RESERVE_NAME, self._settings.store.reserve_bytes)
        return FolderLock(folder / "bot.pid", reserve)

    def _start_logging(self, closing: ExitStack) -> None:
        logs = self._settings.logs
        setup_logging(
            level=self._settings.log_level,
            file=self._config.folder / "logs" / "trading.log",
            max_bytes=logs.file_max_bytes,
            backups=logs.file_backups,
        )
        root = logging.getLogger()
        root.addHandler(self._log_handler)
        closing.callback(root.removeHandler, self._log_handler)
        config = self._config
        # The folder too: a copy whose `name` was left as it was runs under that name.
        log.info(
            "bot %s starts from %s, version %s, %s",
            config.bot,
            config.bot_dir,
            VERSION,
            config.mode,
        )

    def _open_database(self, closing: ExitStack) -> StateDatabase:
        # First: nothing is made for an account that nobody confirmed.
        self._keys = check_live_accounts(self._config, owner_of(self._config), self._environ)
        database = open_state_database(
            self._config.database,
            owner_of(self._config),
            epoch=str(uuid4()),
            restore_hint=self._config.restore_hint,
        )
        closing.callback(database.close)
        return database

    def _build_parts(self, database: StateDatabase) -> Parts:
        endpoint = load_endpoint(
            self._settings.link,
            environ=self._environ,
            var_dir=self._config.var_dir,
            config_file=self._config.file,
        )
        return Parts(
            self._config,
            self._options,
            database,
            endpoint,
            self._log_handler,
            self._around,
            keys=self._keys,
        )

    def _serve(self, parts: Parts, database: StateDatabase) -> tuple[str, ThreadEnded | None]:
        """Handle signals until the bot is to stop; return why."""
        while True:
            notice = self._control.get()
            if isinstance(notice, ThreadEnded):
                return f"the {notice.name} failed", notice
            if isinstance(notice, SignalCame):
                if notice.number in STOP_SIGNALS:
                    return "asked to stop", None
                self._reload(parts, database)

    def _reload(self, parts: Parts, database: StateDatabase) -> None:
        """Read the configuration again; a wrong one changes nothing."""
        at = self._around.clock.wall()
        self._around.notifier.reloading()
        try:
            config = load_config(self._config.bot_dir, self._environ)
            # They wait for a restart; that it would fail is to be known now.
            load_instances(config)
            self._check_accounts(config)
            _check_with_saved(config, database)
        except DaemonError as error:
            # Also what cannot be looked at now, such as a database that was moved away. Without
            # its traceback: the line says what is wrong, and where.
            log.error("the new configuration is refused, the old one stays: %s", error)  # noqa: TRY400
            parts.inbox.put_notice(ReloadRefused(str(error), at))
        else:
            reloaded = merge_settings(self._settings, config.settings)
            self._settings = reloaded.settings
            self._apply_levels()
            log.info("reloaded applied=%s waiting=%s", reloaded.applied, reloaded.waiting)
            interval_s = reloaded.settings.status_interval_s
            parts.inbox.put_notice(
                ConfigurationReloaded(reloaded.applied, reloaded.waiting, at, interval_s)
            )
        self._around.notifier.ready()

    def _check_accounts(self, config: BotConfig) -> None:
        """Refuse another account under the name of one that runs, and another key for it."""
        check_same_accounts(str(config.file), owner_of(self._config), owner_of(config))
        keys = check_live_accounts(config, owner_of(config), self._environ)
        for name, key in self._keys.items():
            if name in keys and keys[name] != key:
                raise ConfigurationError(
                    config.file, f"account {name}", "other keys", "those it was started with"
                )

    def _apply_levels(self) -> None:
        logging.getLogger().setLevel(self._settings.log_level)
        self._log_handler.setLevel(self._settings.logs.forward_level)

    def _stop(self, parts: Parts, reason: str, failure: ThreadEnded | None) -> int:
        self._around.notifier.stopping()
        log.info("stopping: %s", reason)
        deadline = Deadline(self._around.clock, self._control, self._settings.stop_timeout_s)
        # Only a stop that was asked for has all parts that this needs.
        is_kept = failure is not None or self._settings.live.keep_entries_at_stop
        wrong = parts.stop(reason, deadline, takes_entries_back=not is_kept)
        if failure is not None and isinstance(failure.error, StateError):
            # Something that only a person can put right: to start again would not help.
            raise failure.error
        if failure is not None:
            raise CoreFailedError(f"{reason}: {failure.error}") from failure.error
        if wrong:
            raise UnavailableError(f"{self._config.folder}: {', '.join(wrong)}")
        log.info("stopped")
        return ExitCode.OK


def _check_with_saved(config: BotConfig, database: StateDatabase) -> None:
    """Refuse a configuration with which the next start could not go on with what is open now."""
    try:
        kept, values = database.load_trading(), database.load_saved()
    except Exception as error:  # noqa: BLE001 - the store thread tells of it, and the bot goes on
        log.warning("what is open cannot be read, so the reload goes on without: %s", error)
    else:
        check_nothing_is_left_out(config, kept)
        check_currency_stays(config, values)


def owner_of(config: BotConfig) -> Owner:
    """Return whom the bot's database belongs to."""
    settings = config.settings
    accounts = tuple(
        # On paper the kind may change: nothing is held anywhere.
        (
            one.name,
            AccountOwner(one.exchange, _mode_of(one), "" if one.dry_run else one.market_type),
        )
        for one in settings.account_terms()
    )
    mode = PAPER if settings.dry_run else LIVE
    return Owner(config.bot, settings.exchange, mode, accounts=accounts)


def _mode_of(terms: AccountTerms) -> str:
    if terms.dry_run:
        return PAPER
    return SANDBOX if terms.sandbox else LIVE
