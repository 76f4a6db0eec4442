"""Candles without gaps: exchanges that tell of minutes without a trade repeat the last price."""

from bisect import bisect_left
from decimal import Decimal

from tests.fakes.exchange.tape import Candle, Tape


def candles_without_gaps(
    tape: Tape, interval_s: int, begin: float, end: float, limit: int
) -> list[Candle]:
    """Return the candles that start from `begin` to `end`, at most `limit`, oldest first."""
    if not tape.minutes:
        return []
    earliest = tape.minutes[0].start // interval_s * interval_s
    start = max(int(-(-begin // interval_s)) * interval_s, earliest)
    stop = min(int(end // interval_s) * interval_s, start + (limit - 1) * interval_s)
    known = {
        candle.start: candle
        for candle in tape.candles(interval_s, start, limit)
        if candle.start <= stop
    }
    close = _close_before(tape, start)
    rows = []
    for at in range(start, stop + 1, interval_s):
        row = known.get(at) or Candle(at, close, close, close, close)
        close = row.close
        rows.append(row)
    return rows


def last_candles(tape: Tape, interval_s: int, end: float, limit: int) -> list[Candle]:
    """Return the newest candles that start by `end`."""
    newest = int(end // interval_s) * interval_s
    return candles_without_gaps(tape, interval_s, newest - (limit - 1) * interval_s, newest, limit)


def _close_before(tape: Tape, start: float) -> Decimal:
    index = bisect_left(tape.minutes, start, key=lambda candle: candle.start)
    return tape.minutes[index - 1].close if index else tape.minutes[0].open
