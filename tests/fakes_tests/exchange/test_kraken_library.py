"""ccxt itself against the fake Kraken: what it is told, and what it makes of refusals."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import ccxt  # type: ignore[import-untyped]
import pytest

from daemonkit.clock import ManualClock
from tests.fakes.exchange.kraken import CallCounter, KrakenDialect
from tests.fakes.exchange.tape import Candle
from tests.fakes.exchange.terms import OrderState, Rights
from tests.fakes.exchange.venues import KRAKEN_SECRET, RunningExchange, start_kraken, usual_engine
from tests.fakes.exchange.wire import Kind
from tests.fakes_tests.exchange.library_calls import connected

D = Decimal
SYMBOL = "BTC/USD"


def test_markets_have_their_steps_and_minimums(kraken: Any) -> None:
    market = kraken.market(SYMBOL)
    assert (market["id"], market["altname"], market["wsId"]) == ("XXBTZUSD", "XBTUSD", "XBT/USD")
    assert market["precision"] == {"amount": 1e-8, "price": 0.1}
    assert market["limits"]["amount"]["min"] == 0.00005
    assert market["limits"]["cost"]["min"] == 0.5
    assert market["limits"]["leverage"]["max"] == 5
    assert (market["taker"], market["maker"], market["margin"]) == (0.0026, 0.0016, True)
    assert kraken.market("SOL/USD")["id"] == "SOLUSD"
    assert kraken.fetch_status()["status"] == "ok"


def test_the_clock_and_public_data_are_those_of_the_engine(
    venue: RunningExchange, kraken: Any
) -> None:
    engine = venue.engine
    engine.tapes[SYMBOL].half_spread = D("0.5")
    engine.price(SYMBOL, D("64001.5"), D("0.25"))
    ticker = kraken.fetch_ticker(SYMBOL)
    assert (ticker["last"], ticker["bid"], ticker["ask"]) == (64001.5, 64001.0, 64002.0)
    assert (ticker["open"], ticker["baseVolume"]) == (64000.0, 1.25)
    assert set(kraken.fetch_tickers([SYMBOL, "ETH/USD"])) == {SYMBOL, "ETH/USD"}
    trade = kraken.fetch_trades(SYMBOL)[-1]
    assert (trade["price"], trade["amount"], trade["side"]) == (64001.5, 0.25, "buy")
    assert kraken.fetch_order_book(SYMBOL)["asks"][0][:2] == [64002.0, 0.25]
    assert abs(kraken.fetch_time() / 1000 - engine.clock.wall()) < 5


def test_candles_are_paged_back_to_720_and_no_further(venue: RunningExchange, kraken: Any) -> None:
    end = int(venue.engine.clock.wall() // 60) * 60
    past = [Candle(end - 60 * n, D(9), D(11), D(8), D(10), D(2), count=3) for n in range(1, 801)]
    venue.engine.load_candles(SYMBOL, past)
    rows = kraken.fetch_ohlcv(SYMBOL, "1m", since=(end - 800 * 60) * 1000)
    assert rows[0][0] >= (end - 720 * 60) * 1000, "Kraken gives the newest 720, whatever since is"
    assert 719 <= len(rows) <= 720
    recent = kraken.fetch_ohlcv(SYMBOL, "1m", since=(end - 120) * 1000)
    assert recent[0] == [(end - 120) * 1000, 9.0, 11.0, 8.0, 10.0, 2.0]
    assert len(kraken.fetch_ohlcv(SYMBOL, "5m", since=(end - 3600) * 1000)) >= 12


def test_minutes_without_a_trade_are_flat_candles() -> None:
    clock = ManualClock(1_800_000_000.0)
    engine, _account = usual_engine(clock=clock)
    with start_kraken(engine) as venue, connected(venue) as kraken:
        clock.advance(180)
        engine.price(SYMBOL, D(65000))
        clock.advance(60)
        assert [row[1:] for row in kraken.fetch_ohlcv(SYMBOL, "1m")] == [
            [64000.0, 64000.0, 64000.0, 64000.0, 1.0],
            [64000.0, 64000.0, 64000.0, 64000.0, 0.0],
            [64000.0, 64000.0, 64000.0, 64000.0, 0.0],
            [65000.0, 65000.0, 65000.0, 65000.0, 1.0],
            [65000.0, 65000.0, 65000.0, 65000.0, 0.0],
        ]
        clock.advance(60 * 1000)
        rows = kraken.fetch_ohlcv(SYMBOL, "1m")
        assert (len(rows), rows[0][1], rows[0][5]) == (720, 65000.0, 0.0)


@pytest.mark.parametrize(
    ("kind", "side", "price", "parameters", "shown"),
    [
        ("limit", "buy", 60000.0, {}, ("limit", 60000.0, None, None)),
        ("limit", "buy", 60000.0, {"postOnly": True}, ("limit", 60000.0, None, None)),
        ("market", "sell", None, {"stopLossPrice": 60000}, ("market", None, 60000.0, None)),
        ("limit", "sell", 59900.0, {"stopLossPrice": 60000}, ("limit", 59900.0, 60000.0, None)),
        ("market", "sell", None, {"takeProfitPrice": 70000}, ("market", None, None, 70000.0)),
        ("limit", "sell", 69900.0, {"takeProfitPrice": 70000}, ("limit", 69900.0, None, 70000.0)),
        ("limit", "buy", 60000.0, {"leverage": 3}, ("limit", 60000.0, None, None)),
    ],
)
def test_every_kind_of_order_rests_and_is_found_by_its_client_id(
    venue: RunningExchange,
    kraken: Any,
    kind: str,
    side: str,
    price: float | None,
    parameters: dict[str, Any],
    shown: tuple[Any, ...],
) -> None:
    venue.engine.deposit(venue.engine.account("main"), "BTC", D(1))
    made = kraken.create_order(
        SYMBOL, kind, side, 0.01, price, {"clientOrderId": "tb-1", **parameters}
    )
    (found,) = kraken.fetch_open_orders(SYMBOL, params={"clientOrderId": "tb-1"})
    assert found["id"] == made["id"]
    assert found["clientOrderId"] == "tb-1"
    seen = (found["type"], found["price"], found["stopLossPrice"], found["takeProfitPrice"])
    assert seen == shown
    assert (found["status"], found["amount"], found["filled"], found["side"]) == (
        "open",
        0.01,
        0.0,
        side,
    )
    assert kraken.fetch_open_orders(SYMBOL, params={"clientOrderId": "tb-2"}) == []
    kraken.cancel_order("", SYMBOL, {"clientOrderId": "tb-1"})
    (closed,) = kraken.fetch_closed_orders(SYMBOL, params={"clientOrderId": "tb-1"})
    assert (closed["status"], closed["info"]["reason"]) == ("canceled", "User requested")
    assert kraken.fetch_order(made["id"])["status"] == "canceled"


def test_a_market_order_fills_and_shows_its_trade_and_fee(
    venue: RunningExchange, kraken: Any
) -> None:
    made = kraken.create_order(SYMBOL, "market", "buy", 0.1, None, {"clientOrderId": "tb-1"})
    (closed,) = kraken.fetch_closed_orders(SYMBOL, params={"clientOrderId": "tb-1"})
    assert (closed["status"], closed["filled"], closed["average"]) == ("closed", 0.1, 64000.0)
    assert (closed["fee"]["cost"], closed["fee"]["currency"]) == ("16.64000", "USD")
    (trade,) = kraken.fetch_my_trades(SYMBOL)
    assert (trade["order"], trade["amount"], trade["price"]) == (made["id"], 0.1, 64000.0)
    assert trade["fee"] == {"cost": 16.64, "currency": "USD"}
    assert trade["takerOrMaker"] == "taker"
    balance = kraken.fetch_balance()
    assert balance["BTC"] == {"free": 0.1, "used": 0.0, "total": 0.1}
    assert balance["USD"]["total"] == 100_000 - 6400 - 16.64


def test_an_order_by_cost_buys_for_so_much(venue: RunningExchange, kraken: Any) -> None:
    kraken.create_market_buy_order_with_cost(SYMBOL, 640)
    (order,) = venue.engine.orders(venue.engine.account("main"))
    assert (order.state, order.filled) == (OrderState.FILLED, D("0.01"))


def test_spot_sells_hold_their_coins(venue: RunningExchange, kraken: Any) -> None:
    venue.engine.deposit(venue.engine.account("main"), "BTC", D(1))
    kraken.create_order(SYMBOL, "limit", "sell", 0.4, 70000)
    assert kraken.fetch_balance()["BTC"] == {"free": 0.6, "used": 0.4, "total": 1.0}


def test_a_margin_position_shows_with_its_leverage_and_profit(
    venue: RunningExchange, kraken: Any
) -> None:
    kraken.create_order(SYMBOL, "market", "sell", 0.1, None, {"leverage": 2})
    venue.engine.price(SYMBOL, D(63000))
    (position,) = kraken.fetch_positions()
    assert (position["symbol"], position["side"], position["contracts"]) == (SYMBOL, "short", 0.1)
    assert (position["leverage"], position["unrealizedPnl"]) == (2.0, 100.0)
    assert position["initialMargin"] == 3200.0
    kraken.create_order(SYMBOL, "market", "buy", 0.1, None, {"leverage": 2, "reduceOnly": True})
    assert kraken.fetch_positions() == []
    entry = kraken.fetch_ledger()[-1]
    assert (entry["type"], entry["amount"], entry["fee"]["cost"]) == ("margin", 100.0, 16.38)


def test_a_conditional_close_becomes_an_order_when_the_entry_is_executed(
    venue: RunningExchange, kraken: Any
) -> None:
    closing = {"close": {"ordertype": "stop-loss", "price": 60000}}
    kraken.create_order(SYMBOL, "limit", "buy", 0.1, 63000, closing)
    assert len(kraken.fetch_open_orders()) == 1
    venue.engine.price(SYMBOL, D(63000))
    (order,) = kraken.fetch_open_orders()
    assert (order["side"], order["stopLossPrice"], order["amount"]) == ("sell", 60000.0, 0.1)
    assert order["clientOrderId"] is None, "it has no id of ours"


def test_lists_are_paged_and_the_newest_come_first(venue: RunningExchange, kraken: Any) -> None:
    for _number in range(60):
        kraken.create_order(SYMBOL, "market", "buy", 0.001)
    pages = [kraken.private_post_tradeshistory({"ofs": ofs})["result"] for ofs in (0, 50, 100)]
    assert [len(page["trades"]) for page in pages] == [50, 10, 0]
    numbers = [trade["trade_id"] for page in pages for trade in page["trades"].values()]
    assert [int(number) for number in numbers] == list(range(60, 0, -1))
    closed = kraken.private_post_closedorders({"ofs": 50})["result"]
    assert (len(closed["closed"]), int(closed["count"])) == (10, 60)
    ledger = kraken.private_post_ledgers({"ofs": 100, "asset": "ZUSD,XXBT"})["result"]
    assert (len(ledger["ledger"]), int(ledger["count"])) == (21, 121)


def test_the_ledger_of_kraken_adds_up_to_its_balances(venue: RunningExchange, kraken: Any) -> None:
    kraken.create_order(SYMBOL, "market", "buy", 0.12345678)
    kraken.create_order("ETH/USD", "market", "sell", 1, None, {"leverage": 2})
    venue.engine.roll_over("ETH/USD", D("0.0002"))
    venue.engine.withdraw(venue.engine.account("main"), "USD", D("12.34"))
    entries = kraken.private_post_ledgers()["result"]["ledger"].values()
    sums: dict[str, Decimal] = {}
    for entry in entries:
        move = D(entry["amount"]) - D(entry["fee"])
        sums[entry["asset"]] = sums.get(entry["asset"], D(0)) + move
    balances = kraken.private_post_balance()["result"]
    assert sums == {name: D(value) for name, value in balances.items()}
    assert {entry["type"] for entry in entries} == {
        "deposit",
        "trade",
        "margin",
        "rollover",
        "withdrawal",
    }


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ((SYMBOL, "market", "buy", 10), ccxt.InsufficientFunds, "EOrder:Insufficient funds"),
        ((SYMBOL, "market", "sell", 0.1), ccxt.InsufficientFunds, "EOrder:Insufficient funds"),
        ((SYMBOL, "market", "buy", 0.00001), ccxt.InvalidOrder, "EOrder:Order minimum not met"),
        (
            (SYMBOL, "market", "buy", 0.1, None, {"leverage": 9}),
            ccxt.BadRequest,
            "EGeneral:Invalid arguments:leverage",
        ),
        (
            (SYMBOL, "market", "buy", 0.1, None, {"leverage": 2, "reduceOnly": True}),
            ccxt.ExchangeError,
            "EOrder:Reduce only:No position exists",
        ),
        (
            (SYMBOL, "market", "buy", 0.1, None, {"clientOrderId": "longer than 18 characters"}),
            ccxt.ExchangeError,
            "EGeneral:Invalid arguments:cl_ord_id",
        ),
        (
            (SYMBOL, "limit", "buy", 0.1, 1, {"oflags": "junk"}),
            ccxt.ExchangeError,
            "EGeneral:Invalid arguments:oflags",
        ),
    ],
)
def test_refusals_are_those_of_kraken(
    venue: RunningExchange, kraken: Any, arguments: tuple[Any, ...], error: type, text: str
) -> None:
    with pytest.raises(ccxt.ExchangeError) as refused:
        kraken.create_order(*arguments)
    assert text in str(refused.value)
    assert isinstance(refused.value, error) or error is ccxt.BadRequest
    assert venue.engine.orders(venue.engine.account("main")) == []


def test_a_cancel_of_what_is_not_open_is_an_unknown_order(kraken: Any) -> None:
    made = kraken.create_order(SYMBOL, "market", "buy", 0.1)
    with pytest.raises(ccxt.OrderNotFound):
        kraken.cancel_order(made["id"])
    with pytest.raises(ccxt.InvalidOrder):
        kraken.fetch_order("OAAAAA-BBBBB-CCCCCC")


def test_client_ids_are_unique_among_open_orders_only(venue: RunningExchange, kraken: Any) -> None:
    for _twice in range(2):
        kraken.create_order(SYMBOL, "market", "buy", 0.01, None, {"clientOrderId": "tb-1"})
    resting = (SYMBOL, "limit", "buy", 0.01, 60000, {"clientOrderId": "tb-2"})
    kraken.create_order(*resting)
    with pytest.raises(ccxt.ExchangeError, match="Duplicate"):
        kraken.create_order(*resting)
    assert len(venue.engine.orders(venue.engine.account("main"))) == 3


def test_a_deadline_that_is_over_refuses_the_order(venue: RunningExchange, kraken: Any) -> None:
    now = datetime.fromtimestamp(venue.engine.clock.wall(), UTC)

    def send(deadline: datetime) -> Any:
        text = deadline.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return kraken.create_order(SYMBOL, "market", "buy", 0.01, None, {"deadline": text})

    with pytest.raises(ccxt.ExchangeError, match="EService:Deadline elapsed"):
        send(now - timedelta(seconds=1))
    with pytest.raises(ccxt.ExchangeError, match="Invalid arguments:deadline"):
        send(now + timedelta(seconds=90))
    assert send(now + timedelta(seconds=10))["id"]


def test_a_request_that_is_only_validated_places_nothing(
    venue: RunningExchange, kraken: Any
) -> None:
    kraken.create_order(SYMBOL, "limit", "buy", 0.01, 60000, {"validate": "true"})
    assert venue.engine.orders(venue.engine.account("main")) == []


def test_a_wrong_key_a_wrong_signature_and_an_old_nonce_are_refused(
    venue: RunningExchange, kraken: Any
) -> None:
    with connected(venue, key="nobody") as stranger, pytest.raises(ccxt.AuthenticationError):
        stranger.fetch_balance()
    is_forged = pytest.raises(ccxt.ExchangeError, match="EAPI:Invalid signature")
    with connected(venue, secret="YW5vdGhlcg==") as forger, is_forged:
        forger.fetch_balance()
    kraken.fetch_balance()
    kraken.incrementing_nonce = lambda: 1
    with pytest.raises(ccxt.InvalidNonce):
        kraken.create_order(SYMBOL, "market", "buy", 0.01)
    assert venue.engine.orders(venue.engine.account("main")) == []


def test_a_key_does_what_its_rights_allow_and_tells_them(venue: RunningExchange) -> None:
    account = venue.engine.account("main")
    venue.engine.add_key(account, "reader", KRAKEN_SECRET, Rights(trade=False))
    venue.engine.add_key(account, "owner", KRAKEN_SECRET, Rights(withdraw=True))
    with connected(venue, key="reader") as reader:
        assert reader.fetch_open_orders() == []
        with pytest.raises(ccxt.PermissionDenied):
            reader.create_order(SYMBOL, "market", "buy", 0.01)
        assert "modify-trades" not in _permissions(reader)
    with connected(venue, key="owner") as owner:
        assert "withdraw-funds" in _permissions(owner)


def test_who_calls_too_often_is_told_so() -> None:
    clock = ManualClock(1_800_000_000.0)
    engine, _account = usual_engine(clock=clock)
    with start_kraken(engine) as venue, connected(venue) as kraken:
        dialect = venue.exchange.dialect
        assert isinstance(dialect, KrakenDialect)
        dialect.counter = CallCounter(clock, limit=3, decay_per_s=1)
        kraken.fetch_my_trades()
        kraken.fetch_open_orders()
        with pytest.raises(ccxt.DDoSProtection, match="EAPI:Rate limit exceeded"):
            kraken.fetch_open_orders()
        kraken.create_order(SYMBOL, "market", "buy", 0.01)  # orders do not count
        clock.advance(1)
        kraken.fetch_open_orders()


def test_a_parameter_that_kraken_does_not_know_fails_the_test(venue: RunningExchange) -> None:
    """As ccxt sends an attached stop: Kraken takes the order, and nobody holds a stop."""
    with connected(venue) as kraken:
        kraken.create_order(
            SYMBOL, "market", "buy", 0.01, None, {"stopLoss": {"triggerPrice": 63000}}
        )
    assert len(venue.engine.orders(venue.engine.account("main"))) == 1
    with pytest.raises(AssertionError, match=r"stopLoss\[triggerPrice\]"):
        venue.exchange.check()
    venue.exchange.expect_complaint(r"stopLoss\[triggerPrice\]")
    venue.exchange.check()


def test_requests_are_recorded_with_their_kind(venue: RunningExchange, kraken: Any) -> None:
    kraken.create_order(SYMBOL, "market", "buy", 0.01, None, {"clientOrderId": "tb-1"})
    (record,) = venue.exchange.requests(Kind.SUBMIT)
    assert (record.client_id, record.status, record.has_acted) == ("tb-1", 200, True)
    assert record.parameters["cl_ord_id"] == "tb-1"
    assert "AddOrder" in venue.exchange.describe()


def _permissions(kraken: Any) -> list[str]:
    found = kraken.private_post_getapikeyinfo()["result"]["permissions"]
    assert isinstance(found, list)
    return found
