"""The columns of market data files: their names, and which kinds of file they make."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from trading.market.errors import FeedError, shown
from trading.market.table import number_of


class FileKind(StrEnum):
    """Name what the rows of a file are."""

    CANDLES = "candles"
    TRADES = "trades"


# The order of files without a header.
ORDER_OF_CANDLES = ("timestamp", "open", "high", "low", "close", "volume")
ORDER_OF_TRADES = ("timestamp", "id", "side", "price", "amount", "cost")
NEEDED = {
    FileKind.CANDLES: ORDER_OF_CANDLES,
    FileKind.TRADES: ("timestamp", "price", "amount"),
}
ALIASES = {
    "timestamp": ("time", "date", "datetime", "open_time"),
    "amount": ("size", "quantity", "qty"),
    "volume": ("vol",),
}
ALLOWED = (
    f"a header with the columns {','.join(ORDER_OF_CANDLES)} or {','.join(ORDER_OF_TRADES)} "
    "in any order (of trades: timestamp, price and amount are needed)"
)
_NAMES = {*ORDER_OF_CANDLES, *ORDER_OF_TRADES, *(name for row in ALIASES.values() for name in row)}


@dataclass(frozen=True, slots=True)
class Layout:
    """Say what a file holds and at which places its columns stand."""

    kind: FileKind
    places: dict[str, int]
    width: int


def layout_of(file: Path, place: str, columns: tuple[str, ...]) -> Layout:
    """Find the needed columns by name."""
    places = {name: index for name, index in _places(columns).items() if index is not None}
    for kind, needed in NEEDED.items():
        if all(name in places for name in needed):
            twice = [name for name in needed if columns.count(columns[places[name]]) > 1]
            if twice:
                raise FeedError(file, place, f"the column {twice[0]} twice", "each column once")
            return Layout(kind, places, len(columns))
    raise FeedError(file, place, shown(",".join(columns)), ALLOWED)


def names_of_first_row(file: Path, place: str, cells: Sequence[str]) -> tuple[str, ...] | None:
    """Return None for a header, else the names by the known order that the row fits."""
    names = {cell.strip().lower() for cell in cells}
    if names & _NAMES:
        return None
    if len(cells) == len(ORDER_OF_TRADES) and cells[2].strip().lower() in {"buy", "sell"}:
        return ORDER_OF_TRADES
    is_numeric = [number_of(cell) == number_of(cell) for cell in cells]
    if len(cells) == len(ORDER_OF_CANDLES) and all(is_numeric[1:]):
        return ORDER_OF_CANDLES
    raise FeedError(file, place, shown(",".join(cells)), ALLOWED)


def _places(columns: tuple[str, ...]) -> dict[str, int | None]:
    """Find every known column: by its name, else by the first alias there is."""
    found = {name: index for index, name in reversed(list(enumerate(columns)))}
    return {
        name: next((found[one] for one in (name, *ALIASES.get(name, ())) if one in found), None)
        for name in {*ORDER_OF_CANDLES, *ORDER_OF_TRADES}
    }
