"""Public reads of an exchange through ccxt: markets, candles, prices, its clock. Asyncio.

Every failure is a SourceError. Must not know what the answers are used for.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

from daemonkit.clock import Clock
from daemonkit.errors import ConfigurationError
from trading.brokers.allowance import WANTED_SHARE, Allowance
from trading.brokers.exchanges.address_count import count_of
from trading.brokers.exchanges.errors import failure_of, reason_of
from trading.brokers.exchanges.loading import load_async_exchange
from trading.brokers.exchanges.markets import Market, build_markets
from trading.brokers.venue import FailureKind
from trading.market.candle_answer import (
    USUAL_LIMIT,
    CandleAnswer,
    Question,
    Row,
    read_answer,
)
from trading.market.errors import SourceError
from trading.market.exchange_source import ExchangeSource
from trading.market.live_market import EMPTY_AFTER_S

T = TypeVar("T")

_PAGE_MAX: Final = 1000
# What the heaviest of these reads weighs where they are weighed: the list of markets.
_WEIGHT: Final = 20.0
_LOOK_S: Final = 0.5
_REFUSALS: Final = frozenset({FailureKind.REFUSED, FailureKind.KEY})


class MarketReads:
    """Read the public data of some markets of one exchange; `open` comes first."""

    def __init__(
        self,
        source: ExchangeSource,
        symbols: Iterable[str],
        candle_s: int,
        *,
        clock: Clock,
        timeout_s: float,
        share: float = WANTED_SHARE,
    ) -> None:
        self._source = source
        # Of what the address may ask, how much may be used when this asks.
        self._share = share
        self._clock = clock
        self._candle_s = candle_s
        self._symbols = tuple(symbols)
        self._exchange = load_async_exchange(source.exchange, source.settings, timeout_s=timeout_s)
        # Market data may wait its turn; ccxt's own limiter is enough for that.
        self._exchange.enableRateLimit = True
        self.timeframe = timeframe_of(self._exchange, candle_s)
        self.markets: dict[str, Market] = {}
        self.missing: dict[str, str] = {}
        # How far the venue's clock is ahead of ours.
        self.ahead_s = 0.0
        self.count = count_of(
            self._exchange,
            source.exchange,
            source.market_type,
            venue_at=self.venue_time,
            now=clock.monotonic,
        )

    @property
    def name(self) -> str:
        """The exchange, for people."""
        return self._source.exchange

    @property
    def listed(self) -> Mapping[str, Any]:
        """All that the exchange lists, as ccxt keeps it."""
        return self._exchange.markets or {}

    async def open(self, known: Mapping[str, Any] | None = None) -> None:
        """Load the markets and look at the venue's clock; SourceError when there are none.

        What was `listed` a moment ago need not be loaded again.
        """
        if known:
            self._exchange.set_markets(list(known.values()))
            listed = self.listed
        else:
            listed = await self._ask(self._exchange.load_markets)
        for symbol in self._symbols:
            try:
                chosen = build_markets(
                    listed,
                    [symbol],
                    market_type=self._source.market_type,
                    precision_mode=self._exchange.precisionMode,
                    where=self.name,
                )
            except ConfigurationError as error:
                self.missing[symbol] = str(error)
            else:
                self.markets[symbol] = chosen.by_symbol[symbol]
        if not self.markets:
            text = "; ".join(self.missing.values()) or f"{self.name}: no market is named"
            raise SourceError(text, is_refusal=True)
        await self.read_clock()

    async def read_clock(self) -> None:
        """Look how far the venue's clock is ahead of ours, where it tells."""
        if not self._exchange.has.get("fetchTime"):
            return
        before = self._clock.wall()
        told = await self._ask(self._exchange.fetch_time)
        if isinstance(told, (int, float)) and told > 0:
            self.ahead_s = float(told) / 1000 - (before + self._clock.wall()) / 2

    def venue_time(self) -> float:
        """Return the venue's time as far as it is known."""
        return self._clock.wall() + self.ahead_s

    def page_len(self) -> int:
        """Return how many candles one answer brings at most."""
        symbol = next(iter(self.markets.values())).raw["symbol"]
        limit = self._exchange.feature_value(symbol, "fetchOHLCV", "limit", USUAL_LIMIT)
        return max(1, min(int(limit or USUAL_LIMIT), _PAGE_MAX))

    async def candles(self, symbol: str, question: Question) -> CandleAnswer:
        """Ask for candles, and say what the answer proves."""
        market = self.markets[symbol]
        asked_at = self.venue_time()
        since, limit = round(question.start * 1000), question.limit
        rows = await self._ask(
            lambda: self._exchange.fetch_ohlcv(market.raw["symbol"], self.timeframe, since, limit)
        )
        return read_answer(
            symbol,
            self._candle_s,
            question,
            [in_base_units(row, market) for row in rows],
            closed_before=asked_at,
            empty_before=asked_at - EMPTY_AFTER_S,
        )

    async def prices(self, symbols: Iterable[str]) -> dict[str, float]:
        """Ask for the last prices, of several at once where the venue allows it."""
        wanted = {self.markets[symbol].raw["symbol"]: symbol for symbol in symbols}
        if len(wanted) > 1 and self._exchange.has.get("fetchTickers"):
            tickers = await self._ask(lambda: self._exchange.fetch_tickers(list(wanted)))
        else:
            tickers = {name: await self._ticker(name) for name in wanted}
        found = {wanted[name]: price_of(one) for name, one in tickers.items() if name in wanted}
        return {symbol: price for symbol, price in found.items() if price is not None}

    async def _ticker(self, name: str) -> Mapping[str, Any]:
        ticker: Mapping[str, Any] = await self._ask(lambda: self._exchange.fetch_ticker(name))
        return ticker

    async def close(self) -> None:
        """Let go of connections."""
        await self._exchange.close()

    async def _ask(self, call: Callable[[], Awaitable[T]]) -> T:
        if self.count is not None:
            await self._await_turn(self.count.allowance)
        # An older answer says nothing of a request that gets none.
        self._exchange.last_response_headers = None
        try:
            answer = await call()
        except Exception as error:
            if self.count is not None:
                self.count.note(self._exchange.last_response_headers, error)
            kind = failure_of(error).kind
            text = f"{self.name}: {reason_of(error)}"
            raise SourceError(text, is_refusal=kind in _REFUSALS) from error
        if self.count is not None:
            self.count.note(self._exchange.last_response_headers)
        return answer

    async def _await_turn(self, allowance: Allowance) -> None:
        """Wait for a minute with enough left; in a pause fail, as it may last for days."""
        while True:
            now = self._clock.monotonic()
            if pause_s := allowance.pause_s(now):
                raise SourceError(f"{self.name}: rate limit: asks to wait for {pause_s:.0f} s")
            if not (wait_s := allowance.read_wait_s(_WEIGHT, self._share, now)):
                return
            await asyncio.sleep(min(wait_s, _LOOK_S))


def price_of(ticker: Mapping[str, Any]) -> float | None:
    """Return the last price of a ticker, or the middle of bid and ask where it has none."""
    last = ticker.get("last")
    if last is not None:
        return float(last)
    bid, ask = ticker.get("bid"), ticker.get("ask")
    return (float(bid) + float(ask)) / 2 if bid and ask else None


def in_base_units(row: Row, market: Market) -> Row:
    """Return a candle's row with its volume in base units, as all our volumes are."""
    size = market.contract_size
    if size == 1 or len(row) < 6 or row[5] is None:
        return row
    return (*row[:5], float(row[5]) * float(size))


def timeframe_of(exchange: Any, candle_s: int) -> str:
    """Return ccxt's name for a length of candles; ConfigurationError when there is none."""
    names = {int(exchange.parse_timeframe(name)): name for name in exchange.timeframes or {}}
    name = names.get(candle_s)
    if name is None:
        allowed = ", ".join(str(one) for one in sorted(names)) or "nothing: it has no candles"
        raise ConfigurationError(exchange.id, "candle_s", str(candle_s), allowed)
    return str(name)
