"""What Kraken Futures' WebSocket is asked, what is signed for it, what its messages are about."""

import base64
import hashlib
import hmac
from typing import Any

import pytest

from daemonkit.secrets import redact
from tests.fakes.exchange.venues import KEY, KRAKEN_SECRET
from tests.trading_tests.brokers.ccxt_fake_desks import open_desk
from trading.brokers.account_stream import Hint
from trading.brokers.exchanges.krakenfutures_stream import KrakenFuturesWords
from trading.brokers.venue import VenueError

CHALLENGE = "2d7f4c1a-3b5e-4f60-8a9b-0c1d2e3f4a5b"


def subscribed(feed: str) -> dict[str, Any]:
    return {"event": "subscribed", "feed": feed}


def order(reason: object) -> dict[str, Any]:
    return {"feed": "open_orders", "order_id": "o", "is_cancel": False, "reason": reason}


def hints(*messages: dict[str, Any]) -> list[Hint]:
    hint_of = KrakenFuturesWords().open()
    return [hint_of(each) for each in messages]


def listening_hint(message: dict[str, Any]) -> Hint:
    """Return what a message is about once both feeds are subscribed to."""
    return hints(subscribed("open_orders"), subscribed("fills"), message)[-1]


@pytest.mark.parametrize(
    ("message", "hint"),
    [
        ({"feed": "fills", "fills": [{}]}, Hint.EXECUTION),
        ({"feed": "fills"}, Hint.EXECUTION),
        ({"feed": "fills_snapshot", "fills": []}, Hint.EXECUTION),
        ({"feed": "open_orders_snapshot", "orders": []}, Hint.EXECUTION),
        (order("new_placed_order_by_user"), Hint.ORDER),
        (order("cancelled_by_user"), Hint.ORDER),
        (order("stop_order_triggered"), Hint.ORDER),
        (order("partial_fill"), Hint.ORDER),
        (order("liquidation"), Hint.EXECUTION),
        (order("something new"), Hint.EXECUTION),
        (order(["odd"]), Hint.EXECUTION),
        ({"feed": "open_orders"}, Hint.EXECUTION),
        ({"feed": "heartbeat", "time": 1}, Hint.LIFE),
        ({"feed": ["odd"]}, Hint.LIFE),
        ({"feed": "open_orders_verbose", "reason": "full_fill"}, Hint.LIFE),
        ({"event": "info", "version": 1}, Hint.LIFE),
        ({"event": "challenge", "message": CHALLENGE}, Hint.LIFE),
        (subscribed("fills"), Hint.LIFE),
        (subscribed("heartbeat"), Hint.LIFE),
        ({"event": "alert", "message": "Already subscribed to feed, re-requesting"}, Hint.LIFE),
        ({"event": "unsubscribed", "feed": "heartbeat"}, Hint.LIFE),
        ({}, Hint.LIFE),
    ],
)
def test_a_message_says_what_is_to_be_read(message: dict[str, Any], hint: Hint) -> None:
    assert listening_hint(message) is hint


def test_it_is_listened_to_once_both_feeds_are_heard_of() -> None:
    assert hints(subscribed("fills"), {"feed": "fills"}, subscribed("heartbeat")) == [Hint.LIFE] * 3
    assert hints(subscribed("fills"), subscribed("fills")) == [Hint.LIFE] * 2
    both = [subscribed("fills"), subscribed("open_orders")]
    assert hints(*both) == [Hint.LIFE, Hint.EXECUTION]
    by_news = [{"feed": "open_orders_snapshot"}, {"feed": "fills_snapshot"}]
    assert hints(*by_news) == [Hint.LIFE, Hint.EXECUTION]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ({"event": "alert", "message": "Failed to subscribe to authenticated feed"}, "Failed to"),
        ({"event": "error", "message": "Json Error"}, "Json Error"),
        ({"event": "error"}, "the subscription was refused"),
        ({"event": "alert", "message": {"odd": 1}}, "odd"),
        ({"event": "subscribed_failed", "feed": "fills"}, "the subscription was refused"),
        ({"event": "unsubscribed", "feed": "fills"}, "ended the subscription"),
    ],
)
def test_what_ends_a_stream_says_why(message: dict[str, Any], reason: str) -> None:
    with pytest.raises(VenueError, match=reason):
        listening_hint(message)


def test_a_challenge_is_signed_as_documented_and_asks_nothing() -> None:
    words = KrakenFuturesWords()
    with open_desk("krakenfutures-swap") as desk:
        asked = len(desk.running.exchange.requests())
        question = words.question(words.ask_token(desk.venue))
        *own, beats = words.subscriptions(words.sign(desk.venue, CHALLENGE))
        assert len(desk.running.exchange.requests()) == asked
    assert question == {"event": "challenge", "api_key": KEY}
    inner = hashlib.sha256(CHALLENGE.encode()).digest()
    signed = hmac.new(base64.b64decode(KRAKEN_SECRET), inner, hashlib.sha512).digest()
    shown = {
        "event": "subscribe",
        "api_key": KEY,
        "original_challenge": CHALLENGE,
        "signed_challenge": base64.b64encode(signed).decode(),
    }
    assert own == [shown | {"feed": "open_orders"}, shown | {"feed": "fills"}]
    assert beats == {"event": "subscribe", "feed": "heartbeat"}
    said = f"the exchange has said {shown['signed_challenge']}"
    assert redact(said) == "the exchange has said [secret]"


@pytest.mark.parametrize(
    "text",
    [
        # What a request would be signed for: an order, a withdrawal.
        "orderType=mkt&symbol=PF_XBTUSD&side=sell&size=1/api/v3/sendorder",
        f"{CHALLENGE}/api/v3/withdrawal",
        f"{CHALLENGE}\n",
        f" {CHALLENGE}",
        CHALLENGE.replace("-", ""),
        "",
        None,
        17,
        [CHALLENGE],
    ],
)
def test_nothing_but_a_challenge_is_ever_signed(text: object) -> None:
    with pytest.raises(VenueError, match="no challenge"):
        KrakenFuturesWords().challenge_in({"event": "challenge", "message": text})


def test_other_messages_hold_no_challenge() -> None:
    words = KrakenFuturesWords()
    assert words.challenge_in({"event": "info", "message": CHALLENGE}) is None
    assert words.challenge_in({"event": "challenge", "message": CHALLENGE}) == CHALLENGE
