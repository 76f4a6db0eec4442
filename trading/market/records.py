"""Rows of a market data file into candles and trades, checked one by one.

Owns what a sound row is; must not know file formats, pacing or the engine.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import chain, islice, pairwise

from trading.market.columns import FileKind, Layout, layout_of
from trading.market.errors import FeedError, shown
from trading.market.table import Cell, Row, Table, number_of
from trading.market.timestamps import ALLOWED as TIME_ALLOWED
from trading.market.timestamps import TimestampReader
from trading.model.market import Bar, Tick

# The distance of candles is found out from so many rows.
DETECT_ROWS = 100
INTERVAL_MAX_S = 7 * 86400
_PRICES = ("open", "high", "low", "close")
_PRICE_ALLOWED = "a price above 0"
_VOLUME_ALLOWED = "a number of at least 0"


class RowReader:
    """Read what the rows of every kind of file have: their width and their time."""

    def __init__(self, table: Table, layout: Layout) -> None:
        self.table = table
        self._times = TimestampReader()
        self._time_place = layout.places["timestamp"]
        self._width = layout.width

    def time_of(self, number: int, cells: Sequence[Cell]) -> float:
        """Return the time of a row in Unix seconds."""
        if len(cells) != self._width:
            found = f"{len(cells)} columns"
            raise self.table.fault(number, "", found, f"{self._width}, as in the header")
        time = self._times.read(cells[self._time_place])
        if math.isnan(time):
            cell = cells[self._time_place]
            raise self.table.fault(number, "timestamp", shown(cell), TIME_ALLOWED)
        return time


class CandleReader:
    """Read a file of candles, oldest first, each time once, all of one distance."""

    def __init__(self, table: Table, layout: Layout, symbol: str, candle_s: int | None) -> None:
        self._table = table
        self._reader = RowReader(table, layout)
        self._symbol = symbol
        self._places = [layout.places[name] for name in (*_PRICES, "volume")]
        head = list(islice(table.rows, DETECT_ROWS))
        self._rows = chain(head, table.rows)
        self.candle_s = self._detect(head, candle_s)

    def __iter__(self) -> Iterator[Bar]:
        first, previous = math.nan, -math.inf
        for number, cells in self._rows:
            time = self._whole_time(number, cells)
            if math.isnan(first):
                first = time
            self._check_order(number, time, first, previous)
            previous = time
            yield self._bar(number, cells, time)

    def _bar(self, number: int, cells: Sequence[Cell], time: float) -> Bar:
        open_, high, low, close, volume = (number_of(cells[place]) for place in self._places)
        # Comparisons with NaN are false, so no cell without a number passes.
        if 0 < low <= open_ <= high < math.inf and low <= close <= high and 0 <= volume < math.inf:
            return Bar(self._symbol, time, self.candle_s, open_, high, low, close, volume)
        raise self._fault(number, cells)

    def _fault(self, number: int, cells: Sequence[Cell]) -> FeedError:
        for name, place in zip(_PRICES, self._places, strict=False):
            if not 0 < number_of(cells[place]) < math.inf:
                return self._table.fault(number, name, shown(cells[place]), _PRICE_ALLOWED)
        volume = cells[self._places[-1]]
        if not 0 <= number_of(volume) < math.inf:
            return self._table.fault(number, "volume", shown(volume), _VOLUME_ALLOWED)
        open_, high, low, close = (number_of(cells[place]) for place in self._places[:4])
        if high < max(open_, low, close):
            allowed = "the highest of open, high, low and close"
            return self._table.fault(number, "high", shown(high), allowed)
        allowed = "the lowest of open, high, low and close"
        return self._table.fault(number, "low", shown(low), allowed)

    def _whole_time(self, number: int, cells: Sequence[Cell]) -> float:
        time = self._reader.time_of(number, cells)
        if abs(time - round(time)) > 1e-6:
            raise self._table.fault(number, "timestamp", shown(time), "whole seconds for a candle")
        return float(round(time))

    def _check_order(self, number: int, time: float, first: float, previous: float) -> None:
        if time == previous:
            raise self._table.fault(number, "timestamp", f"{time:.0f} twice", "each time once")
        if time < previous:
            found = f"{time:.0f} after {previous:.0f}"
            raise self._table.fault(number, "timestamp", found, "rows from old to new")
        if (time - first) % self.candle_s:
            found = f"{time:.0f}, {time - previous:.0f} s after the row before"
            allowed = f"multiples of {self.candle_s} s (candle_s)"
            raise self._table.fault(number, "timestamp", found, allowed)

    def _detect(self, head: list[Row], candle_s: int | None) -> int:
        """Tell the distance of candles: the smallest in the first rows."""
        times = [self._whole_time(number, cells) for number, cells in head]
        steps = [after - before for before, after in pairwise(times)]
        smallest = min((int(step) for step in steps if step > 0), default=0)
        if not smallest and candle_s is None and head:
            allowed = "candle_s in the configuration, as one row does not tell it"
            raise self._table.fault(head[0][0], "timestamp", "no distance", allowed)
        if smallest > INTERVAL_MAX_S:
            found, allowed = f"candles {smallest} s apart", f"at most {INTERVAL_MAX_S} s"
            raise self._table.fault(head[1][0], "timestamp", found, allowed)
        if smallest and candle_s is not None and smallest != candle_s:
            found, allowed = f"candles {smallest} s apart", f"{candle_s} s (candle_s)"
            raise self._table.fault(head[1][0], "timestamp", found, allowed)
        return smallest or candle_s or 1


class TradeReader:
    """Read a file of trades, oldest first."""

    def __init__(self, table: Table, layout: Layout, symbol: str) -> None:
        self._table = table
        self._reader = RowReader(table, layout)
        self._symbol = symbol
        self._price_place = layout.places["price"]
        self._size_place = layout.places["amount"]
        self._id_place = layout.places.get("id")

    def __iter__(self) -> Iterator[Tick]:
        previous, previous_id = -math.inf, None
        for number, cells in self._table.rows:
            time = self._reader.time_of(number, cells)
            if time < previous:
                found = f"{time:.3f} after {previous:.3f}"
                raise self._table.fault(number, "timestamp", found, "rows from old to new")
            if self._id_place is not None:
                trade_id = cells[self._id_place]
                if trade_id and trade_id == previous_id:
                    raise self._table.fault(
                        number, "id", f"{shown(trade_id)} twice", "each trade once"
                    )
                previous_id = trade_id
            previous = time
            yield self._tick(number, cells, time)

    def _tick(self, number: int, cells: Sequence[Cell], time: float) -> Tick:
        price, size = number_of(cells[self._price_place]), number_of(cells[self._size_place])
        if not 0 < price < math.inf:
            found = shown(cells[self._price_place])
            raise self._table.fault(number, "price", found, _PRICE_ALLOWED)
        if not 0 <= size < math.inf:
            found = shown(cells[self._size_place])
            raise self._table.fault(number, "amount", found, _VOLUME_ALLOWED)
        return Tick(self._symbol, price, size, time)


def open_records(table: Table, symbol: str, candle_s: int | None) -> CandleReader | TradeReader:
    """Find out by the columns what a file holds, and read that."""
    layout = layout_of(table.file, table.header_place, table.columns)
    if layout.kind is FileKind.CANDLES:
        return CandleReader(table, layout, symbol, candle_s)
    return TradeReader(table, layout, symbol)
