"""Commands name an account, and say whether their author was asked and was sure."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add both to the commands that are there: none of them named one, nobody was asked."""
    account = sa.Column("account", sa.Text, nullable=False, server_default="")
    confirmed = sa.Column("confirmed", sa.Boolean, nullable=False, server_default=sa.false())
    op.add_column("command", account)
    op.add_column("command", confirmed)
