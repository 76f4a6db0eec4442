"""Commands in bridge.db: written before they are sent, kept with their outcome."""

from collections.abc import Sequence

import orjson
import sqlalchemy as sa

from tcpproto.vocabulary import Role
from telegram.bridge.receipts import OPEN, State
from telegram.bridge.records import CommandRecord
from telegram.bridge.store import schema
from telegram.bridge.store.database import Database
from telegram.bridge.store.inbound import InboundRow, insert_inbound

# Spelt out for the driver: a person waits for both writes of a command.
_VALUES = (
    "INTO command (id, bot, verb, args, author, role, chat, message_id, issued_at,"
    " expires_at, state, text, fields, sent_at, finished_at, account, confirmed,"
    " receipt_owed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?"
)
# What is written later than its receipt was crossed off does not owe it again.
_STILL_OWED = (
    "? AND NOT EXISTS (SELECT 1 FROM command"
    " WHERE id = ? AND state = ? AND finished_at = ? AND NOT receipt_owed)"
)
_ADD = f"INSERT {_VALUES}, ?)"
_SAVE = f"REPLACE {_VALUES}, {_STILL_OWED})"
_FIND = "SELECT 1 FROM command WHERE id = ?"
_CROSS_OFF = "UPDATE command SET receipt_owed = 0 WHERE id = ? AND state = ? AND finished_at = ?"


class CommandTable:
    """Save commands and find those whose outcome is still open."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, records: Sequence[CommandRecord]) -> None:
        """Insert or replace commands in one transaction."""
        with self._database.writing_fast() as connection:
            connection.executemany(_SAVE, [_saved(record) for record in records])

    def add(
        self, record: CommandRecord, row: InboundRow, others: Sequence[CommandRecord] = ()
    ) -> bool:
        """Insert a command with what it came of, and save others, in one transaction.

        False when the update was noted before, an error when the command is known: then nothing
        is saved.
        """
        with self._database.writing_fast() as connection:
            if not insert_inbound(connection, row):
                return False
            connection.execute(_ADD, _row_of(record))
            if others:
                connection.executemany(_SAVE, [_saved(one) for one in others])
            return True

    def read_open(self) -> list[CommandRecord]:
        """Return commands without an outcome, oldest first."""
        return self._read(schema.command.c.state.in_([state.value for state in OPEN]))

    def knows(self, command_id: str) -> bool:
        """Tell whether a command is kept; asked of every line that comes in."""
        return self._database.find(_FIND, (command_id,)) is not None

    def read_one(self, command_id: str) -> CommandRecord | None:
        """Return one command, if it is kept."""
        found = self._read(schema.command.c.id == command_id)
        return found[0] if found else None

    def read_at(self, chat: str, message_id: int) -> CommandRecord | None:
        """Return the command whose receipt stands in a message of a chat."""
        table = schema.command.c
        found = self._read(sa.and_(table.chat == chat, table.message_id == message_id))
        return found[-1] if found else None

    def read_owed(self, since: float, limit: int) -> list[CommandRecord]:
        """Return the newest commands since a time whose receipts are owed, oldest first."""
        table = schema.command.c
        statement = (
            sa.select(schema.command)
            .where(table.receipt_owed, table.finished_at >= since)
            .order_by(table.finished_at.desc(), table.id.desc())
            .limit(limit)
        )
        with self._database.reading() as connection:
            newest = [_record_of(row) for row in connection.execute(statement).mappings()]
        return newest[::-1]

    def note_shown(self, record: CommandRecord) -> None:
        """Note that the receipt of an outcome is owed no more, unless it has changed since."""
        with self._database.writing_fast() as connection:
            connection.execute(_CROSS_OFF, (record.id, record.state.value, record.finished_at))

    def last_message_id(self, chat: str) -> int:
        """Return the greatest message id that a command of a chat refers to, or 0."""
        table = schema.command.c
        statement = sa.select(sa.func.max(table.message_id)).where(table.chat == chat)
        with self._database.reading() as connection:
            return connection.execute(statement).scalar() or 0

    def prune(self, before: float, limit: int) -> int:
        """Delete up to `limit` commands that ended before a time; return how many."""
        table = schema.command.c
        old = sa.select(table.id).where(table.finished_at < before).limit(limit)
        with self._database.writing() as connection:
            return connection.execute(sa.delete(schema.command).where(table.id.in_(old))).rowcount

    def _read(self, condition: sa.ColumnElement[bool]) -> list[CommandRecord]:
        statement = sa.select(schema.command).where(condition)
        statement = statement.order_by(schema.command.c.issued_at, schema.command.c.id)
        with self._database.reading() as connection:
            return [_record_of(row) for row in connection.execute(statement).mappings()]


def _row_of(record: CommandRecord) -> tuple[object, ...]:
    """Return the columns in the order of _VALUES."""
    return (
        record.id,
        record.bot,
        record.verb,
        orjson.dumps(record.args).decode(),
        record.author,
        record.role.value,
        record.chat,
        record.message_id,
        record.issued_at,
        record.expires_at,
        record.state.value,
        record.text,
        orjson.dumps(record.fields).decode(),
        record.sent_at,
        record.finished_at,
        record.account,
        record.confirmed,
        record.receipt_owed,
    )


def _saved(record: CommandRecord) -> tuple[object, ...]:
    """Return what _SAVE takes."""
    return (*_row_of(record), record.id, record.state.value, record.finished_at)


def _record_of(row: sa.RowMapping) -> CommandRecord:
    return CommandRecord(
        id=row["id"],
        bot=row["bot"],
        verb=row["verb"],
        args=tuple(orjson.loads(row["args"])),
        author=row["author"],
        role=Role(row["role"]),
        chat=row["chat"],
        message_id=row["message_id"],
        issued_at=row["issued_at"],
        expires_at=row["expires_at"],
        state=State(row["state"]),
        text=row["text"],
        fields=orjson.loads(row["fields"]),
        sent_at=row["sent_at"],
        finished_at=row["finished_at"],
        account=row["account"],
        confirmed=row["confirmed"],
        receipt_owed=row["receipt_owed"],
    )
