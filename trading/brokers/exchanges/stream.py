"""One WebSocket session of an exchange's public data through ccxt.pro, until it breaks. Asyncio.

A `watch_*` call wakes nobody for a message that arrives between two calls, so a call always waits
for each stream, and what came is read from ccxt's own memory: after each call, and regularly.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

from daemonkit.clock import Clock
from trading.brokers.exchanges.errors import failure_of, reason_of
from trading.brokers.exchanges.market_reads import in_base_units, price_of
from trading.brokers.exchanges.markets import Market
from trading.brokers.venue import FailureKind
from trading.market.errors import SourceError
from trading.market.feed import GiveWay, give_no_way
from trading.market.live_market import LiveMarket
from trading.market.live_price import Instant

SWEEP_S: Final = 0.2
CLOSE_S_MAX: Final = 1.0
CANCEL_S: Final = 0.2
CANCELS_MAX: Final = 10
_REFUSALS: Final = frozenset({FailureKind.REFUSED, FailureKind.KEY})
# Of a candle that grows, the one before may change once more.
_CHANGING: Final = 2


class StreamSession:
    """Listen to some markets on one set of connections; not to be used again."""

    def __init__(
        self,
        exchange: Any,
        markets: Mapping[str, Market],
        timeframe: str,
        market: LiveMarket,
        *,
        clock: Clock,
        venue_time: Callable[[], float],
        give_way: GiveWay = give_no_way,
    ) -> None:
        self._exchange = exchange
        self._markets = markets
        self._timeframe = timeframe
        self._market = market
        self._clock = clock
        self._venue_time = venue_time
        self._give_way = give_way
        self._last: dict[tuple[str, str], Any] = {}
        self._candles: dict[str, dict[Any, tuple[Any, ...]]] = {}
        self._priced = set(markets)
        self.refused: dict[str, str] = {}

    @property
    def kinds(self) -> tuple[str, ...]:
        """What the exchange tells by WebSocket, as its class says."""
        has = self._exchange.has
        names = {"trades": "watchTrades", "ticker": "watchTicker", "ohlcv": "watchOHLCV"}
        # What is emulated is made of trades by ccxt: a candle would begin in its middle.
        return tuple(kind for kind, name in names.items() if has.get(name) is True)

    async def run(self, silence_s_max: float) -> None:
        """Listen until the connection breaks or is mute; SourceError says why."""
        started = self._clock.monotonic()
        tasks = [
            asyncio.create_task(self._listen(kind, symbol))
            for kind in self.kinds
            for symbol in self._markets
        ]
        try:
            while not (broken := [task for task in tasks if _has_failed(task)]):
                if all(task.done() for task in tasks):
                    raise SourceError("; ".join(sorted(set(self.refused.values()))) or "no stream")
                await asyncio.sleep(SWEEP_S)
                self._read_all()
                self._check_silence(started, silence_s_max)
            await broken[0]
        finally:
            await end_tasks(tasks)

    async def close(self) -> None:
        """Let go of the connections, however they are."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S_MAX):
                await self._exchange.close()

    async def _listen(self, kind: str, symbol: str) -> None:
        watch, read = self._watch(kind, symbol), self._reader(kind)
        while True:
            try:
                await watch()
            except Exception as error:
                if failure_of(error).kind in _REFUSALS:
                    self._note_refusal(kind, symbol, reason_of(error))
                    return
                raise SourceError(reason_of(error)) from error
            read(symbol)
            # Not after each trade: one message may bring a hundred.
            self._give_way()

    def _note_refusal(self, kind: str, symbol: str, reason: str) -> None:
        self.refused[f"{symbol} {kind}"] = reason
        if f"{symbol} trades" in self.refused and f"{symbol} ticker" in self.refused:
            self._priced.discard(symbol)

    def _watch(self, kind: str, symbol: str) -> Callable[[], Awaitable[Any]]:
        exchange, name = self._exchange, self._markets[symbol].raw["symbol"]
        if kind == "trades":
            return lambda: exchange.watch_trades(name)
        if kind == "ticker":
            return lambda: exchange.watch_ticker(name)
        return lambda: exchange.watch_ohlcv(name, self._timeframe)

    def _reader(self, kind: str) -> Callable[[str], None]:
        readers = {
            "trades": self._read_trades,
            "ticker": self._read_ticker,
            "ohlcv": self._read_candles,
        }
        return readers[kind]

    def _check_silence(self, started: float, silence_s_max: float) -> None:
        mute = [symbol for symbol in self._market.mute_symbols() if symbol in self._priced]
        if mute:
            raise SourceError(f"the price of {mute[0]} moves, but the stream does not say so")
        now = self._clock.monotonic()
        if min(now - started, self._market.stream_silence_s(now)) > silence_s_max:
            raise SourceError(f"no message for {silence_s_max:g} s")

    def _read_all(self) -> None:
        for kind in self.kinds:
            read = self._reader(kind)
            for symbol in self._markets:
                read(symbol)

    def _read_trades(self, symbol: str) -> None:
        kept = self._exchange.trades.get(self._markets[symbol].raw["symbol"])
        if not kept:
            return
        market, now = self._markets[symbol], self._now()
        for trade in reversed(list(_newer(kept, self._last.get(("trades", symbol))))):
            price, amount, at = trade.get("price"), trade.get("amount"), trade.get("timestamp")
            if price is None or at is None:
                continue
            size = float(amount or 0.0) * float(market.contract_size)
            self._market.on_trade(symbol, float(price), size, float(at) / 1000, now)
        self._last["trades", symbol] = kept[-1]

    def _read_ticker(self, symbol: str) -> None:
        ticker = self._exchange.tickers.get(self._markets[symbol].raw["symbol"])
        if ticker is None or ticker is self._last.get(("ticker", symbol)):
            return
        self._last["ticker", symbol] = ticker
        price, at = price_of(ticker), ticker.get("timestamp")
        if price is not None:
            self._market.on_quote(symbol, price, None if at is None else at / 1000, self._now())

    def _read_candles(self, symbol: str) -> None:
        name = self._markets[symbol].raw["symbol"]
        kept = (self._exchange.ohlcvs.get(name) or {}).get(self._timeframe)
        if not kept:
            return
        known = self._candles.get(symbol, {})
        oldest = min(known, default=None)
        # ccxt changes its rows in place, so what was told is remembered by value.
        rows: list[tuple[Any, ...]] = []
        for row in reversed(kept):
            if oldest is not None and row[0] < oldest:
                break
            rows.append(tuple(row))
        rows.sort(key=lambda row: row[0])
        for row in rows:
            if known.get(row[0]) != row:
                based = in_base_units(row, self._markets[symbol])
                self._market.on_candle(symbol, based, self._venue_time())
        self._candles[symbol] = {row[0]: row for row in rows[-_CHANGING:]}

    def _now(self) -> Instant:
        return Instant(self._clock.wall(), self._clock.monotonic())


async def end_tasks(tasks: Collection["asyncio.Task[Any]"], *, again_s: float = CANCEL_S) -> None:
    """Cancel tasks until they have ended: a library may swallow the first time.

    Tasks that close connections when they end need an `again_s` that is long enough for it.
    """
    left = {task for task in tasks if not task.done()}
    for _ in range(CANCELS_MAX):
        if not left:
            break
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=again_s)
    for task in tasks:
        if task.done() and not task.cancelled():
            # Looked at, so that nobody is told of an error that nobody asked for.
            task.exception()


def _newer(kept: Any, last: Any) -> Iterator[Any]:
    """Yield what came after the last one that was read, the newest first."""
    for one in reversed(kept):
        if one is last:
            return
        yield one


def _has_failed(task: "asyncio.Task[None]") -> bool:
    return task.done() and not task.cancelled() and task.exception() is not None
