"""The WebSocket of Kraken Futures: ticker, trade, heartbeat; and beside them an account's feeds."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from tests.fakes.exchange import kraken_futures_shapes as shapes
from tests.fakes.exchange.books import News, Ticked
from tests.fakes.exchange.engine import Engine
from tests.fakes.exchange.kraken_futures_private import PRIVATE, FeedScript, PrivateFeeds
from tests.fakes.exchange.tape import Tick
from tests.fakes.exchange.terms import Market

_PUBLIC: Final = frozenset({"ticker", "ticker_lite", "trade"})


class FuturesSession:
    """One connection: the feeds it has asked for."""

    def __init__(
        self,
        engine: Engine,
        markets: Mapping[str, Market],
        complaints: list[str],
        send: Callable[[object], None],
        script: FeedScript,
    ) -> None:
        self._engine = engine
        self._markets = markets
        self._complaints = complaints
        self._send = send
        self._feeds: set[tuple[str, str]] = set()  # feed and symbol
        self._script = script
        self._beats = 0
        self._private = PrivateFeeds(engine, script, complaints, send)
        send({"event": "info", "version": 1})

    def receive(self, text: str) -> None:
        message = json.loads(text)
        event, feed = message.get("event"), message.get("feed", "")
        if event == "ping":
            self._send({"event": "pong"})
        elif event == "challenge":
            self._private.challenge(message)
        elif event == "subscribe" and feed in PRIVATE:
            self._private.subscribe(message, feed)
        elif event == "subscribe" and feed in _PUBLIC:
            for name in message.get("product_ids", []):
                self._subscribe(feed, name)
        elif event == "unsubscribe":
            for name in message.get("product_ids", [""]):
                self._feeds.discard((feed, self._symbol(name)))
            self._send({**message, "event": "unsubscribed"})
        elif event == "subscribe" and feed == "heartbeat":
            self._feeds.add((feed, ""))
            self._send({"event": "subscribed", "feed": feed})
            while self._script.frames:
                self._send(self._script.frames.popleft())
        else:
            self._complaints.append(f"WebSocket: unknown event in {text}")

    def take(self, news: News) -> None:
        if isinstance(news, Ticked):
            self._take_tick(news.symbol, news.tick)
        else:
            self._private.take(news)

    def beat(self) -> None:
        self._beats += 1
        if ("heartbeat", "") in self._feeds and self._beats % self._script.heartbeat_beats == 0:
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
