"""Short ways to make what the risk gate is shown."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from trading.model.account import Account, MarketType
from trading.model.instrument import Instrument
from trading.model.order import Order, OrderIntent, Purpose, Side
from trading.model.position import Position
from trading.risk.approval import ApprovedOrder
from trading.risk.gate import Refusal, RiskGate
from trading.risk.settings import RiskSettings
from trading.risk.sizing import reserve_of
from trading.risk.view import RiskView

D = Decimal
NOW = 1_800_000_000.0
SYMBOL = "BTC/USDT"
SPOT = Account("main", "paper", MarketType.SPOT, True, "USDT", False, D(1))
SWAP = Account("main", "paper", MarketType.SWAP, True, "USDT", True, D(3))
BTC = Instrument(SYMBOL, "BTC", "USDT", D("0.01"), D("0.0001"), D("0.0002"), D(5))
SETTINGS = RiskSettings(trade_amount=D(100))
PERSON: dict[str, Any] = {"is_forced": True, "author": "42", "instance": ""}


def make_view(**parts: Any) -> RiskView:
    """Return a view in which nothing is wrong: 10,000 in cash, nothing held, a price of 100."""
    view = RiskView(
        account=SPOT,
        instrument=BTC,
        position=None,
        open_orders=(),
        cash=D(10_000),
        equity=10_000.0,
        exposure=0.0,
        reserved=D(0),
        price=100.0,
        quote_age_s=0.5,
        trading_on=True,
        is_paused=False,
        trading_allowed=True,
        buying_off="",
        selling_off="",
        barred=(),
        kill="",
        trouble="",
        at=NOW,
    )
    return replace(view, **parts)


def make_intent(side: Side = Side.BUY, **parts: Any) -> OrderIntent:
    """Return what the instance `trend` wants: by default an entry at the market."""
    intent = OrderIntent("main", SYMBOL, side, Purpose.ENTRY, instance="trend")
    return replace(intent, **parts)


def make_exit(side: Side = Side.SELL, **parts: Any) -> OrderIntent:
    """Return what the instance `trend` wants: out, at the market."""
    return make_intent(side, purpose=Purpose.EXIT, **parts)


def make_position(quantity: str = "2", **parts: Any) -> Position:
    """Return a position of the instance `trend`."""
    position = Position("main", SYMBOL, D(quantity), D(100), NOW - 60, instance="trend")
    return replace(position, **parts)


def holding(quantity: str = "2", **parts: Any) -> RiskView:
    """Return a view with a position of the instance `trend` in it."""
    position = make_position(quantity)
    figures = {"exposure": abs(float(quantity)) * 100, "cash": D(5_000)}
    return make_view(**(figures | {"position": position} | parts))


def review(
    intent: OrderIntent, view: RiskView, settings: RiskSettings = SETTINGS
) -> ApprovedOrder | Refusal:
    """Let a gate decide."""
    return RiskGate(settings).review(intent, view, "order1")


def approved(intent: OrderIntent, view: RiskView, settings: RiskSettings = SETTINGS) -> Order:
    """Return the order that the gate approves."""
    answer = review(intent, view, settings)
    assert isinstance(answer, ApprovedOrder), answer
    return answer.order


def refused(intent: OrderIntent, view: RiskView, settings: RiskSettings = SETTINGS) -> Refusal:
    """Return the gate's refusal: one line."""
    answer = review(intent, view, settings)
    assert isinstance(answer, Refusal), answer.order
    assert answer.text
    assert "\n" not in answer.text
    return answer


def with_order(view: RiskView, order: Order) -> RiskView:
    """Return the view after an order was approved and stored."""
    return replace(
        view,
        open_orders=(*view.open_orders, order),
        reserved=view.reserved + reserve_of([order]),
    )
