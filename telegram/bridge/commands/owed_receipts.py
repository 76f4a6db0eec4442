"""Receipts that still say less than is known: shown after a restart, crossed off when they do.

An edit waits in memory for its messenger; that it is owed stands in bridge.db with the outcome.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from daemonkit.clock import Clock
from telegram.bridge.disk import describe_problem
from telegram.bridge.records import CommandRecord
from telegram.bridge.store.commands import CommandTable

log = logging.getLogger(__name__)

# What is older is no news to anybody, and an edit takes a chat's time.
OWED_AGE_MAX_S: Final = 86_400.0
OWED_MAX: Final = 50


class OwedReceipts:
    """Know which receipts are owed; `show` puts one into its chat, if its message is there."""

    def __init__(
        self, table: CommandTable, clock: Clock, show: Callable[[CommandRecord], int | None]
    ) -> None:
        self._table = table
        self._clock = clock
        self._show = show

    def restore(self) -> None:
        """Show how commands have ended whose messages an earlier process left behind."""
        owed = self._table.read_owed(self._clock.wall() - OWED_AGE_MAX_S, OWED_MAX)
        shown = [replace(one, message_id=number) for one in owed if (number := self._show(one))]
        if shown:
            log.info("%d receipts of an earlier run are brought up to date", len(shown))
            self._note_messages(shown)

    def note_shown(self, record: CommandRecord) -> None:
        """Cross a receipt off; from any thread."""
        try:
            self._table.note_shown(record)
        except Exception as error:  # noqa: BLE001 - after a restart it is edited to the same again
            log.info("%s is not noted as shown: %s", record.line, describe_problem(error))

    def _note_messages(self, records: Sequence[CommandRecord]) -> None:
        """Have whoever shows one again edit the message that it has now."""
        try:
            self._table.save(records)
        except Exception as error:  # noqa: BLE001 - a full disk keeps no bridge from starting
            log.warning("receipts may be told twice: %s", describe_problem(error))
