"""Durable events: stored each once and in order, and only then acknowledged to their bot.

While the database cannot be written, the batch is kept and tried again with a growing pause;
`is_ready` says when more may be taken from the queues.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from daemonkit.clock import Clock
from daemonkit.secrets import redact, redact_values
from tcpproto import Event
from telegram.bridge.disk import DiskState
from telegram.bridge.records import NewEvent
from telegram.bridge.store.events import EventTable

log = logging.getLogger(__name__)

ROWS_PER_COMMIT = 5_000
RETRY_FIRST_S = 0.25
RETRY_MAX_S = 10.0


class Acknowledge(Protocol):
    """Tell a bot how far its events are stored."""

    def __call__(self, name: str, epoch: str, seq: int, /) -> bool:
        """Send the acknowledgement; False when the bot is away or reads nothing."""
        ...


class EventKeeper:
    """Store events; all but `last_seq` belongs to the thread `forward`."""

    def __init__(
        self,
        table: EventTable,
        *,
        disk: DiskState,
        clock: Clock,
        on_stored: Callable[[], None],
    ) -> None:
        self._table = table
        self._disk = disk
        self._clock = clock
        self._on_stored = on_stored
        self._cursors = table.read_cursors()
        self._unsent: set[tuple[str, str]] = set()
        self._waiting: list[tuple[str, Event]] = []
        self._retry_s = RETRY_FIRST_S
        self._retry_at = float("-inf")
        self.stored_total = 0

    @property
    def is_ready(self) -> bool:
        """Tell whether storing may be tried now."""
        return not self._waiting or self._clock.monotonic() >= self._retry_at

    @property
    def waiting(self) -> int:
        """Count the events that could not be stored yet."""
        return len(self._waiting)

    def last_seq(self, bot: str, epoch: str) -> int:
        """Return how far a bot's epoch is stored; any thread may ask."""
        return self._cursors.get((bot, epoch), 0)

    def store(self, events: Sequence[tuple[str, Event]], acknowledge: Acknowledge) -> bool:
        """Store what waits and what came; False when it has to be tried again later."""
        if events:
            self._waiting.extend(events)
        while self._waiting:
            if not self.is_ready:
                return False
            batch = self._waiting[:ROWS_PER_COMMIT]
            if not self._try(batch):
                return False
            del self._waiting[: len(batch)]
            for key in {(bot, event.epoch): None for bot, event in batch}:
                self._acknowledge(key, acknowledge)
        return True

    def acknowledge_again(
        self, acknowledge: Acknowledge, is_connected: Callable[[str], bool]
    ) -> None:
        """Send what a bot that read nothing could not be sent; it may wait for nothing else."""
        for key in tuple(self._unsent):
            if is_connected(key[0]):
                self._acknowledge(key, acknowledge)
            else:
                # It learns how far its events are stored when it says hello again.
                self._unsent.discard(key)

    def _acknowledge(self, key: tuple[str, str], acknowledge: Acknowledge) -> None:
        if acknowledge(*key, self._cursors[key]):
            self._unsent.discard(key)
        else:
            self._unsent.add(key)

    def _try(self, batch: Sequence[tuple[str, Event]]) -> bool:
        fresh, moved = self._sift(batch)
        try:
            if fresh:
                self._append(fresh, moved)
        except Exception as error:  # noqa: BLE001 - whatever it is, the events must be kept
            self._disk.note_failure("events", error)
            self._retry_at = self._clock.monotonic() + self._retry_s
            self._retry_s = min(RETRY_MAX_S, self._retry_s * 2)
            return False
        self._disk.note_success("events")
        self._retry_s = RETRY_FIRST_S
        self._cursors |= moved
        self.stored_total += len(fresh)
        if fresh:
            self._on_stored()
        return True

    def _append(self, fresh: Sequence[NewEvent], moved: dict[tuple[str, str], int]) -> None:
        try:
            self._table.append(fresh, moved, self._clock.wall())
        except Exception as error:
            if not self._disk.note_failure("events", error):
                raise
            log.warning("the reserve file is released to store %d events", len(fresh))
            self._table.append(fresh, moved, self._clock.wall())

    def _sift(
        self, batch: Sequence[tuple[str, Event]]
    ) -> tuple[list[NewEvent], dict[tuple[str, str], int]]:
        """Return what is not stored yet, and how far that takes each epoch."""
        fresh: list[NewEvent] = []
        moved: dict[tuple[str, str], int] = {}
        for bot, event in batch:
            key = (bot, event.epoch)
            if event.seq > moved.get(key, self._cursors.get(key, 0)):
                moved[key] = event.seq
                fresh.append(
                    NewEvent(
                        bot,
                        event.epoch,
                        event.seq,
                        event.kind,
                        event.severity,
                        redact_values(event.fields),
                        redact(event.text),
                        event.at,
                    )
                )
        return fresh, moved
