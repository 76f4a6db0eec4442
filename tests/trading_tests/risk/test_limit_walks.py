"""Random walks of equities, days, lifts and restarts, against limits kept the plain way."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.trading_tests.risk.risk_makers import NOW, SYMBOL
from tests.trading_tests.risk.test_limits import SETTINGS, make_trade
from trading.model.account import MarketKey
from trading.risk.limits import Limit, LimitBook

KEY = MarketKey("main", SYMBOL)
BOUNDS = {
    Limit.ACCOUNT_TOTAL: float(SETTINGS.account_total_loss),
    Limit.ACCOUNT_DAILY: float(SETTINGS.account_daily_loss),
    Limit.DRAWDOWN: float(SETTINGS.max_drawdown_fraction),
    Limit.SYMBOL_TOTAL: float(SETTINGS.symbol_total_loss),
    Limit.SYMBOL_DAILY: float(SETTINGS.symbol_daily_loss),
}
ACCOUNT_LIMITS = (Limit.ACCOUNT_TOTAL, Limit.ACCOUNT_DAILY, Limit.DRAWDOWN)


@dataclass
class PlainLimits:
    """Keep limits without any short cut: every base, looked at every time."""

    bases: dict[Limit, float | None] = field(default_factory=dict)
    tripped: set[Limit] = field(default_factory=set)
    streak: int = 0

    def start_day(self, equity: float) -> None:
        """Begin a day."""
        self.tripped -= {Limit.ACCOUNT_DAILY, Limit.SYMBOL_DAILY}
        self.bases |= {Limit.ACCOUNT_DAILY: equity, Limit.SYMBOL_DAILY: 0.0}
        self._fill(equity)

    def on_equity(self, equity: float) -> set[Limit]:
        """Return what trips."""
        self._fill(equity)
        return self._trip(
            limit
            for limit in ACCOUNT_LIMITS
            if equity <= (self.bases[limit] or 0.0) * (1 - BOUNDS[limit])
        )

    def on_symbol(self, day_profit: float, total_profit: float) -> set[Limit]:
        """Return what trips, of a base of 1,000."""
        profits = {Limit.SYMBOL_TOTAL: total_profit, Limit.SYMBOL_DAILY: day_profit}
        for limit, profit in profits.items():
            if self.bases.setdefault(limit, 0.0) is None:
                self.bases[limit] = profit
        return self._trip(
            limit
            for limit, profit in profits.items()
            if (self.bases[limit] or 0.0) - profit >= BOUNDS[limit] * 1_000.0
        )

    def on_trade(self, profit: int) -> set[Limit]:
        """Return what trips."""
        if profit:
            self.streak = self.streak + 1 if profit < 0 else 0
        is_over = profit < 0 and self.streak >= SETTINGS.losing_streak
        return self._trip([Limit.LOSING_STREAK] if is_over else [])

    def lift(self, *, is_market: bool, confirmed: bool) -> set[Limit]:
        """Return what is lifted."""
        lifted = {
            limit
            for limit in self.tripped
            if (limit not in ACCOUNT_LIMITS) is is_market
            and (confirmed or limit is Limit.LOSING_STREAK)
        }
        self.tripped -= lifted
        self.bases |= dict.fromkeys(lifted)
        self.streak = 0 if Limit.LOSING_STREAK in lifted else self.streak
        return lifted

    def _fill(self, equity: float) -> None:
        for limit in ACCOUNT_LIMITS:
            if self.bases.get(limit) is None:
                self.bases[limit] = equity
        self.bases[Limit.DRAWDOWN] = max(self.bases[Limit.DRAWDOWN] or 0.0, equity)

    def _trip(self, passed: Iterable[Limit]) -> set[Limit]:
        new = set(passed) - self.tripped
        self.tripped |= new
        return new


EQUITIES = st.floats(1.0, 5_000.0) | st.sampled_from([1_000.0, 950.0, 900.0, 850.0])
PROFITS = st.floats(-200.0, 200.0) | st.sampled_from([-30.0, -60.0])
STEPS = st.one_of(
    st.tuples(st.just("equity"), EQUITIES),
    st.tuples(st.just("symbol"), st.tuples(PROFITS, PROFITS)),
    st.tuples(st.just("trade"), st.integers(-1, 1)),
    st.tuples(st.just("day"), EQUITIES),
    st.tuples(st.just("lift"), st.tuples(st.booleans(), st.booleans())),
    st.tuples(st.just("restart"), st.none()),
)


@given(st.lists(STEPS, max_size=40))
def test_a_book_trips_once_and_counts_from_the_right_bases(steps: list[tuple[str, Any]]) -> None:
    book, plain = LimitBook(SETTINGS), PlainLimits()
    book.start_day("main", "0", 1_000.0)
    plain.start_day(1_000.0)
    for number, (kind, what) in enumerate(steps, start=1):
        if kind == "restart":
            book = LimitBook(SETTINGS, book.to_json())
        elif kind == "equity":
            found = book.on_equity("main", what, NOW)
            assert {each.limit for each in found} == plain.on_equity(what)
        elif kind == "symbol":
            found = book.on_symbol(KEY, what[0], what[1], 1_000.0, NOW)
            assert {each.limit for each in found} == plain.on_symbol(*what)
        elif kind == "trade":
            found = book.on_trade(make_trade(str(what)))
            assert {each.limit for each in found} == plain.on_trade(what)
        elif kind == "day":
            before = set(plain.tripped)
            found = book.start_day("main", str(number), what)
            plain.start_day(what)
            assert {each.limit for each in found} == before - plain.tripped
        else:
            is_market, confirmed = what
            result = book.lift(KEY if is_market else "main", confirmed=confirmed)
            lifted = plain.lift(is_market=is_market, confirmed=confirmed)
            assert {each.limit for each in result.lifted} == lifted
        assert {each.limit for each in book.barring(KEY)} == plain.tripped


@given(st.lists(STEPS, max_size=30))
def test_what_changes_a_book_makes_it_dirty(steps: list[tuple[str, Any]]) -> None:
    book = LimitBook(SETTINGS)
    for number, (kind, what) in enumerate(steps):
        saved = book.to_json()
        if kind == "equity":
            book.on_equity("main", what, NOW)
        elif kind == "symbol":
            book.on_symbol(KEY, what[0], what[1], 1_000.0, NOW)
        elif kind == "trade":
            book.on_trade(make_trade(str(what)))
        elif kind == "day":
            book.start_day("main", str(number), what)
        elif kind == "lift":
            book.lift(KEY if what[0] else "main", confirmed=what[1])
        assert book.is_dirty or book.to_json() == saved


@given(st.lists(STEPS, max_size=30), st.floats(allow_nan=True), st.floats(allow_nan=True))
def test_any_figures_can_be_persisted(
    steps: list[tuple[str, Any]], equity: float, profit: float
) -> None:
    book = LimitBook(SETTINGS)
    for kind, _ in steps:
        if kind == "equity":
            book.on_equity("main", equity, NOW)
        elif kind == "symbol":
            book.on_symbol(KEY, profit, equity, abs(profit), NOW)
        elif kind == "day":
            book.start_day("main", kind, equity)
        else:
            book.lift(KEY, confirmed=True)
            book.lift("main", confirmed=True)
    saved = book.to_json()
    assert LimitBook(SETTINGS, saved).to_json() == saved
