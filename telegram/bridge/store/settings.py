"""What people chose and what chats have shown, in bridge.db; and the bots that were seen."""

from collections.abc import Sequence

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from telegram.bridge.records import FollowSetting, SeenBot
from telegram.bridge.store import schema
from telegram.bridge.store.database import Database

# Spelt out for the driver: it comes before and after every message with events.
_SAVE_CURSOR = (
    "INSERT INTO chat_cursor (chat, shown_id, tried_id) VALUES (?, ?, ?)"
    " ON CONFLICT DO UPDATE SET shown_id = excluded.shown_id, tried_id = excluded.tried_id"
)


class ChoiceTable:
    """Remember which bot a person selected in a chat."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self) -> dict[tuple[str, str], str]:
        """Return the selected bot by chat and author."""
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(schema.choice))
            return {(chat, author): bot for chat, author, bot in rows}

    def save(self, chat: str, author: str, bot: str) -> None:
        """Note a selection."""
        statement = insert(schema.choice).values(chat=chat, author=author, bot=bot)
        with self._database.writing() as connection:
            connection.execute(statement.on_conflict_do_update(set_={"bot": bot}))


class FollowTable:
    """Remember which chats follow the log lines."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self) -> list[FollowSetting]:
        """Return the settings of all chats that follow."""
        table = schema.follow.c
        statement = sa.select(table.chat, table.level, table.bot, table.until)
        with self._database.reading() as connection:
            return [FollowSetting(*row) for row in connection.execute(statement)]

    def save(self, setting: FollowSetting) -> None:
        """Note that a chat follows."""
        values = {"level": setting.level, "bot": setting.bot, "until": setting.until}
        statement = insert(schema.follow).values(chat=setting.chat, **values)
        with self._database.writing() as connection:
            connection.execute(statement.on_conflict_do_update(set_=values))

    def delete(self, chat: str) -> None:
        """Note that a chat no longer follows."""
        with self._database.writing() as connection:
            connection.execute(sa.delete(schema.follow).where(schema.follow.c.chat == chat))


class ChatCursorTable:
    """Remember how far a chat has shown the events."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, chat: str) -> tuple[int, int]:
        """Return the last id that was shown, and the last that was perhaps shown."""
        table = schema.chat_cursor.c
        statement = sa.select(table.shown_id, table.tried_id).where(table.chat == chat)
        with self._database.reading() as connection:
            row = connection.execute(statement).one_or_none()
            return (0, 0) if row is None else (row[0], row[1])

    def save(self, chat: str, shown_id: int, tried_id: int) -> None:
        """Note how far a chat has come."""
        with self._database.writing_fast() as connection:
            connection.execute(_SAVE_CURSOR, (chat, shown_id, tried_id))


class BotTable:
    """Remember bots over restarts of the bridge: their name, account and last status."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self) -> list[SeenBot]:
        """Return the bots that were seen, the latest first."""
        statement = sa.select(schema.bot).order_by(schema.bot.c.seen_at.desc())
        with self._database.reading() as connection:
            return [
                SeenBot(
                    name=row["name"],
                    software=row["software"],
                    seen_at=row["seen_at"],
                    status_at=row["status_at"],
                    status_text=row["status_text"],
                    status_fields=orjson.loads(row["status_fields"]),
                )
                for row in connection.execute(statement).mappings()
            ]

    def save(self, bots: Sequence[SeenBot]) -> None:
        """Note bots as they are now, in one transaction."""
        statement = insert(schema.bot)
        changing = [column.name for column in schema.bot.c if column.name != "name"]
        statement = statement.on_conflict_do_update(
            index_elements=["name"], set_={name: statement.excluded[name] for name in changing}
        )
        rows = [
            {
                "name": one.name,
                "software": one.software,
                "seen_at": one.seen_at,
                "status_at": one.status_at,
                "status_text": one.status_text,
                "status_fields": orjson.dumps(one.status_fields).decode(),
            }
            for one in bots
        ]
        with self._database.writing() as connection:
            connection.execute(statement, rows)

    def prune(self, before: float) -> int:
        """Forget bots that were not seen since a time; return how many."""
        with self._database.writing() as connection:
            statement = sa.delete(schema.bot).where(schema.bot.c.seen_at < before)
            return connection.execute(statement).rowcount
