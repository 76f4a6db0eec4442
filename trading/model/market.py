"""Market data values: one trade or price seen, and one closed candle.

Floats, as market data is everywhere here; money starts at the risk gate. Slotted and not frozen
because they are made by the hundred thousand: nobody changes one after making it. Times are
market time in Unix seconds, UTC. Must not know where the data comes from.
"""

from dataclasses import dataclass


@dataclass(slots=True)
class Tick:
    """Tell one price of a symbol; a size of 0 is a price at which nothing was traded."""

    symbol: str
    price: float
    size: float
    at: float


@dataclass(slots=True)
class Bar:
    """Hold one closed candle: everything traded from `start` up to, not including, `end`."""

    symbol: str
    start: float
    interval_s: int
    open: float
    high: float
    low: float
    close: float
    volume: float

    @property
    def end(self) -> float:
        """The first moment after the candle, when it is known and published."""
        return self.start + self.interval_s
