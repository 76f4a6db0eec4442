"""The WebSocket of Coinbase: what one connection has subscribed to, and what it is sent."""

import json
from collections.abc import Callable, Iterable
from typing import Final

from tests.fakes.exchange.books import News, OrderChanged, Ticked
from tests.fakes.exchange.coinbase_shapes import (
    Json,
    candle_row,
    depth_quantity,
    iso,
    number,
    order_type,
    price_book,
    product_id,
    public_trade,
)
from tests.fakes.exchange.coinbase_token import BadTokenError, check_token
from tests.fakes.exchange.engine import Engine
from tests.fakes.exchange.tape import Tape, Tick
from tests.fakes.exchange.terms import Account, Market, Order, OrderState

_CHANNELS: Final = frozenset(
    {"heartbeats", "candles", "market_trades", "status", "ticker", "ticker_batch", "level2", "user"}
)
_UNKNOWN: Final = "authentication failure"
_SNAPSHOT_TRADES: Final = 50
_SNAPSHOT_ORDERS: Final = 50
_POSITIONS: Final[Json] = {"perpetual_futures_positions": [], "expiring_futures_positions": []}
_CANDLE_S: Final = 300
_LEVELS: Final = 10
_STATUS: Final = {
    OrderState.OPEN: "OPEN",
    OrderState.FILLED: "FILLED",
    OrderState.CANCELLED: "CANCELLED",
    OrderState.EXPIRED: "EXPIRED",
}


class CoinbaseStreams:
    """One connection: its channels, its count of messages, and whose orders it is told."""

    def __init__(
        self,
        engine: Engine,
        complaints: list[str],
        send: Callable[[object], None],
        *,
        refuses: Callable[[], bool] = lambda: False,
    ) -> None:
        self._engine = engine
        self._refuses = refuses
        self._tokens: set[str] = set()
        self._complaints = complaints
        self._raw_send = send
        self._sequence = 0
        self._beats = 0
        self._account: Account | None = None
        self._markets = {product_id(market): market for market in engine.markets.values()}
        self.channels: dict[str, dict[str, None]] = {}

    def receive(self, text: str) -> None:
        """Take a message of the caller and answer it."""
        try:
            asked = json.loads(text)
        except ValueError:
            self._refuse("failure to parse JSON", text)
            return
        kind, channel = asked.get("type"), asked.get("channel")
        names = asked.get("product_ids", [])
        if kind not in {"subscribe", "unsubscribe"} or channel not in _CHANNELS:
            self._refuse("channel is required", text)
            return
        unknown = [name for name in names if name not in self._markets]
        if unknown:
            self._refuse(f"{unknown[0]} is not a valid product", text)
            return
        token = asked.get("jwt")
        if (channel == "user" or token is not None) and not self._authenticate(token, text):
            return
        with self._engine.changed:
            if kind == "subscribe":
                self._subscribe(channel, names)
            else:
                self._unsubscribe(channel, names)

    def take(self, news: News) -> None:
        """Tell of a public trade, or of a change of an own order."""
        with self._engine.changed:
            if isinstance(news, Ticked):
                self._take_tick(self._engine.markets[news.symbol], news.tick)
            elif isinstance(news, OrderChanged):
                self._take_order(news.order)

    def beat(self) -> None:
        """Send the heartbeat, and what comes in batches."""
        if "heartbeats" in self.channels:
            self._beats += 1
            now = iso(self._engine.clock.wall()).replace("T", " ").replace("Z", " +0000 UTC")
            event = {"current_time": now, "heartbeat_counter": self._beats}
            self._send("heartbeats", [event])
        with self._engine.changed:
            for name in self.channels.get("ticker_batch", {}):
                self._send_ticker("ticker_batch", self._markets[name], "update")

    def _authenticate(self, token: object, text: str) -> bool:
        try:
            key = check_token(str(token), self._engine.keys, self._engine.clock.wall())
        except BadTokenError as error:
            self._refuse(_UNKNOWN, f"{text}: {error}")
            return False
        if token in self._tokens:
            self._refuse(_UNKNOWN, f"{text}: each message needs a token of its own")
            return False
        self._tokens.add(str(token))
        if self._refuses() or not key.rights.query:
            self._raw_send({"type": "error", "message": _UNKNOWN})
            return False
        self._account = key.account
        return True

    def _refuse(self, message: str, text: str) -> None:
        self._complaints.append(f"{message}: {text}")
        self._raw_send({"type": "error", "message": message})

    def _subscribe(self, channel: str, names: list[str]) -> None:
        wanted = names or (list(self._markets) if channel in {"user", "status"} else [])
        self.channels.setdefault(channel, {}).update(dict.fromkeys(wanted))
        self._tell_subscriptions()
        for name in wanted:
            market = self._markets[name]
            tape = self._engine.tapes[market.symbol]
            if channel in {"ticker", "ticker_batch"}:
                self._send_ticker(channel, market, "snapshot")
            elif channel == "market_trades":
                ticks = list(tape.ticks)[-_SNAPSHOT_TRADES:]
                self._send_trades(market, reversed(ticks), "snapshot")
            elif channel == "candles":
                self._send_candle(market, "snapshot")
            elif channel == "level2":
                self._send_book(market, tape, "snapshot")
        if channel == "user":
            self._send_open_orders()

    def _unsubscribe(self, channel: str, names: list[str]) -> None:
        left = self.channels.get(channel, {})
        for name in names or list(left):
            left.pop(name, None)
        if not left:
            self.channels.pop(channel, None)
        self._tell_subscriptions()

    def _tell_subscriptions(self) -> None:
        shown = {channel: list(names) for channel, names in self.channels.items()}
        self._send("subscriptions", [{"subscriptions": shown}])

    def _send(self, channel: str, events: list[Json]) -> None:
        message = {
            "channel": channel,
            "client_id": "",
            "timestamp": iso(self._engine.clock.wall()),
            "sequence_num": self._sequence,
            "events": events,
        }
        self._sequence += 1
        self._raw_send(message)

    def _take_tick(self, market: Market, tick: Tick) -> None:
        name = product_id(market)
        if name in self.channels.get("ticker", {}):
            self._send_ticker("ticker", market, "update")
        if name in self.channels.get("market_trades", {}):
            self._send_trades(market, [tick], "update")
        if name in self.channels.get("candles", {}):
            self._send_candle(market, "update")
        if name in self.channels.get("level2", {}):
            self._send_book(market, self._engine.tapes[market.symbol], "update")

    def _send_ticker(self, channel: str, market: Market, kind: str) -> None:
        tape = self._engine.tapes[market.symbol]
        if tape.last is None:
            return
        day = tape.day()
        change = (tape.last - day.open) / day.open * 100 if day.open else None
        quantity = number(depth_quantity(tape))
        ticker = {
            "type": "ticker",
            "product_id": product_id(market),
            "price": number(tape.last),
            "volume_24_h": number(day.volume),
            "low_24_h": number(day.low),
            "high_24_h": number(day.high),
            "low_52_w": number(day.low),
            "high_52_w": number(day.high),
            "price_percent_chg_24_h": number(change),
            "best_bid": number(tape.bid),
            "best_bid_quantity": quantity,
            "best_ask": number(tape.ask),
            "best_ask_quantity": quantity,
        }
        self._send(channel, [{"type": kind, "tickers": [ticker]}])

    def _send_trades(self, market: Market, ticks: Iterable[Tick], kind: str) -> None:
        rows = [public_trade(market, tick) for tick in ticks]
        if rows:
            self._send("market_trades", [{"type": kind, "trades": rows}])

    def _send_candle(self, market: Market, kind: str) -> None:
        begin = int(self._engine.clock.wall() // _CANDLE_S) * _CANDLE_S
        candles = self._engine.tapes[market.symbol].candles(_CANDLE_S, begin)
        rows = [candle_row(candle) | {"product_id": product_id(market)} for candle in candles]
        if rows:
            self._send("candles", [{"type": kind, "candles": rows}])

    def _send_book(self, market: Market, tape: Tape, kind: str) -> None:
        book = price_book(market, tape, self._engine.clock.wall(), _LEVELS)
        updates = [
            {
                "side": side,
                "event_time": iso(tape.at),
                "price_level": level["price"],
                "new_quantity": level["size"],
            }
            for side, name in (("bid", "bids"), ("offer", "asks"))
            for level in _levels(book, name)
        ]
        event: Json = {"type": kind, "product_id": product_id(market), "updates": updates}
        self._send("l2_data", [event])

    def _send_open_orders(self) -> None:
        assert self._account is not None
        rows = [_order_row(order) for order in self._engine.open_orders(self._account)]
        # Whoever reads them knows the last message by its being short.
        for begin in range(0, len(rows) + 1, _SNAPSHOT_ORDERS):
            batch = rows[begin : begin + _SNAPSHOT_ORDERS]
            self._send("user", [{"type": "snapshot", "orders": batch, "positions": _POSITIONS}])

    def _take_order(self, order: Order) -> None:
        name = order.symbol.replace("/", "-")
        if order.account is self._account and name in self.channels.get("user", {}):
            self._send("user", [{"type": "update", "orders": [_order_row(order)]}])


def _levels(book: Json, name: str) -> list[Json]:
    levels = book[name]
    assert isinstance(levels, list)
    return levels


def _order_row(order: Order) -> Json:
    return {
        "order_id": order.id,
        "client_order_id": order.client_id,
        "cumulative_quantity": number(order.filled),
        "leaves_quantity": number(order.left),
        "avg_price": number(order.average),
        "total_fees": number(order.fee),
        "status": _STATUS[order.state],
        "product_id": order.symbol.replace("/", "-"),
        "creation_time": iso(order.opened_at),
        "order_side": order.side.value.upper(),
        "order_type": order_type(order).replace("_", " ").title(),
        "limit_price": number(order.wish.price),
        "stop_price": number(order.wish.trigger),
        "number_of_fills": str(len(order.trades)),
        "filled_value": number(order.cost),
        "cancel_reason": order.reason,
        "reject_reason": "",
        "product_type": "SPOT",
    }
