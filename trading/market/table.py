"""A market data file as rows of cells, whatever its format. Must not know what the cells mean."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from trading.market.errors import FeedError

Cell = str | float | int | None
Row = tuple[int, Sequence[Cell]]


@dataclass(frozen=True, slots=True)
class Table:
    """Hold an open file: its column names in lower case, and its rows with their numbers.

    `row_word` is what a row is called to people: a line of a text file, a row of any other.
    """

    file: Path
    columns: tuple[str, ...]
    rows: Iterator[Row]
    row_word: str
    header_place: str

    def fault(self, number: int, column: str, found: str, allowed: str) -> FeedError:
        """Describe what is wrong with a cell; without a column it is the whole row."""
        place = f"{self.row_word} {number}" + (f", column {column}" if column else "")
        return FeedError(self.file, place, found, allowed)


def number_of(cell: Cell) -> float:
    """Read a number; anything else is NaN, which fails every comparison."""
    try:
        return math.nan if cell is None else float(cell)
    except (ValueError, OverflowError):
        return math.nan
