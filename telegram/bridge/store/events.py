"""Events in bridge.db: each (bot, epoch, seq) once, in the order it was taken in."""

from collections.abc import Mapping, Sequence

import orjson
import sqlalchemy as sa

from telegram.bridge.event_buttons import ASKING_KINDS
from telegram.bridge.records import NewEvent, StoredEvent
from telegram.bridge.store import schema
from telegram.bridge.store.database import Database

Cursors = Mapping[tuple[str, str], int]

# Spelt out for the driver: these run thousands of times a second.
_INSERT = (
    "INSERT INTO event (bot, epoch, seq, kind, severity, fields, text, raised_at, stored_at)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
_MOVE = (
    "INSERT INTO cursor (bot, epoch, last_seq, updated_at) VALUES (?, ?, ?, ?)"
    " ON CONFLICT DO UPDATE SET last_seq = excluded.last_seq, updated_at = excluded.updated_at"
)


class EventTable:
    """Append events with their cursors in one transaction; read them in order."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read_cursors(self) -> dict[tuple[str, str], int]:
        """Return the last stored sequence number of every bot and epoch."""
        with self._database.reading() as connection:
            rows = connection.execute(
                sa.select(schema.cursor.c.bot, schema.cursor.c.epoch, schema.cursor.c.last_seq)
            )
            return {(bot, epoch): last_seq for bot, epoch, last_seq in rows}

    def append(self, events: Sequence[NewEvent], cursors: Cursors, at: float) -> None:
        """Store new events and how far each epoch has come: all of it or nothing."""
        rows = [
            (
                one.bot,
                one.epoch,
                one.seq,
                one.kind,
                one.severity,
                orjson.dumps(one.fields).decode() if one.fields else "{}",
                one.text,
                one.raised_at,
                at,
            )
            for one in events
        ]
        moved = [(bot, epoch, last_seq, at) for (bot, epoch), last_seq in cursors.items()]
        with self._database.writing_fast() as connection:
            connection.executemany(_INSERT, rows)
            connection.executemany(_MOVE, moved)

    def read_after(self, event_id: int, limit: int) -> list[StoredEvent]:
        """Return up to `limit` events that follow an id, oldest first."""
        table = schema.event.c
        # Most are shown as their text is: what is not asked for is not read.
        fields = sa.case((table.kind.in_(ASKING_KINDS), table.fields), else_="{}")
        columns = (table.id, table.bot, table.kind, table.severity, table.text, table.raised_at)
        statement = (
            sa.select(*columns, fields).where(table.id > event_id).order_by(table.id).limit(limit)
        )
        with self._database.reading() as connection:
            return [StoredEvent(*row) for row in connection.execute(statement)]

    def count(self) -> int:
        """Return how many events are kept."""
        with self._database.reading() as connection:
            return connection.execute(
                sa.select(sa.func.count()).select_from(schema.event)
            ).scalar_one()

    def prune(self, before: float, limit: int) -> int:
        """Delete up to `limit` events stored before a time; return how many."""
        table = schema.event.c
        old = sa.select(table.id).where(table.stored_at < before).order_by(table.id).limit(limit)
        with self._database.writing() as connection:
            return connection.execute(sa.delete(schema.event).where(table.id.in_(old))).rowcount

    def prune_cursors(self, before: float) -> int:
        """Forget epochs that have not moved since a time; return how many."""
        with self._database.writing() as connection:
            statement = sa.delete(schema.cursor).where(schema.cursor.c.updated_at < before)
            return connection.execute(statement).rowcount
