"""Times in market data files: Unix seconds, milli-, micro- or nanoseconds, or ISO 8601.

The first time of a file decides which; the others must be of the same kind.
"""

import math
from datetime import UTC, datetime

from trading.market.table import Cell, number_of

ALLOWED = (
    "a time in Unix seconds, milliseconds, microseconds or nanoseconds, or such as "
    "2026-01-31T23:59:00Z, of the same kind in the whole file"
)
# From 1973 to the year 5138, where the four units do not overlap.
SECONDS_FROM, SECONDS_BELOW = 1e8, 1e11
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = (1.0, 1e3, 1e6, 1e9)


class TimestampReader:
    """Read the times of one file."""

    def __init__(self) -> None:
        # How many make a second; 0 for text, None before the first time.
        self._unit: float | None = None

    def read(self, cell: Cell) -> float:
        """Return Unix seconds, or NaN for what is not a time of this file's kind."""
        if self._unit is None:
            self._unit = _unit_of(cell)
        if self._unit is None:
            return math.nan
        seconds = number_of(cell) / self._unit if self._unit else _from_text(cell)
        return seconds if SECONDS_FROM <= seconds < SECONDS_BELOW else math.nan


def _unit_of(cell: Cell) -> float | None:
    number = number_of(cell)
    if math.isnan(number):
        return 0.0
    return next((one for one in _UNITS if SECONDS_FROM <= number / one < SECONDS_BELOW), None)


def _from_text(cell: Cell) -> float:
    try:
        time = datetime.fromisoformat(str(cell).strip())
    except ValueError:
        return math.nan
    if time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    return (time - _EPOCH).total_seconds()
