"""All live symbols of one feed: what is heard becomes ticks and closed candles, in order.

Says of which symbols nothing is heard, and what of the past must be asked for. Knows no network.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from trading.market.candle_answer import CandleAnswer, Question, Row, bar_of_row
from trading.market.candle_keeper import CandleKeeper, KeeperTimes
from trading.market.feed import Publish
from trading.market.live_price import Hearing, Instant, LivePrice
from trading.model.market import Bar, Tick

# How long after its end a minute counts as empty when the venue shows no candle of it.
EMPTY_AFTER_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class LiveTimes:
    """Hold how long is waited before something is asked for."""

    staleness_s: float
    poll_s: float
    candle_grace_s: float


@dataclass(slots=True)
class _Symbol:
    price: LivePrice
    keeper: CandleKeeper
    hearing: Hearing = Hearing.STREAM
    poll_at: float = 0.0
    ask_at: float = 0.0


class LiveMarket:
    """Turn what a stream and answers say of some symbols into events of a feed."""

    def __init__(
        self,
        symbols: Sequence[str],
        candle_s: int,
        *,
        page_len: int,
        times: LiveTimes,
        publish: Publish,
    ) -> None:
        self._candle_s = candle_s
        self._page_len = page_len
        self._times = times
        self._publish = publish
        # How many times the stream has said anything.
        self.stream_words = 0
        keeper_times = KeeperTimes(grace_s=times.candle_grace_s)
        self._symbols = {
            symbol: _Symbol(
                LivePrice(symbol, times.staleness_s), CandleKeeper(symbol, candle_s, keeper_times)
            )
            for symbol in symbols
        }

    def begin(self, last_bars: Iterable[Bar], now: Instant, venue_time: float) -> None:
        """Go on behind the last candle of each symbol that is known."""
        last = {bar.symbol: bar for bar in last_bars}
        for symbol, one in self._symbols.items():
            bar = last.get(symbol)
            if bar is None:
                one.keeper.begin(venue_time)
            else:
                one.keeper.begin(bar.end, bar.close)
            one.price.begin(now)

    def on_trade(self, symbol: str, price: float, size: float, at: float, now: Instant) -> None:
        """Take a trade of the stream."""
        one = self._symbols.get(symbol)
        if one is not None:
            self.stream_words += 1
            one.keeper.on_trade(at)
            self._tell(one.price.on_trade(price, size, at, now))

    def on_quote(self, symbol: str, price: float, at: float | None, now: Instant) -> None:
        """Take a price of the stream at which nothing was traded now."""
        one = self._symbols.get(symbol)
        if one is not None:
            self.stream_words += 1
            self._tell(one.price.on_quote(price, at, now))

    def on_poll(self, symbol: str, price: float, now: Instant) -> None:
        """Take the price that the venue answers with."""
        one = self._symbols.get(symbol)
        if one is not None:
            self._tell(one.price.on_poll(price, now))

    def on_candle(self, symbol: str, row: Row, venue_time: float) -> None:
        """Take what the stream says of a candle."""
        one = self._symbols.get(symbol)
        if one is None:
            return
        bar = bar_of_row(symbol, self._candle_s, row)
        if bar is None:
            one.keeper.refused += 1
        else:
            one.keeper.on_stream(bar, venue_time)
            self._tell_candles(one)

    def on_break(self) -> None:
        """Note that the stream broke: what it said of open candles may lack their end."""
        for one in self._symbols.values():
            one.keeper.on_break()
            one.price.on_break()

    def on_answer(self, symbol: str, answer: CandleAnswer, venue_time: float) -> None:
        """Take what the venue proves of the past."""
        one = self._symbols[symbol]
        one.keeper.on_answer(answer, venue_time)
        self._tell_candles(one)

    def due_questions(self, venue_time: float, monotonic: float) -> Iterator[tuple[str, Question]]:
        """Say which candles must be asked for now, each symbol at most every `poll_s`."""
        for symbol, one in self._symbols.items():
            wanted = one.keeper.wanted(venue_time)
            if wanted is not None and monotonic >= one.ask_at:
                one.ask_at = monotonic + self._times.poll_s
                yield symbol, Question(wanted[0], self._page_len)

    def due_polls(self, monotonic: float, *, has_stream: bool) -> list[str]:
        """Say which prices must be asked for now, each symbol at most every `poll_s`."""
        due = [
            symbol
            for symbol, one in self._symbols.items()
            if monotonic >= one.poll_at
            and (not has_stream or one.price.stream_silence_s(monotonic) > self._times.staleness_s)
        ]
        for symbol in due:
            self._symbols[symbol].poll_at = monotonic + self._times.poll_s
        return due

    def mute_symbols(self) -> Sequence[str]:
        """Return the symbols whose price moves without a word of the stream."""
        return [symbol for symbol, one in self._symbols.items() if one.price.is_mute]

    def silence_s(self, monotonic: float) -> float:
        """Return for how long nothing at all was heard of any symbol."""
        return min(one.price.silence_s(monotonic) for one in self._symbols.values())

    def stream_silence_s(self, monotonic: float) -> float:
        """Return for how long the stream has said nothing at all."""
        return min(one.price.stream_silence_s(monotonic) for one in self._symbols.values())

    def ahead_s(self) -> float:
        """Return how far the venue's stamps were ahead of our clock at most since the last call."""
        ahead = max(one.price.ahead_s for one in self._symbols.values())
        for one in self._symbols.values():
            one.price.ahead_s = 0.0
        return ahead

    def hearing_changes(self, monotonic: float) -> Iterator[tuple[str, Hearing]]:
        """Say which symbols are heard in another way than when this was last asked."""
        for symbol, one in self._symbols.items():
            hearing = one.price.hearing(monotonic)
            if hearing is not one.hearing:
                one.hearing = hearing
                yield symbol, hearing

    def passed_over(self) -> dict[str, int]:
        """Return how many candles of each symbol the venue could not tell."""
        return {
            symbol: one.keeper.passed_over
            for symbol, one in self._symbols.items()
            if one.keeper.passed_over
        }

    def _tell(self, tick: Tick | None) -> None:
        if tick is not None:
            self._publish(tick)

    def _tell_candles(self, one: _Symbol) -> None:
        for bar in one.keeper.take():
            self._publish(bar)
