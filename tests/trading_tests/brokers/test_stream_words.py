"""Which read each message of an account's WebSocket makes due, and what ends the stream."""

import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest

from daemonkit.clock import SystemClock
from tests.fakes.exchange.venues import KEY, KRAKEN_SECRET
from tests.trading_tests.brokers.ccxt_fake_desks import open_desk
from trading.brokers.account_stream import Hint
from trading.brokers.exchanges.binance_stream import RECEIVE_WINDOW_MS, BinanceWords
from trading.brokers.exchanges.kraken_stream import KrakenWords
from trading.brokers.exchanges.stream_words import StreamWords
from trading.brokers.venue import VenueError


def of_binance(**event: Any) -> dict[str, Any]:
    return {"subscriptionId": 0, "event": event}


def of_kraken(*kinds: str, form: str = "update") -> dict[str, Any]:
    rows = [{"exec_type": kind} for kind in kinds]
    return {"channel": "executions", "type": form, "data": rows}


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
