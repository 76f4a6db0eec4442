"""What came in from the messenger, in bridge.db: noted once, before anything is done about it."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from telegram.bridge.store import schema
from telegram.bridge.store.database import Database

TEXT_LENGTH_MAX = 1_024


class InboundState(StrEnum):
    """Name how far something that came in has got."""

    RECEIVED = "received"
    EXECUTING = "executing"
    DONE = "done"
    REFUSED = "refused"
    INTERRUPTED = "interrupted"


# Spelt out for the driver: a person waits for the first, and the second comes after every command.
_ADD = (
    "INSERT INTO inbound (update_id, chat, message_id, user_id, text, pressed, written_at,"
    " received_at, state, outcome) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
_SAVE_STATE = "UPDATE inbound SET state = ?, outcome = ? WHERE update_id = ?"
_OPEN = (InboundState.RECEIVED.value, InboundState.EXECUTING.value)


@dataclass(frozen=True, slots=True)
class InboundRow:
    """Hold one message or one press of a button."""

    update_id: int
    chat: str
    message_id: int
    user_id: int
    text: str
    pressed: str | None
    written_at: float
    received_at: float
    state: InboundState = InboundState.RECEIVED
    outcome: str = ""


def insert_inbound(connection: sqlite3.Connection, row: InboundRow) -> bool:
    """Insert a row in a transaction of the caller's; False when the update was noted before."""
    values = (
        row.update_id,
        row.chat,
        row.message_id,
        row.user_id,
        row.text[:TEXT_LENGTH_MAX],
        row.pressed,
        row.written_at,
        row.received_at,
        row.state.value,
        row.outcome,
    )
    return connection.execute(_ADD, values).rowcount == 1


class InboundTable:
    """Note what comes in, and how it ended."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, row: InboundRow) -> bool:
        """Insert a row; False when the update was noted before."""
        with self._database.writing_fast() as connection:
            return insert_inbound(connection, row)

    def save_states(self, changes: Mapping[int, tuple[InboundState, str]]) -> None:
        """Note how far updates have got, in one transaction."""
        rows = [(state.value, text, number) for number, (state, text) in changes.items()]
        with self._database.writing_fast() as connection:
            connection.executemany(_SAVE_STATE, rows)

    def read_open(self) -> list[InboundRow]:
        """Return what was never finished, oldest first."""
        table = schema.inbound
        statement = sa.select(table).where(table.c.state.in_(_OPEN)).order_by(table.c.received_at)
        with self._database.reading() as connection:
            return [
                InboundRow(**{**row, "state": InboundState(row["state"])})
                for row in connection.execute(statement).mappings()
            ]

    def prune(self, before: float, limit: int) -> int:
        """Delete up to `limit` rows that came before a time; return how many."""
        table = schema.inbound.c
        old = sa.select(table.update_id).where(table.received_at < before).limit(limit)
        with self._database.writing() as connection:
            statement = sa.delete(schema.inbound).where(table.update_id.in_(old))
            return connection.execute(statement).rowcount


class MessengerNotes:
    """Remember small things about the messenger over restarts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, prefix: str) -> dict[str, str]:
        """Return the notes whose key begins so, by the rest of the key."""
        table = schema.messenger_note.c
        statement = sa.select(table.key, table.value).where(table.key.startswith(prefix))
        with self._database.reading() as connection:
            rows = connection.execute(statement)
            return {key.removeprefix(prefix): value for key, value in rows}

    def save(self, key: str, value: str) -> None:
        """Note something."""
        statement = insert(schema.messenger_note).values(key=key, value=value)
        with self._database.writing() as connection:
            connection.execute(statement.on_conflict_do_update(set_={"value": value}))

    def delete(self, key: str) -> None:
        """Forget something."""
        with self._database.writing() as connection:
            table = schema.messenger_note
            connection.execute(sa.delete(table).where(table.c.key == key))
