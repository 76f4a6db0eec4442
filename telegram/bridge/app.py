"""The telegram process: starts the bridge, serves until it is asked to stop, stops it in order.

The main thread waits for signals and watches the others; it holds no state of the bridge.
"""

import errno
import logging
import os
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from random import SystemRandom
from signal import SIGHUP, Signals
from threading import Event
from typing import TYPE_CHECKING

from daemonkit.clock import Clock
from daemonkit.credentials import read_credential
from daemonkit.endpoint import Endpoint, load_endpoint
from daemonkit.errors import ConfigurationError, DaemonError, UnavailableError
from daemonkit.files import make_private_folder
from daemonkit.folder_lock import FolderLock
from daemonkit.interpreter import settle_interpreter
from daemonkit.logs import setup_logging
from daemonkit.notify import Notifier
from daemonkit.secrets import Secret
from daemonkit.thread_names import show_thread_names
from daemonkit.version import VERSION
from telegram.bridge.access import BOT_FATHER_STEPS, check_token
from telegram.bridge.assembly import World, build_bridge, build_reserve
from telegram.bridge.chat import Chat
from telegram.bridge.config import BridgeConfig, BridgeSettings, load_config
from telegram.bridge.console.parts import ConsoleParts, build_console
from telegram.bridge.control import Control, InputEnded, SignalCame
from telegram.bridge.hearing.access import load_access
from telegram.bridge.options import Options
from telegram.bridge.store.database import Database
from telegram.bridge.watchdog import Watchdog, poll_complaint

if TYPE_CHECKING:
    from telegram.bridge.telegram_parts import TelegramParts

log = logging.getLogger(__name__)

# A loop that has not turned for this long has stopped.
FORWARD_STUCK_S = 30.0
_WATCH_EVERY_S = 0.5


def run_bridge(
    options: Options, environ: Mapping[str, str], control: Control, clock: Clock
) -> None:
    """Run the bridge until it is asked to stop; DaemonError when it cannot go on."""
    config = load_config(options.config, environ)
    token = None if options.console else check_telegram(environ)
    access = load_access(config.settings.telegram, environ, config.file or "telegram.yaml")
    endpoint = load_endpoint(
        config.settings.link, environ=environ, var_dir=config.var_dir, config_file=config.file
    )
    notifier = Notifier(environ, clock)
    with ExitStack() as stack:
        stack.enter_context(FolderLock(config.folder / "lock", build_reserve(config)))
        make_private_folder(config.logs)
        stack.callback(set_up_logs(config, options).close)
        log.info("bridge %s starts, files in %s", VERSION, config.folder)
        database = Database(config.database)
        stack.callback(database.close)
        world = World(config, endpoint, database, clock, SystemRandom())
        telegram = None
        if token is not None:
            # Loaded only where it is used: the library takes half a second.
            from telegram.bridge.telegram_parts import TelegramParts  # noqa: PLC0415

            if not access.users:
                log.warning("nobody may talk to the bot yet: ./run_telegram.sh setup finds you")
            telegram = TelegramParts(world, access, token)
        Process(world, options, environ, control, notifier, telegram).run()


def check_telegram(environ: Mapping[str, str]) -> Secret:
    """Return the token; a missing or malformed one is refused, saying how to get one."""
    try:
        return check_token(
            read_credential(
                "telegram_bot_token", env_names=("TELEGRAM_BOT_TOKEN",), environ=environ
            )
        )
    except ConfigurationError:
        sys.stderr.write(BOT_FATHER_STEPS)
        raise


def set_up_logs(config: BridgeConfig, options: Options) -> logging.Handler:
    """Send the log to its file and, unless a person chats on that terminal, to standard error."""
    is_in_the_way = options.console and os.isatty(0) and os.isatty(2)
    file = config.logs / "telegram.log"
    if is_in_the_way:
        sys.stderr.write(f"log: {file}\n")
    return setup_logging(
        level=config.settings.log_level,
        file=file,
        max_bytes=config.settings.logs.file_max_bytes,
        backups=config.settings.logs.file_backups,
        stderr=not is_in_the_way,
    )


class Process:
    """Start, watch and stop the parts."""

    def __init__(
        self,
        world: World,
        options: Options,
        environ: Mapping[str, str],
        control: Control,
        notifier: Notifier,
        telegram: "TelegramParts | None",
    ) -> None:
        self._world = world
        self._telegram = telegram
        self._options = options
        self._environ = environ
        self._control = control
        self._notifier = notifier
        self._watchdog = Watchdog(notifier)
        self._looked_at = world.clock.monotonic()
        bot_is_there = Event()
        self._console: ConsoleParts | None = None
        if options.console:
            self._console = build_console(world, options, bot_is_there, control.put)
        chats: dict[str, Chat] = {}
        if self._console is not None:
            chats[self._console.name] = self._console.chat
        if telegram is not None:
            chats.update(telegram.chats)
        self._bridge = build_bridge(world, chats, on_bot=bot_is_there.set)
        if telegram is not None:
            telegram.join(self._bridge)
            self._watchdog.watch(
                poll_complaint(
                    telegram.thread, world.clock, world.config.settings.watchdog.silences
                )
            )

    def run(self) -> None:
        """Serve until a signal or the end of input."""
        if not self._listen():
            return
        endpoint, server = self._world.endpoint, self._bridge.server
        try:
            endpoint.write_port(server.port)
            self._bridge.forward.start()
            if self._telegram is not None:
                self._telegram.start()
            log.info("listening on %s:%d", endpoint.host, server.port)
            self._notifier.announce_ready()
            if self._console is not None:
                # Last, as its prompt would be torn by a line that comes from elsewhere.
                self._console.start(self._bridge)
            settle_interpreter()
            show_thread_names()
            self._watch()
        finally:
            self._stop()

    def _listen(self) -> bool:
        """Take the port; False when asked to stop while waiting for it."""
        endpoint, stop_asked = self._world.endpoint, self._control.stop_asked
        try:
            self._bridge.server.start(stop_asked)
        except OSError as error:
            if stop_asked.is_set():
                return False
            raise _no_port(endpoint, error) from error
        return True

    def _watch(self) -> None:
        while True:
            notice = self._control.get(_WATCH_EVERY_S)
            if isinstance(notice, InputEnded):
                if notice.complete:
                    return
                raise UnavailableError(
                    f"no bot connected within {self._options.wait_for_bot_s:g} s"
                )
            if isinstance(notice, SignalCame):
                if notice.number != SIGHUP:
                    log.info("%s: stopping", Signals(notice.number).name)
                    return
                self._reload()
            self._check_forward()
            self._watchdog.feed()

    def _check_forward(self) -> None:
        forward, now = self._bridge.forward, self._world.clock.monotonic()
        # Seen from the last look on: a process that was frozen as a whole has nothing stuck in it.
        before, self._looked_at = self._looked_at, now
        if not forward.is_alive:
            raise UnavailableError("the thread forward has ended, see the log")
        if before - forward.turned_at > FORWARD_STUCK_S:
            raise UnavailableError(f"the thread forward has stood still for {FORWARD_STUCK_S:g} s")

    def _reload(self) -> None:
        self._notifier.reloading()
        try:
            config = load_config(self._options.config, self._environ)
            file = config.file or "telegram.yaml"
            access = load_access(config.settings.telegram, self._environ, file)
        except DaemonError as error:
            log.warning("the configuration is refused, the old one stays: %s", error)
        else:
            logging.getLogger().setLevel(config.settings.log_level)
            self._bridge.parts.intake.call(lambda: self._bridge.reload(config))
            if self._telegram is not None:
                self._telegram.reload(access)
            old = self._world.config.settings
            kept = replace(config, settings=_without_reloadable(config, self._world.config))
            if kept.settings != old:
                log.warning("the rest of the changed configuration needs a restart")
            log.info("the configuration is reloaded")
        self._notifier.ready()

    def _stop(self) -> None:
        self._notifier.stopping()
        timeout_s = self._world.config.settings.stop_timeout_s
        if self._telegram is not None:
            self._telegram.stop_hearing()
        self._world.endpoint.port_file.unlink(missing_ok=True)
        self._bridge.parts.intake.call(self._bridge.parts.obituaries.end)
        self._bridge.server.stop("the bridge stops", timeout_s * 0.2)
        if self._console is not None:
            name = self._console.name
            self._bridge.parts.intake.call(lambda: self._bridge.leave(name))
        if not self._bridge.forward.stop(timeout_s * 0.3):
            log.error("the thread forward did not end in time")
        if self._telegram is not None and not self._telegram.stop(timeout_s * 0.4):
            log.error("the thread poll did not end in time")
        if self._console is not None:
            self._console.stop(timeout_s * 0.1)
        self._bridge.parts.log_files.close()
        log.info("stopped")


def _without_reloadable(config: BridgeConfig, old: BridgeConfig) -> BridgeSettings:
    reloadable = ("log_level", "follow", "keep")
    return config.settings.model_copy(
        update={name: getattr(old.settings, name) for name in reloadable}
    )


def _no_port(endpoint: Endpoint, error: OSError) -> DaemonError:
    where = f"{endpoint.host}:{endpoint.port}"
    if error.errno == errno.EADDRINUSE:
        return UnavailableError(f"link: {where} is in use by another process")
    if error.errno in (errno.EADDRNOTAVAIL, errno.EACCES):
        reason = os.strerror(error.errno)
        return ConfigurationError(
            "link", "host", found=f"{where} ({reason})", allowed="an address of this machine"
        )
    return UnavailableError(f"link: cannot listen on {where}: {error.strerror}")
