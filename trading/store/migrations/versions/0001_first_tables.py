"""The first tables: owner, values of the engine, outbox, outcomes of commands."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "owner",
        sa.Column("key", sa.String, nullable=False),
        sa.Column("value", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_owner"),
    )
    op.create_table(
        "state_value",
        sa.Column("key", sa.String, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_state_value"),
    )
    op.create_table(
        "outbox",
        sa.Column("row_id", sa.Integer, nullable=False),
        sa.Column("epoch", sa.String, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("row_id", name="pk_outbox"),
        sa.UniqueConstraint("epoch", "seq", name="uq_outbox_epoch_seq"),
    )
    op.create_table(
        "outcome",
        sa.Column("command_id", sa.String, nullable=False),
        sa.Column("verb", sa.String, nullable=False),
        sa.Column("author", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("fields", sa.LargeBinary, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("command_id", name="pk_outcome"),
    )
    op.create_index("ix_outcome_at", "outcome", ["at"])
