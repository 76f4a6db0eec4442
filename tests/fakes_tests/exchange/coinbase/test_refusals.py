"""ccxt itself against the fake Coinbase: what is refused, and in which words it hears of it."""

from typing import Any

import ccxt  # type: ignore[import-untyped]
import pytest

from tests.fakes.exchange.coinbase_token import new_secret
from tests.fakes.exchange.venues import RunningExchange
from tests.fakes.exchange.wire import Kind, Word
from tests.fakes_tests.exchange.library_calls import connected

SYMBOL = "BTC/USD"
BRACKET = {"limit_price": "70000", "stop_trigger_price": "60000"}


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
