"""The user data stream of a Binance spot account, through the WebSocket API.

Each connection subscribes with a signature of its own, so there is no listen key to be kept alive.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Sequence
from typing import Any, Final

from trading.brokers.account_stream import Hint
from trading.brokers.ccxt_broker import CcxtVenue
from trading.brokers.exchanges.stream_words import Message, refused
from trading.brokers.venue import FailureKind, VenueError

# Until the signature is where it is wanted a library may have to be loaded and a line be opened.
RECEIVE_WINDOW_MS: Final = 10_000
_SUBSCRIPTION: Final = "subscription"
_PING: Final = "ping"
_GOOD: Final = 200
_ORDER_NEWS: Final = frozenset(
    {"NEW", "CANCELED", "REPLACED", "REJECTED", "EXPIRED", "TRADE_PREVENTION"}
)
# Money that moved with an execution is told with the execution.
_SIGNS_OF_LIFE: Final = frozenset(
    {"outboundAccountPosition", "balanceUpdate", "externalLockUpdate", "serverShutdown"}
)


class BinanceWords:
    """Speak of Binance's user data; it says nothing of a quiet account unless it is asked."""

    exchange = "binance"

    @property
    def ping(self) -> Message:
        """Return a request that is answered with nothing."""
        return {"id": _PING, "method": "ping"}

    def ask_token(self, venue: CcxtVenue) -> str:
        """Have the subscription signed, which asks the exchange nothing."""
        return venue.sign(_signed)

    def address(self, exchange: Any) -> str:
        """Return the address of the WebSocket API for spot."""
        return str(exchange.urls["api"]["ws"]["ws-api"]["spot"])

    def subscriptions(self, token: str) -> Sequence[Message]:
        """Subscribe with what was signed."""
        method = "userDataStream.subscribe.signature"
        return ({"id": _SUBSCRIPTION, "method": method, "params": json.loads(token)},)

    def open(self) -> Callable[[Message], Hint]:
        """Read messages one by one: nothing is kept between them."""
        return _hint_of


def _signed(exchange: Any) -> str:
    """Sign as ccxt's class does: the parameters by their names' order."""
    if "PRIVATE KEY" in exchange.secret:
        raise VenueError("only an HMAC key opens the stream", FailureKind.REFUSED)
    params = {
        "apiKey": exchange.apiKey,
        "recvWindow": RECEIVE_WINDOW_MS,
        "timestamp": exchange.nonce(),
    }
    text = "&".join(f"{name}={value}" for name, value in sorted(params.items()))
    signature = hmac.new(exchange.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    return json.dumps({**params, "signature": signature})


def _hint_of(message: Message) -> Hint:
    event = message.get("event", message)
    if isinstance(event, dict) and "e" in event:
        return _hint_of_event(event)
    status = message.get("status")
    if status is not None and status != _GOOD:
        error = message.get("error")
        raise refused(error.get("msg") if isinstance(error, dict) else f"status {status}")
    # What happened before it was subscribed to is told by nobody.
    return Hint.EXECUTION if message.get("id") == _SUBSCRIPTION else Hint.LIFE


def _hint_of_event(event: Message) -> Hint:
    """Return which read is worth most; what is not clear counts as an execution."""
    kind = event.get("e")
    if kind == "eventStreamTerminated":
        raise VenueError("the exchange ended the subscription", FailureKind.UNREACHABLE)
    if kind in _SIGNS_OF_LIFE:
        return Hint.LIFE
    is_order = kind == "listStatus" or (kind == "executionReport" and event.get("x") in _ORDER_NEWS)
    return Hint.ORDER if is_order else Hint.EXECUTION
