"""What the bridge does now and then: prune what is old, remember the bots, keep the reserve."""

import logging
from dataclasses import dataclass

from daemonkit.clock import Clock
from telegram.bridge.disk import DiskState
from telegram.bridge.sessions import Sessions
from telegram.bridge.store.commands import CommandTable
from telegram.bridge.store.events import EventTable
from telegram.bridge.store.settings import BotTable

log = logging.getLogger(__name__)

DAY_S = 86_400.0
_REMEMBER_EVERY_S = 60.0
_PRUNE_EVERY_S = 3_600.0
# So few rows at a time that storing events never waits for long.
_ROWS_AT_ONCE = 2_000
# A cursor is small, and forgetting one that is still needed would store events twice.
_CURSOR_DAYS_MIN = 365


@dataclass(frozen=True, slots=True)
class Keep:
    """Hold for how many days rows are kept."""

    event_days: float = 90.0
    command_days: float = 30.0


class Housekeeping:
    """Run on the thread `forward`; a failure is tried again at the next turn."""

    def __init__(
        self,
        *,
        clock: Clock,
        events: EventTable,
        commands: CommandTable,
        bots: BotTable,
        sessions: Sessions,
        disk: DiskState,
        keep: Keep,
    ) -> None:
        self._clock = clock
        self._events = events
        self._commands = commands
        self._bots = bots
        self._sessions = sessions
        self._disk = disk
        self.keep = keep
        self._changed: set[str] = set()
        self._remember_at = clock.monotonic() + _REMEMBER_EVERY_S
        self._prune_at = clock.monotonic() + _REMEMBER_EVERY_S

    def tick(self) -> None:
        """Do what is due."""
        now = self._clock.monotonic()
        if now >= self._remember_at:
            self._remember_at = now + _REMEMBER_EVERY_S
            self.remember_bots()
            self._disk.restore_reserve()
        elif self._changed:
            self._save(self._changed)
            self._changed = set()
        if now >= self._prune_at:
            is_more = self._prune()
            self._prune_at = now + (_REMEMBER_EVERY_S if is_more else _PRUNE_EVERY_S)

    def note_change(self, bot: str) -> None:
        """Have a bot written down at the end of this turn."""
        self._changed.add(bot)

    def remember_bots(self) -> None:
        """Write down all bots as they are now."""
        self._save(set(self._sessions.known()))
        self._changed = set()

    def _save(self, names: set[str]) -> None:
        seen = [one for one in self._sessions.seen() if one.name in names]
        if not seen:
            return
        try:
            self._bots.save(seen)
            self._disk.note_success("bots")
        except Exception as error:  # noqa: BLE001 - tried again in a minute
            self._disk.note_failure("bots", error)

    def _prune(self) -> bool:
        """Delete old rows; True when there are more than fit into one turn."""
        now = self._clock.wall()
        try:
            events = self._events.prune(now - self.keep.event_days * DAY_S, _ROWS_AT_ONCE)
            commands = self._commands.prune(now - self.keep.command_days * DAY_S, _ROWS_AT_ONCE)
            cursor_days = max(_CURSOR_DAYS_MIN, self.keep.event_days)
            self._events.prune_cursors(now - cursor_days * DAY_S)
            self._bots.prune(now - cursor_days * DAY_S)
        except Exception as error:  # noqa: BLE001 - tried again in an hour
            self._disk.note_failure("pruning", error)
            return False
        self._disk.note_success("pruning")
        if events or commands:
            log.info("pruned %d events and %d commands", events, commands)
        return _ROWS_AT_ONCE in (events, commands)
