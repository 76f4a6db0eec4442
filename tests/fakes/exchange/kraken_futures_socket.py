"""The WebSocket of Kraken Futures: ticker and trade in public, fills and open orders of a key."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from tests.fakes.exchange import kraken_futures_shapes as shapes
from tests.fakes.exchange.books import News, OrderChanged, Ticked
from tests.fakes.exchange.engine import Engine
from tests.fakes.exchange.tape import Tick
from tests.fakes.exchange.terms import Account, ApiKey, Market, Order, OrderState, Side, Trade

_PUBLIC: Final = frozenset({"ticker", "ticker_lite", "trade"})
_PRIVATE: Final = frozenset({"fills", "open_orders"})
_CHALLENGE: Final = "226aee50-0000-4618-a42a-34f770957000"


class FuturesSession:
    """One connection: the feeds it has asked for."""

    def __init__(
        self,
        engine: Engine,
        markets: Mapping[str, Market],
        complaints: list[str],
        send: Callable[[object], None],
    ) -> None:
        self._engine = engine
        self._markets = markets
        self._complaints = complaints
        self._send = send
        self._feeds: set[tuple[str, str]] = set()  # feed and symbol
        self._account: Account | None = None
        send({"event": "info", "version": 1})

    def receive(self, text: str) -> None:
        message = json.loads(text)
        event, feed = message.get("event"), message.get("feed", "")
        if event == "ping":
            self._send({"event": "pong"})
        elif event == "challenge":
            self._send({"event": "challenge", "message": _CHALLENGE})
        elif event == "subscribe" and feed in _PRIVATE:
            self._subscribe_private(message, feed)
        elif event == "subscribe" and feed in _PUBLIC:
            for name in message.get("product_ids", []):
                self._subscribe(feed, name)
        elif event == "unsubscribe":
            for name in message.get("product_ids", [""]):
                self._feeds.discard((feed, self._symbol(name)))
            self._send({**message, "event": "unsubscribed"})
        elif event == "subscribe" and feed == "heartbeat":
            self._feeds.add((feed, ""))
        else:
            self._complaints.append(f"WebSocket: unknown event in {text}")

    def take(self, news: News) -> None:
        if isinstance(news, Ticked):
            self._take_tick(news.symbol, news.tick)
        elif news.order.account is self._account:
            market = self._engine.markets[news.order.symbol]
            if news.trade is not None and ("fills", "") in self._feeds:
                self._send({"feed": "fills", "fills": [_fill(news.trade, market)]})
            if ("open_orders", "") in self._feeds:
                self._send(_order_news(news, market))

    def beat(self) -> None:
        if ("heartbeat", "") in self._feeds:
            now = int(self._engine.clock.wall() * 1000)
            self._send({"feed": "heartbeat", "time": now})

    def _subscribe(self, feed: str, name: str) -> None:
        symbol = self._symbol(name)
        if not symbol:
            self._send({"event": "alert", "message": f"Bad product id {name}"})
            return
        if (feed, symbol) in self._feeds:
            self._send({"event": "alert", "message": "Already subscribed to feed, re-requesting"})
        self._feeds.add((feed, symbol))
        self._send({"event": "subscribed", "feed": feed, "product_ids": [name]})
        with self._engine.changed:
            market, tape = self._engine.markets[symbol], self._engine.tapes[symbol]
            if tape.last is None:
                return
            if feed == "trade":
                ticks = [_tick(market, tick) for tick in reversed(list(tape.ticks)[-100:])]
                shown = {"feed": "trade_snapshot", "product_id": name, "trades": ticks}
                self._send(shown)
            else:
                self._send(self._ticker(feed, market))

    def _subscribe_private(self, message: dict[str, Any], feed: str) -> None:
        key = self._engine.keys.get(message.get("api_key", ""))
        if key is None or not _is_signed(key, message):
            alert = "Failed to subscribe to authenticated feed"
            self._send({"event": "alert", "message": alert})
            return
        self._account = key.account
        self._feeds.add((feed, ""))
        self._send({"event": "subscribed", "feed": feed})
        markets = self._engine.markets
        if feed == "fills":
            trades = self._engine.trades(key.account)[-100:]
            rows = [_fill(each, markets[each.symbol]) for each in trades]
            self._send({"feed": "fills_snapshot", "account": key.account.name, "fills": rows})
            return
        orders = self._engine.open_orders(key.account)
        shown = [_order(each, markets[each.symbol]) for each in orders]
        snapshot = {"feed": "open_orders_snapshot", "account": key.account.name, "orders": shown}
        self._send(snapshot)

    def _take_tick(self, symbol: str, tick: Tick) -> None:
        market = self._engine.markets[symbol]
        if ("trade", symbol) in self._feeds:
            self._send(_tick(market, tick))
        with self._engine.changed:
            for feed in ("ticker", "ticker_lite"):
                if (feed, symbol) in self._feeds:
                    self._send(self._ticker(feed, market))

    def _ticker(self, feed: str, market: Market) -> dict[str, Any]:
        tape = self._engine.tapes[market.symbol]
        shape = shapes.ticker(market, tape)
        return {
            "feed": feed,
            "time": int(tape.at * 1000),
            "product_id": shapes.market_id(market),
            "bid": shape["bid"],
            "ask": shape["ask"],
            "bid_size": shape["bidSize"],
            "ask_size": shape["askSize"],
            "volume": shape["vol24h"],
            "last": shape["last"],
            "index": shape["indexPrice"],
            "markPrice": shape["markPrice"],
            "change": 0.0,
            "tag": "perpetual",
            "pair": shape["pair"],
            "suspended": False,
            "volumeQuote": shape["volumeQuote"],
            "post_only": False,
        }

    def _symbol(self, name: str) -> str:
        market = self._markets.get(name.upper())
        return market.symbol if market else ""


def _is_signed(key: ApiKey, message: Mapping[str, Any]) -> bool:
    inner = hashlib.sha256(_CHALLENGE.encode()).digest()
    signed = hmac.new(base64.b64decode(key.secret), inner, hashlib.sha512).digest()
    is_same = message.get("original_challenge") == _CHALLENGE
    given = str(message.get("signed_challenge", ""))
    return is_same and hmac.compare_digest(base64.b64encode(signed).decode(), given)


def _tick(market: Market, tick: Tick) -> dict[str, Any]:
    return {
        "feed": "trade",
        "product_id": shapes.market_id(market),
        "uid": shapes.make_id("E", tick.number),
        "side": tick.side.value,
        "type": "fill",
        "seq": tick.number,
        "time": int(tick.at * 1000),
        "qty": float(tick.quantity),
        "price": float(tick.price),
    }


def _fill(trade: Trade, market: Market) -> dict[str, Any]:
    return {
        "instrument": shapes.market_id(market),
        "time": int(trade.at * 1000),
        "price": float(trade.price),
        "seq": trade.number,
        "buy": trade.side is Side.BUY,
        "qty": float(trade.quantity),
        "order_id": trade.order_id,
        "cli_ord_id": trade.client_id,
        "fill_id": trade.id,
        "fill_type": "maker" if trade.is_maker else "taker",
        "fee_paid": float(trade.fee),
        "fee_currency": trade.fee_currency,
    }


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
