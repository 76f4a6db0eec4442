"""Kraken's WebSocket v2: public ticker, trade, ohlc, book; private executions and balances."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from tests.fakes.exchange.books import News, OrderChanged, Ticked
from tests.fakes.exchange.engine import Engine
from tests.fakes.exchange.kraken_shapes import ORDER_TYPES
from tests.fakes.exchange.tape import Candle, Tick
from tests.fakes.exchange.terms import Account, Order, OrderState, Trade

_PUBLIC: Final = frozenset({"ticker", "trade", "ohlc", "book"})
_PRIVATE: Final = frozenset({"executions", "balances"})
_SUBSCRIBE: Final = frozenset(
    {
        "channel",
        "symbol",
        "interval",
        "depth",
        "snapshot",
        "event_trigger",
        "token",
        "snap_orders",
        "snap_trades",
        "order_status",
        "ratecounter",
    }
)
_INTERVALS: Final = frozenset({1, 5, 15, 30, 60, 240, 1440, 10080, 21600})
_STATES: Final = {
    OrderState.OPEN: "new",
    OrderState.FILLED: "filled",
    OrderState.CANCELLED: "canceled",
    OrderState.EXPIRED: "expired",
}
_TRADES_OF_SNAPSHOT: Final = 50


class KrakenSession:
    """One connection: what it has asked for, and what it is told."""

    def __init__(
        self,
        engine: Engine,
        tokens: Mapping[str, Account],
        complaints: list[str],
        send: Callable[[object], None],
    ) -> None:
        self._engine = engine
        self._tokens = tokens
        self._complaints = complaints
        self._send = send
        self._asked: dict[tuple[str, str], dict[str, Any]] = {}  # by channel and symbol
        self._account: Account | None = None
        self._sequence = 0
        status = {"version": "2.0.10", "system": "online", "api_version": "v2", "connection_id": 1}
        send({"channel": "status", "type": "update", "data": [status]})

    def receive(self, text: str) -> None:
        message = json.loads(text)
        method, params = message.get("method"), message.get("params", {})
        if method == "ping":
            self._send({"method": "pong", "req_id": message.get("req_id"), **self._times()})
        elif method == "subscribe":
            self._subscribe(message, params)
        elif method == "unsubscribe":
            for symbol in params.get("symbol", [""]):
                self._asked.pop((params.get("channel"), symbol), None)
                self._answer(message, {"channel": params.get("channel"), "symbol": symbol})
        else:
            self._complaints.append(f"WebSocket: unknown method in {text}")

    def take(self, news: News) -> None:
        if isinstance(news, Ticked):
            self._take_tick(news.symbol, news.tick)
        elif news.order.account is self._account and ("executions", "") in self._asked:
            self._push("executions", [_execution(news)])
            if news.trade is not None and not news.order.is_open:
                self._push("executions", [_execution(OrderChanged(news.order))])
            if news.trade is not None and ("balances", "") in self._asked:
                self._push("balances", self._balances())

    def beat(self) -> None:
        if self._asked:
            self._send({"channel": "heartbeat"})

    def _subscribe(self, message: dict[str, Any], params: dict[str, Any]) -> None:
        self._complaints.extend(
            f"WebSocket: unknown parameter {name} in {message}"
            for name in params
            if name not in _SUBSCRIBE
        )
        channel = params.get("channel")
        if channel in _PRIVATE:
            self._subscribe_private(message, params, channel)
        elif channel not in _PUBLIC:
            self._refuse(message, "Subscription name invalid")
        elif channel == "ohlc" and params.get("interval", 1) not in _INTERVALS:
            self._refuse(message, "Subscription ohlc interval not supported")
        else:
            for symbol in params.get("symbol", []):
                self._subscribe_public(message, params, channel, symbol)

    def _subscribe_private(
        self, message: dict[str, Any], params: dict[str, Any], channel: str
    ) -> None:
        account = self._tokens.get(params.get("token", ""))
        if account is None:
            self._refuse(message, "ESession:Invalid session")
            return
        self._account = account
        self._asked[channel, ""] = params
        self._answer(message, {"channel": channel, "snapshot": True})
        if channel == "balances":
            self._push(channel, self._balances(), kind="snapshot")
            return
        with self._engine.changed:
            orders = self._engine.open_orders(account)
            trades = self._engine.trades(account)[-_TRADES_OF_SNAPSHOT:]
            data: list[dict[str, Any]] = []
            if params.get("snap_orders", True):
                data += [_execution(OrderChanged(order)) for order in orders]
            if params.get("snap_trades"):
                data += [_execution(OrderChanged(self._order(each), each)) for each in trades]
        self._push(channel, data, kind="snapshot")

    def _subscribe_public(
        self, message: dict[str, Any], params: dict[str, Any], channel: str, symbol: str
    ) -> None:
        if symbol not in self._engine.markets:
            self._refuse(message, f"Currency pair not supported {symbol}", symbol=symbol)
            return
        if (channel, symbol) in self._asked:
            self._refuse(message, "Already subscribed", symbol=symbol)
            return
        self._asked[channel, symbol] = params
        result = {name: value for name, value in params.items() if name not in ("symbol", "token")}
        self._answer(message, {**result, "symbol": symbol, "snapshot": True})
        with self._engine.changed:
            tape = self._engine.tapes[symbol]
            if tape.last is None:
                return
            if channel == "ticker":
                self._send_data("ticker", "snapshot", [self._ticker(symbol)])
            elif channel == "book":
                self._send_data("book", "snapshot", [self._book(symbol)])
            elif channel == "trade":
                ticks = list(tape.ticks)[-_TRADES_OF_SNAPSHOT:]
                self._send_data("trade", "snapshot", [_tick(symbol, each) for each in ticks])
            else:
                interval = params.get("interval", 1)
                candles = tape.newest(interval * 60, _TRADES_OF_SNAPSHOT)
                rows = [_candle(symbol, interval, each) for each in candles]
                self._send_data("ohlc", "snapshot", rows)

    def _take_tick(self, symbol: str, tick: Tick) -> None:
        if ("trade", symbol) in self._asked:
            self._send_data("trade", "update", [_tick(symbol, tick)])
        with self._engine.changed:
            if ("ticker", symbol) in self._asked:
                self._send_data("ticker", "update", [self._ticker(symbol)])
            if ("book", symbol) in self._asked:
                self._send_data("book", "snapshot", [self._book(symbol)])
            if ("ohlc", symbol) in self._asked:
                interval = self._asked["ohlc", symbol].get("interval", 1)
                tape = self._engine.tapes[symbol]
                start = int(tick.at // (interval * 60)) * interval * 60
                candles = tape.candles(interval * 60, start)
                rows = [_candle(symbol, interval, each) for each in candles[-1:]]
                self._send_data("ohlc", "update", rows)

    def _ticker(self, symbol: str) -> dict[str, Any]:
        tape = self._engine.tapes[symbol]
        day = tape.day()
        last = float(tape.last or 0)
        change = last - float(day.open)
        return {
            "symbol": symbol,
            "bid": float(tape.bid),
            "bid_qty": 1.0,
            "ask": float(tape.ask),
            "ask_qty": 1.0,
            "last": last,
            "volume": float(day.volume),
            "vwap": float(day.turnover / day.volume) if day.volume else last,
            "low": float(day.low),
            "high": float(day.high),
            "change": round(change, 8),
            "change_pct": round(change / float(day.open) * 100, 2) if day.open else 0.0,
            "timestamp": _time(tape.at),
        }

    def _book(self, symbol: str) -> dict[str, Any]:
        tape = self._engine.tapes[symbol]
        quantity = 1000.0 if tape.left is None else float(tape.left)
        return {
            "symbol": symbol,
            "bids": [{"price": float(tape.bid), "qty": quantity}],
            "asks": [{"price": float(tape.ask), "qty": quantity}],
            "checksum": 0,
            "timestamp": _time(tape.at),
        }

    def _balances(self) -> list[dict[str, Any]]:
        assert self._account is not None
        return [
            {"asset": name, "asset_class": "currency", "balance": float(each.total)}
            for name, each in self._engine.balances(self._account).items()
        ]

    def _order(self, trade: Trade) -> Order:
        assert self._account is not None
        order = self._engine.find(self._account, order_id=trade.order_id)
        assert order is not None
        return order

    def _push(self, channel: str, data: list[dict[str, Any]], kind: str = "update") -> None:
        self._sequence += 1
        self._send({"channel": channel, "type": kind, "data": data, "sequence": self._sequence})

    def _send_data(self, channel: str, kind: str, data: list[dict[str, Any]]) -> None:
        self._send({"channel": channel, "type": kind, "data": data})

    def _answer(self, message: dict[str, Any], result: dict[str, Any]) -> None:
        answer = {"method": message["method"], "result": result, "success": True, **self._times()}
        if "req_id" in message:
            answer["req_id"] = message["req_id"]
        self._send(answer)

    def _refuse(self, message: dict[str, Any], error: str, **detail: str) -> None:
        answer = {"error": error, "method": message["method"], "success": False, **self._times()}
        if "req_id" in message:
            answer["req_id"] = message["req_id"]
        self._send({**answer, **detail})

    def _times(self) -> dict[str, str]:
        now = _time(self._engine.clock.wall())
        return {"time_in": now, "time_out": now}


def _tick(symbol: str, tick: Tick) -> dict[str, Any]:
    return {
        "symbol": symbol,
        "side": tick.side.value,
        "price": float(tick.price),
        "qty": float(tick.quantity),
        "ord_type": "market",
        "trade_id": tick.number,
        "timestamp": _time(tick.at),
    }


def _candle(symbol: str, interval: int, candle: Candle) -> dict[str, Any]:
    return {
        "symbol": symbol,
        "interval": interval,
        "interval_begin": _time(candle.start, "%Y-%m-%dT%H:%M:%S.000000000Z"),
        "open": float(candle.open),
        "high": float(candle.high),
        "low": float(candle.low),
        "close": float(candle.close),
        "volume": float(candle.volume),
        "vwap": float(candle.turnover / candle.volume) if candle.volume else 0.0,
        "trades": candle.count,
        "timestamp": _time(candle.start + interval * 60),
    }


def _execution(news: OrderChanged) -> dict[str, Any]:
    order, trade = news.order, news.trade
    shape: dict[str, Any] = {
        "order_id": order.id,
        "symbol": order.symbol,
        "side": order.side.value,
        "order_type": ORDER_TYPES[order.wish.kind],
        "order_qty": float(order.quantity),
        "cum_qty": float(order.filled),
        "cum_cost": float(order.cost),
        "avg_price": float(order.average),
        "order_status": _status(order),
        "exec_type": "trade" if trade else _STATES[order.state],
        "time_in_force": order.wish.tif.value.upper(),
        "fee_ccy_pref": "fciq",
        "timestamp": _time(order.updated_at),
    }
    if order.client_id:
        shape["cl_ord_id"] = order.client_id
    if order.wish.price is not None:
        shape["limit_price"] = float(order.wish.price)
    if order.reason:
        shape["reason"] = shape["cancel_reason"] = order.reason
    if trade is not None:
        shape.update(
            {
                "exec_id": trade.id,
                "trade_id": trade.number,
                "last_qty": float(trade.quantity),
                "last_price": float(trade.price),
                "cost": float(trade.cost),
                "fees": [{"asset": trade.fee_currency, "qty": float(trade.fee)}],
                "liquidity_ind": "m" if trade.is_maker else "t",
                "timestamp": _time(trade.at),
            }
        )
    return shape


def _status(order: Order) -> str:
    if order.is_open and order.filled:
        return "partially_filled"
    return _STATES[order.state]


def _time(at: float, form: str = "%Y-%m-%dT%H:%M:%S.%fZ") -> str:
    return datetime.fromtimestamp(at, UTC).strftime(form)
