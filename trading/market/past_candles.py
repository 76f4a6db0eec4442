"""The candles of a stretch of the past, page by page: which to ask for next, what was missing.

Used for the history at a start and for downloads. Owns the order of pages; knows no network.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from trading.market.candle_answer import CandleAnswer, Question
from trading.market.candles import flat_bar
from trading.model.market import Bar


@dataclass(frozen=True, slots=True)
class Gap:
    """Hold a stretch without candles, and whether the venue shows that nothing was traded."""

    start: float
    end: float
    is_empty: bool

    def count(self, interval_s: int) -> int:
        """Return how many candles are missing."""
        return round((self.end - self.start) / interval_s)


class PastCandles:
    """Ask for every candle from `start` up to `end`, oldest first, each once."""

    def __init__(self, interval_s: int, start: float, end: float, page_len: int) -> None:
        self.interval_s = interval_s
        self.end = float(end // interval_s * interval_s)
        self.next_start = float(-(-start // interval_s) * interval_s)
        self.gaps: list[Gap] = []
        self._page_len = page_len

    def question(self) -> Question | None:
        """Return what to ask next, or None when all is known."""
        missing = round((self.end - self.next_start) / self.interval_s)
        return Question(self.next_start, self._page_len) if missing > 0 else None

    def take(self, answer: CandleAnswer) -> list[Bar]:
        """Take the answer to the last question; return the candles that it brings."""
        told: list[Bar] = []
        due = self.next_start
        for bar in answer.bars:
            if due <= bar.start < self.end:
                self._note_gap(due, bar.start, answer)
                told.append(bar)
                due = bar.start + self.interval_s
        end = min(answer.covered_to, self.end)
        if not told:
            # An answer that proves nothing must not be asked for again for ever.
            end = max(end, min(self.next_start + self.interval_s, self.end))
        if end > due:
            self._note_gap(due, end, answer)
            due = end
        self.next_start = due
        return told

    def _note_gap(self, start: float, end: float, answer: CandleAnswer) -> None:
        """Note a stretch without candles, in parts where not all of it is known to be empty."""
        while start < end:
            is_empty = self._is_empty(start, answer)
            part = start
            while part < end and self._is_empty(part, answer) is is_empty:
                part += self.interval_s
            self._add(Gap(start, part, is_empty))
            start = part

    def _is_empty(self, start: float, answer: CandleAnswer) -> bool:
        is_covered = answer.covered_from <= start < answer.covered_to
        return is_covered and start not in answer.refused

    def _add(self, gap: Gap) -> None:
        last = self.gaps[-1] if self.gaps else None
        if last is not None and last.end == gap.start and last.is_empty is gap.is_empty:
            self.gaps[-1] = Gap(last.start, gap.end, gap.is_empty)
        else:
            self.gaps.append(gap)


def filled(bars: list[Bar], gaps: list[Gap], interval_s: int) -> Iterator[Bar]:
    """Tell candles with a flat one for each minute in which nothing was traded."""
    by_start = {gap.start: gap for gap in gaps}
    for bar in bars:
        yield bar
        # Stretches without candles follow a candle, or each other.
        at = bar.end
        while (gap := by_start.get(at)) is not None:
            for number in range(gap.count(interval_s) if gap.is_empty else 0):
                yield flat_bar(bar.symbol, at + number * interval_s, interval_s, bar.close)
            at = gap.end
