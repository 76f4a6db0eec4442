"""The market streams of Binance spot: what one connection has subscribed to, and what it is sent.

A beat brings what Binance sends every second or so: tickers, and candles that the clock has ended.
"""

import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from tests.fakes.exchange.binance_public import INTERVALS
from tests.fakes.exchange.binance_shapes import (
    Json,
    amount,
    day_ticker,
    depth_quantity,
    market_id,
    millis,
)
from tests.fakes.exchange.books import News, Ticked
from tests.fakes.exchange.candle_rows import candles_without_gaps
from tests.fakes.exchange.engine import Engine
from tests.fakes.exchange.tape import Candle, Tape, Tick
from tests.fakes.exchange.terms import Market

_STREAM: Final = re.compile(
    r"^(?P<market>[a-z0-9]+)@(?P<name>trade|aggTrade|ticker|miniTicker|bookTicker"
    r"|kline_(?P<interval>\w+)|depth(?:@100ms|@1000ms)?)$"
)
_OF_ALL: Final = frozenset({"!ticker@arr", "!miniTicker@arr"})
_SUBSCRIPTIONS_MAX: Final = 1024
_CLOSING_MAX: Final = 1_000


class BinanceStreams:
    """One connection: its subscriptions, and how far each candle was told."""

    def __init__(
        self, engine: Engine, path: str, complaints: list[str], send: Callable[[object], None]
    ) -> None:
        self._engine = engine
        self._send = send
        self._complaints = complaints
        self._markets = {market_id(market).lower(): market for market in engine.markets.values()}
        self._candles: dict[str, int] = {}  # the start of the newest candle told, by stream
        self.subscriptions: dict[str, None] = {}
        name = path.rsplit("/", 1)[-1]
        if "@" in name:
            self._subscribe([name])

    def receive(self, text: str) -> None:
        """Take a message of the caller and answer it."""
        try:
            asked = json.loads(text)
        except ValueError:
            self._complaints.append(f"no JSON on a stream: {text!r}")
            self._send(_error(None, 3, "Invalid JSON: expected value at line 1 column 1"))
            return
        number, names, method = asked.get("id"), asked.get("params", []), asked.get("method")
        if method == "LIST_SUBSCRIPTIONS":
            self._send({"result": list(self.subscriptions), "id": number})
            return
        if method not in {"SUBSCRIBE", "UNSUBSCRIBE"} or not isinstance(names, list):
            self._complaints.append(f"no request for a stream: {text!r}")
            self._send(_error(number, 2, f"Invalid request: unknown variant `{method}`"))
            return
        if method == "SUBSCRIBE":
            self._subscribe(names)
        else:
            for name in names:
                self.subscriptions.pop(name, None)
        self._send({"result": None, "id": number})

    def take(self, news: News) -> None:
        """Tell of a public trade, on the streams of its market."""
        if not isinstance(news, Ticked):
            return
        market = self._engine.markets[news.symbol]
        name, tape = market_id(market).lower(), self._engine.tapes[news.symbol]
        with self._engine.changed:
            for stream in self.subscriptions:
                found = _STREAM.match(stream)
                if found is not None and found["market"] == name:
                    for event in self._of_tick(stream, found, market, tape, news.tick):
                        self._send(event)

    def beat(self) -> None:
        """Tell what time brings: tickers, and candles that have ended."""
        with self._engine.changed:
            events = self._tickers()
            for stream in self.subscriptions:
                found = _STREAM.match(stream)
                if found is not None and found["interval"]:
                    market = self._markets[found["market"]]
                    events += self._klines(stream, found["interval"], market, is_moved=False)
        for event in events:
            self._send(event)

    def _subscribe(self, names: list[str]) -> None:
        for name in names:
            found = _STREAM.match(name)
            is_known = name in _OF_ALL or (
                found is not None
                and found["market"] in self._markets
                and (not found["interval"] or found["interval"] in INTERVALS)
            )
            if not is_known:
                self._complaints.append(f"there is no stream {name!r}")
                continue  # Binance says nothing, and sends nothing
            self.subscriptions[name] = None
            if found is not None and found["interval"]:
                length_s = INTERVALS[found["interval"]]
                self._candles[name] = int(self._engine.clock.wall() // length_s) * length_s
        if len(self.subscriptions) > _SUBSCRIPTIONS_MAX:
            self._complaints.append("more than 1024 streams on one connection")

    def _of_tick(
        self, stream: str, found: re.Match[str], market: Market, tape: Tape, tick: Tick
    ) -> list[Json]:
        name = found["name"]
        if found["interval"]:
            return self._klines(stream, found["interval"], market, is_moved=True)
        if name == "trade":
            return [_trade(market, tick)]
        if name == "aggTrade":
            return [_aggregated(market, tick)]
        if name == "bookTicker":
            return [_book(market, tape)]
        if name.startswith("depth"):
            return [_depth(market, tape)]
        return [_ticker(market, tape, is_mini=name == "miniTicker")]

    def _tickers(self) -> list[object]:
        sent: list[object] = []
        for stream in self.subscriptions:
            found = _STREAM.match(stream)
            is_mini = "miniTicker" in stream
            if stream in _OF_ALL:
                rows = [
                    _ticker(market, self._engine.tapes[market.symbol], is_mini=is_mini)
                    for market in self._markets.values()
                ]
                sent.append(rows)
            elif found is not None and found["name"] in {"ticker", "miniTicker"}:
                market = self._markets.get(found["market"])
                tape = self._engine.tapes[market.symbol] if market else None
                if market is not None and tape is not None and tape.last is not None:
                    sent.append(_ticker(market, tape, is_mini=is_mini))
        return sent

    def _klines(self, stream: str, interval: str, market: Market, *, is_moved: bool) -> list[Json]:
        interval_s, tape = INTERVALS[interval], self._engine.tapes[market.symbol]
        now = self._engine.clock.wall()
        current = int(now // interval_s) * interval_s
        begin = self._candles[stream]
        rows = candles_without_gaps(tape, interval_s, begin, now, _CLOSING_MAX)
        self._candles[stream] = current
        ended = [row for row in rows if row.start < current]
        sent = [_kline(market, row, interval, is_closed=True) for row in ended]
        if is_moved:
            sent += [
                _kline(market, row, interval, is_closed=False)
                for row in rows
                if row.start == current
            ]
        return sent


def _error(number: object, code: int, text: str) -> Json:
    return {"error": {"code": code, "msg": text}, "id": number}


def _trade(market: Market, tick: Tick) -> Json:
    return {
        "e": "trade",
        "E": millis(tick.at),
        "s": market_id(market),
        "t": tick.number,
        "p": amount(tick.price),
        "q": amount(tick.quantity),
        "T": millis(tick.at),
        "m": tick.side.sign < 0,
        "M": True,
    }


def _aggregated(market: Market, tick: Tick) -> Json:
    return {
        "e": "aggTrade",
        "E": millis(tick.at),
        "s": market_id(market),
        "a": tick.number,
        "p": amount(tick.price),
        "q": amount(tick.quantity),
        "f": tick.number,
        "l": tick.number,
        "T": millis(tick.at),
        "m": tick.side.sign < 0,
        "M": True,
    }


def _book(market: Market, tape: Tape) -> Json:
    quantity = amount(depth_quantity(tape))
    return {
        "u": tape.count,
        "s": market_id(market),
        "b": amount(tape.bid),
        "B": quantity,
        "a": amount(tape.ask),
        "A": quantity,
    }


def _depth(market: Market, tape: Tape) -> Json:
    quantity = amount(depth_quantity(tape))
    return {
        "e": "depthUpdate",
        "E": millis(tape.at),
        "s": market_id(market),
        "U": tape.count,
        "u": tape.count,
        "b": [[amount(tape.bid), quantity]],
        "a": [[amount(tape.ask), quantity]],
    }


def _ticker(market: Market, tape: Tape, *, is_mini: bool) -> Json:
    day = day_ticker(market, tape)
    mini: Json = {
        "e": "24hrMiniTicker",
        "E": millis(tape.at),
        "s": day["symbol"],
        "c": day["lastPrice"],
        "o": day["openPrice"],
        "h": day["highPrice"],
        "l": day["lowPrice"],
        "v": day["volume"],
        "q": day["quoteVolume"],
    }
    if is_mini:
        return mini
    return mini | {
        "e": "24hrTicker",
        "p": day["priceChange"],
        "P": day["priceChangePercent"],
        "w": day["weightedAvgPrice"],
        "x": day["prevClosePrice"],
        "Q": day["lastQty"],
        "b": day["bidPrice"],
        "B": day["bidQty"],
        "a": day["askPrice"],
        "A": day["askQty"],
        "O": day["openTime"],
        "C": day["closeTime"],
        "F": day["firstId"],
        "L": day["lastId"],
        "n": day["count"],
    }


def _kline(market: Market, row: Candle, interval: str, *, is_closed: bool) -> Json:
    end_ms = (row.start + INTERVALS[interval]) * 1000 - 1
    half = Decimal(2)
    return {
        "e": "kline",
        "E": end_ms + 1 if is_closed else row.start * 1000,
        "s": market_id(market),
        "k": {
            "t": row.start * 1000,
            "T": end_ms,
            "s": market_id(market),
            "i": interval,
            "f": -1,
            "L": -1,
            "o": amount(row.open),
            "c": amount(row.close),
            "h": amount(row.high),
            "l": amount(row.low),
            "v": amount(row.volume),
            "n": row.count,
            "x": is_closed,
            "q": amount(row.turnover),
            "V": amount(row.volume / half),
            "Q": amount(row.turnover / half),
            "B": "0",
        },
    }
