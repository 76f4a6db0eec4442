"""A recorded market: a file of candles or trades, played in order at any speed.

A candle of a file becomes three events: a tick of size 0 at its open when it begins, a tick with
its volume at its close a millisecond before it ends (the exchanges' own close time, so that it
still belongs to the candle), and the candle itself at its end. In which order high and low came
is not in the file, so no tick tells them: who fills stops must take the worse order. Missing
candles are played flat, without a tick. Trades become ticks, and candles built from them.
"""

import math
import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

from daemonkit.clock import Clock
from trading.market.candles import GAP_BARS_MAX, CandleBuilder, flat_bar
from trading.market.errors import FeedError
from trading.market.feed import Publish, time_of
from trading.market.pacing import Pacer, play, speed_text
from trading.market.records import CandleReader, open_records
from trading.market.settings import ReplaySettings
from trading.market.table_file import open_table
from trading.model.instrument import Instrument
from trading.model.market import Bar, Tick

TRADES_CANDLE_S = 60
# So many events behind the history are read at the start, to see that the file is sound.
CHECK_EVENTS = 1000
_CLOSE_EARLY_S = 0.001


class ReplayFeed:
    """Play a file from behind its history, or from behind the moment to resume at."""

    def __init__(
        self,
        settings: ReplaySettings,
        file: Path,
        symbol: str,
        *,
        clock: Clock,
        resume_at: float | None = None,
    ) -> None:
        self.symbols = (symbol,)
        self.lossless = True
        self.ticks_show_ranges = False
        self.instruments: Mapping[str, Instrument] = {}
        self._settings = settings
        self._file = file
        self._clock = clock
        self._resume_at = -math.inf if resume_at is None else resume_at
        self._history: deque[Bar] = deque(maxlen=settings.history_candles)
        self._check_and_read_history()

    @property
    def description(self) -> str:
        """One line for people: what is played, and how fast."""
        speed = speed_text(self._settings.speed)
        return f"replay of {self._file.name} as {self.symbols[0]}, {speed}"

    def history(self, stop: threading.Event | None = None) -> list[Bar]:  # noqa: ARG002 - is there
        """Bring the first candles of the file, or the last ones before the moment to resume at."""
        return list(self._history)

    def run(self, publish: Publish, stop: threading.Event) -> None:
        """Publish the rest of the file; raises FeedError where the file is bad."""
        with closing(self.events()) as events:
            play(events, publish, stop, Pacer(self._clock, self._settings.speed))

    def events(self) -> Generator[Tick | Bar]:
        """Tell what happens after the history, without waiting."""
        with closing(self._all_events()) as events:
            for event, is_played in self._divided(events):
                if is_played:
                    yield event

    def _check_and_read_history(self) -> None:
        bars = checked = 0
        with closing(self._all_events()) as events:
            for event, is_played in self._divided(events):
                if isinstance(event, Bar):
                    bars += 1
                    if not is_played:
                        self._history.append(event)
                checked += is_played
                if checked >= CHECK_EVENTS:
                    return
        resumes = self._resume_at > -math.inf
        if not checked and not (resumes and bars > self._settings.history_candles):
            self._refuse_short_file(bars)

    def _refuse_short_file(self, bars: int) -> None:
        if not bars:
            raise FeedError(self._file, "file", "no closed candle", "a file with more rows")
        found = str(self._settings.history_candles)
        allowed = f"at most {bars - 1}, as the file has {bars} candles"
        raise FeedError(self._file, "history_candles", found, allowed)

    def _divided(self, events: Iterable[Tick | Bar]) -> Iterator[tuple[Tick | Bar, bool]]:
        """Say of each event whether it is played or belongs to the past."""
        missing = self._settings.history_candles
        for event in events:
            if missing <= 0 and time_of(event) > self._resume_at:
                yield event, True
            else:
                yield event, False
                if isinstance(event, Bar):
                    missing -= 1

    def _all_events(self) -> Generator[Tick | Bar]:
        settings, symbol = self._settings, self.symbols[0]
        with open_table(self._file) as table:
            records = open_records(table, symbol, settings.candle_s)
            self.ticks_show_ranges = not isinstance(records, CandleReader)
            if isinstance(records, CandleReader):
                yield from events_of_candles(records)
            else:
                candle_s = settings.candle_s or TRADES_CANDLE_S
                yield from events_of_trades(records, CandleBuilder(symbol, candle_s))


def events_of_candles(bars: Iterable[Bar]) -> Iterator[Tick | Bar]:
    """Tell candles as what is known when: prices, missing candles, closed candles."""
    previous: Bar | None = None
    for bar in bars:
        if previous is not None and bar.start > previous.end:
            yield from _missing_bars(previous, bar)
        yield Tick(bar.symbol, bar.open, 0.0, bar.start)
        yield Tick(bar.symbol, bar.close, bar.volume, bar.end - _CLOSE_EARLY_S)
        yield bar
        previous = bar


def events_of_trades(ticks: Iterable[Tick], builder: CandleBuilder) -> Iterator[Tick | Bar]:
    """Tell trades, and each candle before the first trade after it."""
    for tick in ticks:
        yield from builder.add(tick)
        yield tick


def _missing_bars(before: Bar, after: Bar) -> Iterator[Bar]:
    missing = round((after.start - before.end) / before.interval_s)
    for index in range(min(missing, GAP_BARS_MAX)):
        start = before.end + index * before.interval_s
        yield flat_bar(before.symbol, start, before.interval_s, before.close)
