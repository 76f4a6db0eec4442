"""Commands tell whether their message in the chat has still to say how they ended."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add it to the commands that are there: of none is it known, so none is edited again."""
    owed = sa.Column("receipt_owed", sa.Boolean, nullable=False, server_default=sa.false())
    op.add_column("command", owed)
