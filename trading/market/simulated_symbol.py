"""One symbol of the synthetic market: price and size at any time, ticks and candles from them.

A pure function of (seed, symbol, time). Must not know pacing, clocks or other symbols.
"""

import math
import operator
from functools import reduce

from trading.market.profile import build_profile
from trading.market.walk import BLOCK_LEVEL, BLOCK_S, TABLE_SIZE, HashNoise, RandomWalk
from trading.model.market import Bar, Tick

# Odd, so the milliseconds of a second reach sizes all over the table.
_SCATTER = 1597


class SimulatedSymbol:
    """Tell what one symbol of a seeded market does at any time."""

    def __init__(self, symbol: str, seed: int) -> None:
        self.symbol = symbol
        self._profile = build_profile(symbol, seed)
        self._noise = HashNoise(seed, symbol)
        self._walk = RandomWalk(self._noise, self._profile.deviation)
        self._places: tuple[int, list[int]] = (0, [])
        self._price_min = 10.0**-self._profile.price_decimals

    def tick_at(self, time_ms: int) -> Tick:
        """Return the tick of a moment in whole milliseconds."""
        return Tick(
            self.symbol,
            self._price(self._walk.at(time_ms)),
            self._size(time_ms),
            time_ms / 1000,
        )

    def bar(self, start_s: int, interval_s: int, step_ms: int) -> Bar:
        """Return a closed candle: what its ticks, one each `step_ms`, add up to."""
        if step_ms % 1000 == 0:
            levels, sizes = self._seconds(start_s, start_s + interval_s, step_ms // 1000)
        else:
            times = range(start_s * 1000, (start_s + interval_s) * 1000, step_ms)
            levels = [self._walk.at(time_ms) for time_ms in times]
            sizes = [self._size(time_ms) for time_ms in times]
        return Bar(
            self.symbol,
            float(start_s),
            interval_s,
            self._price(levels[0]),
            # Price rises with level, so only four levels need to become prices.
            self._price(max(levels)),
            self._price(min(levels)),
            self._price(levels[-1]),
            # Not sum(): from Python 3.12 on it rounds differently than adding tick by tick.
            reduce(operator.add, sizes),
        )

    def _seconds(self, start_s: int, end_s: int, step_s: int) -> tuple[list[float], list[float]]:
        """Gather levels and sizes of every `step_s` seconds, block by block."""
        table = self._profile.sizes
        levels: list[float] = []
        sizes: list[float] = []
        second = start_s
        while second < end_s:
            block = second >> BLOCK_LEVEL
            block_start = block << BLOCK_LEVEL
            block_end = min(end_s, block_start + BLOCK_S)
            part = slice(second - block_start, block_end - block_start, step_s)
            levels += self._walk.block(block)[part]
            sizes += [table[place] for place in self._size_places(block)[part]]
            second += math.ceil((block_end - second) / step_s) * step_s
        return levels, sizes

    def _price(self, level: float) -> float:
        profile = self._profile
        return max(self._price_min, round(profile.price * math.exp(level), profile.price_decimals))

    def _size(self, time_ms: int) -> float:
        second, millisecond = divmod(time_ms, 1000)
        place = self._size_places(second >> BLOCK_LEVEL)[second & (BLOCK_S - 1)]
        return self._profile.sizes[(place + millisecond * _SCATTER) % TABLE_SIZE]

    def _size_places(self, block: int) -> list[int]:
        cached_block, places = self._places
        if cached_block != block or not places:
            places = self._noise.indices("size", block, BLOCK_S)
            self._places = (block, places)
        return places
