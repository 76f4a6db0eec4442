"""The private feeds of a Kraken Futures account: open orders, fills, and heartbeats beside them.

A connection asks for a challenge first, which is signed where the key is; it is good for this
connection alone.
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from daemonkit.secrets import Secret
from trading.brokers.account_stream import Hint
from trading.brokers.ccxt_broker import CcxtVenue
from trading.brokers.exchanges.stream_words import Message, refused
from trading.brokers.venue import FailureKind, VenueError

_ORDERS: Final = "open_orders"
_FILLS: Final = "fills"
_FEEDS: Final = (_ORDERS, _FILLS)
_SNAPSHOT: Final = "_snapshot"
# Nothing else is signed: of other texts the signature would be that of a request, such as an order.
_CHALLENGE: Final = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
# What was executed is told by the other feed. A liquidation is not among them: it is both.
_ORDER_NEWS: Final = frozenset(
    {
        "new_placed_order_by_user",
        "edited_by_user",
        "stop_order_triggered",
        "limit_order_from_stop",
        "partial_fill",
        "full_fill",
        "cancelled_by_user",
        "cancelled_by_admin",
        "contract_expired",
        "not_enough_margin",
        "market_inactive",
        "dead_man_switch",
    }
)


class KrakenFuturesWords:
    """Speak of an account's orders and fills; a quiet connection answers to ping frames."""

    exchange = "krakenfutures"
    # Heartbeats are told at intervals that nobody has promised.
    ping: Message | bytes | None = b""

    def __init__(self) -> None:
        # Held so that no log shows it, whatever the exchange says back.
        self._signature: Secret | None = None

    def ask_token(self, venue: CcxtVenue) -> str:
        """Return the key's name, which a challenge is asked for with."""
        return venue.sign(lambda exchange: str(exchange.apiKey))

    def sign(self, venue: CcxtVenue, challenge: str) -> str:
        """Have a challenge signed, which asks the exchange nothing."""
        return venue.sign(lambda exchange: _signed(exchange, challenge))

    def address(self, exchange: Any) -> str:
        """Return the address of the WebSocket, which is that of the market."""
        return str(exchange.urls["api"]["ws"])

    def question(self, token: str) -> Message:
        """Ask for a challenge."""
        return {"event": "challenge", "api_key": token}

    def challenge_in(self, message: Message) -> str | None:
        """Return the challenge, VenueError if it is anything that must not be signed."""
        if message.get("event") != "challenge":
            return None
        text = message.get("message")
        if not isinstance(text, str) or not _CHALLENGE.fullmatch(text):
            raise VenueError("what came to be signed is no challenge", FailureKind.BAD_ANSWER)
        return text

    def subscriptions(self, token: str) -> Sequence[Message]:
        """Subscribe with what was signed, and to what tells that the exchange still speaks."""
        signed = json.loads(token)
        self._signature = Secret(signed["signed_challenge"])
        own = [{"event": "subscribe", "feed": feed, **signed} for feed in _FEEDS]
        return [*own, {"event": "subscribe", "feed": "heartbeat"}]

    def open(self) -> Callable[[Message], Hint]:
        """Read messages, and know which feeds are listened to."""
        return _Feeds().hint_of


class _Feeds:
    """Tell what the messages of one connection are about, once both feeds are heard of."""

    def __init__(self) -> None:
        self._silent = set(_FEEDS)

    def hint_of(self, message: Message) -> Hint:
        """Return which read is worth most; what is not clear counts as an execution."""
        event, feed = message.get("event"), message.get("feed")
        name = feed.removesuffix(_SNAPSHOT) if isinstance(feed, str) else ""
        if event is not None:
            _check(event, message, name)
        if name not in _FEEDS or event not in (None, "subscribed"):
            return Hint.LIFE
        is_first = name in self._silent
        self._silent.discard(name)
        if self._silent or (event is not None and not is_first):
            return Hint.LIFE
        # What happened before both were subscribed to is told by nobody.
        return Hint.EXECUTION if is_first else _read_worth_most(feed, message)


def _read_worth_most(feed: object, message: Message) -> Hint:
    reason = message.get("reason")
    is_order = feed == _ORDERS and isinstance(reason, str) and reason in _ORDER_NEWS
    return Hint.ORDER if is_order else Hint.EXECUTION


def _check(event: object, message: Message, feed: str) -> None:
    """Raise VenueError for what ends a stream."""
    said = message.get("message")
    if event == "alert" and "Already subscribed" in str(said):
        return
    if event in ("alert", "error", "subscribed_failed"):
        raise refused(said or "")
    if event == "unsubscribed" and feed in _FEEDS:
        raise VenueError("the exchange ended the subscription", FailureKind.UNREACHABLE)


def _signed(exchange: Any, challenge: str) -> str:
    """Sign as the exchange documents it, and as ccxt's class does."""
    inner = hashlib.sha256(challenge.encode()).digest()
    signed = hmac.new(base64.b64decode(exchange.secret), inner, hashlib.sha512).digest()
    return json.dumps(
        {
            "api_key": exchange.apiKey,
            "original_challenge": challenge,
            "signed_challenge": base64.b64encode(signed).decode(),
        }
    )
