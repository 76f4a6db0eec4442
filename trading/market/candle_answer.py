"""What a venue's answer to "which candles were there" proves: candles, empty minutes, or nothing.

A venue leaves out minutes in which nothing was traded, cuts long answers, and keeps only so much
of the past: a missing candle is an empty minute only where the answer shows that. Knows no clock.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from trading.market.candles import is_candle
from trading.model.market import Bar

# Fewer rows than this were cut off by no venue.
CUT_ROWS_MIN: Final = 100
# Where ccxt does not tell how many candles a venue answers with.
USUAL_LIMIT: Final = 300

Row = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Question:
    """Ask for candles from `start` on; `end` is what the answer may tell of at most."""

    start: float
    limit: int

    def end(self, interval_s: int) -> float:
        """Return where the asked range ends."""
        return self.start + self.limit * interval_s


@dataclass(frozen=True, slots=True)
class CandleAnswer:
    """Hold the closed candles of an answer, and the range in which it names every one.

    Inside `covered_from` up to `covered_to` a candle that is missing was empty; `refused` are the
    starts of those that cannot be, of which nothing is known.
    """

    bars: tuple[Bar, ...]
    covered_from: float
    covered_to: float
    refused: frozenset[float] = frozenset()


def read_answer(
    symbol: str,
    interval_s: int,
    question: Question,
    rows: Iterable[Row],
    *,
    closed_before: float,
    empty_before: float,
) -> CandleAnswer:
    """Say what rows of (milliseconds, open, high, low, close, volume) prove.

    Candles that end after `closed_before` may still change. Of those from `empty_before` on the
    venue may not have heard yet.
    """
    bars, refused = _sound_bars(symbol, interval_s, rows)
    count = len(bars) + len(refused)
    starts = sorted([*bars, *refused])
    covered_from = question.start
    known_to = _aligned(empty_before, interval_s)
    covered_to = _proven_to(starts, interval_s, closed_before)
    if not starts or count < min(question.limit - 1, CUT_ROWS_MIN):
        # It was not cut: up to the end of what was asked for there is nothing more.
        covered_to = max(covered_to, min(known_to, question.end(interval_s)))
    else:
        end = starts[-1] + interval_s
        is_full = count >= max(question.limit - 1, CUT_ROWS_MIN)
        if is_full and end > closed_before - interval_s:
            # The venue keeps no more than this: of what was before nothing is known.
            covered_from = max(question.start, starts[0])
    closed = [
        bars[start]
        for start in sorted(bars)
        if start >= question.start and start + interval_s <= closed_before
    ]
    return CandleAnswer(
        tuple(closed), covered_from, max(covered_from, covered_to), frozenset(refused)
    )


def bar_of_row(symbol: str, interval_s: int, row: Row) -> Bar | None:
    """Make a candle of a row, or None when it cannot be one."""
    if len(row) < 6 or any(cell is None for cell in row[:5]):
        return None
    values = [float(cell or 0.0) for cell in row[:6]]
    bar = Bar(symbol, values[0] / 1000, interval_s, *values[1:])
    is_sound = is_candle(bar) and 0.0 <= bar.volume < math.inf and not bar.start % interval_s
    return bar if is_sound else None


def _sound_bars(
    symbol: str, interval_s: int, rows: Iterable[Row]
) -> tuple[dict[float, Bar], set[float]]:
    bars: dict[float, Bar] = {}
    refused: set[float] = set()
    for row in rows:
        bar = bar_of_row(symbol, interval_s, row)
        if bar is not None:
            bars[bar.start] = bar
        elif row and row[0] is not None and 0 <= row[0] < 1e14:
            refused.add(_aligned(float(row[0]) / 1000, interval_s))
    return bars, refused - set(bars)


def _proven_to(starts: Sequence[float], interval_s: int, closed_before: float) -> float:
    """Return up to where rows prove what there was: a candle that grows ends all before it."""
    if not starts:
        return 0.0
    end = starts[-1] + interval_s
    return end if end <= closed_before else starts[-1]


def _aligned(at: float, interval_s: int) -> float:
    return float(at // interval_s * interval_s)
