"""What is publicly known of the fake exchange's markets: prices, trades, candles."""

from bisect import bisect_left
from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from tests.fakes.exchange.terms import ZERO, Side

MINUTE_S: Final = 60
HOUR_S: Final = 3600
DAY_S: Final = 86_400
TRADES_MAX: Final = 50_000


@dataclass(frozen=True, slots=True)
class Tick:
    """One public trade."""

    number: int
    price: Decimal
    quantity: Decimal
    side: Side
    at: float


@dataclass(slots=True)
class Candle:
    start: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal = ZERO
    turnover: Decimal = ZERO
    count: int = 0

    def take(self, price: Decimal, quantity: Decimal) -> None:
        self.high = max(self.high, price)
        self.low = min(self.low, price)
        self.close = price
        self.volume += quantity
        self.turnover += quantity * price
        self.count += 1


@dataclass(eq=False, slots=True)
class Tape:
    """The prices of one market; `bid` and `ask` are half a spread off the last one."""

    half_spread: Decimal = ZERO
    last: Decimal | None = None
    at: float = 0.0
    left: Decimal | None = None  # how much can still be traded at this price; None: any
    ticks: deque[Tick] = field(default_factory=lambda: deque(maxlen=TRADES_MAX))
    minutes: list[Candle] = field(default_factory=list)
    hours: list[Candle] = field(default_factory=list)
    count: int = 0

    @property
    def bid(self) -> Decimal:
        return (self.last or ZERO) - self.half_spread

    @property
    def ask(self) -> Decimal:
        return (self.last or ZERO) + self.half_spread

    def touch(self, side: Side) -> Decimal:
        """The price at which an order of this side takes."""
        return self.ask if side is Side.BUY else self.bid

    def move(self, price: Decimal, at: float, volume: Decimal | None) -> Tick:
        is_up = self.last is None or price >= self.last
        quantity = Decimal(1) if volume is None else volume
        self.last, self.at, self.left = price, at, volume
        self.count += 1
        tick = Tick(self.count, price, quantity, Side.BUY if is_up else Side.SELL, at)
        self.ticks.append(tick)
        for candles, length_s in ((self.minutes, MINUTE_S), (self.hours, HOUR_S)):
            start = int(at // length_s) * length_s
            if not candles or candles[-1].start < start:
                candles.append(Candle(start, price, price, price, price))
            candles[-1].take(price, quantity)
        return tick

    def load(self, candles: list[Candle]) -> None:
        """Give the market a past of minutes, which no order has seen."""
        known = {candle.start for candle in self.minutes}
        self.minutes.extend(candle for candle in candles if candle.start not in known)
        self.minutes.sort(key=_start)
        self.hours = _grouped(self.minutes, HOUR_S)
        if self.last is None and self.minutes:
            self.last = self.minutes[-1].close
            self.at = self.minutes[-1].start + MINUTE_S - 1

    def candles(
        self, interval_s: int = MINUTE_S, since: float = 0.0, limit: int | None = None
    ) -> list[Candle]:
        """Return the oldest `limit` candles that start at `since` or later; none without trades."""
        begin = bisect_left(self.minutes, int(-(-since // interval_s)) * interval_s, key=_start)
        end = None if limit is None else begin + limit * (interval_s // MINUTE_S)
        return _grouped(self.minutes[begin:end], interval_s, limit)

    def newest(self, interval_s: int, limit: int) -> list[Candle]:
        """Return the newest candles, the last one as far as it has come."""
        last = self.minutes[-1].start if self.minutes else 0
        return self.candles(interval_s, last - interval_s * limit)[-limit:]

    def without_gaps(self, interval_s: int, limit: int, now: float) -> list[Candle]:
        """Return the newest candles up to now, where some are flat: nothing was traded then."""
        end = int(now // interval_s) * interval_s
        begin = end - interval_s * (limit - 1)
        earlier = bisect_left(self.minutes, begin, key=_start)
        found = {candle.start: candle for candle in self.candles(interval_s, begin)}
        if earlier:
            close = self.minutes[earlier - 1].close
        elif found:
            begin = min(found)
            close = found[begin].open
        else:
            return []
        whole: list[Candle] = []
        for start in range(begin, end + 1, interval_s):
            candle = found.get(start) or Candle(start, close, close, close, close)
            whole.append(candle)
            close = candle.close
        return whole

    def day(self) -> Candle:
        """Return the last 24 hours as one candle."""
        last = self.last or ZERO
        first = bisect_left(self.minutes, int(self.at) - DAY_S, key=_start)
        if first == len(self.minutes):
            return Candle(int(self.at), last, last, last, last)
        # Whole hours where there are some: a ticker is asked for with every price.
        hour = bisect_left(self.hours, self.minutes[first].start, key=_start)
        until = self.hours[hour].start if hour < len(self.hours) else self.minutes[-1].start + 1
        parts = self.minutes[first : bisect_left(self.minutes, until, key=_start)]
        parts += self.hours[hour:]
        whole = Candle(parts[0].start, parts[0].open, parts[0].high, parts[0].low, parts[0].close)
        for part in parts:
            _merge(whole, part)
        return whole


def _start(candle: Candle) -> int:
    return candle.start


def _grouped(parts: list[Candle], length_s: int, limit: int | None = None) -> list[Candle]:
    found: list[Candle] = []
    for part in parts:
        start = part.start // length_s * length_s
        if not found or found[-1].start != start:
            if limit is not None and len(found) == limit:
                break
            found.append(Candle(start, part.open, part.high, part.low, part.close))
        _merge(found[-1], part)
    return found


def _merge(whole: Candle, minute: Candle) -> None:
    whole.high = max(whole.high, minute.high)
    whole.low = min(whole.low, minute.low)
    whole.close = minute.close
    whole.volume += minute.volume
    whole.turnover += minute.turnover or minute.volume * minute.close
    whole.count += minute.count
