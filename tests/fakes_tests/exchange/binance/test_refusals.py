"""ccxt itself against the fake Binance: what is refused, and in which words it hears of it."""

from decimal import Decimal
from typing import Any

import ccxt  # type: ignore[import-untyped]
import pytest

from tests.fakes.exchange.venues import RunningExchange
from tests.fakes.exchange.wire import Kind, Word
from tests.fakes_tests.exchange.library_calls import connected

D = Decimal
SYMBOL = "BTC/USDT"


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
