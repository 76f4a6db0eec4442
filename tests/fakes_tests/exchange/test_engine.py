"""The matching venue behind the dialects: what fills, at which price, and what it costs."""

from decimal import Decimal
from typing import Any

import pytest

from daemonkit.clock import ManualClock
from tests.fakes.exchange.books import OrderChanged, Rules, Ticked
from tests.fakes.exchange.engine import Engine
from tests.fakes.exchange.tape import Candle
from tests.fakes.exchange.terms import (
    Account,
    Balance,
    ClientIds,
    Fees,
    Market,
    MarketKind,
    OrderKind,
    OrderState,
    Refusal,
    RefusedError,
    Side,
    TimeInForce,
    Wish,
)

D = Decimal
SPOT = "BTC/USD"
SWAP = "BTC/USD:USD"


@pytest.fixture
def engine() -> Engine:
    markets = [
        Market(SPOT, "BTC", "USD", D("0.1"), D("0.0001"), D("0.001"), D(5), MarketKind.MARGIN, 5),
        Market(
            SWAP, "BTC", "USD", D(1), D("0.01"), D("0.01"), kind=MarketKind.SWAP, leverage_max=5
        ),
    ]
    engine = Engine(ManualClock(1_800_000_000.0), markets)
    account = engine.add_account("main", Fees(D("0.001"), D("0.002")))
    engine.deposit(account, "USD", D(1000))
    engine.price(SPOT, D(100))
    engine.price(SWAP, D(100))
    return engine


@pytest.fixture
def account(engine: Engine) -> Account:
    return engine.account("main")


def wish(
    side: Side,
    kind: OrderKind,
    quantity: str = "1",
    *,
    symbol: str = SPOT,
    price: str | None = None,
    trigger: str | None = None,
    **rest: Any,
) -> Wish:
    return Wish(
        symbol=symbol,
        side=side,
        kind=kind,
        quantity=D(quantity),
        price=None if price is None else D(price),
        trigger=None if trigger is None else D(trigger),
        **rest,
    )


def buy(engine: Engine, account: Account, quantity: str = "1") -> None:
    engine.submit(account, wish(Side.BUY, OrderKind.MARKET, quantity))


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


@pytest.mark.parametrize(
    ("paid_in", "usd", "btc", "bnb"),
    [
        ("quote", "899.8", "1", "10"),
        ("base", "900", "0.998", "10"),
        ("received", "900", "0.998", "10"),
        ("BNB", "900", "1", "9.99975"),
    ],
)
def test_fees_are_paid_in_what_the_account_says(
    engine: Engine, account: Account, paid_in: str, usd: str, btc: str, bnb: str
) -> None:
    account.fees = Fees(D("0.001"), D("0.002"), paid_in, worth=D(800))
    engine.deposit(account, "BNB", D(10))
    buy(engine, account)
    totals = {name: balance.total for name, balance in engine.balances(account).items()}
    assert totals == {"USD": D(usd), "BTC": D(btc), "BNB": D(bnb)}
    engine.check()


def test_a_third_currency_that_is_used_up_leaves_the_fee_to_what_is_received(
    engine: Engine, account: Account
) -> None:
    account.fees = Fees(D("0.001"), D("0.002"), "BNB", worth=D(800))
    buy(engine, account)
    assert engine.trades(account)[0].fee_currency == "BTC"


def test_a_leveraged_position_is_netted_and_books_its_profit(
    engine: Engine, account: Account
) -> None:
    engine.submit(account, wish(Side.SELL, OrderKind.MARKET, "4", leverage=D(2)))
    (position,) = engine.positions(account)
    assert (position.quantity, position.entry_price, position.margin) == (D(-4), D(100), D(200))
    assert "BTC" not in engine.balances(account), "no coins move"
    engine.price(SPOT, D(90))
    engine.submit(account, wish(Side.BUY, OrderKind.MARKET, "6", leverage=D(2)))
    (position,) = engine.positions(account)
    assert (position.quantity, position.entry_price) == (D(2), D(90)), "closed, and turned around"
    assert engine.trades(account)[-1].profit == 40
    assert engine.balances(account)["USD"].total == D(1000) + 40 - D("0.8") - D("1.08")
    engine.check()


def test_a_reduce_only_order_never_turns_a_position_around(
    engine: Engine, account: Account
) -> None:
    engine.submit(account, wish(Side.BUY, OrderKind.MARKET, symbol=SWAP))
    stop = engine.submit(
        account,
        wish(Side.SELL, OrderKind.STOP, "3", trigger="90", is_reduce_only=True, symbol=SWAP),
    )
    engine.price(SWAP, D(89))
    assert (stop.filled, stop.state) == (D(1), OrderState.CANCELLED)
    assert engine.positions(account) == []


def test_a_position_beyond_its_margin_is_liquidated(engine: Engine, account: Account) -> None:
    account.leverage[SWAP] = D(5)
    engine.submit(account, wish(Side.BUY, OrderKind.MARKET, "40", symbol=SWAP))
    (position,) = engine.positions(account)
    assert position.liquidation_price == 81
    engine.price(SWAP, D(82))
    assert engine.positions(account)
    engine.price(SWAP, D(81))
    assert engine.positions(account) == []
    assert engine.closed_orders(account)[-1].reason == "liquidation"


def test_fundings_and_rollovers_are_bookings(engine: Engine, account: Account) -> None:
    engine.submit(account, wish(Side.BUY, OrderKind.MARKET, symbol=SWAP))
    engine.submit(account, wish(Side.SELL, OrderKind.MARKET, leverage=D(2)))
    (funding,) = engine.fund(SWAP, D("0.0001"))
    (rollover,) = engine.roll_over(SPOT, D("0.0002"))
    assert (funding.amount, rollover.amount) == (D("-0.01"), D("-0.02"))
    engine.check()


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


def test_listeners_hear_of_prices_orders_and_trades(engine: Engine, account: Account) -> None:
    heard: list[str] = []

    def listen(news: Ticked | OrderChanged) -> None:
        heard.append("tick" if isinstance(news, Ticked) else "trade" if news.trade else "order")

    end = engine.listen(listen)
    engine.price(SPOT, D(101))
    buy(engine, account)
    end()
    engine.price(SPOT, D(102))
    assert heard == ["tick", "order", "trade"]


def test_candles_come_from_a_loaded_past_and_from_the_tape(engine: Engine) -> None:
    tape = engine.tapes[SPOT]
    start = 1_800_000_000 // 300 * 300
    past = [Candle(start - 60 * n, D(n), D(n + 1), D(n), D(n), D(1)) for n in range(1, 6)]
    engine.load_candles(SPOT, past)
    assert [each.start for each in tape.candles(60, start - 120, 2)] == [start - 120, start - 60]
    five = tape.candles(300)[0]
    assert five.start == start - 300
    assert [five.open, five.high, five.low, five.close] == [5, 6, 1, 1]
    assert five.volume == 5


def test_the_last_day_is_that_of_its_minutes(engine: Engine) -> None:
    """Whole hours stand in for minutes, which must show in nothing but the time it takes."""
    clock, tape = engine.clock, engine.tapes[SPOT]
    assert isinstance(clock, ManualClock)
    for number in range(600):
        clock.advance(307)
        engine.price(SPOT, D(100 + number * 7 % 50), D(1 + number % 3))
    begin = int(tape.at) - 86_400
    minutes = [each for each in tape.minutes if each.start >= begin]
    day = tape.day()
    assert (day.start, day.open, day.close) == (
        minutes[0].start,
        minutes[0].open,
        minutes[-1].close,
    )
    assert day.high == max(each.high for each in minutes)
    assert day.low == min(each.low for each in minutes)
    assert day.volume == sum(each.volume for each in minutes)
    assert day.turnover == sum(each.turnover for each in minutes)
    assert day.count == sum(each.count for each in minutes)
    assert [each.start for each in tape.newest(300, 3)] == [
        each.start for each in tape.candles(300)[-3:]
    ]


def test_a_ledger_that_does_not_add_up_is_found(engine: Engine) -> None:
    engine.ledger._totals["main", "USD"] += 1
    with pytest.raises(AssertionError, match="USD"):
        engine.check()
