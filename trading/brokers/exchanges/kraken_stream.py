"""The executions channel of a Kraken account, spot or margin. Its token is a read of the key."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from trading.brokers.account_stream import Hint
from trading.brokers.ccxt_broker import CcxtVenue
from trading.brokers.exchanges.reading import mapping_at, mapping_of, text_at
from trading.brokers.exchanges.stream_words import Message, refused
from trading.brokers.exchanges.wire import endpoint

_ENDPOINT: Final = "privatePostGetWebSocketsToken"
_CHANNEL: Final = "executions"
# A "filled" follows the "trade" that filled it.
_ORDER_NEWS: Final = frozenset(
    {"pending_new", "new", "amended", "restated", "status", "filled", "canceled", "expired"}
)


class KrakenWords:
    """Speak of Kraken's executions; a heartbeat comes every second by itself."""

    exchange = "kraken"
    ping: Message | None = None

    def ask_token(self, venue: CcxtVenue) -> str:
        """Ask GetWebSocketsToken, which is a request with a nonce."""
        answer = mapping_of(venue.ask(endpoint(_ENDPOINT, {})), "answer")
        return text_at(mapping_at(answer, "result"), "token")

    def address(self, exchange: Any) -> str:
        """Return the address of Kraken's WebSocket v2 for accounts."""
        return str(exchange.urls["api"]["ws"]["privateV2"])

    def subscriptions(self, token: str) -> Sequence[Message]:
        """Subscribe with the token."""
        params = {"channel": _CHANNEL, "token": token}
        return ({"method": "subscribe", "params": params, "req_id": 1},)

    def open(self) -> Callable[[Message], Hint]:
        """Read messages one by one: nothing is kept between them."""
        return _hint_of


def _hint_of(message: Message) -> Hint:
    if message.get("channel") == _CHANNEL:
        return _read_worth_most(message)
    if message.get("success") is False:
        raise refused(message.get("error") or "")
    return Hint.LIFE


def _read_worth_most(message: Message) -> Hint:
    """Return which read is worth most; what is not clear counts as an execution."""
    rows = message.get("data")
    if message.get("type") != "update" or not isinstance(rows, list):
        return Hint.EXECUTION
    kinds = [row.get("exec_type") if isinstance(row, dict) else "" for row in rows]
    return Hint.ORDER if kinds and all(kind in _ORDER_NEWS for kind in kinds) else Hint.EXECUTION
