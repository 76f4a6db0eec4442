"""The user channel of a Coinbase account, and heartbeats beside it, without which it is closed.

Each message bears a signature of its own, which is good for two minutes.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from trading.brokers.account_stream import Hint
from trading.brokers.ccxt_broker import CcxtVenue
from trading.brokers.exchanges.stream_words import Message, refused
from trading.brokers.venue import FailureKind, VenueError

_USER: Final = "user"
_CHANNELS: Final = (_USER, "heartbeats")
_MARKET_HOST: Final = "//advanced-trade-ws."
_USER_HOST: Final = "//advanced-trade-ws-user."
_ZERO: Final = frozenset("0.")


class CoinbaseWords:
    """Speak of Coinbase's orders; a heartbeat comes every second."""

    exchange = "coinbase"
    ping: Message | None = None

    def ask_token(self, venue: CcxtVenue) -> str:
        """Have the subscriptions signed, which asks the exchange nothing."""
        return venue.sign(_signed)

    def address(self, exchange: Any) -> str:
        """Return the address of the WebSocket for users, where ccxt knows that of the market."""
        return str(exchange.urls["api"]["ws"]).replace(_MARKET_HOST, _USER_HOST)

    def subscriptions(self, token: str) -> Sequence[Message]:
        """Subscribe with what was signed, to the orders of all markets."""
        return [
            {"type": "subscribe", "channel": channel, "jwt": signed}
            for channel, signed in zip(_CHANNELS, json.loads(token), strict=True)
        ]

    def open(self) -> Callable[[Message], Hint]:
        """Read messages, and keep count of them."""
        return _CountedMessages().hint_of


class _CountedMessages:
    """Notice when one of a connection's messages is missing."""

    def __init__(self) -> None:
        self._number: object = None

    def hint_of(self, message: Message) -> Hint:
        """Return what a message is about, or an execution if one before it was not heard."""
        hint = _hint_of(message)
        number, last = message.get("sequence_num"), self._number
        self._number = number
        has_gap = isinstance(number, int) and isinstance(last, int) and number > last + 1
        return Hint.EXECUTION if has_gap else hint


def _signed(exchange: Any) -> str:
    """Sign as ccxt's class does, once for each channel."""
    if not exchange.secret.startswith("-----BEGIN"):
        raise VenueError("only an ECDSA key opens the stream", FailureKind.REFUSED)
    return json.dumps([exchange.create_auth_token(exchange.seconds()) for _ in _CHANNELS])


def _hint_of(message: Message) -> Hint:
    if message.get("type") == "error":
        raise refused(message.get("message") or "")
    channel, events = message.get("channel"), message.get("events")
    if not isinstance(events, list):
        events = []
    if channel == _USER:
        return _read_worth_most(events)
    is_answer = channel == "subscriptions" and any(_is_subscribed(event) for event in events)
    # What happened before it was subscribed to is told by nobody.
    return Hint.EXECUTION if is_answer else Hint.LIFE


def _is_subscribed(event: Any) -> bool:
    channels = event.get("subscriptions") if isinstance(event, dict) else None
    return isinstance(channels, dict) and _USER in channels


def _read_worth_most(events: Iterable[Any]) -> Hint:
    """Return which read is worth most; what is not clear counts as an execution."""
    rows: list[Any] = []
    for event in events:
        if not isinstance(event, dict) or event.get("type") != "update":
            return Hint.EXECUTION
        rows += event.get("orders") or []
    return Hint.ORDER if rows and all(_is_unfilled(row) for row in rows) else Hint.EXECUTION


def _is_unfilled(row: Any) -> bool:
    filled = row.get("cumulative_quantity") if isinstance(row, dict) else None
    return isinstance(filled, str) and bool(filled) and _ZERO.issuperset(filled)
