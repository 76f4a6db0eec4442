"""The seam between the engine and any source of market data. Must not know a source."""

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from trading.model.instrument import Instrument
from trading.model.market import Bar, Tick

Publish = Callable[[Tick | Bar], None]
# Waits a moment, if need be, for what came of the events that were published.
GiveWay = Callable[[], None]


def give_no_way() -> None:
    """Go on at once: nobody acts on what is published."""


class Feed(Protocol):
    """Bring the ticks and closed candles of some symbols, in the order of market time.

    A tick's time is `at`, a candle's is `end`; times never go back. A candle comes before the
    first tick of the next one, and the candles of all symbols for a moment before its ticks. Only
    a live feed may tell a candle later than ticks behind it: when the exchange tells it so late.
    """

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols that this feed brings."""
        ...

    @property
    def lossless(self) -> bool:
        """Whether every event counts: then `publish` waits for room instead of conflating."""
        ...

    @property
    def ticks_show_ranges(self) -> bool:
        """Whether its ticks touch every price between a candle's low and high."""
        ...

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """Steps and minimums, once its history was read; none where it does not tell them."""
        ...

    @property
    def description(self) -> str:
        """One line for people: what is played, and how fast."""
        ...

    def history(self, stop: threading.Event | None = None) -> Iterable[Bar]:
        """Bring the closed candles from before the first event of `run`, oldest first.

        What takes long looks whether `stop` is set, and is over then.
        """
        ...

    def run(self, publish: Publish, stop: threading.Event) -> None:
        """Publish events on the calling thread until the data ends or `stop` is set.

        Raises FeedError when the source turns out to be bad: no event follows.
        """
        ...


def time_of(event: Tick | Bar) -> float:
    """Tell the market time at which an event is known."""
    return event.at if isinstance(event, Tick) else event.end
