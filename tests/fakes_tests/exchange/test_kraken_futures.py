"""ccxt and ccxt.pro against the fake Kraken Futures."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import ccxt.pro  # type: ignore[import-untyped]
import pytest

from daemonkit.clock import ManualClock
from tests.fakes.exchange.tape import Candle
from tests.fakes.exchange.terms import Rights
from tests.fakes.exchange.venues import (
    KEY,
    KRAKEN_SECRET,
    SWAP_FEES,
    RunningExchange,
    start_kraken_futures,
    usual_engine,
    usual_swaps,
)
from tests.fakes.exchange.wire import Kind, Word
from tests.fakes_tests.exchange.library_calls import after, connected, watch

D = Decimal
SYMBOL = "BTC/USD:USD"
NOW_S = 1_760_000_000.0  # in the past: ccxt asks for no candles of the future


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW_S)


@pytest.fixture
def venue(clock: ManualClock) -> Iterator[RunningExchange]:
    engine, account = usual_engine(usual_swaps(), clock=clock, fees=SWAP_FEES)
    for symbol in engine.markets:
        account.leverage[symbol] = D(5)
    with start_kraken_futures(engine) as running:
        yield running


@pytest.fixture
def futures(venue: RunningExchange) -> Iterator[Any]:
    with connected(venue) as library:
        yield library


def send(futures: Any, client_id: str = "tb-1", **parameters: Any) -> Any:
    asked = {"clientOrderId": client_id, **parameters}
    return futures.create_order(SYMBOL, "limit", "buy", 0.01, 60000, asked)


def test_markets_tickers_and_candles_are_those_of_the_engine(
    venue: RunningExchange, futures: Any
) -> None:
    market = futures.market(SYMBOL)
    assert (market["id"], market["swap"], market["linear"]) == ("PF_XBTUSD", True, True)
    assert market["precision"] == {"amount": 0.0001, "price": 1.0}
    venue.engine.tapes[SYMBOL].half_spread = D("0.5")
    ticker = futures.fetch_ticker(SYMBOL)
    assert (ticker["last"], ticker["bid"], ticker["ask"]) == (64000.0, 63999.5, 64000.5)
    assert set(futures.fetch_tickers([SYMBOL])) == {SYMBOL}
    assert futures.fetch_trades(SYMBOL)[-1]["price"] == 64000.0
    assert futures.fetch_order_book(SYMBOL)["bids"][0][0] == 63999.5
    start = int(NOW_S // 60) * 60
    past = [Candle(start - 60 * n, D(9), D(11), D(8), D(10), D(2)) for n in range(1, 11)]
    venue.engine.load_candles(SYMBOL, past)
    rows = futures.fetch_ohlcv(SYMBOL, "1m", since=(start - 300) * 1000, limit=3)
    assert [row[0] // 1000 for row in rows] == [start - 300, start - 240, start - 180]
    assert rows[0][1:] == [9.0, 11.0, 8.0, 10.0, 2.0]


def test_a_market_order_opens_a_position(venue: RunningExchange, futures: Any) -> None:
    made = futures.create_order(SYMBOL, "market", "sell", 0.1, None, {"clientOrderId": "tb-1"})
    assert (made["status"], made["filled"], made["average"]) == ("closed", 0.1, 64000.0)
    assert made["clientOrderId"] == "tb-1"
    venue.engine.price(SYMBOL, D(63000))
    (position,) = futures.fetch_positions()
    assert (position["side"], position["contracts"], position["entryPrice"]) == (
        "short",
        0.1,
        64000.0,
    )
    assert position["unrealizedPnl"] == 100.0
    (trade,) = futures.fetch_my_trades()
    assert (trade["order"], trade["info"]["cliOrdId"]) == (made["id"], "tb-1")
    assert trade["fee"]["cost"] == 3.2
    balance = futures.fetch_balance()["USD"]
    assert (balance["total"], balance["free"]) == (99_996.8, 98_816.8)


@pytest.mark.parametrize(
    ("kind", "price", "parameters", "trigger"),
    [
        ("limit", 60000.0, {}, None),
        ("limit", 60000.0, {"postOnly": True}, None),
        ("market", None, {"stopLossPrice": 60000}, 60000.0),
        ("limit", 59900.0, {"stopLossPrice": 60000}, 60000.0),
        ("market", None, {"takeProfitPrice": 70000}, 70000.0),
    ],
)
def test_orders_rest_are_found_and_are_cancelled(
    venue: RunningExchange,
    futures: Any,
    kind: str,
    price: float | None,
    parameters: dict[str, Any],
    trigger: float | None,
) -> None:
    side = "buy" if trigger is None else "sell"
    futures.create_order(SYMBOL, "market", "buy", 0.01)
    asked = {"clientOrderId": "tb-1", **parameters}
    made = futures.create_order(SYMBOL, kind, side, 0.01, price, asked)
    (found,) = futures.fetch_open_orders(SYMBOL)
    assert (found["id"], found["clientOrderId"]) == (made["id"], "tb-1")
    assert (found["side"], found["amount"], found["triggerPrice"]) == (side, 0.01, trigger)
    assert found["reduceOnly"] is (trigger is not None), "ccxt lets stops reduce only"
    assert futures.fetch_order(made["id"])["status"] == "open"
    assert futures.cancel_order(made["id"])["status"] == "canceled"
    with pytest.raises(ccxt.OrderNotFound):
        futures.cancel_order(made["id"])
    cancelled = futures.fetch_canceled_orders(params={"trigger": trigger is not None})
    assert made["id"] in [order["id"] for order in cancelled]


def test_a_stop_closes_its_position_and_never_more(venue: RunningExchange, futures: Any) -> None:
    futures.create_order(SYMBOL, "market", "buy", 0.1)
    futures.create_order(SYMBOL, "market", "sell", 0.3, None, {"stopLossPrice": 60000})
    venue.engine.price(SYMBOL, D(59000))
    assert futures.fetch_positions() == []
    assert futures.fetch_open_orders() == []
    assert [trade["amount"] for trade in futures.fetch_my_trades()] == [0.1, 0.1]


def test_closed_orders_are_in_the_history(
    venue: RunningExchange, futures: Any, clock: ManualClock
) -> None:
    taken = futures.create_order(SYMBOL, "market", "buy", 0.1)
    clock.advance(1)
    made = send(futures)
    clock.advance(1)
    venue.engine.price(SYMBOL, D(60000))
    closed = {order["id"]: order["filled"] for order in futures.fetch_closed_orders()}
    assert closed == {taken["id"]: 0.1, made["id"]: 0.01}
    since = int((NOW_S + 2) * 1000)
    assert [order["id"] for order in futures.fetch_closed_orders(since=since)] == []
    assert len(futures.history_get_orders({"since": since})["elements"]) == 1


def test_the_status_of_an_order_is_told_for_some_seconds_only(
    futures: Any, clock: ManualClock
) -> None:
    made = futures.create_order(SYMBOL, "market", "buy", 0.1)
    assert futures.fetch_order(made["id"])["status"] == "closed"
    clock.advance(6)
    with pytest.raises(ccxt.OrderNotFound):
        futures.fetch_order(made["id"])


def test_fills_are_given_in_pages_of_a_hundred(
    venue: RunningExchange, futures: Any, clock: ManualClock
) -> None:
    for _number in range(105):
        futures.create_order(SYMBOL, "market", "buy", 0.0001)
        clock.advance(1)
    newest = futures.private_get_fills()["fills"]
    assert len(newest) == 100
    older = futures.private_get_fills({"lastFillTime": newest[-1]["fillTime"]})["fills"]
    assert len(older) == 5


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((SYMBOL, "market", "buy", 100), ccxt.InsufficientFunds),
        ((SYMBOL, "limit", "buy", 0.01, 65000, {"postOnly": True}), ccxt.OrderImmediatelyFillable),
        ((SYMBOL, "market", "sell", 0.01, None, {"reduceOnly": True}), ccxt.ExchangeError),
        ((SYMBOL, "limit", "buy", 0.01, 60000, {"clientOrderId": "x" * 101}), ccxt.BadRequest),
        ((SYMBOL, "junk", "buy", 0.01, 60000), ccxt.InvalidOrder),
        (
            (SYMBOL, "limit", "buy", 0.01, 60000, {"timeInForce": "ioc"}),
            ccxt.OrderNotFillable,
        ),
    ],
)
def test_refusals_are_those_of_kraken_futures(
    venue: RunningExchange, futures: Any, arguments: tuple[Any, ...], error: type[Exception]
) -> None:
    with pytest.raises(error):
        futures.create_order(*arguments)
    assert venue.engine.trades(venue.engine.account("main")) == []
    assert futures.fetch_open_orders() == []


def test_a_client_id_is_never_taken_twice(venue: RunningExchange, futures: Any) -> None:
    made = send(futures)
    futures.cancel_order(made["id"])
    with pytest.raises(ccxt.DuplicateOrderId):
        send(futures)
    assert len(venue.engine.orders(venue.engine.account("main"))) == 1


def test_an_order_whose_time_is_over_is_not_taken(venue: RunningExchange, futures: Any) -> None:
    now = datetime.fromtimestamp(NOW_S, UTC)
    text = (now - timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    with pytest.raises(ccxt.BadRequest):
        send(futures, processBefore=text)
    assert venue.engine.orders(venue.engine.account("main")) == []


def test_leverage_fundings_and_the_account_log(
    venue: RunningExchange, futures: Any, clock: ManualClock
) -> None:
    futures.set_leverage(3, SYMBOL)
    assert futures.fetch_leverage(SYMBOL)["longLeverage"] == 3
    with pytest.raises(ccxt.BadRequest):
        futures.set_leverage(80, SYMBOL)
    clock.advance(1)
    futures.create_order(SYMBOL, "market", "buy", 0.1)
    clock.advance(1)
    venue.engine.fund(SYMBOL, D("0.0001"))
    (funding,) = futures.fetch_funding_history(SYMBOL)
    assert funding["amount"] == -0.64
    entries = futures.fetch_ledger()
    assert [entry["type"] for entry in entries] == ["transfer", "trade", "fee"]
    assert entries[1]["fee"]["cost"] == 3.2
    rows = futures.history_get_account_log({"sort": "asc"})["logs"]
    assert [row["asset"] for row in rows] == ["usd", "pf_xbtusd", "usd", "usd"]
    assert (float(rows[1]["old_balance"]), float(rows[1]["new_balance"])) == (0, 0.1)


def test_fills_can_be_told_before_they_are_booked(
    venue: RunningExchange, futures: Any, clock: ManualClock
) -> None:
    clock.advance(60)
    futures.create_order(SYMBOL, "market", "buy", 0.1)
    venue.faults.stale(30, kind=Kind.LEDGER)
    assert len(futures.fetch_my_trades()) == 1
    assert [entry["type"] for entry in futures.fetch_ledger()] == ["transfer"]
    assert [entry["type"] for entry in futures.fetch_ledger()] == ["transfer", "trade"]


def test_keys_are_checked(venue: RunningExchange, futures: Any) -> None:
    account = venue.engine.account("main")
    venue.engine.add_key(account, "reader", KRAKEN_SECRET, Rights(trade=False))
    for key, rest in (("nobody", {}), (KEY, {"secret": "YW5vdGhlcg=="}), ("reader", {})):
        other = connected(venue, key=key, **rest)
        with other as library, pytest.raises(ccxt.AuthenticationError):
            send(library)
    assert venue.engine.orders(account) == []


def test_the_sandbox_is_served_too(futures: Any) -> None:
    futures.set_sandbox_mode(True)
    assert futures.fetch_ticker(SYMBOL)["last"] == 64000.0


def test_troubles_are_those_of_the_script(venue: RunningExchange, futures: Any) -> None:
    words = {
        Word.RATE_LIMIT: ccxt.RateLimitExceeded,
        Word.UNAVAILABLE: ccxt.ExchangeNotAvailable,
        Word.BUSY: ccxt.ExchangeNotAvailable,
        Word.NONCE: ccxt.InvalidNonce,
        Word.DUPLICATE: ccxt.DuplicateOrderId,
        Word.FUNDS: ccxt.InsufficientFunds,
    }
    for word, error in words.items():
        venue.faults.say(word, acts=False, kind=Kind.SUBMIT)
        with pytest.raises(error):
            send(futures)
    venue.faults.odd(kind=Kind.SUBMIT)
    with pytest.raises(TypeError):
        send(futures, "tb-odd")
    assert len(futures.fetch_open_orders()) == 1


def test_an_attached_stop_is_a_parameter_that_nobody_knows(
    venue: RunningExchange, futures: Any
) -> None:
    send(futures, stopLoss={"triggerPrice": 59000})
    venue.exchange.expect_complaint("unknown parameter stopLoss")
    assert venue.exchange.dialect.complaints


def test_prices_and_fills_come_by_websocket(venue: RunningExchange) -> None:
    async def story(library: Any) -> None:
        assert (await library.watch_ticker(SYMBOL))["last"] == 64000.0
        moved = await after(
            library.watch_ticker(SYMBOL), lambda: venue.engine.price(SYMBOL, D(64010))
        )
        assert moved["last"] == 64010.0
        trades = await library.watch_trades(SYMBOL)
        assert [trade["price"] for trade in trades] == [64000.0, 64010.0]
        made = await library.create_order(SYMBOL, "limit", "buy", 0.01, 60000)
        orders = await library.watch_orders()
        assert orders[-1]["id"] == made["id"]
        assert await library.watch_my_trades() == [], "as it begins"
        (fill,) = await after(
            library.watch_my_trades(), lambda: venue.engine.price(SYMBOL, D(60000))
        )
        assert (fill["order"], fill["fee"]["cost"]) == (made["id"], 0.12)

    watch(venue, story)
