"""Which bots are there, which were lost without a goodbye, and whether that was said."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the table; a bot without a row has not been heard of since."""
    op.create_table(
        "presence",
        sa.Column("bot", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("since", sa.Float, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )
