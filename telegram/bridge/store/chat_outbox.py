"""What the chats of a messenger note in bridge.db: their place, and which messages are theirs."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from telegram.bridge.chat_outbox.catch_up import KindCount
from telegram.bridge.store import schema
from telegram.bridge.store.database import Database

# Spelt out for the driver: they come after every message, and hold up the next one.
_SAVE_MESSAGE = (
    "INSERT INTO chat_message (chat, number, message_id, slot) VALUES (?, ?, ?, ?)"
    " ON CONFLICT DO UPDATE SET message_id = excluded.message_id, slot = excluded.slot"
)
_FORGET_MESSAGES = "DELETE FROM chat_message WHERE chat = ? AND number < ? AND slot = ''"


@dataclass(frozen=True, slots=True)
class Target:
    """Hold what is remembered of one chat."""

    chat_id: int
    disabled_because: str = ""
    reserved_number: int = 0


@dataclass(frozen=True, slots=True)
class KeptMessage:
    """Hold which message of the messenger one of ours became."""

    number: int
    message_id: int
    slot: str = ""


class ChatOutboxTable:
    """Write for one thread; every call is one short transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read_target(self, chat: str) -> Target | None:
        """Return what is remembered of a chat."""
        table = schema.chat_target.c
        statement = sa.select(table.chat_id, table.disabled_because, table.reserved_number)
        with self._database.reading() as connection:
            row = connection.execute(statement.where(table.chat == chat)).one_or_none()
            return None if row is None else Target(*row)

    def save_target(self, chat: str, target: Target) -> None:
        """Note where a chat is now."""
        values = {
            "chat_id": target.chat_id,
            "disabled_because": target.disabled_because,
            "reserved_number": target.reserved_number,
        }
        statement = insert(schema.chat_target).values(chat=chat, **values)
        with self._database.writing() as connection:
            connection.execute(statement.on_conflict_do_update(set_=values))

    def read_messages(self, chat: str, limit: int) -> list[KeptMessage]:
        """Return the newest messages of a chat, oldest first, and all that are kept up to date."""
        table = schema.chat_message.c
        chosen = sa.select(table.number, table.message_id, table.slot).where(table.chat == chat)
        newest = chosen.order_by(table.number.desc()).limit(limit)
        slots = chosen.where(table.slot != "")
        with self._database.reading() as connection:
            rows = [*connection.execute(newest), *connection.execute(slots)]
        return [KeptMessage(*row) for row in sorted({tuple(row) for row in rows})]

    def save_message(self, chat: str, message: KeptMessage, *, keep: int) -> None:
        """Note which message ours became, and forget those more than `keep` numbers older."""
        row = (chat, message.number, message.message_id, message.slot)
        with self._database.writing_fast() as connection:
            connection.execute(_SAVE_MESSAGE, row)
            connection.execute(_FORGET_MESSAGES, (chat, message.number - keep))

    def forget_messages(self, chat: str) -> None:
        """Forget which messages are ours: they were left behind."""
        table = schema.chat_message
        with self._database.writing() as connection:
            connection.execute(sa.delete(table).where(table.c.chat == chat))

    def begin_cursors(self, names: Sequence[str]) -> None:
        """Have what has shown nothing yet begin after the newest event."""
        last_id = self.last_event_id()
        rows = [{"chat": name, "shown_id": last_id, "tried_id": last_id} for name in names]
        with self._database.writing() as connection:
            connection.execute(insert(schema.chat_cursor).on_conflict_do_nothing(), rows)

    def has_cursor(self, name: str) -> bool:
        """Tell whether it is noted how far a chat has come."""
        table = schema.chat_cursor.c
        statement = sa.select(table.chat).where(table.chat == name)
        with self._database.reading() as connection:
            return connection.execute(statement).first() is not None

    def last_event_id(self) -> int:
        """Return the id of the newest event, or 0."""
        with self._database.reading() as connection:
            return connection.execute(sa.select(sa.func.max(schema.event.c.id))).scalar() or 0

    def count_after(self, event_id: int) -> list[KindCount]:
        """Count the events that follow an id, by kind and severity."""
        table = schema.event.c
        statement = (
            sa.select(table.kind, table.severity, sa.func.count(), sa.func.min(table.raised_at))
            .where(table.id > event_id)
            .group_by(table.kind, table.severity)
        )
        with self._database.reading() as connection:
            return [KindCount(*row) for row in connection.execute(statement)]
