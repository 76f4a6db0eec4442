"""What a fee in a third currency is worth in the quote currency."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column; of fees that were paid before nobody knows it."""
    op.add_column("fill", sa.Column("fee_worth", sa.Text))
