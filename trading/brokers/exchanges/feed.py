"""The live market of an exchange as a feed: WebSocket where it works, REST where it does not.

Runs asyncio on the feed's own thread. What is heard is made events by `trading.market`; this
decides only when to listen, when to ask, and when to give up so that the feed begins anew.
"""

import asyncio
import logging
import threading
from collections.abc import Coroutine, Iterator, Mapping
from heapq import merge
from random import Random
from typing import Any, Final, TypeVar

from daemonkit.clock import Clock
from trading.brokers.exchanges.loading import has_pro, load_pro_exchange
from trading.brokers.exchanges.market_reads import MarketReads
from trading.brokers.exchanges.stream import StreamSession, end_tasks
from trading.market.errors import SourceError
from trading.market.exchange_source import ExchangeSource
from trading.market.feed import GiveWay, Publish, give_no_way
from trading.market.live_market import LiveMarket, LiveTimes
from trading.market.live_price import Hearing, Instant
from trading.market.past_candles import PastCandles, filled
from trading.market.reconnecting import Rests
from trading.market.settings import ExchangeFeedSettings
from trading.model.instrument import Instrument
from trading.model.market import Bar

T = TypeVar("T")

log = logging.getLogger(__name__)

STEP_S: Final = 0.1
LOOK_S_MAX: Final = 1.0
CLOSE_S_MAX: Final = 1.0
# How long what listens, and what asks and listens, may take to close its connections.
LISTENER_ENDS_S: Final = 1.5
WORK_ENDS_S: Final = 3.0
RECONNECT_FIRST_S: Final = 0.5
RECONNECT_LONGEST_S: Final = 30.0
CLOCK_CHECK_S: Final = 600.0
# A clock that is wrong by more than this is said: orders and candles go by it.
SKEW_S_MAX: Final = 2.0


class ExchangeFeed:
    """Bring ticks and closed candles of some markets of one exchange."""

    def __init__(
        self,
        settings: ExchangeFeedSettings,
        source: ExchangeSource,
        *,
        clock: Clock,
        rng: Random,
        give_way: GiveWay = give_no_way,
    ) -> None:
        self.symbols = settings.symbols
        self.lossless = False
        self.ticks_show_ranges = True
        self.instruments: Mapping[str, Instrument] = {}
        self._settings = settings
        self._source = source
        self._clock = clock
        self._rng = rng
        self._give_way = give_way
        self._has_stream = settings.websocket and has_pro(source.exchange)
        self._last_bars: list[Bar] = []
        self._listed: Mapping[str, Any] = {}
        self._is_lost = False
        # How much the stream had said before this session; None between sessions.
        self._words_before: int | None = None
        self._trouble = ""
        self._looked_at = 0.0
        self._silent_s = 0.0
        # A wrong name or candle length is to be known at the start, and not by each try. What was
        # counted, and a pause that was asked for, outlasts a session.
        self._count = self._build_reads().count

    @property
    def description(self) -> str:
        """One line for people: whose market it is, and how it comes."""
        way = "WebSocket" if self._has_stream else "REST"
        return f"live market of {self._source.exchange}: {', '.join(self.symbols)}, by {way}"

    def history(self, stop: threading.Event | None = None) -> Iterator[Bar]:
        """Bring the closed candles up to now, oldest first; SourceError when none can be had."""
        by_symbol = _run(_unless_stopped(self._load_history(), stop)) or {}
        self._last_bars = [bars[-1] for bars in by_symbol.values() if bars]
        return merge(*by_symbol.values(), key=lambda bar: bar.start)

    def run(self, publish: Publish, stop: threading.Event) -> None:
        """Publish until `stop` is set; SourceError when nothing at all is heard any more."""
        _run(_unless_stopped(self._serve(publish), stop))

    def _build_reads(self) -> MarketReads:
        settings = self._settings
        return MarketReads(
            self._source,
            self.symbols,
            settings.candle_s,
            clock=self._clock,
            timeout_s=settings.request_timeout_s,
        )

    async def _load_history(self) -> dict[str, list[Bar]]:
        reads = self._build_reads()
        try:
            await reads.open()
            self.instruments = {one.symbol: one.instrument for one in reads.markets.values()}
            self._listed = reads.listed
            self._tell_start(reads)
            return {symbol: await self._past_of(reads, symbol) for symbol in reads.markets}
        finally:
            await _close(reads)

    async def _past_of(self, reads: MarketReads, symbol: str) -> list[Bar]:
        candle_s, count = self._settings.candle_s, self._settings.history_candles
        end = reads.venue_time()
        start = end // candle_s * candle_s - count * candle_s
        pages, bars = PastCandles(candle_s, start, end, reads.page_len()), list[Bar]()
        while (question := pages.question()) is not None:
            try:
                answer = await reads.candles(symbol, question)
            except SourceError as error:
                if not error.is_refusal:
                    raise
                # One market without a past is no reason to have no prices of the others.
                log.warning("%s: no history: %s", symbol, error)
                break
            bars += pages.take(answer)
        unknown = sum(gap.count(candle_s) for gap in pages.gaps if not gap.is_empty)
        if unknown:
            log.info("%s %s: %d candles of history are not told", reads.name, symbol, unknown)
        return list(filled(bars, pages.gaps, candle_s))

    def _tell_start(self, reads: MarketReads) -> None:
        for reason in reads.missing.values():
            log.error("a market is left out: %s", reason)
        self._tell_skew(reads.ahead_s)

    def _tell_skew(self, ahead_s: float) -> None:
        if abs(ahead_s) > SKEW_S_MAX:
            word = "behind" if ahead_s > 0 else "ahead of"
            log.warning(
                "our clock is %.1f s %s that of %s", abs(ahead_s), word, self._source.exchange
            )

    async def _serve(self, publish: Publish) -> None:
        reads = self._build_reads()
        tasks: list[asyncio.Task[None]] = []
        try:
            await reads.open(self._listed)
            market = self._build_market(reads, publish)
            tasks.append(asyncio.create_task(self._ask_for_ever(reads, market)))
            if self._has_stream:
                tasks.append(asyncio.create_task(self._listen_for_ever(reads, market)))
            while True:
                self._look(market)
                for task in tasks:
                    if task.done():
                        task.result()
                await asyncio.sleep(STEP_S)
        finally:
            await end_tasks(tasks, again_s=LISTENER_ENDS_S)
            await _close(reads)

    def _build_market(self, reads: MarketReads, publish: Publish) -> LiveMarket:
        settings = self._settings
        market = LiveMarket(
            list(reads.markets),
            settings.candle_s,
            page_len=reads.page_len(),
            times=LiveTimes(settings.staleness_s, settings.rest_poll_s, settings.candle_grace_s),
            publish=publish,
        )
        market.begin(self._last_bars, self._now(), reads.venue_time())
        self._looked_at, self._silent_s = self._clock.monotonic(), 0.0
        return market

    def _look(self, market: LiveMarket) -> None:
        """Say what is not heard any more; give up when nothing is."""
        now = self._clock.monotonic()
        for symbol, hearing in market.hearing_changes(now):
            if hearing is Hearing.SILENT:
                log.warning("%s %s: no price, the last is stale", self._source.exchange, symbol)
            else:
                log.info("%s %s: heard by %s", self._source.exchange, symbol, hearing.value)
        # A process that stood still has heard nothing either, and is no reason to give up.
        step_s, self._looked_at = min(now - self._looked_at, LOOK_S_MAX), now
        is_silent = market.silence_s(now) > self._settings.staleness_s
        self._silent_s = self._silent_s + step_s if is_silent else 0.0
        if self._silent_s > self._settings.reconnect_after_s:
            name, why = self._source.exchange, f": {self._trouble}" if self._trouble else ""
            raise SourceError(f"nothing heard of {name} for {self._silent_s:.0f} s{why}")

    async def _ask_for_ever(self, reads: MarketReads, market: LiveMarket) -> None:
        clock_at = self._clock.monotonic() + CLOCK_CHECK_S
        rests = Rests(self._settings.rest_poll_s, RECONNECT_LONGEST_S, self._rng)
        while True:
            rest_s = STEP_S
            try:
                await self._ask(reads, market)
                if self._clock.monotonic() >= clock_at:
                    clock_at = self._clock.monotonic() + CLOCK_CHECK_S
                    await reads.read_clock()
                    self._tell_skew(reads.ahead_s)
            except SourceError as error:
                if not self._trouble:
                    log.warning("asking fails: %s", error)
                self._trouble = str(error)
                rest_s = rests.next_s()
            else:
                rests.reset()
            await asyncio.sleep(rest_s)

    async def _ask(self, reads: MarketReads, market: LiveMarket) -> None:
        has_stream = self._words_before is not None and market.stream_words > self._words_before
        if has_stream and self._is_lost:
            log.info("%s: the WebSocket works again", reads.name)
            self._is_lost = False
        due = market.due_polls(self._clock.monotonic(), has_stream=has_stream)
        if due:
            for symbol, price in (await reads.prices(due)).items():
                market.on_poll(symbol, price, self._now())
            self._end_trouble()
        questions = market.due_questions(reads.venue_time(), self._clock.monotonic())
        for symbol, question in questions:
            answer = await reads.candles(symbol, question)
            market.on_answer(symbol, answer, reads.venue_time())
            self._end_trouble()

    def _end_trouble(self) -> None:
        if self._trouble:
            log.info("asking works again")
            self._trouble = ""

    async def _listen_for_ever(self, reads: MarketReads, market: LiveMarket) -> None:
        rests = Rests(RECONNECT_FIRST_S, RECONNECT_LONGEST_S, self._rng)
        while True:
            words = market.stream_words
            try:
                await self._listen(reads, market)
            except Exception as error:  # noqa: BLE001 - said, and tried again for ever
                if not self._is_lost:
                    log.warning("%s: no WebSocket, asking meanwhile: %s", reads.name, error)
                self._is_lost = True
            self._words_before = None
            market.on_break()
            if market.stream_words > words:
                rests.reset()
            await asyncio.sleep(rests.next_s())

    async def _listen(self, reads: MarketReads, market: LiveMarket) -> None:
        exchange = load_pro_exchange(
            self._source.exchange,
            self._source.settings,
            timeout_s=self._settings.request_timeout_s,
        )
        exchange.set_markets(list(reads.listed.values()))
        session = StreamSession(
            exchange,
            reads.markets,
            reads.timeframe,
            market,
            clock=self._clock,
            venue_time=reads.venue_time,
            give_way=self._give_way,
        )
        self._words_before = market.stream_words
        try:
            await session.run(self._settings.reconnect_after_s)
        finally:
            await session.close()

    def _now(self) -> Instant:
        return Instant(self._clock.wall(), self._clock.monotonic())


async def _close(reads: MarketReads) -> None:
    try:
        async with asyncio.timeout(CLOSE_S_MAX):
            await reads.close()
    except TimeoutError:
        log.warning("%s: the connections did not close in time", reads.name)


async def _unless_stopped(work: Coroutine[Any, Any, T], stop: threading.Event | None) -> T | None:
    """Do the work, or break it off when `stop` is set; a thread cannot wake a loop by itself."""
    task = asyncio.create_task(work)
    try:
        while stop is None or not stop.is_set():
            done, _ = await asyncio.wait([task], timeout=STEP_S)
            if done:
                return task.result()
    finally:
        await end_tasks([task], again_s=WORK_ENDS_S)
    return None


def _run(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner() as runner:
        return runner.run(work)
