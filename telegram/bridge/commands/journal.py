"""Commands on their way to the disk: written at once where it matters, else with the next one.

A disk that is full costs no outcome: what could not be written is kept and tried again.
"""

import logging
from collections.abc import Sequence

from daemonkit.clock import Clock
from telegram.bridge.disk import DiskState
from telegram.bridge.records import CommandRecord
from telegram.bridge.store.commands import CommandTable
from telegram.bridge.store.inbound import InboundRow

log = logging.getLogger(__name__)

UNSAVED_MAX = 5_000
_SAVE_AGAIN_S = 2.0
_WRITER = "commands"


class CommandJournal:
    """Write the latest form of each command; for the thread `forward` alone."""

    def __init__(self, table: CommandTable, disk: DiskState, clock: Clock) -> None:
        self._table = table
        self._disk = disk
        self._clock = clock
        self._unsaved: dict[str, CommandRecord] = {}
        self._save_at = 0.0
        self._has_room = False

    def read_open(self) -> list[CommandRecord]:
        """Return commands without an outcome, oldest first."""
        return self._table.read_open()

    def knows(self, command_id: str) -> bool:
        """Tell whether a command is known; while that cannot be read, none is.

        What reduces risk must work then too, and a bot does no command twice in any case.
        """
        if command_id in self._unsaved:
            return True
        try:
            return self._table.knows(command_id)
        except Exception as error:  # noqa: BLE001 - noted; it bars what raises risk
            self._disk.note_failure(_WRITER, error)
            return False

    def read_one(self, command_id: str) -> CommandRecord | None:
        """Return a command in its latest form, if it is known and can be read."""
        if command_id in self._unsaved:
            return self._unsaved[command_id]
        try:
            return self._table.read_one(command_id)
        except Exception as error:  # noqa: BLE001 - noted; whoever asks is told of no such command
            self._disk.note_failure(_WRITER, error)
            return None

    def note(self, record: CommandRecord) -> None:
        """Take a change that may reach the disk a little later."""
        if not self._unsaved:
            self._save_at = self._clock.wall() + _SAVE_AGAIN_S
        self._unsaved[record.id] = record
        if len(self._unsaved) > UNSAVED_MAX:
            del self._unsaved[next(iter(self._unsaved))]

    def save(self, records: Sequence[CommandRecord] = ()) -> bool:
        """Write these and all that waits now; False when they are kept in memory only."""
        for record in records:
            self.note(record)
        # A full disk may have got room by the first try's end: the reserve is released then.
        if self._try() or (self._has_room and self._try()):
            return True
        self._save_at = self._clock.wall() + _SAVE_AGAIN_S
        return False

    def add(self, record: CommandRecord, row: InboundRow) -> bool:
        """Write a new command and what it came of as one, and all that waits.

        False when neither is written; then the command is not kept in memory either. One that
        is known already, in memory or on the disk, is not new.
        """
        if record.id in self._unsaved:
            return False
        try:
            is_new = self._table.add(record, row, tuple(self._unsaved.values()))
        except Exception as error:  # noqa: BLE001 - whoever hears tries again, and tells of it
            log.info("update %d waits to be noted by itself: %s", row.update_id, error)
            return False
        if is_new:
            self._disk.note_success(_WRITER)
            self._unsaved.clear()
        return is_new

    def tick(self) -> None:
        """Write what is due."""
        if self._unsaved and self._clock.wall() >= self._save_at:
            self.save()

    def next_due(self) -> float | None:
        """Return the wall time at which tick() has something to do."""
        return self._save_at if self._unsaved else None

    def _try(self) -> bool:
        self._has_room = False
        try:
            self._table.save(tuple(self._unsaved.values()))
        except Exception as error:  # noqa: BLE001 - told to the person; tried again by tick()
            self._has_room = self._disk.note_failure(_WRITER, error)
            return False
        self._disk.note_success(_WRITER)
        self._unsaved.clear()
        return True
