"""The first tables of bridge.db."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create all tables."""
    _create_events()
    _create_commands()
    _create_settings()


def _create_events() -> None:
    op.create_table(
        "event",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("bot", sa.Text, nullable=False),
        sa.Column("epoch", sa.Text, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("fields", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("raised_at", sa.Float, nullable=False),
        sa.Column("stored_at", sa.Float, nullable=False),
        sa.UniqueConstraint("bot", "epoch", "seq", name="event_once"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "cursor",
        sa.Column("bot", sa.Text, primary_key=True),
        sa.Column("epoch", sa.Text, primary_key=True),
        sa.Column("last_seq", sa.Integer, nullable=False),
        sa.Column("updated_at", sa.Float, nullable=False),
    )
    op.create_table(
        "chat_cursor",
        sa.Column("chat", sa.Text, primary_key=True),
        sa.Column("shown_id", sa.Integer, nullable=False),
        sa.Column("tried_id", sa.Integer, nullable=False),
    )


def _create_commands() -> None:
    op.create_table(
        "command",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("bot", sa.Text, nullable=False),
        sa.Column("verb", sa.Text, nullable=False),
        sa.Column("args", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("chat", sa.Text, nullable=False),
        sa.Column("message_id", sa.Integer),
        sa.Column("issued_at", sa.Float, nullable=False),
        sa.Column("expires_at", sa.Float, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("fields", sa.Text, nullable=False),
        sa.Column("sent_at", sa.Float),
        sa.Column("finished_at", sa.Float),
    )
    op.create_index("command_by_state", "command", ["state"])


def _create_settings() -> None:
    op.create_table(
        "bot",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("software", sa.Text, nullable=False),
        sa.Column("seen_at", sa.Float, nullable=False),
        sa.Column("status_at", sa.Float),
        sa.Column("status_text", sa.Text, nullable=False),
        sa.Column("status_fields", sa.Text, nullable=False),
    )
    op.create_table(
        "choice",
        sa.Column("chat", sa.Text, primary_key=True),
        sa.Column("author", sa.Text, primary_key=True),
        sa.Column("bot", sa.Text, nullable=False),
    )
    op.create_table(
        "follow",
        sa.Column("chat", sa.Text, primary_key=True),
        sa.Column("level", sa.Text, nullable=False),
        sa.Column("bot", sa.Text),
        sa.Column("until", sa.Float),
    )
