"""The tables of `state.db`. Every change here comes with a step in migrations/.

Rows of the outbox keep the epoch under which they were made: (epoch, seq) names an event for
ever, also after a restored backup. `row_id` is the order of sending within this file.
"""

from typing import Final

from sqlalchemy import (
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

HEAD: Final = "0001"

METADATA: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

OWNER: Final = Table(
    "owner",
    METADATA,
    Column("key", String, primary_key=True),
    Column("value", String, nullable=False),
)

STATE_VALUE: Final = Table(
    "state_value",
    METADATA,
    Column("key", String, primary_key=True),
    Column("value", Text, nullable=False),
)

OUTBOX: Final = Table(
    "outbox",
    METADATA,
    Column("row_id", Integer, primary_key=True, autoincrement=False),
    Column("epoch", String, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    UniqueConstraint("epoch", "seq"),
)

OUTCOME: Final = Table(
    "outcome",
    METADATA,
    Column("command_id", String, primary_key=True),
    Column("verb", String, nullable=False),
    Column("author", String, nullable=False),
    Column("state", String, nullable=False),
    Column("text", Text, nullable=False),
    Column("fields", LargeBinary, nullable=False),
    Column("at", Float, nullable=False),
    Index(None, "at"),
)
