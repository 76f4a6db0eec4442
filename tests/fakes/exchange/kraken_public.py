"""Kraken's public REST methods."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import formatdate
from typing import Any, Final

from tests.fakes.exchange import kraken_shapes
from tests.fakes.exchange.engine import Engine
from tests.fakes.exchange.kraken_names import Pair, asset_id, decimals_of, plain
from tests.fakes.exchange.kraken_orders import KrakenError
from tests.fakes.exchange.tape import Candle
from tests.fakes.exchange.terms import ZERO, Side

_CANDLES_MAX: Final = 720
_TRADES_MAX: Final = 1000
_INTERVALS: Final = frozenset({1, 5, 15, 30, 60, 240, 1440, 10080, 21600})


class PublicMethods:
    """Answer what needs no key."""

    def __init__(self, engine: Engine, pairs: Mapping[str, Pair]) -> None:
        self._engine = engine
        self._pairs = pairs
        self.system_status = "online"
        self.tells_empty_candles = True  # flat ones, of minutes in which nothing was traded

    def call(self, method: str, asked: Mapping[str, str]) -> Any:
        answers = {
            "Time": self._time,
            "SystemStatus": self._status,
            "Assets": self._assets,
            "AssetPairs": self._asset_pairs,
            "Ticker": self._ticker,
            "OHLC": self._candles,
            "Trades": self._trades,
            "Depth": self._depth,
        }
        if method not in answers:
            raise KrakenError("EGeneral:Unknown method")
        return answers[method](asked)

    def _time(self, _asked: Mapping[str, str]) -> Any:
        now = self._engine.clock.wall()
        return {"unixtime": int(now), "rfc1123": formatdate(now)}

    def _status(self, _asked: Mapping[str, str]) -> Any:
        now = datetime.fromtimestamp(self._engine.clock.wall(), UTC)
        return {"status": self.system_status, "timestamp": f"{now:%Y-%m-%dT%H:%M:%SZ}"}

    def _assets(self, _asked: Mapping[str, str]) -> Any:
        currencies = {
            currency
            for pair in self._pairs.values()
            for currency in (pair.market.base, pair.market.quote)
        }
        return {asset_id(name): kraken_shapes.asset(name) for name in sorted(currencies)}

    def _asset_pairs(self, asked: Mapping[str, str]) -> Any:
        wanted = self._wanted(asked) if asked.get("pair") else self._all()
        accounts = self._engine.accounts()
        first = accounts[0] if accounts else None
        return {pair.id: kraken_shapes.pair(pair, first, self._online(pair)) for pair in wanted}

    def _online(self, pair: Pair) -> str:
        is_closed = pair.market.symbol in self._engine.closed_markets
        return "cancel_only" if is_closed else "online"

    def _ticker(self, asked: Mapping[str, str]) -> Any:
        wanted = self._wanted(asked) if asked.get("pair") else self._all()
        with self._engine.changed:
            return {
                pair.id: kraken_shapes.ticker(self._engine.tapes[pair.market.symbol], pair)
                for pair in wanted
            }

    def _candles(self, asked: Mapping[str, str]) -> Any:
        pair = self._wanted(asked)[0]
        interval = int(asked.get("interval", "1"))
        if interval not in _INTERVALS:
            raise KrakenError("EGeneral:Invalid arguments")
        since = float(asked.get("since", "0"))
        with self._engine.changed:
            tape = self._engine.tapes[pair.market.symbol]
            # Never more than the newest 720, however early `since` is.
            candles = (
                tape.without_gaps(interval * 60, _CANDLES_MAX, self._engine.clock.wall())
                if self.tells_empty_candles
                else tape.newest(interval * 60, _CANDLES_MAX)
            )
        steps = decimals_of(pair.market.price_step)
        rows = [_row(candle, steps) for candle in candles if candle.start > since]
        last = candles[-2].start if len(candles) > 1 else int(since)
        return {pair.id: rows, "last": last}

    def _trades(self, asked: Mapping[str, str]) -> Any:
        pair = self._wanted(asked)[0]
        text = asked.get("since", "0")
        since = int(text) / 1e9 if len(text) > 12 else float(text)
        limit = min(int(asked.get("count", _TRADES_MAX)), _TRADES_MAX)
        with self._engine.changed:
            ticks = list(self._engine.tapes[pair.market.symbol].ticks)
        found = [tick for tick in ticks if tick.at > since]
        found = found[:limit] if since else found[-limit:]
        steps = max(5, decimals_of(pair.market.price_step))
        rows = [
            [
                plain(tick.price, steps),
                plain(tick.quantity, 8),
                tick.at,
                "b" if tick.side is Side.BUY else "s",
                "m",
                "",
                tick.number,
            ]
            for tick in found
        ]
        last = str(int(found[-1].at * 1e9)) if found else text
        return {pair.id: rows, "last": last}

    def _depth(self, asked: Mapping[str, str]) -> Any:
        pair = self._wanted(asked)[0]
        with self._engine.changed:
            tape = self._engine.tapes[pair.market.symbol]
            bid, ask, at, left = tape.bid, tape.ask, tape.at, tape.left
        volume = plain(left if left is not None else Decimal(1000), 3)
        steps = max(5, decimals_of(pair.market.price_step))
        if bid <= ZERO:
            return {pair.id: {"asks": [], "bids": []}}
        return {
            pair.id: {
                "asks": [[plain(ask, steps), volume, int(at)]],
                "bids": [[plain(bid, steps), volume, int(at)]],
            }
        }

    def _all(self) -> list[Pair]:
        return list({pair.id: pair for pair in self._pairs.values()}.values())

    def _wanted(self, asked: Mapping[str, str]) -> list[Pair]:
        names = asked.get("pair", "").split(",")
        if not all(name in self._pairs for name in names):
            raise KrakenError("EQuery:Unknown asset pair")
        return [self._pairs[name] for name in names]


def _row(candle: Candle, steps: int) -> list[Any]:
    vwap = round(candle.turnover / candle.volume, steps) if candle.volume else ZERO
    return [
        candle.start,
        plain(candle.open, steps),
        plain(candle.high, steps),
        plain(candle.low, steps),
        plain(candle.close, steps),
        plain(vwap, steps),
        plain(candle.volume, 8),
        candle.count,
    ]
