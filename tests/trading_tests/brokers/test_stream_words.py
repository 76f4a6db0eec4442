"""Which read each message of an account's WebSocket makes due, and what ends the stream."""

import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from daemonkit.clock import SystemClock
from tests.fakes.exchange.venues import KEY, KRAKEN_SECRET
from tests.trading_tests.brokers.ccxt_fake_desks import open_desk
from trading.brokers.account_stream import Hint
from trading.brokers.exchanges.binance_stream import RECEIVE_WINDOW_MS, BinanceWords
from trading.brokers.exchanges.coinbase_stream import CoinbaseWords
from trading.brokers.exchanges.kraken_stream import KrakenWords
from trading.brokers.exchanges.stream_words import StreamWords
from trading.brokers.venue import VenueError


def of_binance(**event: Any) -> dict[str, Any]:
    return {"subscriptionId": 0, "event": event}


def of_kraken(*kinds: str, form: str = "update") -> dict[str, Any]:
    rows = [{"exec_type": kind} for kind in kinds]
    return {"channel": "executions", "type": form, "data": rows}


def of_coinbase(*filled: str, form: str = "update") -> dict[str, Any]:
    rows = [{"status": "OPEN", "cumulative_quantity": each} for each in filled]
    return {"channel": "user", "events": [{"type": form, "orders": rows}]}


def subscribed(channel: str) -> dict[str, Any]:
    return {"channel": "subscriptions", "events": [{"subscriptions": {channel: ["BTC-USD"]}}]}


@pytest.mark.parametrize(
    ("make", "message", "hint"),
    [
        (KrakenWords, of_kraken("new"), Hint.ORDER),
        (KrakenWords, of_kraken("new", "trade"), Hint.EXECUTION),
        (KrakenWords, of_kraken("something new"), Hint.EXECUTION),
        (KrakenWords, of_kraken(form="snapshot"), Hint.EXECUTION),
        (KrakenWords, {"channel": "heartbeat"}, Hint.LIFE),
        (KrakenWords, {"method": "subscribe", "success": True}, Hint.LIFE),
        (BinanceWords, of_binance(e="executionReport", x="NEW"), Hint.ORDER),
        (BinanceWords, of_binance(e="executionReport", x="CANCELED"), Hint.ORDER),
        (BinanceWords, of_binance(e="executionReport", x="TRADE"), Hint.EXECUTION),
        (BinanceWords, of_binance(e="executionReport", x="SOMETHING"), Hint.EXECUTION),
        (BinanceWords, of_binance(e="executionReport"), Hint.EXECUTION),
        (BinanceWords, of_binance(e="listStatus"), Hint.ORDER),
        (BinanceWords, of_binance(e="something new"), Hint.EXECUTION),
        (BinanceWords, of_binance(e="outboundAccountPosition"), Hint.LIFE),
        (BinanceWords, of_binance(e="serverShutdown"), Hint.LIFE),
        (BinanceWords, {"id": "ping", "status": 200, "result": {}}, Hint.LIFE),
        (BinanceWords, {"id": "subscription", "status": 200, "result": {}}, Hint.EXECUTION),
        (CoinbaseWords, of_coinbase("0"), Hint.ORDER),
        (CoinbaseWords, of_coinbase("0.00", "0"), Hint.ORDER),
        (CoinbaseWords, of_coinbase("0", "0.01"), Hint.EXECUTION),
        (CoinbaseWords, of_coinbase(""), Hint.EXECUTION),
        (CoinbaseWords, of_coinbase(), Hint.EXECUTION),
        (CoinbaseWords, of_coinbase("0", form="snapshot"), Hint.EXECUTION),
        (CoinbaseWords, {"channel": "heartbeats", "events": [{}]}, Hint.LIFE),
        (CoinbaseWords, subscribed("user"), Hint.EXECUTION),
        (CoinbaseWords, subscribed("heartbeats"), Hint.LIFE),
    ],
)
def test_a_message_says_what_is_to_be_read(
    make: Callable[[], StreamWords], message: dict[str, Any], hint: Hint
) -> None:
    assert make().open()(message) is hint


@pytest.mark.parametrize(
    ("make", "message", "reason"),
    [
        (KrakenWords, {"success": False, "error": "ESession:Invalid session"}, "ESession"),
        (KrakenWords, {"success": False}, "the subscription was refused"),
        (BinanceWords, of_binance(e="eventStreamTerminated"), "ended the subscription"),
        (
            BinanceWords,
            {"id": "subscription", "status": 400, "error": {"code": -1022, "msg": "Not valid."}},
            "Not valid.",
        ),
        (BinanceWords, {"id": "ping", "status": 429, "error": {"msg": "Too much."}}, "Too much."),
        (BinanceWords, {"id": "ping", "status": "odd"}, "status odd"),
        (CoinbaseWords, {"type": "error", "message": "authentication failure"}, "authentication"),
    ],
)
def test_what_ends_a_stream_says_why(
    make: Callable[[], StreamWords], message: dict[str, Any], reason: str
) -> None:
    with pytest.raises(VenueError, match=reason):
        make().open()(message)


def test_a_subscription_at_binance_is_signed_with_the_exchanges_time_and_asks_nothing() -> None:
    with open_desk("binance") as desk:
        asked = len(desk.running.exchange.requests())
        (message,) = BinanceWords().subscriptions(BinanceWords().ask_token(desk.venue))
        assert len(desk.running.exchange.requests()) == asked
    params = dict(message["params"])
    signature = params.pop("signature")
    assert message["method"] == "userDataStream.subscribe.signature"
    assert list(params) == ["apiKey", "recvWindow", "timestamp"]
    assert (params["apiKey"], params["recvWindow"]) == (KEY, RECEIVE_WINDOW_MS)
    assert abs(params["timestamp"] / 1000 - SystemClock.wall()) < 60
    text = "&".join(f"{name}={value}" for name, value in params.items())
    assert signature == hmac.new(KRAKEN_SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()
    assert KRAKEN_SECRET not in json.dumps(message)


def test_a_message_of_coinbase_that_is_missing_counts_as_an_execution() -> None:
    hint_of = CoinbaseWords().open()
    numbers = [0, 1, 2, 4, 5, 5]
    hints = [hint_of({"channel": "heartbeats", "sequence_num": each}) for each in numbers]
    assert [each is Hint.EXECUTION for each in hints] == [False, False, False, True, False, False]


def test_at_coinbase_orders_of_all_markets_are_subscribed_to_each_message_with_its_own_token() -> (
    None
):
    with open_desk("coinbase") as desk:
        asked = len(desk.running.exchange.requests())
        user, beats = CoinbaseWords().subscriptions(CoinbaseWords().ask_token(desk.venue))
        assert len(desk.running.exchange.requests()) == asked
    assert (user["channel"], beats["channel"]) == ("user", "heartbeats")
    assert user["jwt"] != beats["jwt"]
    assert "product_ids" not in user


def test_the_address_at_coinbase_is_the_one_for_users() -> None:
    class Exchange:
        urls: ClassVar = {"api": {"ws": "wss://advanced-trade-ws.coinbase.com"}}

    assert CoinbaseWords().address(Exchange()) == "wss://advanced-trade-ws-user.coinbase.com"
