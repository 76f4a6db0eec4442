"""The private feeds of Kraken Futures' WebSocket: challenge, signature, fills and open orders."""

import base64
import hashlib
import hmac
import json
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tests.fakes.exchange import kraken_futures_shapes as shapes
from tests.fakes.exchange.books import OrderChanged
from tests.fakes.exchange.engine import Engine
from tests.fakes.exchange.terms import Account, ApiKey, Market, Order, OrderState, Side, Trade

PRIVATE: Final = frozenset({"fills", "open_orders"})
_SIGNED: Final = ("api_key", "original_challenge", "signed_challenge")


@dataclass
class FeedScript:
    """What connections to come are told instead of, or beside, what is true."""

    refusals: int = 0  # of subscriptions
    heartbeat_beats: int = 10  # the real one's heartbeat comes every ten seconds
    # Said instead of a challenge: text as it stands, anything else as JSON, None is silence.
    challenges: deque[object] = field(default_factory=deque)
    # Said to the next one, once heartbeats are subscribed to.
    frames: deque[object] = field(default_factory=deque)
    echoes: bool = False  # a refusal repeats what was sent
    challenged: int = 0  # how many challenges were asked for
    signatures: list[str] = field(default_factory=list)  # that came


class PrivateFeeds:
    """One connection: its challenge, and the feeds of the account whose key has signed it."""

    def __init__(
        self,
        engine: Engine,
        script: FeedScript,
        complaints: list[str],
        send: Callable[[object], None],
    ) -> None:
        self._engine = engine
        self._script = script
        self._complaints = complaints
        self._send = send
        self._challenge = ""
        self._account: Account | None = None
        self._feeds: set[str] = set()

    def challenge(self, message: Mapping[str, Any]) -> None:
        if not isinstance(message.get("api_key"), str):
            self._complaints.append("WebSocket: a challenge without api_key")
            self._send({"event": "error", "message": "Json Error"})
            return
        self._script.challenged += 1
        if self._script.challenges:
            said = self._script.challenges.popleft()
            if said is not None:
                self._send(said)
            return
        self._challenge = str(uuid.uuid4())
        self._send({"event": "challenge", "message": self._challenge})

    def subscribe(self, message: Mapping[str, Any], feed: str) -> None:
        self._script.signatures.append(str(message.get("signed_challenge", "")))
        missing = [name for name in _SIGNED if not isinstance(message.get(name), str)]
        if missing:
            self._complaints.append(f"WebSocket: {feed} without {', '.join(missing)}")
        key = self._engine.keys.get(message.get("api_key", ""))
        if missing or key is None or not self._may_listen(key, message):
            alert = "Failed to subscribe to authenticated feed"
            echo = f": {json.dumps(message)}" if self._script.echoes else ""
            self._send({"event": "alert", "message": alert + echo})
            return
        if feed in self._feeds:
            self._send({"event": "alert", "message": "Already subscribed to feed, re-requesting"})
        with self._engine.changed:
            self._account = key.account
            self._feeds.add(feed)
            answered = {name: message[name] for name in _SIGNED}
            self._send({"event": "subscribed", "feed": feed, **answered})
            self._send(self._snapshot(feed, key.account))

    def take(self, news: OrderChanged) -> None:
        if news.order.account is not self._account:
            return
        market = self._engine.markets[news.order.symbol]
        if news.trade is not None and "fills" in self._feeds:
            fills = [_fill(news.trade, market, news.order)]
            self._send({"feed": "fills", "username": self._account.name, "fills": fills})
        if "open_orders" in self._feeds:
            self._send(_order_news(news, market))

    def _may_listen(self, key: ApiKey, message: Mapping[str, Any]) -> bool:
        if self._script.refusals:
            self._script.refusals -= 1
            return False
        return bool(self._challenge) and key.rights.query and self._is_signed(key, message)

    def _is_signed(self, key: ApiKey, message: Mapping[str, Any]) -> bool:
        """Check what bears the key's signature: the challenge of this connection, and no other."""
        inner = hashlib.sha256(self._challenge.encode()).digest()
        signed = hmac.new(base64.b64decode(key.secret), inner, hashlib.sha512).digest()
        is_same = message["original_challenge"] == self._challenge
        given = str(message["signed_challenge"]).encode()
        return is_same and hmac.compare_digest(base64.b64encode(signed), given)

    def _snapshot(self, feed: str, account: Account) -> dict[str, Any]:
        markets = self._engine.markets
        if feed == "fills":
            trades = self._engine.trades(account)[-100:]
            rows = [_fill(each, markets[each.symbol]) for each in trades]
            return {"feed": "fills_snapshot", "account": account.name, "fills": rows}
        orders = self._engine.open_orders(account)
        shown = [_order(each, markets[each.symbol]) for each in orders]
        return {"feed": "open_orders_snapshot", "account": account.name, "orders": shown}


def _fill(trade: Trade, market: Market, order: Order | None = None) -> dict[str, Any]:
    shown = {
        "instrument": shapes.market_id(market),
        "time": int(trade.at * 1000),
        "price": float(trade.price),
        "seq": trade.number,
        "buy": trade.side is Side.BUY,
        "qty": float(trade.quantity),
        "remaining_order_qty": float(order.left if order else 0),
        "order_id": trade.order_id,
        "fill_id": trade.id,
        "fill_type": "maker" if trade.is_maker else "taker",
        "fee_paid": float(trade.fee),
        "fee_currency": trade.fee_currency,
    }
    # The one that it came with is told as it happens, and by no snapshot.
    return shown | ({"cli_ord_id": trade.client_id} if order and trade.client_id else {})


def _order(order: Order, market: Market) -> dict[str, Any]:
    return {
        "instrument": shapes.market_id(market),
        "time": int(order.opened_at * 1000),
        "last_update_time": int(order.updated_at * 1000),
        "qty": float(order.left),
        "filled": float(order.filled),
        "limit_price": float(order.wish.price or 0),
        "stop_price": float(order.wish.trigger or 0),
        "type": "stop" if shapes.is_waiting(order) else "limit",
        "order_id": order.id,
        "cli_ord_id": order.client_id,
        "direction": 0 if order.side is Side.BUY else 1,
        "reduce_only": order.wish.is_reduce_only,
    }


def _order_news(news: OrderChanged, market: Market) -> dict[str, Any]:
    order = news.order
    if order.is_open:
        reason = "partial_fill" if news.trade else "new_placed_order_by_user"
        shown = _order(order, market)
        return {"feed": "open_orders", "order": shown, "is_cancel": False, "reason": reason}
    is_filled = order.state is OrderState.FILLED
    return {
        "feed": "open_orders",
        "order_id": order.id,
        "cli_ord_id": order.client_id,
        "is_cancel": True,
        "reason": "full_fill" if is_filled else "cancelled_by_user",
    }
