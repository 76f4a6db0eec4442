"""The tables of `state.db`. Every change here comes with a step in migrations/.

Rows of the outbox keep the epoch under which they were made: (epoch, seq) names an event for
ever, also after a restored backup. `row_id` is the order of sending within this file. Money is
text, because a float would round it; plans of exits are JSON.
"""

from typing import Final

from sqlalchemy import (
    Boolean,
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

HEAD: Final = "0003"

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

TRADE_ORDER: Final = Table(
    "trade_order",
    METADATA,
    Column("account", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("symbol", String, nullable=False),
    Column("side", String, nullable=False),
    Column("type", String, nullable=False),
    Column("purpose", String, nullable=False),
    Column("quantity", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("limit_price", Text),
    Column("stop_price", Text),
    Column("reduce_only", Boolean, nullable=False),
    Column("instance", String, nullable=False),
    Column("author", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("exit_plan", Text),
    Column("reserve_price", Text, nullable=False),
    Column("state", String, nullable=False),
    Column("filled", Text, nullable=False),
    Column("cost", Text, nullable=False),
    Column("fees", Text, nullable=False),
    Column("venue_id", String, nullable=False),
    Column("accepted_at", Float),
    Column("updated_at", Float, nullable=False),
    Column("is_triggered", Boolean, nullable=False),
    Column("is_cancelling", Boolean, nullable=False),
    Column("note", Text, nullable=False),
    Index(None, "state", "updated_at"),
    Index(None, "updated_at"),
)

FILL: Final = Table(
    "fill",
    METADATA,
    Column("account", String, primary_key=True),
    Column("fill_id", String, primary_key=True),
    Column("order_id", String, nullable=False),
    Column("symbol", String, nullable=False),
    Column("side", String, nullable=False),
    Column("quantity", Text, nullable=False),
    Column("price", Text, nullable=False),
    Column("fee", Text, nullable=False),
    Column("fee_currency", String, nullable=False),
    Column("at", Float, nullable=False),
    Column("is_maker", Boolean, nullable=False),
    Column("fee_worth", Text),
    Index(None, "account", "order_id"),
    Index(None, "at"),
)

POSITION: Final = Table(
    "position",
    METADATA,
    Column("account", String, primary_key=True),
    Column("symbol", String, primary_key=True),
    Column("quantity", Text, nullable=False),
    Column("entry_price", Text, nullable=False),
    Column("opened_at", Float, nullable=False),
    Column("instance", String, nullable=False),
    Column("entry_quantity", Text, nullable=False),
    Column("entry_cost", Text, nullable=False),
    Column("exit_quantity", Text, nullable=False),
    Column("exit_cost", Text, nullable=False),
    Column("fees", Text, nullable=False),
    Column("realised", Text, nullable=False),
    Column("stop_price", Text),
    Column("target_price", Text),
    Column("trail", Text),
    Column("is_trail_tight", Boolean, nullable=False),
    Column("best_price", Float, nullable=False),
    Column("trail_price", Text),
    Column("closing", Text, nullable=False),
)

TRADE: Final = Table(
    "trade",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("account", String, nullable=False),
    Column("symbol", String, nullable=False),
    Column("instance", String, nullable=False),
    Column("side", String, nullable=False),
    Column("quantity", Text, nullable=False),
    Column("entry_price", Text, nullable=False),
    Column("exit_price", Text, nullable=False),
    Column("opened_at", Float, nullable=False),
    Column("closed_at", Float, nullable=False),
    Column("gross", Text, nullable=False),
    Column("fees", Text, nullable=False),
    Column("profit", Text, nullable=False),
    Column("reason", Text, nullable=False),
)
