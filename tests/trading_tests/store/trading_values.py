"""Orders, fills, positions and trades for tests of the store: made short, and of every kind."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from tests.trading_tests.makers import NOW
from trading.model.order import ExitPlan, Fill, Order, OrderType, Purpose, Side, TrailPlan
from trading.model.order_states import OrderState
from trading.model.position import Position, Trade
from trading.risk.approval import ApprovedOrder, approve

ORDER = Order(
    id="o1",
    account="main",
    symbol="BTC/USDT",
    side=Side.BUY,
    type=OrderType.MARKET,
    purpose=Purpose.ENTRY,
    quantity=Decimal("0.5"),
    created_at=NOW,
    updated_at=NOW,
)
FILL = Fill(
    fill_id="f1",
    account="main",
    order_id="o1",
    symbol="BTC/USDT",
    side=Side.BUY,
    quantity=Decimal("0.5"),
    price=Decimal("64250.5"),
    fee=Decimal("0.96"),
    fee_currency="USDT",
    at=NOW,
)
POSITION = Position(
    account="main",
    symbol="BTC/USDT",
    quantity=Decimal("0.5"),
    entry_price=Decimal("64250.5"),
    opened_at=NOW,
)
TRADE = Trade(
    number=1,
    account="main",
    symbol="BTC/USDT",
    instance="ema",
    side=Side.BUY,
    quantity=Decimal("0.5"),
    entry_price=Decimal(64000),
    exit_price=Decimal(65000),
    opened_at=NOW,
    closed_at=NOW + 60,
    gross=Decimal(500),
    fees=Decimal("1.5"),
    profit=Decimal("498.5"),
    reason="target",
)


def make_order(order_id: str = "o1", **more: Any) -> Order:
    """Return an order to buy."""
    return replace(ORDER, id=order_id, **more)


def make_trade(number: int, **more: Any) -> Trade:
    """Return a closed trade, a minute after the one before."""
    return replace(TRADE, number=number, closed_at=NOW + 60 * number, **more)


def approved_entry(order_id: str) -> ApprovedOrder:
    """Return an order that raises risk."""
    return approve(make_order(order_id))


def approved_exit(order_id: str) -> ApprovedOrder:
    """Return an order that reduces risk."""
    return approve(make_order(order_id, side=Side.SELL, purpose=Purpose.EXIT, reduce_only=True))


amounts = st.decimals(allow_nan=False, allow_infinity=False)
optional_amounts = st.none() | amounts
moments = st.floats(-1e12, 1e12)
texts = st.text(st.characters(codec="utf-8"), max_size=12)
plain = st.text("abcdefghij 0123456789/-_é→\n", max_size=12)
trails = st.builds(TrailPlan, amounts, amounts, optional_amounts)
plans = st.builds(
    ExitPlan,
    optional_amounts,
    optional_amounts,
    optional_amounts,
    optional_amounts,
    st.none() | trails,
)
orders = st.builds(
    Order,
    id=texts,
    account=texts,
    symbol=texts,
    side=st.sampled_from(Side),
    type=st.sampled_from(OrderType),
    purpose=st.sampled_from(Purpose),
    quantity=amounts,
    created_at=moments,
    limit_price=optional_amounts,
    stop_price=optional_amounts,
    reduce_only=st.booleans(),
    instance=texts,
    author=texts,
    reason=plain,
    exit_plan=st.none() | plans,
    reserve_price=amounts,
    state=st.sampled_from(OrderState),
    filled=amounts,
    cost=amounts,
    fees=amounts,
    venue_id=texts,
    accepted_at=st.none() | moments,
    updated_at=moments,
    is_triggered=st.booleans(),
    is_cancelling=st.booleans(),
    note=plain,
)
fills = st.builds(
    Fill,
    fill_id=texts,
    account=texts,
    order_id=texts,
    symbol=texts,
    side=st.sampled_from(Side),
    quantity=amounts,
    price=amounts,
    fee=amounts,
    fee_currency=texts,
    at=moments,
    is_maker=st.booleans(),
    fee_worth=optional_amounts,
)
positions = st.builds(
    Position,
    account=texts,
    symbol=texts,
    quantity=amounts,
    entry_price=amounts,
    opened_at=moments,
    instance=texts,
    entry_quantity=amounts,
    entry_cost=amounts,
    exit_quantity=amounts,
    exit_cost=amounts,
    fees=amounts,
    realised=amounts,
    stop_price=optional_amounts,
    target_price=optional_amounts,
    trail=st.none() | trails,
    is_trail_tight=st.booleans(),
    best_price=moments,
    trail_price=optional_amounts,
    closing=plain,
)
trades = st.builds(
    Trade,
    number=st.integers(1, 2**62),
    account=texts,
    symbol=texts,
    instance=texts,
    side=st.sampled_from(Side),
    quantity=amounts,
    entry_price=amounts,
    exit_price=amounts,
    opened_at=moments,
    closed_at=moments,
    gross=amounts,
    fees=amounts,
    profit=amounts,
    reason=plain,
)
