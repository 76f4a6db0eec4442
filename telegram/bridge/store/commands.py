"""Commands in bridge.db: written before they are sent, kept with their outcome."""

from collections.abc import Sequence
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from tcpproto.vocabulary import Role
from telegram.bridge.receipts import OPEN, State
from telegram.bridge.records import CommandRecord
from telegram.bridge.store import schema
from telegram.bridge.store.database import Database


class CommandTable:
    """Save commands and find those whose outcome is still open."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, records: Sequence[CommandRecord]) -> None:
        """Insert or replace commands in one transaction."""
        statement = insert(schema.command)
        changing = [column.name for column in schema.command.c if column.name != "id"]
        statement = statement.on_conflict_do_update(
            index_elements=["id"], set_={name: statement.excluded[name] for name in changing}
        )
        with self._database.writing() as connection:
            connection.execute(statement, [_row_of(record) for record in records])

    def read_open(self) -> list[CommandRecord]:
        """Return commands without an outcome, oldest first."""
        return self._read(schema.command.c.state.in_([state.value for state in OPEN]))

    def read_one(self, command_id: str) -> CommandRecord | None:
        """Return one command, if it is kept."""
        found = self._read(schema.command.c.id == command_id)
        return found[0] if found else None

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


def _row_of(record: CommandRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "bot": record.bot,
        "verb": record.verb,
        "args": orjson.dumps(record.args).decode(),
        "author": record.author,
        "role": record.role.value,
        "chat": record.chat,
        "message_id": record.message_id,
        "issued_at": record.issued_at,
        "expires_at": record.expires_at,
        "state": record.state.value,
        "text": record.text,
        "fields": orjson.dumps(record.fields).decode(),
        "sent_at": record.sent_at,
        "finished_at": record.finished_at,
        "account": record.account,
        "confirmed": record.confirmed,
    }


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
    )
