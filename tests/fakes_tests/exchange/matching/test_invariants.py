"""Whatever is ordered and however prices move: nothing is made, lost, or held twice."""

from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from daemonkit.clock import ManualClock
from tests.fakes.exchange.engine import Engine
from tests.fakes.exchange.terms import (
    Account,
    BookingKind,
    Fees,
    Market,
    MarketKind,
    OrderKind,
    OrderState,
    RefusedError,
    Side,
    TimeInForce,
    Wish,
)

D = Decimal
SYMBOL = "BTC/USD"
PRICES = st.integers(min_value=80, max_value=120).map(D)
QUANTITIES = st.integers(min_value=1, max_value=400).map(lambda number: D(number) / 100)

WISHES = st.builds(
    Wish,
    symbol=st.just(SYMBOL),
    side=st.sampled_from(Side),
    kind=st.sampled_from(OrderKind),
    quantity=QUANTITIES,
    price=PRICES,
    trigger=PRICES,
    tif=st.sampled_from(TimeInForce),
    is_reduce_only=st.booleans(),
    leverage=st.sampled_from([None, None, D(2), D(5)]),
    group=st.sampled_from(["", "", "", "g"]),
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("price"), PRICES, st.one_of(st.none(), QUANTITIES)),
        st.tuples(st.just("submit"), WISHES),
        st.tuples(st.just("cancel"), st.integers(min_value=0, max_value=9)),
    ),
    max_size=40,
)


@given(steps=STEPS, paid_in=st.sampled_from(["quote", "base", "received", "BNB"]))
@settings(max_examples=200)
def test_money_orders_and_positions_always_agree(steps: list[Any], paid_in: str) -> None:
    engine, account = build(paid_in)
    for step in steps:
        do(engine, account, step)
        check(engine, account)


@given(steps=STEPS)
@settings(max_examples=100)
def test_spot_alone_never_owes_and_never_holds_more_than_there_is(steps: list[Any]) -> None:
    engine, account = build("quote", MarketKind.SPOT)
    for step in steps:
        do(engine, account, step)
        for currency, balance in engine.balances(account).items():
            assert balance.total >= 0, currency
        held = engine.balances(account).get("BTC")
        assert held is None or held.used <= held.total


def build(paid_in: str, kind: MarketKind = MarketKind.MARGIN) -> tuple[Engine, Account]:
    market = Market(SYMBOL, "BTC", "USD", D(1), D("0.01"), D("0.01"), kind=kind, leverage_max=5)
    engine = Engine(ManualClock(1_800_000_000.0), [market])
    engine.tapes[SYMBOL].half_spread = D("0.5")
    account = engine.add_account("main", Fees(D("0.001"), D("0.002"), paid_in, D(10)))
    for currency, amount in (("USD", D(500)), ("BTC", D(2)), ("BNB", D("0.05"))):
        engine.deposit(account, currency, amount)
    engine.price(SYMBOL, D(100))
    return engine, account


def do(engine: Engine, account: Account, step: tuple[Any, ...]) -> None:
    assert isinstance(engine.clock, ManualClock)
    engine.clock.advance(1)
    if step[0] == "price":
        engine.price(SYMBOL, step[1], step[2])
    elif step[0] == "cancel":
        orders = engine.open_orders(account)
        if step[1] < len(orders):
            engine.cancel(account, order_id=orders[step[1]].id)
    else:
        try:
            engine.submit(account, step[1])
        except RefusedError:
            return


def check(engine: Engine, account: Account) -> None:
    engine.check()
    for order in engine.orders(account):
        assert order.filled == sum((trade.quantity for trade in order.trades), D(0))
        assert order.cost == sum((trade.cost for trade in order.trades), D(0))
        assert 0 <= order.filled <= order.quantity
        assert (order.state is OrderState.FILLED) == (order.filled == order.quantity)
        assert order.is_open == (order.closed_at is None)
    spot = [trade for trade in engine.trades(account) if not trade.margin]
    coins = sum(
        (
            booking.amount
            for booking in engine.bookings(account)
            if booking.kind is BookingKind.TRADE and booking.currency == "BTC"
        ),
        D(0),
    )
    leveraged = {order.id for order in engine.orders(account) if order.wish.leverage}
    bought = sum(
        (each.quantity * each.side.sign for each in spot if each.order_id not in leveraged), D(0)
    )
    assert coins == bought
    net = sum(
        (
            trade.quantity * trade.side.sign
            for trade in engine.trades(account)
            if trade.order_id in leveraged
        ),
        D(0),
    )
    assert net == sum((each.quantity for each in engine.positions(account)), D(0))
