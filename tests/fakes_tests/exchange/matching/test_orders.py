"""The matching venue behind the dialects: what fills, at which price, and what is refused."""

from decimal import Decimal

import pytest

from daemonkit.clock import ManualClock
from tests.fakes.exchange.books import Rules
from tests.fakes.exchange.engine import Engine
from tests.fakes.exchange.terms import (
    Account,
    Balance,
    ClientIds,
    OrderKind,
    OrderState,
    Refusal,
    RefusedError,
    Side,
    TimeInForce,
    Wish,
)
from tests.fakes_tests.exchange.matching.wishes import buy, wish

D = Decimal
SPOT = "BTC/USD"


def test_a_market_order_takes_at_the_touch_and_pays_its_fee(
    engine: Engine, account: Account
) -> None:
    engine.tapes[SPOT].half_spread = D("0.5")
    order = engine.submit(account, wish(Side.BUY, OrderKind.MARKET))
    assert (order.state, order.average, order.fee) == (OrderState.FILLED, D("100.5"), D("0.201"))
    assert engine.balances(account)["BTC"] == Balance(D(1), D(0))
    assert engine.balances(account)["USD"].total == D("899.299")
    engine.check()


def test_a_resting_limit_makes_at_its_own_price_when_it_is_reached(
    engine: Engine, account: Account
) -> None:
    order = engine.submit(account, wish(Side.BUY, OrderKind.LIMIT, price="95"))
    assert engine.balances(account)["USD"].used == D("95.19"), "the cost and the dearer fee"
    engine.price(SPOT, D("95.1"))
    assert order.is_open
    engine.price(SPOT, D(90))
    assert (order.state, order.average, order.trades[0].is_maker) == (
        OrderState.FILLED,
        D(95),
        True,
    )
    assert order.fee == D("0.095")


def test_a_limit_that_comes_in_marketable_takes_at_the_touch(
    engine: Engine, account: Account
) -> None:
    order = engine.submit(account, wish(Side.BUY, OrderKind.LIMIT, price="110"))
    assert (order.average, order.trades[0].is_maker) == (D(100), False)


@pytest.mark.parametrize(
    ("kind", "side", "trigger", "price", "to", "average"),
    [
        (OrderKind.STOP, Side.SELL, "90", None, "90", "90"),
        (OrderKind.STOP, Side.SELL, "90", None, "70", "70"),  # a gap: what is behind it
        (OrderKind.STOP, Side.BUY, "110", None, "120", "120"),
        (OrderKind.STOP_LIMIT, Side.SELL, "90", "89", "90", "90"),
        (OrderKind.TAKE_PROFIT, Side.SELL, "110", None, "112", "112"),
        (OrderKind.TAKE_PROFIT_LIMIT, Side.SELL, "110", "109", "112", "112"),
        (OrderKind.BRACKET, Side.SELL, "90", "110", "115", "110"),
        (OrderKind.BRACKET, Side.SELL, "90", "110", "80", "80"),
    ],
)
def test_a_trigger_waits_and_then_fills_at_what_the_market_gives(
    engine: Engine,
    account: Account,
    kind: OrderKind,
    side: Side,
    trigger: str,
    price: str | None,
    to: str,
    average: str,
) -> None:
    buy(engine, account)
    order = engine.submit(account, wish(side, kind, trigger=trigger, price=price))
    engine.price(SPOT, D(101))
    assert order.is_open
    held = engine.balances(account)["BTC" if side is Side.SELL else "USD"].used
    assert held == (1 if side is Side.SELL else D("110.22"))
    engine.price(SPOT, D(to))
    assert (order.state, order.average) == (OrderState.FILLED, D(average))
    engine.check()


def test_a_stop_limit_that_is_jumped_over_rests_at_its_limit(
    engine: Engine, account: Account
) -> None:
    buy(engine, account)
    order = engine.submit(account, wish(Side.SELL, OrderKind.STOP_LIMIT, trigger="90", price="89"))
    engine.price(SPOT, D(80))
    assert (order.is_open, order.is_triggered) == (True, True)
    engine.price(SPOT, D(90))
    assert (order.state, order.average) == (OrderState.FILLED, D(89))


def test_orders_fill_in_parts_by_price_and_time(engine: Engine, account: Account) -> None:
    first = engine.submit(account, wish(Side.BUY, OrderKind.LIMIT, price="95"))
    better = engine.submit(account, wish(Side.BUY, OrderKind.LIMIT, price="96"))
    second = engine.submit(account, wish(Side.BUY, OrderKind.LIMIT, price="95"))
    engine.price(SPOT, D(95), D("1.4"))
    assert [order.filled for order in (better, first, second)] == [1, D("0.4"), 0]
    market = engine.submit(account, wish(Side.BUY, OrderKind.MARKET))
    assert (market.filled, market.is_open) == (D(0), True), "nothing is left at this price"
    engine.price(SPOT, D(97), D("0.25"))
    assert (market.filled, market.average) == (D("0.25"), D(97))


def test_what_cannot_wait_ends(engine: Engine, account: Account) -> None:
    engine.price(SPOT, D(100), D("0.5"))
    all_or_nothing = wish(Side.BUY, OrderKind.LIMIT, price="100", tif=TimeInForce.FOK)
    at_once = wish(Side.BUY, OrderKind.LIMIT, price="100", tif=TimeInForce.IOC)
    assert engine.submit(account, all_or_nothing).filled == 0
    order = engine.submit(account, at_once)
    assert (order.state, order.filled) == (OrderState.CANCELLED, D("0.5"))
    dated = engine.submit(
        account, wish(Side.BUY, OrderKind.LIMIT, price="50", expires_at=1_800_000_010.0)
    )
    assert isinstance(engine.clock, ManualClock)
    engine.clock.advance(10)
    engine.expire()
    assert dated.state is OrderState.EXPIRED


@pytest.mark.parametrize(
    ("asked", "refusal"),
    [
        (wish(Side.BUY, OrderKind.MARKET, "10"), Refusal.INSUFFICIENT_FUNDS),
        (wish(Side.SELL, OrderKind.MARKET), Refusal.INSUFFICIENT_FUNDS),
        (wish(Side.BUY, OrderKind.MARKET, "0.0001"), Refusal.BELOW_MINIMUM),
        (wish(Side.BUY, OrderKind.MARKET, "0.04"), Refusal.BELOW_COST),
        (wish(Side.BUY, OrderKind.MARKET, "1.00001"), Refusal.BAD_QUANTITY),
        (wish(Side.BUY, OrderKind.LIMIT, price="99.99"), Refusal.BAD_PRICE),
        (wish(Side.BUY, OrderKind.LIMIT), Refusal.MISSING_PRICE),
        (wish(Side.BUY, OrderKind.STOP), Refusal.MISSING_PRICE),
        (wish(Side.BUY, OrderKind.MARKET, symbol="XYZ/USD"), Refusal.UNKNOWN_MARKET),
        (wish(Side.BUY, OrderKind.LIMIT, price="101", is_post_only=True), Refusal.WOULD_TAKE),
        (wish(Side.BUY, OrderKind.MARKET, leverage=D(6)), Refusal.BAD_LEVERAGE),
        (
            wish(Side.SELL, OrderKind.MARKET, leverage=D(2), is_reduce_only=True),
            Refusal.NO_POSITION,
        ),
    ],
)
def test_what_is_not_in_order_is_refused_and_changes_nothing(
    engine: Engine, account: Account, asked: Wish, refusal: Refusal
) -> None:
    with pytest.raises(RefusedError) as refused:
        engine.submit(account, asked)
    assert refused.value.refusal is refusal
    assert engine.orders(account) == []
    assert engine.balances(account)["USD"] == Balance(D(1000), D(0))


@pytest.mark.parametrize(
    ("rule", "is_taken"),
    [(ClientIds.ALL, False), (ClientIds.OPEN, True), (ClientIds.NONE, True)],
)
def test_client_ids_are_unique_as_far_as_the_venue_says(
    engine: Engine, account: Account, rule: ClientIds, is_taken: bool
) -> None:
    engine.rules = Rules(client_ids=rule)
    asked = wish(Side.BUY, OrderKind.MARKET, client_id="a")
    engine.submit(account, asked)
    if is_taken:
        engine.submit(account, asked)
    else:
        with pytest.raises(RefusedError):
            engine.submit(account, asked)
    resting = wish(Side.BUY, OrderKind.LIMIT, price="10", client_id="b")
    engine.submit(account, resting)
    if rule is ClientIds.OPEN:
        with pytest.raises(RefusedError):
            engine.submit(account, resting)
    assert len(engine.orders(account)) == (3 if is_taken else 2)


def test_a_group_holds_its_funds_once_and_one_order_ends_the_other(
    engine: Engine, account: Account
) -> None:
    buy(engine, account)
    target = wish(Side.SELL, OrderKind.LIMIT, price="110", group="g")
    stop = wish(Side.SELL, OrderKind.STOP, trigger="90", group="g")
    one, other = engine.submit_group(account, [target, stop])
    assert engine.balances(account)["BTC"].used == 1
    engine.price(SPOT, D(85))
    assert (one.state, other.state) == (OrderState.CANCELLED, OrderState.FILLED)


def test_an_attached_order_is_placed_for_what_was_executed(
    engine: Engine, account: Account
) -> None:
    stop = wish(Side.SELL, OrderKind.STOP, "0", trigger="90")
    entry = engine.submit(account, wish(Side.BUY, OrderKind.LIMIT, "2", price="95", attached=stop))
    engine.price(SPOT, D(95), D("0.5"))
    (child,) = [order for order in engine.open_orders(account) if order.parent_id == entry.id]
    assert (child.quantity, child.wish.trigger) == (D("0.5"), D(90))


def test_a_cancel_names_an_order_by_either_id_and_only_an_open_one(
    engine: Engine, account: Account
) -> None:
    asked = wish(Side.BUY, OrderKind.LIMIT, price="10", client_id="a")
    order = engine.submit(account, asked)
    assert engine.cancel(account, client_id="a") is order
    with pytest.raises(RefusedError):
        engine.cancel(account, order_id=order.id)
    engine.submit(account, wish(Side.BUY, OrderKind.LIMIT, price="10"))
    assert len(engine.cancel_all(account)) == 1
