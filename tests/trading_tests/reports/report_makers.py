"""Short ways to make what reports are drawn from, ordinary and extreme."""

import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from trading.model.account import MarketKey
from trading.model.order import Order, OrderType, Purpose, Side
from trading.model.position import Position, Trade
from trading.reports.status_parts import (
    AccountView,
    FlagView,
    HoldingView,
    InstanceView,
    TradingView,
    TrippedView,
)
from trading.reports.tables import COLUMNS, LINES_MAX

AT = 1_800_000_000.0
HOUR_S = 3_600.0
DAY_S = 86_400.0
LONG_SYMBOL = "1000000PEPEINU/USDT:USDT-271231-0.0000123-C"
HUGE = Decimal("123456789012.34567891")
EXTREMES = (
    Decimal(0),
    Decimal("-0"),
    Decimal("0.000000000000123456789"),
    Decimal("-0.00001234"),
    Decimal("0.99999"),
    Decimal("-9.999999"),
    Decimal("1234.5"),
    HUGE,
    -HUGE,
    Decimal("1e30"),
    Decimal("-1e-30"),
)


def make_trade(profit: str = "10", **changes: Any) -> Trade:
    """Return a closed trade of an hour that earned something."""
    trade = Trade(
        number=1,
        account="main",
        symbol="BTC/USDT",
        instance="ema",
        side=Side.BUY,
        quantity=Decimal(1),
        entry_price=Decimal(100),
        exit_price=Decimal(100) + Decimal(profit),
        opened_at=AT - HOUR_S,
        closed_at=AT,
        gross=Decimal(profit) + Decimal("0.2"),
        fees=Decimal("0.2"),
        profit=Decimal(profit),
        reason="target",
    )
    return replace(trade, **changes)


def make_position(**changes: Any) -> Position:
    """Return a long position with both exits."""
    position = Position(
        account="main",
        symbol="BTC/USDT",
        quantity=Decimal("0.5"),
        entry_price=Decimal(67_000),
        opened_at=AT - HOUR_S,
        stop_price=Decimal(65_000),
        target_price=Decimal(70_000),
    )
    return replace(position, **changes)


def make_holding(position: Position | None = None, **changes: Any) -> HoldingView:
    """Return a position that has earned 500."""
    holding = HoldingView(position or make_position(), 68_000.0, 34_000.0, 500.0, 0.0149)
    return replace(holding, **changes)


def make_order(**changes: Any) -> Order:
    """Return a market order to buy."""
    order = Order(
        id="abcdefgh2345672345",
        account="main",
        symbol="BTC/USDT",
        side=Side.BUY,
        type=OrderType.MARKET,
        purpose=Purpose.ENTRY,
        quantity=Decimal("0.5"),
        created_at=AT - 5,
        reason="crossed above",
    )
    return replace(order, **changes)


def make_account(**changes: Any) -> AccountView:
    """Return an account with one position."""
    account = AccountView(
        name="main",
        exchange="paper",
        is_paper=True,
        currency="USDT",
        cash=Decimal(66_500),
        equity=100_500.0,
        exposure=34_000.0,
        capital=100_000.0,
        day_profit=12.5,
    )
    return replace(account, **changes)


def make_view(**changes: Any) -> TradingView:
    """Return a bot that trades and holds one position."""
    view = TradingView(
        is_running=True,
        is_trading_on=True,
        is_paused=False,
        kill="",
        pairs=5,
        accounts=[make_account()],
        holdings=[make_holding()],
        orders=[],
        at=AT,
    )
    return replace(view, **changes)


def make_extreme_view(value: Decimal, rows: int = 1) -> TradingView:
    """Return a bot of which everything that can be is long, and every figure the same."""
    figure = float(value)
    long_text = "a reason that goes on and on, " * 9 + "x" * 80
    position = make_position(
        account="a" * 40,
        symbol=LONG_SYMBOL,
        quantity=value or Decimal(1),
        entry_price=abs(value) + 1,
        stop_price=value,
        target_price=value,
        trail_price=value,
        is_trail_tight=True,
        instance="i" * 60,
        closing=long_text,
        opened_at=0.0,
    )
    account = make_account(
        name="a" * 40,
        currency="USDT" * 12,
        cash=value,
        equity=figure,
        exposure=figure,
        capital=1e-9,
        day_profit=figure,
    )
    order = make_order(
        symbol=LONG_SYMBOL,
        quantity=value,
        filled=value or Decimal(1),
        type=OrderType.STOP_LIMIT,
        limit_price=value,
        stop_price=value,
        created_at=0.0,
    )
    key = MarketKey("a" * 40, LONG_SYMBOL)
    return TradingView(
        is_running=True,
        is_trading_on=True,
        is_paused=True,
        kill=long_text,
        pairs=10**12,
        accounts=[account, replace(account, name="second", is_paper=False)],
        holdings=[HoldingView(position, figure, figure, figure, figure)] * rows,
        orders=[order] * rows,
        at=AT,
        flags=[FlagView(key, False, False, long_text, "")] * rows,
        tripped=[TrippedView("drawdown", key.account, key.symbol, long_text, long_text)] * rows,
        instances=[InstanceView("n" * 50, "s" * 50, LONG_SYMBOL, "active", long_text)] * rows,
    )


def assert_fits(text: str, *, width: int = COLUMNS, lines_max: int = LINES_MAX) -> None:
    """Check that a phone shows the text without breaking a line."""
    lines = text.split("\n")
    assert len(lines) <= lines_max
    for line in lines:
        assert len(line) <= width, line
        assert line == line.rstrip(), repr(line)
        assert line, "an empty line"


def assert_jsonable(fields: Mapping[str, Any]) -> None:
    """Check that strict JSON can hold the fields."""
    assert json.loads(json.dumps(dict(fields), allow_nan=False)) is not None
