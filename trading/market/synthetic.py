"""The built-in market: several simulated symbols that tick and close candles for ever.

What happens until a market time depends on the settings and the start alone, never on the pace.
"""

import math
import threading
from collections.abc import Iterator, Mapping

from daemonkit.clock import Clock
from trading.market.candles import CandleBuilder
from trading.market.feed import Publish
from trading.market.pacing import Pacer, play, speed_text
from trading.market.settings import SyntheticSettings
from trading.market.simulated_symbol import SimulatedSymbol
from trading.model.instrument import Instrument
from trading.model.market import Bar, Tick


class SyntheticFeed:
    """Play a seeded market from a start time on."""

    def __init__(
        self, settings: SyntheticSettings, *, clock: Clock, resume_at: float | None = None
    ) -> None:
        self.symbols = settings.symbols
        self.lossless = True
        self.ticks_show_ranges = True
        self.instruments: Mapping[str, Instrument] = {}
        self._settings = settings
        self._clock = clock
        self._candle_s = settings.candle_s
        self._step_ms = settings.tick_interval_ms
        start = settings.start.timestamp() if settings.start is not None else clock.wall()
        # A millisecond on: what was published at the moment of the stop is not repeated.
        resume_ms = -math.inf if resume_at is None else math.floor(resume_at * 1000) + 1
        self._start_ms = int(max(math.floor(start * 1000), resume_ms))
        self._simulated = [SimulatedSymbol(name, settings.seed) for name in settings.symbols]

    @property
    def description(self) -> str:
        """One line for people: what is played, and how fast."""
        settings = self._settings
        return (
            f"built-in market of {', '.join(self.symbols)}, seed {settings.seed}, "
            f"{speed_text(settings.speed)}"
        )

    def history(self, stop: threading.Event | None = None) -> Iterator[Bar]:
        """Bring the closed candles from before the start, oldest first."""
        end_s = self._candle_start_ms() // 1000
        first_s = end_s - self._settings.history_candles * self._candle_s
        for start_s in range(first_s, end_s, self._candle_s):
            if stop is not None and stop.is_set():
                return
            for simulated in self._simulated:
                yield simulated.bar(start_s, self._candle_s, self._step_ms)

    def run(self, publish: Publish, stop: threading.Event) -> None:
        """Publish ticks and closed candles until `stop` is set."""
        play(self.events(), publish, stop, Pacer(self._clock, self._settings.speed))

    def events(self) -> Iterator[Tick | Bar]:
        """Tell what happens from the start on, without end and without waiting."""
        builders = [CandleBuilder(name, self._candle_s) for name in self.symbols]
        candle_start_ms = self._candle_start_ms()
        first_ms = -(-self._start_ms // self._step_ms) * self._step_ms
        # The candle that is under way at the start closes whole.
        for time_ms in range(candle_start_ms, first_ms, self._step_ms):
            for simulated, builder in zip(self._simulated, builders, strict=True):
                builder.add(simulated.tick_at(time_ms))
        time_ms = first_ms
        while True:
            for builder in builders:
                yield from builder.close_until(time_ms / 1000)
            for simulated, builder in zip(self._simulated, builders, strict=True):
                tick = simulated.tick_at(time_ms)
                builder.add(tick)
                yield tick
            time_ms += self._step_ms

    def _candle_start_ms(self) -> int:
        candle_ms = self._candle_s * 1000
        return self._start_ms // candle_ms * candle_ms
