"""What is traded: orders, their fills, positions, and the trades they became."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the tables; there is nothing yet to bring into them."""
    _create_orders()
    _create_fills()
    _create_positions()
    _create_trades()


def _create_orders() -> None:
    op.create_table(
        "trade_order",
        sa.Column("account", sa.String, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("symbol", sa.String, nullable=False),
        sa.Column("side", sa.String, nullable=False),
        sa.Column("type", sa.String, nullable=False),
        sa.Column("purpose", sa.String, nullable=False),
        sa.Column("quantity", sa.Text, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("limit_price", sa.Text),
        sa.Column("stop_price", sa.Text),
        sa.Column("reduce_only", sa.Boolean, nullable=False),
        sa.Column("instance", sa.String, nullable=False),
        sa.Column("author", sa.String, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("exit_plan", sa.Text),
        sa.Column("reserve_price", sa.Text, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("filled", sa.Text, nullable=False),
        sa.Column("cost", sa.Text, nullable=False),
        sa.Column("fees", sa.Text, nullable=False),
        sa.Column("venue_id", sa.String, nullable=False),
        sa.Column("accepted_at", sa.Float),
        sa.Column("updated_at", sa.Float, nullable=False),
        sa.Column("is_triggered", sa.Boolean, nullable=False),
        sa.Column("is_cancelling", sa.Boolean, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("account", "id", name="pk_trade_order"),
    )
    op.create_index("ix_trade_order_state_updated_at", "trade_order", ["state", "updated_at"])
    op.create_index("ix_trade_order_updated_at", "trade_order", ["updated_at"])


def _create_fills() -> None:
    op.create_table(
        "fill",
        sa.Column("account", sa.String, nullable=False),
        sa.Column("fill_id", sa.String, nullable=False),
        sa.Column("order_id", sa.String, nullable=False),
        sa.Column("symbol", sa.String, nullable=False),
        sa.Column("side", sa.String, nullable=False),
        sa.Column("quantity", sa.Text, nullable=False),
        sa.Column("price", sa.Text, nullable=False),
        sa.Column("fee", sa.Text, nullable=False),
        sa.Column("fee_currency", sa.String, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("is_maker", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("account", "fill_id", name="pk_fill"),
    )
    op.create_index("ix_fill_account_order_id", "fill", ["account", "order_id"])
    op.create_index("ix_fill_at", "fill", ["at"])


def _create_positions() -> None:
    op.create_table(
        "position",
        sa.Column("account", sa.String, nullable=False),
        sa.Column("symbol", sa.String, nullable=False),
        sa.Column("quantity", sa.Text, nullable=False),
        sa.Column("entry_price", sa.Text, nullable=False),
        sa.Column("opened_at", sa.Float, nullable=False),
        sa.Column("instance", sa.String, nullable=False),
        sa.Column("entry_quantity", sa.Text, nullable=False),
        sa.Column("entry_cost", sa.Text, nullable=False),
        sa.Column("exit_quantity", sa.Text, nullable=False),
        sa.Column("exit_cost", sa.Text, nullable=False),
        sa.Column("fees", sa.Text, nullable=False),
        sa.Column("realised", sa.Text, nullable=False),
        sa.Column("stop_price", sa.Text),
        sa.Column("target_price", sa.Text),
        sa.Column("trail", sa.Text),
        sa.Column("is_trail_tight", sa.Boolean, nullable=False),
        sa.Column("best_price", sa.Float, nullable=False),
        sa.Column("trail_price", sa.Text),
        sa.Column("closing", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("account", "symbol", name="pk_position"),
    )


def _create_trades() -> None:
    op.create_table(
        "trade",
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("account", sa.String, nullable=False),
        sa.Column("symbol", sa.String, nullable=False),
        sa.Column("instance", sa.String, nullable=False),
        sa.Column("side", sa.String, nullable=False),
        sa.Column("quantity", sa.Text, nullable=False),
        sa.Column("entry_price", sa.Text, nullable=False),
        sa.Column("exit_price", sa.Text, nullable=False),
        sa.Column("opened_at", sa.Float, nullable=False),
        sa.Column("closed_at", sa.Float, nullable=False),
        sa.Column("gross", sa.Text, nullable=False),
        sa.Column("fees", sa.Text, nullable=False),
        sa.Column("profit", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_trade"),
    )
