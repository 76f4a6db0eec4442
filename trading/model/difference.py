"""Differences between our book of an account and what its venue shows. Values only."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from trading.model.venue_news import OpenOrderSeen


class DifferenceKind(StrEnum):
    """Name what differs."""

    ORDER = "order"
    HOLDING = "holding"
    POSITION = "position"
    CASH = "cash"


class Choice(StrEnum):
    """Name what a person can have done about a difference."""

    ADOPT = "adopt"
    CLOSE = "close"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True)
class Topic:
    """Name one thing of an account that can differ: an order's venue id, a market, a currency."""

    kind: DifferenceKind
    name: str


@dataclass(frozen=True, slots=True)
class Difference:
    """Hold one difference; `expected` is what the book says, `seen` what the venue shows.

    `symbol` is the market it bars, nothing for cash. `entry_price` is the venue's own, of a
    position. Of an order both figures are its quantities, and `is_ours` says whose id it bears.
    """

    topic: Topic
    symbol: str
    expected: Decimal
    seen: Decimal
    order: OpenOrderSeen | None = None
    is_ours: bool = False
    entry_price: Decimal | None = None

    @property
    def amount(self) -> Decimal:
        """Return by how much the venue shows more; less than zero when something is missing."""
        return self.seen - self.expected

    @property
    def is_missing(self) -> bool:
        """Tell whether the venue shows less than the book has, or another side of it."""
        if self.topic.kind is not DifferenceKind.POSITION:
            return self.amount < 0
        is_other = self.seen * self.expected <= 0 or abs(self.seen) < abs(self.expected)
        return bool(self.expected) and is_other

    @property
    def choices(self) -> tuple[Choice, ...]:
        """Return what can be done: nobody can sell money, or ignore what is not there."""
        closing = () if self.topic.kind is DifferenceKind.CASH else (Choice.CLOSE,)
        ignoring = () if self.is_missing else (Choice.IGNORE,)
        return (Choice.ADOPT, *closing, *ignoring)


@dataclass(frozen=True, slots=True)
class Gone:
    """Hold since when a position had been held that was booked as gone, and at what price."""

    opened_at: float
    entry_price: Decimal


@dataclass(frozen=True, slots=True)
class Answered:
    """Hold what was last done about a topic: booked in a market at a price, or ignored.

    `seen_at` is when the look began that showed it: what was executed before is in what it showed.
    `at` is the market time of the answer; `gone` is what a position was of which less was there.
    """

    symbol: str
    price: Decimal
    seen_at: float
    at: float
    is_ignored: bool = False
    gone: Gone | None = None


@dataclass(frozen=True, slots=True)
class Viewed:
    """Hold the amount that somebody was shown, and when."""

    amount: Decimal
    at: float


@dataclass(frozen=True, slots=True)
class OpenDifference:
    """Hold a difference that people were asked about, under the number that they answer with.

    `shown` is the amount that all of them were shown last, and `at` when they were asked last.
    `viewed` is what some were shown since, by person and by chat.
    """

    number: int
    account: str
    difference: Difference
    at: float
    shown: Decimal
    viewed: Mapping[str, Viewed] = field(default_factory=dict)

    def shown_to(self, viewers: Iterable[str], written_at: float) -> Decimal:
        """Return the amount that somebody had seen last when they wrote."""
        seen = [self.viewed[one] for one in viewers if one in self.viewed]
        seen = [one for one in seen if one.at <= written_at]
        return max(seen, key=lambda one: one.at).amount if seen else self.shown

    @property
    def topic(self) -> Topic:
        """Return what differs."""
        return self.difference.topic

    @property
    def symbol(self) -> str:
        """Return the market that it is in, or nothing."""
        return self.difference.symbol
