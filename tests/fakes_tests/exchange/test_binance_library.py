"""ccxt itself against the fake Binance: what it is told, and what it makes of refusals."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import ccxt  # type: ignore[import-untyped]
import pytest

from daemonkit.clock import ManualClock
from tests.fakes.exchange.tape import Candle
from tests.fakes.exchange.terms import Fees, MarketKind, Rights
from tests.fakes.exchange.venues import (
    RunningExchange,
    start_binance,
    usual_engine,
    usual_markets,
)
from tests.fakes.exchange.wire import Kind, Word
from tests.fakes_tests.exchange.library_calls import connected

D = Decimal
SYMBOL = "BTC/USDT"
START = 1_767_614_400.0  # 2026-01-05 12:00 UTC


@pytest.fixture
def venue() -> Iterator[RunningExchange]:
    engine, account = usual_engine(usual_markets("USDT", MarketKind.SPOT))
    account.fees = Fees(D("0.001"), D("0.001"), "received")
    with start_binance(engine) as running:
        yield running


@pytest.fixture
def binance(venue: RunningExchange) -> Iterator[Any]:
    with connected(venue) as library:
        yield library


def buy_some(binance: Any, quantity: float = 0.1) -> None:
    binance.create_order(SYMBOL, "market", "buy", quantity)


def test_markets_have_their_steps_and_minimums(binance: Any) -> None:
    market = binance.market(SYMBOL)
    assert (market["id"], market["type"], market["active"]) == ("BTCUSDT", "spot", True)
    assert (market["precision"]["amount"], market["precision"]["price"]) == (1e-8, 0.1)
    assert market["limits"]["amount"]["min"] == 0.00005
    assert market["limits"]["cost"]["min"] == 0.5
    assert binance.currencies["BTC"]["id"] == "BTC"


def test_prices_trades_and_the_clock_are_those_of_the_engine(
    venue: RunningExchange, binance: Any
) -> None:
    venue.engine.tapes[SYMBOL].half_spread = D("0.5")
    venue.engine.price(SYMBOL, D("64001.5"), D("0.25"))
    ticker = binance.fetch_ticker(SYMBOL)
    assert (ticker["last"], ticker["bid"], ticker["ask"]) == (64001.5, 64001.0, 64002.0)
    assert (ticker["open"], ticker["baseVolume"]) == (64000.0, 1.25)
    assert set(binance.fetch_tickers([SYMBOL, "ETH/USDT"])) == {SYMBOL, "ETH/USDT"}
    assert binance.fetch_bids_asks([SYMBOL])[SYMBOL]["ask"] == 64002.0
    assert binance.fetch_order_book(SYMBOL)["bids"][0] == [64001.0, 0.25]
    trade = binance.fetch_trades(SYMBOL)[-1]
    assert (trade["price"], trade["amount"], trade["side"]) == (64001.5, 0.25, "buy")
    assert abs(binance.fetch_time() / 1000 - venue.engine.clock.wall()) < 5


def test_candles_have_no_gaps_and_the_last_is_unfinished(
    venue: RunningExchange, binance: Any
) -> None:
    now = int(venue.engine.clock.wall() // 60) * 60
    past = [
        Candle(now - 60 * n, D(9), D(11), D(8), D(10), D(2), D(20), 3) for n in (2000, 1999, 1990)
    ]
    venue.engine.load_candles(SYMBOL, past)
    since = (now - 60 * 2000) * 1000
    rows = binance.fetch_ohlcv(SYMBOL, "1m", since=since, limit=12)
    assert [row[0] for row in rows] == [since + 60_000 * n for n in range(12)]
    assert rows[0] == [since, 9.0, 11.0, 8.0, 10.0, 2.0]
    assert rows[5] == [since + 300_000, 10.0, 10.0, 10.0, 10.0, 0.0]
    assert rows[10][5] == 2.0
    assert len(binance.fetch_ohlcv(SYMBOL, "1m")) == 500
    newest = binance.fetch_ohlcv(SYMBOL, "1m", limit=1000)[-1]
    assert newest[0] >= now * 1000


@pytest.mark.parametrize(
    ("kind", "side", "price", "parameters", "shown"),
    [
        ("limit", "buy", 60000.0, {}, ("LIMIT", 60000.0, None)),
        ("limit", "buy", 60000.0, {"postOnly": True}, ("LIMIT_MAKER", 60000.0, None)),
        ("market", "sell", None, {"stopLossPrice": 60000}, ("STOP_LOSS", None, 60000.0)),
        ("limit", "sell", 59900.0, {"stopLossPrice": 60000}, ("STOP_LOSS_LIMIT", 59900.0, 60000.0)),
        ("market", "sell", None, {"takeProfitPrice": 70000}, ("TAKE_PROFIT", None, 70000.0)),
        (
            "limit",
            "sell",
            69900.0,
            {"takeProfitPrice": 70000},
            ("TAKE_PROFIT_LIMIT", 69900.0, 70000.0),
        ),
        ("market", "buy", None, {"stopLossPrice": 66000}, ("STOP_LOSS", None, 66000.0)),
    ],
)
def test_every_kind_of_order_rests_is_found_by_its_client_id_and_cancelled(
    venue: RunningExchange,
    binance: Any,
    kind: str,
    side: str,
    price: float | None,
    parameters: dict[str, Any],
    shown: tuple[Any, ...],
) -> None:
    venue.engine.deposit(venue.engine.account("main"), "BTC", D(1))
    made = binance.create_order(
        SYMBOL, kind, side, 0.01, price, {"clientOrderId": "tb-1", **parameters}
    )
    assert (made["clientOrderId"], made["status"], made["filled"]) == ("tb-1", "open", 0.0)
    found = binance.fetch_order(None, SYMBOL, {"origClientOrderId": "tb-1"})
    assert found["id"] == made["id"] == binance.fetch_open_orders(SYMBOL)[0]["id"]
    assert (found["info"]["type"], found["price"], found["triggerPrice"]) == shown
    assert found["side"] == side
    cancelled = binance.cancel_order(made["id"], SYMBOL)
    assert (cancelled["id"], cancelled["status"]) == (made["id"], "canceled")
    assert binance.fetch_open_orders(SYMBOL) == []
    assert [each["status"] for each in binance.fetch_orders(SYMBOL)] == ["canceled"]
    with pytest.raises(ccxt.OrderNotFound, match="Unknown order sent"):
        binance.cancel_order(made["id"], SYMBOL)


def test_a_market_order_is_answered_with_its_fills_and_pays_in_what_it_receives(
    venue: RunningExchange, binance: Any
) -> None:
    made = binance.create_order(SYMBOL, "market", "buy", 0.1, None, {"clientOrderId": "tb-1"})
    assert (made["status"], made["filled"], made["average"]) == ("closed", 0.1, 64000.0)
    (fill,) = made["info"]["fills"]
    assert (fill["commission"], fill["commissionAsset"]) == ("0.00010000", "BTC")
    balance = binance.fetch_balance()
    assert balance["BTC"] == {"free": 0.0999, "used": 0.0, "total": 0.0999}
    assert balance["USDT"]["free"] == 93600.0
    (trade,) = binance.fetch_my_trades(SYMBOL)
    assert (trade["order"], trade["id"]) == (made["id"], str(fill["tradeId"]))
    assert (trade["fee"], trade["takerOrMaker"]) == ({"cost": 0.0001, "currency": "BTC"}, "taker")


def test_fees_are_taken_from_a_third_currency_while_there_is_enough_of_it(
    venue: RunningExchange, binance: Any
) -> None:
    account = venue.engine.account("main")
    account.fees = Fees(D("0.001"), D("0.001"), "BNB", worth=D(600))
    venue.engine.deposit(account, "BNB", D("0.02"))
    buy_some(binance)
    buy_some(binance)
    fees = [trade["fee"] for trade in binance.fetch_my_trades(SYMBOL)]
    assert fees[0] == {"cost": 0.01066667, "currency": "BNB"}
    assert fees[1] == {"cost": 0.0001, "currency": "BTC"}, "there was not enough of it left"


def test_spending_an_amount_of_money_buys_what_it_is_enough_for(binance: Any) -> None:
    made = binance.create_market_buy_order_with_cost(SYMBOL, 640)
    assert (made["filled"], made["cost"], made["status"]) == (0.01, 640.0, "closed")


def test_what_a_market_order_does_not_find_at_once_expires(
    venue: RunningExchange, binance: Any
) -> None:
    venue.engine.price(SYMBOL, D(64000), D("0.04"))
    made = binance.create_order(SYMBOL, "market", "buy", 0.1)
    assert (made["filled"], made["status"], made["info"]["status"]) == (0.04, "expired", "EXPIRED")


def test_a_stop_is_filled_behind_a_gap_at_the_worse_price(
    venue: RunningExchange, binance: Any
) -> None:
    buy_some(binance)
    binance.create_order(
        SYMBOL, "market", "sell", 0.05, None, {"stopLossPrice": 60000, "clientOrderId": "stop"}
    )
    venue.engine.price(SYMBOL, D(58000))
    found = binance.fetch_order(None, SYMBOL, {"origClientOrderId": "stop"})
    assert (found["status"], found["average"]) == ("closed", 58000.0)


def test_a_client_id_is_taken_only_while_its_order_is_open(binance: Any) -> None:
    wish = (SYMBOL, "limit", "buy", 0.01)
    binance.create_order(*wish, 60000, {"clientOrderId": "tb-1"})
    with pytest.raises(ccxt.InvalidOrder, match="Duplicate order sent"):
        binance.create_order(*wish, 60000, {"clientOrderId": "tb-1"})
    binance.cancel_all_orders(SYMBOL)
    first = binance.create_order(*wish, 65000, {"clientOrderId": "tb-1"})
    second = binance.create_order(*wish, 65000, {"clientOrderId": "tb-1"})
    assert first["status"] == second["status"] == "closed", "as in the real one: bought twice"
    newest = binance.fetch_order(None, SYMBOL, {"origClientOrderId": "tb-1"})
    assert newest["id"] == second["id"]


@pytest.mark.parametrize(
    ("quantity", "price", "parameters", "error", "text"),
    [
        (5, 60000, {}, ccxt.InsufficientFunds, "insufficient balance"),
        (0.000001, 60000, {}, ccxt.InvalidOrder, "LOT_SIZE"),
        (0.00005, 1000, {}, ccxt.BadRequest, "Filter failure: NOTIONAL"),
        (0.01, 65000, {"postOnly": True}, ccxt.OrderImmediatelyFillable, "immediately match"),
        (0.01, None, {"stopLossPrice": 60000}, ccxt.OrderImmediatelyFillable, "trigger"),
    ],
)
def test_refusals_are_in_the_words_that_the_library_knows(
    binance: Any,
    quantity: float,
    price: float | None,
    parameters: dict[str, Any],
    error: type[Exception],
    text: str,
) -> None:
    kind = "market" if price is None else "limit"
    with pytest.raises(error, match=text):
        binance.create_order(SYMBOL, kind, "buy", quantity, price, parameters)
    assert binance.fetch_orders(SYMBOL) == []


def test_no_more_than_five_stops_rest_in_a_market(venue: RunningExchange, binance: Any) -> None:
    venue.engine.deposit(venue.engine.account("main"), "BTC", D(1))
    for _number in range(5):
        binance.create_order(SYMBOL, "market", "sell", 0.01, None, {"stopLossPrice": 60000})
    with pytest.raises(ccxt.BadRequest, match="MAX_NUM_ALGO_ORDERS"):
        binance.create_order(SYMBOL, "market", "sell", 0.01, None, {"stopLossPrice": 60000})


def test_an_attached_stop_is_not_read_and_the_order_refused(
    venue: RunningExchange, binance: Any
) -> None:
    venue.exchange.expect_complaint("-1104")
    with pytest.raises(ccxt.BadRequest, match="Not all sent parameters were read"):
        binance.create_order(
            SYMBOL, "limit", "buy", 0.01, 60000, {"stopLoss": {"triggerPrice": 50000}}
        )
    assert venue.engine.orders(venue.engine.account("main")) == []


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"quantity": "1e-3"}, "Illegal characters found in parameter 'quantity'"),
        ({"quantity": "0.0100000001"}, "has too much precision"),
        ({"newClientOrderId": "x" * 37}, "parameter 'newClientOrderId'"),
        ({"timeInForce": "GTC"}, "'timeInForce' sent when not required"),
        ({"price": "60000"}, "'price' sent when not required"),
        ({"side": "LONG"}, "Invalid side"),
        ({"type": "STOP"}, "Invalid orderType"),
        ({"type": "LIMIT"}, "Mandatory parameter 'price'"),
        ({"symbol": "BTCEUR"}, "Invalid symbol"),
    ],
)
def test_malformed_requests_are_refused_and_complained_about(
    venue: RunningExchange, binance: Any, changed: dict[str, str], text: str
) -> None:
    venue.exchange.expect_complaint(text)
    asked = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}
    with pytest.raises(ccxt.BaseError, match=text):
        binance.privatePostOrder(asked | changed)
    assert len(venue.exchange.dialect.complaints) == 1


def test_trades_are_paged_by_id_and_by_days(venue: RunningExchange, binance: Any) -> None:
    for _number in range(5):
        buy_some(binance, 0.01)
    pages = [binance.fetch_my_trades(SYMBOL, None, 2, {"fromId": first}) for first in (1, 3, 5)]
    assert [[each["id"] for each in page] for page in pages] == [["1", "2"], ["3", "4"], ["5"]]
    assert [each["id"] for each in binance.fetch_my_trades(SYMBOL, None, 2)] == ["4", "5"]
    assert [each["id"] for each in binance.fetch_my_trades(SYMBOL, 1, 2)] == ["1", "2"]
    now = binance.milliseconds()
    venue.exchange.expect_complaint("-1127")
    with pytest.raises(ccxt.BadRequest, match="More than 24 hours"):
        binance.fetch_my_trades(SYMBOL, now - 90_000_000, None, {"until": now})
    venue.exchange.expect_complaint("-1128")
    with pytest.raises(ccxt.BadRequest):
        binance.fetch_my_trades(SYMBOL, 1, None, {"fromId": 1})


def test_orders_are_listed_by_id_and_time(binance: Any) -> None:
    made = [binance.create_order(SYMBOL, "limit", "buy", 0.01, 60000 + n) for n in range(3)]
    ids = [each["id"] for each in made]
    assert [each["id"] for each in binance.fetch_orders(SYMBOL, None, 2)] == ids[1:]
    after = binance.fetch_orders(SYMBOL, None, None, {"orderId": ids[1]})
    assert [each["id"] for each in after] == ids[1:]
    assert len(binance.fetch_orders(SYMBOL, 1, 2)) == 2
    with pytest.raises(ccxt.OrderNotFound, match="Order does not exist"):
        binance.fetch_order("999", SYMBOL)


def test_deposits_and_withdrawals_are_told(venue: RunningExchange, binance: Any) -> None:
    account = venue.engine.account("main")
    venue.engine.withdraw(account, "USDT", D(50))
    (came,), (went,) = binance.fetch_deposits(), binance.fetch_withdrawals()
    assert (came["amount"], came["currency"], came["status"]) == (100000.0, "USDT", "ok")
    assert (went["amount"], went["currency"], went["status"]) == (50.0, "USDT", "ok")
    assert abs(went["timestamp"] / 1000 - venue.engine.clock.wall()) < 60


def test_a_key_tells_its_rights_and_has_no_more(venue: RunningExchange, binance: Any) -> None:
    assert binance.sapiGetAccountApiRestrictions()["enableWithdrawals"] is False
    engine = venue.engine
    engine.add_key(engine.account("main"), "reading-key", "s3cret", Rights(trade=False))
    engine.add_key(engine.account("main"), "thief-key", "s3cret", Rights(withdraw=True))
    with connected(venue, key="thief-key") as thief:
        assert thief.sapiGetAccountApiRestrictions()["enableWithdrawals"] is True
    with connected(venue, key="reading-key") as reader:
        assert reader.fetch_balance()["USDT"]["total"] == 100000.0
        # What the library makes of -2015 once the key has worked: a ban for a while.
        with pytest.raises(ccxt.DDoSProtection, match="Invalid API-key"):
            reader.create_order(SYMBOL, "market", "buy", 0.01)


def test_a_wrong_secret_is_refused(venue: RunningExchange) -> None:
    venue.exchange.expect_complaint("-1022")
    with (
        pytest.raises(ccxt.AuthenticationError, match="Signature"),
        connected(venue, secret="wrong"),
    ):
        pass


@pytest.mark.parametrize("wrong_ms", [-30_000, 5_000])
def test_a_clock_that_is_wrong_is_refused(
    venue: RunningExchange, binance: Any, wrong_ms: int
) -> None:
    binance.options["timeDifference"] = -wrong_ms
    with pytest.raises(ccxt.InvalidNonce, match="-1021"):
        binance.fetch_balance()


def test_requests_are_weighed_and_too_many_are_refused() -> None:
    engine, _account = usual_engine(usual_markets("USDT", MarketKind.SPOT))
    with (
        start_binance(engine, weight_max=150) as venue,
        connected(venue) as binance,
    ):
        used = int(binance.last_response_headers["X-Mbx-Used-Weight-1m"])
        binance.fetch_balance()
        assert int(binance.last_response_headers["X-Mbx-Used-Weight-1m"]) == used + 20
        for _number in range((150 - used) // 20 - 1):
            binance.fetch_balance()
        with pytest.raises(ccxt.DDoSProtection, match="request weight used"):
            binance.fetch_balance()
        assert binance.last_response_headers["Retry-After"] == "60"
        for _number in range(4):
            with pytest.raises(ccxt.DDoSProtection, match="429"):
                binance.fetch_balance()
        with pytest.raises(ccxt.DDoSProtection, match=r"418.*IP banned"):
            binance.fetch_balance()
        assert binance.last_response_headers["Retry-After"] == "120"


@pytest.mark.parametrize(
    ("word", "error"),
    [
        (Word.BUSY, ccxt.ExchangeError),
        (Word.TIMEOUT, ccxt.RequestTimeout),
        (Word.UNAVAILABLE, ccxt.ExchangeError),
        (Word.INTERNAL, ccxt.OperationFailed),
        (Word.RATE_LIMIT, ccxt.DDoSProtection),
        (Word.NONCE, ccxt.InvalidNonce),
        (Word.MAINTENANCE, ccxt.OnMaintenance),
        (Word.DUPLICATE, ccxt.InvalidOrder),
        (Word.KEY, ccxt.DDoSProtection),
        (Word.FUNDS, ccxt.InsufficientFunds),
    ],
)
def test_trouble_is_said_in_the_words_of_the_exchange(
    venue: RunningExchange, binance: Any, word: Word, error: type[Exception]
) -> None:
    binance.fetch_balance()
    rule = venue.faults.say(word, acts=True, kind=Kind.SUBMIT, client_id="tb-1")
    with pytest.raises(error):
        binance.create_order(SYMBOL, "market", "buy", 0.01, None, {"clientOrderId": "tb-1"})
    assert rule.met[0].name == "POST /api/v3/order"
    assert binance.fetch_order(None, SYMBOL, {"origClientOrderId": "tb-1"})["status"] == "closed"


def test_an_odd_answer_is_more_than_the_library_can_read(
    venue: RunningExchange, binance: Any
) -> None:
    venue.faults.odd(kind=Kind.SUBMIT)
    with pytest.raises(ValueError, match="invalid literal"):
        binance.create_order(SYMBOL, "market", "buy", 0.01, None, {"clientOrderId": "tb-1"})
    assert binance.fetch_order(None, SYMBOL, {"origClientOrderId": "tb-1"})["status"] == "closed"


def test_what_is_young_is_not_shown_by_a_stale_answer() -> None:
    clock = ManualClock(START)
    engine, _account = usual_engine(usual_markets("USDT", MarketKind.SPOT), clock=clock)
    with (
        start_binance(engine) as venue,
        connected(venue, options={"timeDifference": _behind(clock)}) as binance,
    ):
        made = binance.create_order(SYMBOL, "limit", "buy", 0.01, 60000)
        venue.faults.stale(5.0, kind=(Kind.OPEN_ORDERS, Kind.ORDER), times=2)
        assert binance.fetch_open_orders(SYMBOL) == []
        with pytest.raises(ccxt.OrderNotFound):
            binance.fetch_order(made["id"], SYMBOL)
        assert [each["id"] for each in binance.fetch_open_orders(SYMBOL)] == [made["id"]]


def _behind(clock: ManualClock) -> int:
    """How much this machine's clock is ahead of the exchange's, in ms, as ccxt takes it away."""
    return int(ccxt.Exchange.milliseconds()) - round(clock.wall() * 1000)
