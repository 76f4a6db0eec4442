"""The closed candles of one live symbol: each once, in order, none missing. Knows no clock.

A stream tells candles while they grow, and may break, stay silent or leave out minutes; what the
venue answers afterwards is proof. A candle is closed by the stream when the stream goes on to the
next one unbroken, else by an answer. A minute in which nothing was traded becomes a flat candle
only once an answer shows that there was none; what no answer tells of is passed over and counted.
"""

import math
from dataclasses import dataclass
from typing import Final

from trading.market.candle_answer import CandleAnswer
from trading.market.candles import flat_bar, is_candle
from trading.model.market import Bar

# What a stream may say ahead of what is settled; an answer brings again what is dropped.
WAITING_MAX: Final = 2000
# A venue that is asked about this many candles has them all, or never will.
ASKED_MAX: Final = 100_000
# The session of what an answer has proven: no stream changes it any more.
_PROVEN: Final = -1


@dataclass(frozen=True, slots=True)
class KeeperTimes:
    """Hold how long after its end a candle is waited for.

    `grace_s` from the stream, before an answer is asked for; `doubt_s` when a trade was seen in a
    minute that the venue does not show, or shows wrongly.
    """

    grace_s: float = 3.0
    doubt_s: float = 60.0


@dataclass(slots=True)
class _Waiting:
    bar: Bar
    session: int
    is_closed: bool = False


class CandleKeeper:
    """Keep the candles of one symbol until they can be told."""

    def __init__(self, symbol: str, interval_s: int, times: KeeperTimes | None = None) -> None:
        self.symbol = symbol
        self.interval_s = interval_s
        self.refused = 0
        self.passed_over = 0
        self._times = times or KeeperTimes()
        self._due: float | None = None
        self._close: float | None = None
        self._waiting: dict[float, _Waiting] = {}
        self._empty: set[float] = set()
        self._unknown: set[float] = set()
        self._traded: set[float] = set()
        self._session = 0

    @property
    def due(self) -> float:
        """When the next candle to be told begins; infinite before `begin`."""
        return math.inf if self._due is None else self._due

    def begin(self, start: float, close: float | None = None) -> None:
        """Begin with the candle at `start`; `close` is that of the one before, if known."""
        self._due = float(start // self.interval_s * self.interval_s)
        self._close = close
        for kept in (self._waiting, self._empty, self._unknown, self._traded):
            kept.clear()

    def on_stream(self, bar: Bar, now: float) -> None:
        """Take what the stream says of a candle, which may still grow."""
        start = bar.start
        # A venue's clock may be ahead of ours, but not by candles.
        if self._is_wrong(bar) or start > now + self.interval_s:
            self.refused += 1
            return
        if start < self.due:
            return
        known = self._waiting.get(start)
        if known is None or not known.is_closed or known.session == self._session:
            self._waiting[start] = _Waiting(bar, self._session, bool(known and known.is_closed))
        for earlier in self._waiting.values():
            if earlier.bar.start < start and earlier.session == self._session:
                earlier.is_closed = True
        if len(self._waiting) > WAITING_MAX:
            del self._waiting[min(self._waiting)]

    def on_trade(self, at: float) -> None:
        """Note that something was traded, so that its minute was not an empty one."""
        if self.due <= at < self.due + WAITING_MAX * self.interval_s:
            self._traded.add(at // self.interval_s * self.interval_s)

    def on_break(self) -> None:
        """Trust nothing that is still open: the stream may have missed its end."""
        self._session += 1

    def on_answer(self, answer: CandleAnswer, now: float) -> None:
        """Take what the venue proves of the past."""
        for bar in answer.bars:
            if bar.start >= self.due and not self._is_wrong(bar):
                self._waiting[bar.start] = _Waiting(bar, _PROVEN, is_closed=True)
        start = max(self.due, answer.covered_from)
        if self.due < answer.covered_from:
            self._mark(self._unknown, self.due, answer.covered_from)
        while start < answer.covered_to:
            if start not in self._waiting and not self._is_doubtful(start, answer, now):
                known = self._unknown if start in answer.refused else self._empty
                known.add(start)
            start += self.interval_s

    def take(self) -> list[Bar]:
        """Return the candles that are settled, oldest first, each once."""
        told: list[Bar] = []
        while self._due is not None:
            start = self._due
            waiting = self._waiting.get(start)
            if waiting is not None and waiting.is_closed:
                told.append(waiting.bar)
                self._close = waiting.bar.close
            elif start in self._empty and self._close is not None:
                told.append(flat_bar(self.symbol, start, self.interval_s, self._close))
            elif start in self._empty or start in self._unknown:
                self.passed_over += 1
            else:
                break
            self._forget(start)
            self._due = start + self.interval_s
        return told

    def wanted(self, now: float) -> tuple[float, float] | None:
        """Return the range that must be asked for, or None while the stream may still tell it."""
        if self._due is None or now < self._due + self.interval_s + self._times.grace_s:
            return None
        end = (now - self._times.grace_s) // self.interval_s * self.interval_s
        return self._due, min(float(end), self._due + ASKED_MAX * self.interval_s)

    def _is_wrong(self, bar: Bar) -> bool:
        return not (
            bar.symbol == self.symbol
            and bar.interval_s == self.interval_s
            and is_candle(bar)
            and 0.0 <= bar.volume < math.inf
            and not bar.start % self.interval_s
        )

    def _is_doubtful(self, start: float, answer: CandleAnswer, now: float) -> bool:
        if start not in self._traded and start not in answer.refused:
            return False
        return now < start + self.interval_s + self._times.doubt_s

    def _mark(self, known: set[float], start: float, end: float) -> None:
        while start < end and len(known) < ASKED_MAX:
            if start not in self._waiting:
                known.add(start)
            start += self.interval_s

    def _forget(self, start: float) -> None:
        self._waiting.pop(start, None)
        for known in (self._empty, self._unknown, self._traded):
            known.discard(start)
