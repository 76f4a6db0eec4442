"""Chats of a messenger: where they are now, and which of its messages ours are."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "chat_target",
        sa.Column("chat", sa.Text, primary_key=True),
        sa.Column("chat_id", sa.Integer, nullable=False),
        sa.Column("disabled_because", sa.Text, nullable=False),
        sa.Column("reserved_number", sa.Integer, nullable=False),
    )
    op.create_table(
        "chat_message",
        sa.Column("chat", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("message_id", sa.Integer, nullable=False),
        sa.Column("slot", sa.Text, nullable=False),
    )
