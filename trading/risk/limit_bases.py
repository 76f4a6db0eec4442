"""The figures from which losses count: of an account its equities, of a market its profits.

A base that is None is taken from the next figure: at the first start, and after a lift. Knows
nothing of who is told.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from math import inf, isfinite
from typing import Any

from trading.risk.limit_values import Limit, Tripped
from trading.risk.settings import LimitSettings

Loss = tuple[Limit, float, float]


@dataclass(frozen=True, slots=True)
class Bounds:
    """Hold the settings as the floats that ticks are compared with."""

    drawdown: float
    account_daily: float
    account_total: float
    symbol_daily: float
    symbol_total: float
    losing_streak: int

    @classmethod
    def of(cls, settings: LimitSettings) -> "Bounds":
        """Return the bounds that settings ask for."""
        return cls(
            float(settings.max_drawdown_fraction),
            float(settings.account_daily_loss),
            float(settings.account_total_loss),
            float(settings.symbol_daily_loss),
            float(settings.symbol_total_loss),
            settings.losing_streak,
        )


@dataclass(slots=True)
class AccountBases:
    """Hold an account's bases; nothing happens while floor < equity <= ceiling."""

    day: str = ""
    start: float | None = None
    day_start: float | None = None
    peak: float | None = None
    tripped: dict[Limit, Tripped] = field(default_factory=dict)
    next_day: str = ""
    floor: float = inf
    ceiling: float = -inf

    def take_bases(self, equity: float) -> bool:
        """Take what is missing from an equity, and a new peak; tell whether anything changed."""
        # Nothing is a fraction of nothing: an account without money waits for its first deposit.
        if equity <= 0:
            return False
        before = (self.start, self.day_start, self.peak)
        self.start = equity if self.start is None else self.start
        self.day_start = equity if self.day_start is None else self.day_start
        self.peak = equity if self.peak is None else max(self.peak, equity)
        return before != (self.start, self.day_start, self.peak)

    def losses(self, equity: float, bounds: Bounds) -> list[Loss]:
        """Return the limits that this equity passes and that are not tripped yet."""
        return [
            (limit, (base - equity) / base, bound)
            for limit, base, bound in self._armed(bounds)
            if base is not None and equity <= base * (1 - bound)
        ]

    def refresh(self, bounds: Bounds) -> None:
        """Compute anew between which equities nothing can happen."""
        bases = [(base, bound) for _, base, bound in self._armed(bounds)]
        is_waiting = bool(self.next_day) or None in (self.start, self.day_start, self.peak)
        floors = [base * (1 - bound) for base, bound in bases if base is not None]
        self.floor = inf if is_waiting else max(floors, default=-inf)
        self.ceiling = self.peak if self.peak is not None else -inf

    def shift(self, amount: float) -> None:
        """Move all bases; what is left of none is taken from the next equity."""
        self.start = _shifted(self.start, amount)
        self.day_start = _shifted(self.day_start, amount)
        self.peak = _shifted(self.peak, amount)

    def begin_day(self, equity: float) -> list[Tripped]:
        """Begin the day that waits, and return what it lifts."""
        self.day, self.next_day = self.next_day, ""
        self.day_start = equity if equity > 0 else None
        lifted = self.tripped.pop(Limit.ACCOUNT_DAILY, None)
        return [lifted] if lifted is not None else []

    def lift(self, limit: Limit) -> None:
        """Forget a tripped limit, and count from the next equity."""
        del self.tripped[limit]
        if limit is Limit.DRAWDOWN:
            self.peak = None
        elif limit is Limit.ACCOUNT_DAILY:
            self.day_start = None
        else:
            self.start = None

    def _armed(self, bounds: Bounds) -> list[tuple[Limit, float | None, float]]:
        every = (
            (Limit.ACCOUNT_TOTAL, self.start, bounds.account_total),
            (Limit.ACCOUNT_DAILY, self.day_start, bounds.account_daily),
            (Limit.DRAWDOWN, self.peak, bounds.drawdown),
        )
        return [each for each in every if each[0] not in self.tripped]

    def to_saved(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "day": self.day,
            "start": self.start,
            "day_start": self.day_start,
            "peak": self.peak,
            "tripped": [asdict(tripped) for tripped in self.tripped.values()],
        }

    @classmethod
    def from_saved(cls, saved: Mapping[str, Any]) -> "AccountBases":
        """Return what `to_saved` was made of."""
        return cls(
            str(saved["day"]),
            _number(saved["start"]),
            _number(saved["day_start"]),
            _number(saved["peak"]),
            _tripped(saved["tripped"]),
        )


@dataclass(slots=True)
class MarketBases:
    """Hold from which profits a market's losses count, and how many trades lost in a row."""

    streak: int = 0
    day_start: float | None = 0.0
    start: float | None = 0.0
    tripped: dict[Limit, Tripped] = field(default_factory=dict)

    def take_bases(self, day_profit: float, total_profit: float) -> bool:
        """Take what is missing from a market's profits; tell whether anything changed."""
        if self.day_start is not None and self.start is not None:
            return False
        before = (self.day_start, self.start)
        self.day_start = day_profit if self.day_start is None else self.day_start
        self.start = total_profit if self.start is None else self.start
        return before != (self.day_start, self.start)

    def losses(
        self, day_profit: float, total_profit: float, base: float, bounds: Bounds
    ) -> list[Loss]:
        """Return the limits that these profits pass and that are not tripped yet."""
        start, day_start = self.start, self.day_start
        # Nearly always there is none: two comparisons, and not a list to go through.
        if (
            start is not None
            and day_start is not None
            and start - total_profit < bounds.symbol_total * base
            and day_start - day_profit < bounds.symbol_daily * base
        ):
            return []
        return [
            (limit, (start - profit) / base, bound)
            for limit, start, profit, bound in (
                (Limit.SYMBOL_TOTAL, self.start, total_profit, bounds.symbol_total),
                (Limit.SYMBOL_DAILY, self.day_start, day_profit, bounds.symbol_daily),
            )
            if start is not None and limit not in self.tripped and start - profit >= bound * base
        ]

    def begin_day(self) -> list[Tripped]:
        """Count the day from nothing, and return what that lifts."""
        self.day_start = 0.0
        lifted = self.tripped.pop(Limit.SYMBOL_DAILY, None)
        return [lifted] if lifted is not None else []

    def lift(self, limit: Limit) -> None:
        """Forget a tripped limit, and count from the next profits."""
        del self.tripped[limit]
        if limit is Limit.SYMBOL_DAILY:
            self.day_start = None
        elif limit is Limit.SYMBOL_TOTAL:
            self.start = None
        else:
            self.streak = 0

    def to_saved(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "streak": self.streak,
            "day_start": self.day_start,
            "start": self.start,
            "tripped": [asdict(tripped) for tripped in self.tripped.values()],
        }

    @classmethod
    def from_saved(cls, saved: Mapping[str, Any]) -> "MarketBases":
        """Return what `to_saved` was made of."""
        return cls(
            int(saved["streak"]),
            _number(saved["day_start"]),
            _number(saved["start"]),
            _tripped(saved["tripped"]),
        )


def _shifted(base: float | None, amount: float) -> float | None:
    if base is None or not isfinite(amount):
        return base
    # Nothing is a fraction of nothing.
    return base + amount if base + amount > 0 else None


def _number(saved: object) -> float | None:
    if saved is None:
        return None
    number = float(str(saved))
    if not isfinite(number):
        raise ValueError(f"{saved} as a figure")
    return number


def _tripped(saved: Iterable[Mapping[str, Any]]) -> dict[Limit, Tripped]:
    found = (Tripped(**(each | {"limit": Limit(each["limit"])})) for each in map(dict, saved))
    return {tripped.limit: tripped for tripped in found}
