"""What people and chats have set for themselves, in bridge.db: one row for each wish."""

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from telegram.bridge.store import schema
from telegram.bridge.store.database import Database


class PreferenceTable:
    """Remember wishes by their owner, who is a person or a chat."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self) -> dict[tuple[str, str], str]:
        """Return all wishes by owner and name."""
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(schema.preference))
            return {(owner, name): value for owner, name, value in rows}

    def save(self, owner: str, name: str, value: str) -> None:
        """Note a wish; an empty one is forgotten."""
        table = schema.preference
        with self._database.writing() as connection:
            if not value:
                is_it = (table.c.owner == owner) & (table.c.name == name)
                connection.execute(sa.delete(table).where(is_it))
                return
            statement = insert(table).values(owner=owner, name=name, value=value)
            connection.execute(statement.on_conflict_do_update(set_={"value": value}))
