"""ccxt itself against the fake Coinbase: what it is told, and what it makes of refusals."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import ccxt  # type: ignore[import-untyped]
import pytest

from tests.fakes.exchange.coinbase import Duplicates
from tests.fakes.exchange.coinbase_token import new_secret
from tests.fakes.exchange.tape import Candle
from tests.fakes.exchange.terms import Fees, MarketKind, Rights
from tests.fakes.exchange.venues import (
    RunningExchange,
    coinbase_secret,
    start_coinbase,
    usual_engine,
    usual_markets,
)
from tests.fakes.exchange.wire import Kind, Word
from tests.fakes_tests.exchange.library_calls import connected

D = Decimal
SYMBOL = "BTC/USD"
BRACKET = {"limit_price": "70000", "stop_trigger_price": "60000"}


@pytest.fixture
def venue(request: pytest.FixtureRequest) -> Iterator[RunningExchange]:
    engine, account = usual_engine(usual_markets("USD", MarketKind.SPOT), secret=coinbase_secret())
    account.fees = Fees(D("0.004"), D("0.006"))
    duplicates = getattr(request, "param", Duplicates.ANSWER_FIRST)
    with start_coinbase(engine, duplicates=duplicates) as running:
        yield running


@pytest.fixture
def coinbase(venue: RunningExchange) -> Iterator[Any]:
    with connected(venue) as library:
        yield library


def give_coins(venue: RunningExchange) -> None:
    venue.engine.deposit(venue.engine.account("main"), "BTC", D(1))


def test_products_have_their_steps_minimums_and_fees(coinbase: Any) -> None:
    market = coinbase.market(SYMBOL)
    assert (market["id"], market["type"], market["active"]) == ("BTC-USD", "spot", True)
    assert (market["precision"]["amount"], market["precision"]["price"]) == (1e-8, 0.1)
    assert market["limits"]["amount"]["min"] == 0.00005
    assert market["limits"]["cost"]["min"] == 0.5
    assert (market["taker"], market["maker"]) == (0.006, 0.004)
    assert {"USD", "BTC", "ETH"} <= set(coinbase.currencies)


def test_prices_trades_and_the_clock_are_those_of_the_engine(
    venue: RunningExchange, coinbase: Any
) -> None:
    venue.engine.tapes[SYMBOL].half_spread = D("0.5")
    venue.engine.price(SYMBOL, D("64001.5"), D("0.25"))
    ticker = coinbase.fetch_ticker(SYMBOL)
    assert (ticker["last"], ticker["bid"], ticker["ask"]) == (64001.5, 64001.0, 64002.0)
    assert coinbase.fetch_tickers([SYMBOL])[SYMBOL]["last"] == 64001.5
    assert coinbase.fetch_bids_asks([SYMBOL])[SYMBOL]["ask"] == 64002.0
    assert coinbase.fetch_order_book(SYMBOL)["bids"][0] == [64001.0, 0.25]
    trade = coinbase.fetch_trades(SYMBOL, limit=1)[0]
    assert (trade["price"], trade["amount"]) == (64001.5, 0.25)
    for method in ("v2PublicGetTime", "v3PublicGetBrokerageTime"):
        told = coinbase.fetch_time({"method": method})
        assert abs(told / 1000 - venue.engine.clock.wall()) < 5


def test_candles_leave_out_minutes_without_a_trade(venue: RunningExchange, coinbase: Any) -> None:
    now = int(venue.engine.clock.wall() // 60) * 60
    past = [Candle(now - 60 * n, D(9), D(11), D(8), D(10), D(2)) for n in (400, 399, 390)]
    venue.engine.load_candles(SYMBOL, past)
    since = (now - 60 * 400) * 1000
    rows = coinbase.fetch_ohlcv(SYMBOL, "1m", since=since, limit=20)
    assert [(row[0] - since) // 60_000 for row in rows] == [0, 1, 10]
    assert rows[0][1:] == [9.0, 11.0, 8.0, 10.0, 2.0]
    venue.exchange.expect_complaint("less than 350")
    with pytest.raises(ccxt.BadRequest, match="less than 350"):
        coinbase.fetch_ohlcv(SYMBOL, "1m", since=since, params={"until": now * 1000})


@pytest.mark.parametrize(
    ("side", "price", "parameters", "shown"),
    [
        ("buy", 60000.0, {}, ("LIMIT", 60000.0, None)),
        ("buy", 60000.0, {"postOnly": True}, ("LIMIT", 60000.0, None)),
        ("sell", 59900.0, {"stopLossPrice": 60000}, ("STOP_LIMIT", 59900.0, 60000.0)),
        ("sell", 69900.0, {"takeProfitPrice": 70000}, ("STOP_LIMIT", 69900.0, 70000.0)),
        ("buy", 70100.0, {"stopLossPrice": 70000}, ("STOP_LIMIT", 70100.0, 70000.0)),
        (
            "sell",
            70000.0,
            {"order_configuration": {"trigger_bracket_gtc": BRACKET | {"base_size": "0.01"}}},
            ("BRACKET", None, None),
        ),
    ],
)
def test_every_kind_of_order_rests_is_found_and_cancelled(
    venue: RunningExchange,
    coinbase: Any,
    side: str,
    price: float,
    parameters: dict[str, Any],
    shown: tuple[Any, ...],
) -> None:
    give_coins(venue)
    made = coinbase.create_order(
        SYMBOL, "limit", side, 0.01, price, {"client_order_id": "tb-1", **parameters}
    )
    assert (made["clientOrderId"], made["side"]) == ("tb-1", side)
    found = coinbase.fetch_order(made["id"])
    assert (found["clientOrderId"], found["status"], found["filled"]) == ("tb-1", "open", 0.0)
    assert (found["info"]["order_type"], found["price"], found["triggerPrice"]) == shown
    assert [each["id"] for each in coinbase.fetch_open_orders(SYMBOL)] == [made["id"]]
    assert coinbase.cancel_order(made["id"])["id"] == made["id"]
    assert coinbase.fetch_open_orders() == []
    assert [each["id"] for each in coinbase.fetch_canceled_orders()] == [made["id"]]
    with pytest.raises(ccxt.BadRequest, match="has failed"):
        coinbase.cancel_order(made["id"])


def test_an_order_may_be_filled_while_its_cancel_is_queued() -> None:
    markets = usual_markets("USD", MarketKind.SPOT)
    engine, _account = usual_engine(markets, secret=coinbase_secret())
    with (
        start_coinbase(engine, cancel_delay_s=60.0) as venue,
        connected(venue) as coinbase,
    ):
        made = coinbase.create_order(SYMBOL, "limit", "buy", 0.01, 60000)
        assert coinbase.cancel_order(made["id"])["id"] == made["id"]
        assert coinbase.fetch_order(made["id"])["info"]["status"] == "CANCEL_QUEUED"
        assert coinbase.fetch_open_orders() == []
        with pytest.raises(ccxt.BadRequest):
            coinbase.cancel_order(made["id"])
        engine.price(SYMBOL, D(59000))
        assert coinbase.fetch_order(made["id"])["status"] == "closed"


def test_the_clients_id_that_the_library_knows_is_dropped_by_it(coinbase: Any) -> None:
    made = coinbase.create_order(SYMBOL, "limit", "buy", 0.01, 60000, {"clientOrderId": "tb-1"})
    assert made["clientOrderId"].startswith("ccxt-")


def test_a_market_order_is_answered_by_its_id_only_and_pays_in_money(
    venue: RunningExchange, coinbase: Any
) -> None:
    made = coinbase.create_order(SYMBOL, "market", "buy", 0.01, 64000, {"client_order_id": "tb-1"})
    assert (made["status"], made["filled"]) == (None, None)
    found = coinbase.fetch_order(made["id"])
    spent = 640 / 1.006
    assert (found["status"], found["average"]) == ("closed", 64000.0)
    assert found["cost"] == pytest.approx(spent), "the fee is a part of what is spent"
    sold = coinbase.create_order(SYMBOL, "market", "sell", 0.005)
    trades = coinbase.fetch_my_trades(SYMBOL)
    assert [trade["order"] for trade in trades] == [made["id"], sold["id"]]
    assert trades[1]["fee"] == {"cost": 1.92, "currency": "USD"}
    for balance in (coinbase.fetch_balance({"v3": True}), coinbase.fetch_balance()):
        assert balance["USD"]["total"] == pytest.approx(100000 - 640 + 320 - 1.92)


def test_what_orders_hold_is_shown(venue: RunningExchange, coinbase: Any) -> None:
    give_coins(venue)
    coinbase.create_order(SYMBOL, "limit", "sell", 0.25, 70000)
    balance = coinbase.fetch_balance({"v3": True})
    assert balance["BTC"] == {"free": 0.75, "used": 0.25, "total": 1.0}


def test_a_bracket_is_one_order_that_ends_at_its_target_or_behind_its_stop(
    venue: RunningExchange, coinbase: Any
) -> None:
    give_coins(venue)

    def placed() -> str:
        wish = {"trigger_bracket_gtc": BRACKET | {"base_size": "0.01"}}
        made = coinbase.create_order(
            SYMBOL, "limit", "sell", 0.01, 70000, {"order_configuration": wish}
        )
        return str(made["id"])

    won = placed()
    venue.engine.price(SYMBOL, D(71000))
    assert coinbase.fetch_order(won)["average"] == 70000.0
    venue.engine.price(SYMBOL, D(64000))
    lost = placed()
    venue.engine.price(SYMBOL, D(58000))
    found = coinbase.fetch_order(lost)
    assert (found["status"], found["average"]) == ("closed", 58000.0)
    assert found["info"]["trigger_status"] == "STOP_TRIGGERED"


def test_the_stop_of_a_bracket_is_left_behind_by_a_gap_of_more_than_five_percent(
    venue: RunningExchange, coinbase: Any
) -> None:
    give_coins(venue)
    wish = {"trigger_bracket_gtc": BRACKET | {"base_size": "0.01"}}
    asked = {"order_configuration": wish}
    made = coinbase.create_order(SYMBOL, "limit", "sell", 0.01, 70000, asked)
    venue.engine.price(SYMBOL, D(56000))
    left = coinbase.fetch_order(made["id"])
    assert (left["status"], left["info"]["trigger_status"]) == ("open", "STOP_TRIGGERED")
    venue.engine.price(SYMBOL, D(57500))
    found = coinbase.fetch_order(made["id"])
    assert (found["status"], found["average"]) == ("closed", 57000.0)


def test_an_attached_bracket_is_placed_for_what_is_filled(
    venue: RunningExchange, coinbase: Any
) -> None:
    attached = {"attached_order_configuration": {"trigger_bracket_gtc": BRACKET}}
    entry = coinbase.create_order(SYMBOL, "limit", "buy", 0.01, 63000, attached)
    assert len(coinbase.fetch_open_orders()) == 1
    venue.engine.price(SYMBOL, D(62900))
    (child,) = coinbase.fetch_open_orders()
    assert child["info"]["originating_order_id"] == entry["id"]
    assert coinbase.fetch_order(entry["id"])["info"]["attached_order_id"] == child["id"]
    configuration = child["info"]["order_configuration"]["trigger_bracket_gtc"]
    assert configuration == BRACKET | {"base_size": "0.01"}


def test_a_client_id_that_is_taken_is_answered_with_the_first_order(
    venue: RunningExchange, coinbase: Any
) -> None:
    wish = (SYMBOL, "limit", "buy", 0.01, 65000, {"client_order_id": "tb-1"})
    first, second = coinbase.create_order(*wish), coinbase.create_order(*wish)
    assert first["id"] == second["id"]
    assert len(venue.engine.trades(venue.engine.account("main"))) == 1


@pytest.mark.parametrize("venue", [Duplicates.REFUSE], indirect=True)
def test_a_client_id_that_is_taken_may_be_refused_as_well(
    venue: RunningExchange, coinbase: Any
) -> None:
    wish = (SYMBOL, "limit", "buy", 0.01, 65000, {"client_order_id": "tb-1"})
    coinbase.create_order(*wish)
    with pytest.raises(ccxt.ExchangeError, match="client_order_id is taken"):
        coinbase.create_order(*wish)
    assert len(venue.engine.trades(venue.engine.account("main"))) == 1


@pytest.mark.parametrize(
    ("side", "quantity", "price", "parameters", "error", "text"),
    [
        ("buy", 5, 60000, {}, ccxt.InsufficientFunds, "PREVIEW_INSUFFICIENT_FUND"),
        ("sell", 5, 60000, {}, ccxt.InsufficientFunds, "Insufficient balance in source account"),
        ("buy", 0.00001, 60000, {}, ccxt.ExchangeError, "BASE_SIZE_TOO_SMALL"),
        ("buy", 0.01, 65000, {"postOnly": True}, ccxt.ExchangeError, "LIMIT_PRICE_POST_ONLY"),
        (
            "sell",
            0.01,
            66000,
            {"stopLossPrice": 67000},
            ccxt.InvalidOrder,
            "STOP_PRICE_ABOVE_LAST_TRADE_PRICE",
        ),
        (
            "sell",
            0.01,
            61000,
            {"stopLossPrice": 60000},
            ccxt.ExchangeError,
            "STOP_PRICE_BELOW_LIMIT_PRICE",
        ),
    ],
)
def test_refusals_are_in_the_words_of_the_exchange(
    coinbase: Any,
    side: str,
    quantity: float,
    price: float,
    parameters: dict[str, Any],
    error: type[Exception],
    text: str,
) -> None:
    with pytest.raises(error, match=text):
        coinbase.create_order(SYMBOL, "limit", side, quantity, price, parameters)
    assert coinbase.fetch_orders(SYMBOL) == []


def test_a_stop_at_market_is_no_order_that_the_library_makes(coinbase: Any) -> None:
    with pytest.raises(ccxt.NotSupported):
        coinbase.create_order(SYMBOL, "market", "sell", 0.01, None, {"stopLossPrice": 60000})


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"client_order_id": ""}, "client_order_id is required"),
        ({"product_id": "BTC-JPY"}, "valid product_id is required"),
        ({"side": "LONG"}, "side is required"),
        ({"stopLoss": {"triggerPrice": 1}}, "unknown field 'stopLoss'"),
        ({"order_configuration": {}}, "exactly one configuration"),
        ({"order_configuration": {"market_market_ioc": {}}}, "exactly one of quote_size"),
        ({"order_configuration": {"limit_limit_gtc": {"base_size": "1"}}}, "limit_price is requi"),
        (
            {"order_configuration": {"market_market_ioc": {"base_size": 0.01}}},
            "no decimal in a string",
        ),
        (
            {"attached_order_configuration": {"trigger_bracket_gtc": BRACKET | {"base_size": "1"}}},
            "unknown field 'base_size'",
        ),
    ],
)
def test_malformed_requests_are_refused_and_complained_about(
    venue: RunningExchange, coinbase: Any, changed: dict[str, Any], text: str
) -> None:
    venue.exchange.expect_complaint(text)
    asked = {
        "client_order_id": "tb-1",
        "product_id": "BTC-USD",
        "side": "BUY",
        "order_configuration": {"limit_limit_gtc": {"base_size": "0.01", "limit_price": "60000"}},
    }
    with pytest.raises(ccxt.BadRequest, match=text):
        coinbase.v3PrivatePostBrokerageOrders(asked | changed)
    assert len(venue.exchange.dialect.complaints) == 1


def test_orders_and_fills_are_paged_by_cursor_newest_first(coinbase: Any) -> None:
    made = [
        coinbase.create_order(SYMBOL, "market", "buy", 0.001 * n, 64000)["id"] for n in range(1, 6)
    ]

    def pages(ask: Any, rows: str) -> list[list[str]]:
        found, cursor = [], ""
        while True:
            page = ask({"limit": 2, **({"cursor": cursor} if cursor else {})})
            found.append([row["order_id"] for row in page[rows]])
            cursor = page["cursor"]
            if not cursor:
                return found

    expected = [made[:2:-1], made[2:0:-1], made[:1]]
    assert pages(coinbase.v3PrivateGetBrokerageOrdersHistoricalBatch, "orders") == expected
    assert pages(coinbase.v3PrivateGetBrokerageOrdersHistoricalFills, "fills") == expected
    everything = coinbase.fetch_my_trades(SYMBOL, params={"paginate": True})
    assert {trade["order"] for trade in everything} == set(made)
    of_one = coinbase.fetch_my_trades(params={"order_ids": made[1:2]})
    assert [trade["order"] for trade in of_one] == made[1:2]
    assert len(coinbase.fetch_closed_orders(SYMBOL, since=1)) == 5
    later = coinbase.milliseconds() + 60_000
    assert coinbase.fetch_my_trades(SYMBOL, since=later) == []


def test_an_order_that_is_not_there_is_said_to_be_so(coinbase: Any) -> None:
    with pytest.raises(ccxt.ExchangeError, match="NOT_FOUND"):
        coinbase.fetch_order("11111111-1111-1111-1111-111111111111")


def test_bookings_of_a_wallet_are_told(venue: RunningExchange, coinbase: Any) -> None:
    venue.engine.withdraw(venue.engine.account("main"), "USD", D(50))
    rows = coinbase.fetch_ledger("USD")
    told = {(row["amount"], row["direction"], row["info"]["type"]) for row in rows}
    assert told == {(100000.0, "in", "fiat_deposit"), (50.0, "out", "fiat_withdrawal")}
    account = coinbase.fetch_accounts()[0]["id"]
    first = coinbase.v2PrivateGetAccountsAccountIdTransactions({"account_id": account, "limit": 1})
    after = first["pagination"]["next_starting_after"]
    rest = coinbase.v2PrivateGetAccountsAccountIdTransactions(
        {"account_id": account, "limit": 1, "starting_after": after}
    )
    kinds = [page["data"][0]["type"] for page in (first, rest)]
    assert kinds == ["fiat_withdrawal", "fiat_deposit"]


def test_a_key_tells_its_rights_and_has_no_more(venue: RunningExchange, coinbase: Any) -> None:
    assert coinbase.v3PrivateGetBrokerageKeyPermissions()["can_transfer"] is False
    engine = venue.engine
    engine.add_key(engine.account("main"), "reading", coinbase_secret(), Rights(trade=False))
    engine.add_key(engine.account("main"), "thief", coinbase_secret(), Rights(withdraw=True))
    with connected(venue, key="thief") as thief:
        assert thief.v3PrivateGetBrokerageKeyPermissions()["can_transfer"] is True
    with connected(venue, key="reading") as reader:
        assert reader.fetch_balance({"v3": True})["USD"]["total"] == 100000.0
        with pytest.raises(ccxt.PermissionDenied, match="PERMISSION_DENIED"):
            reader.create_order(SYMBOL, "limit", "buy", 0.01, 60000)


def test_a_wrong_secret_is_refused(venue: RunningExchange) -> None:
    with (
        pytest.raises(ccxt.AuthenticationError, match="401"),
        connected(venue, secret=new_secret()),
    ):
        pass


@pytest.mark.parametrize(
    ("word", "error"),
    [
        (Word.BUSY, ccxt.ExchangeError),
        (Word.TIMEOUT, ccxt.ExchangeError),
        (Word.UNAVAILABLE, ccxt.ExchangeError),
        (Word.INTERNAL, ccxt.ExchangeError),
        (Word.RATE_LIMIT, ccxt.RateLimitExceeded),
        (Word.NONCE, ccxt.AuthenticationError),
        (Word.MAINTENANCE, ccxt.ExchangeError),
        (Word.DUPLICATE, ccxt.ExchangeError),
        (Word.KEY, ccxt.AuthenticationError),
        (Word.FUNDS, ccxt.InsufficientFunds),
    ],
)
def test_trouble_is_said_in_the_words_of_the_exchange(
    venue: RunningExchange, coinbase: Any, word: Word, error: type[Exception]
) -> None:
    rule = venue.faults.say(word, acts=True, kind=Kind.SUBMIT, client_id="tb-1")
    with pytest.raises(error):
        coinbase.create_order(SYMBOL, "limit", "buy", 0.01, 60000, {"client_order_id": "tb-1"})
    assert rule.met[0].client_id == "tb-1"
    assert [each["clientOrderId"] for each in coinbase.fetch_open_orders()] == ["tb-1"]


def test_an_odd_answer_is_read_as_an_order_without_an_id(
    venue: RunningExchange, coinbase: Any
) -> None:
    venue.faults.odd(kind=Kind.SUBMIT)
    assert coinbase.create_order(SYMBOL, "limit", "buy", 0.01, 60000)["id"] is None
    assert len(coinbase.fetch_open_orders()) == 1


def test_what_is_young_is_not_shown_by_a_stale_answer(
    venue: RunningExchange, coinbase: Any
) -> None:
    made = coinbase.create_order(SYMBOL, "limit", "buy", 0.01, 65000)
    kinds = (Kind.CLOSED_ORDERS, Kind.TRADES, Kind.ORDER)
    venue.faults.stale(60.0, kind=kinds, times=3)
    assert coinbase.fetch_closed_orders() == coinbase.fetch_my_trades() == []
    with pytest.raises(ccxt.ExchangeError, match="NOT_FOUND"):
        coinbase.fetch_order(made["id"])
    assert len(coinbase.fetch_closed_orders()) == len(coinbase.fetch_my_trades()) == 1
