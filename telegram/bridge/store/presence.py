"""Which bots are there or missed, in bridge.db: a restart must neither forget nor repeat it."""

from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from telegram.bridge.store import schema
from telegram.bridge.store.database import Database


class PresenceRow(NamedTuple):
    """Hold in what state a bot's presence is, since when it is away, and why."""

    bot: str
    state: str
    since: float
    reason: str


class PresenceTable:
    """Remember the presence of bots over restarts of the bridge."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self) -> list[PresenceRow]:
        """Return all rows, the latest first."""
        table = schema.presence.c
        statement = sa.select(table.bot, table.state, table.since, table.reason)
        with self._database.reading() as connection:
            rows = connection.execute(statement.order_by(table.since.desc()))
            return [PresenceRow(*row) for row in rows]

    def save(self, changed: Sequence[PresenceRow], forgotten: Sequence[str] = ()) -> None:
        """Note what has changed, in one transaction."""
        statement = insert(schema.presence)
        others = ("state", "since", "reason")
        statement = statement.on_conflict_do_update(
            index_elements=["bot"], set_={name: statement.excluded[name] for name in others}
        )
        with self._database.writing() as connection:
            if changed:
                connection.execute(statement, [one._asdict() for one in changed])
            if forgotten:
                gone = schema.presence.c.bot.in_(forgotten)
                connection.execute(sa.delete(schema.presence).where(gone))
