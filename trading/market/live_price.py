"""The prices of one live symbol: stamped so that time neither goes back nor runs ahead of ours.

Owns how old the last word of its stream is, and whether a poll shows that the stream is mute.
Knows no network and no clock.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from trading.market.candles import PRICE_MAX
from trading.model.market import Tick

# So many polls that each bring another price while the stream says nothing: it is mute.
MUTE_MOVES: Final = 2
# A quote may be told later than a trade that came after it, and replaces none so young.
QUOTE_LAG_S: Final = 1.0
_LONG_AGO: Final = float("-inf")


class Hearing(StrEnum):
    """Name how a symbol's prices come at present."""

    STREAM = "stream"
    POLL = "poll"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Instant:
    """Hold one moment by both clocks."""

    wall: float
    monotonic: float


class LivePrice:
    """Make ticks of what is heard of a symbol; what is older than the last is no news."""

    def __init__(self, symbol: str, staleness_s: float) -> None:
        self.symbol = symbol
        self.price: float | None = None
        self.refused = 0
        # How far the venue's stamps were ahead of our clock at most since it was last asked.
        self.ahead_s = 0.0
        self._staleness_s = staleness_s
        self._seen = _LONG_AGO
        self._at = _LONG_AGO
        self._streamed_at = _LONG_AGO
        self._heard_at = _LONG_AGO
        self._traded_at = _LONG_AGO
        self._moves_unheard = 0

    def begin(self, now: Instant) -> None:
        """Wait for a first word from now on, and take nothing from before."""
        self._seen = max(self._seen, now.wall - self._staleness_s)
        self._heard_at = now.monotonic
        self._streamed_at = now.monotonic

    def on_break(self) -> None:
        """Note that the stream is another one from now on."""
        self._moves_unheard = 0

    def on_trade(self, price: float, size: float, at: float, now: Instant) -> Tick | None:
        """Take a trade of the stream."""
        self._hear_stream(now)
        self._traded_at = now.monotonic
        return self._tick(price, size, at, now)

    def on_quote(self, price: float, at: float | None, now: Instant) -> Tick | None:
        """Take a price of the stream at which nothing was traded now."""
        self._hear_stream(now)
        if now.monotonic - self._traded_at < QUOTE_LAG_S:
            return None
        return self._tick(price, 0.0, at, now)

    def on_poll(self, price: float, now: Instant) -> Tick | None:
        """Take the price that the venue answers with now."""
        self._heard_at = now.monotonic
        if self.price is not None and price != self.price:
            self._moves_unheard += 1
        return self._tick(price, 0.0, None, now)

    @property
    def is_mute(self) -> bool:
        """Tell whether the price moved more than once without a word of the stream."""
        return self._moves_unheard >= MUTE_MOVES

    def hearing(self, monotonic: float) -> Hearing:
        """Return by which way the last price came that is not stale."""
        if monotonic - self._streamed_at <= self._staleness_s:
            return Hearing.STREAM
        if monotonic - self._heard_at <= self._staleness_s:
            return Hearing.POLL
        return Hearing.SILENT

    def silence_s(self, monotonic: float) -> float:
        """Return for how long neither stream nor poll brought anything."""
        return monotonic - max(self._streamed_at, self._heard_at)

    def stream_silence_s(self, monotonic: float) -> float:
        """Return for how long the stream brought nothing."""
        return monotonic - self._streamed_at

    def _hear_stream(self, now: Instant) -> None:
        self._streamed_at = now.monotonic
        self._moves_unheard = 0

    def _tick(self, price: float, size: float, at: float | None, now: Instant) -> Tick | None:
        """Make a tick; without `at` it is one of now, and tells nothing of the venue's clock."""
        is_sound = 0 < price < PRICE_MAX and 0 <= size < math.inf
        # Comparisons with NaN are false, so it never passes.
        if not (is_sound and (at is None or abs(at) < math.inf)):
            self.refused += 1
            return None
        # What is stamped in the future would make all that follows seem old. Our own clock may
        # have been set back as well: the market's time does not follow it.
        wall = max(now.wall, self._at)
        if at is not None:
            self.ahead_s = max(self.ahead_s, at - now.wall)
            seen = min(at, wall)
            # Only the venue's stamps are held against each other: our clock may be ahead of it.
            if seen < self._seen:
                return None
            self._seen = seen
        self._at = max(self._at, wall if at is None else seen)
        self.price = price
        return Tick(self.symbol, price, size, self._at)
