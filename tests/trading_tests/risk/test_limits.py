"""Limits trip once, stay over restarts, and count from the present after they were lifted."""

from dataclasses import replace
from decimal import Decimal
from math import inf, nan

import pytest

from daemonkit.errors import ExitCode, StateError
from tests.trading_tests.risk.risk_makers import NOW, SYMBOL
from trading.model.account import MarketKey
from trading.model.order import Side
from trading.model.position import Trade
from trading.risk.limits import Limit, LimitBook, Tripped
from trading.risk.settings import LimitSettings

KEY = MarketKey("main", SYMBOL)
OTHER = MarketKey("main", "ETH/USDT")
SETTINGS = LimitSettings(losing_streak=3)
DRAWDOWN_ONLY = replace(SETTINGS, account_daily_loss=Decimal(1), account_total_loss=Decimal(1))


def make_book(settings: LimitSettings = SETTINGS, equity: float = 1_000.0) -> LimitBook:
    """Return a book on its first day."""
    book = LimitBook(settings)
    book.start_day("main", "2026-01-01", equity)
    return book


def restarted(book: LimitBook, settings: LimitSettings = SETTINGS) -> LimitBook:
    """Return the book of the next process."""
    return LimitBook(settings, book.to_json())


def make_trade(profit: str, key: MarketKey = KEY) -> Trade:
    """Return a closed trade."""
    one, money = Decimal(1), Decimal(profit)
    return Trade(
        1, *key, "trend", Side.BUY, one, one, one, NOW, NOW + 60, money, Decimal(0), money, "stop"
    )


def limits_of(tripped: list[Tripped]) -> list[Limit]:
    """Return which limits these are."""
    return [each.limit for each in tripped]


def test_losses_above_the_bounds_trip_nothing() -> None:
    book = make_book()
    assert book.on_equity("main", 950.01, NOW) == []
    assert book.barring(KEY) == []


def test_a_daily_loss_trips_at_its_bound_and_only_once() -> None:
    book = make_book()
    (tripped,) = book.on_equity("main", 950.0, NOW)
    assert (tripped.limit, tripped.account, tripped.symbol) == (Limit.ACCOUNT_DAILY, "main", "")
    assert tripped.value == pytest.approx(0.05)
    assert (tripped.bound, tripped.at) == (0.05, NOW)
    assert book.on_equity("main", 940.0, NOW + 1) == []
    assert book.on_equity("main", 1_000.0, NOW + 2) == []
    assert book.barring(KEY) == book.barring(OTHER) == [tripped]


def test_a_tripped_limit_says_figure_bound_and_how_it_is_lifted_in_one_line() -> None:
    (tripped,) = make_book().on_equity("main", 947.0, NOW)
    assert tripped.text == (
        "account main: 5.3 % of equity lost today, limit 5 %; nothing new is risked until it is"
        " lifted (the next trading day, or /startbuying ALL and a yes)"
    )
    book = make_book()
    (total,) = book.on_symbol(KEY, 0.0, -70.0, 1_000.0, NOW)
    assert "BTC/USDT on main: 7 % lost in all, limit 6 %" in total.text
    assert total.lifted_by == "by a person only: /startbuying BTC/USDT and a yes"


def test_a_crash_trips_all_limits_it_passes() -> None:
    book = make_book()
    assert set(limits_of(book.on_equity("main", 1.0, NOW))) == {
        Limit.ACCOUNT_DAILY,
        Limit.ACCOUNT_TOTAL,
        Limit.DRAWDOWN,
    }


@pytest.mark.parametrize("equity", [0.0, -500.0])
def test_a_lost_account_trips_too(equity: float) -> None:
    assert len(make_book().on_equity("main", equity, NOW)) == 3


def test_drawdown_counts_from_the_highest_equity_not_from_the_start() -> None:
    book = make_book(DRAWDOWN_ONLY)
    book.on_equity("main", 2_000.0, NOW)
    book.on_equity("main", 1_800.0, NOW)
    (tripped,) = restarted(book, DRAWDOWN_ONLY).on_equity("main", 1_700.0, NOW)
    assert tripped.limit is Limit.DRAWDOWN
    assert tripped.value == pytest.approx(0.15)


def test_the_total_loss_counts_from_the_first_equity_over_days() -> None:
    book = make_book()
    book.start_day("main", "2026-01-02", 960.0)
    book.start_day("main", "2026-01-03", 920.0)
    assert limits_of(book.on_equity("main", 900.0, NOW)) == [Limit.ACCOUNT_TOTAL]


def test_tripped_limits_survive_a_restart_without_a_second_alert() -> None:
    book = make_book()
    tripped = book.on_equity("main", 890.0, NOW)
    later = restarted(book)
    assert later.barring(KEY) == later.tripped == tripped
    assert later.on_equity("main", 880.0, NOW) == []
    assert later.start_day("main", "2026-01-01", 880.0) == []
    assert later.barring(KEY) == tripped


def test_a_new_day_lifts_daily_limits_only_and_counts_from_its_start() -> None:
    book = make_book()
    book.on_equity("main", 900.0, NOW)
    book.on_symbol(KEY, -60.0, -60.0, 1_000.0, NOW)
    lifted = book.start_day("main", "2026-01-02", 900.0)
    assert limits_of(lifted) == [Limit.ACCOUNT_DAILY, Limit.SYMBOL_DAILY]
    assert limits_of(book.barring(KEY)) == [Limit.ACCOUNT_TOTAL, Limit.SYMBOL_TOTAL]
    assert book.on_equity("main", 856.0, NOW) == []
    assert limits_of(book.on_equity("main", 855.0, NOW)) == [Limit.ACCOUNT_DAILY]


def test_the_day_of_one_account_is_not_that_of_another() -> None:
    book = make_book()
    book.start_day("second", "2026-01-01", 500.0)
    book.on_equity("main", 940.0, NOW)
    assert book.start_day("second", "2026-01-02", 500.0) == []
    assert limits_of(book.barring(KEY)) == [Limit.ACCOUNT_DAILY]
    assert book.barring(MarketKey("second", SYMBOL)) == []


def test_the_same_day_again_does_not_move_its_base() -> None:
    book = restarted(make_book())
    assert book.start_day("main", "2026-01-01", 960.0) == []
    assert limits_of(book.on_equity("main", 949.0, NOW)) == [Limit.ACCOUNT_DAILY]


def test_lifting_needs_a_confirmation_for_losses() -> None:
    book = make_book()
    tripped = book.on_equity("main", 850.0, NOW)
    assert book.lift("main", confirmed=False).refused == tripped
    assert book.barring(KEY) == tripped
    assert book.lift("main", confirmed=True).lifted == tripped
    assert book.barring(KEY) == []


def test_a_lifted_limit_counts_from_the_present() -> None:
    book = make_book()
    book.on_equity("main", 850.0, NOW)
    book.lift("main", confirmed=True)
    book = restarted(book)
    assert book.on_equity("main", 840.0, NOW) == []
    assert book.on_equity("main", 799.0, NOW) == []
    assert limits_of(book.on_equity("main", 798.0, NOW)) == [Limit.ACCOUNT_DAILY]
    assert limits_of(book.on_equity("main", 756.0, NOW)) == [Limit.ACCOUNT_TOTAL]
    assert limits_of(book.on_equity("main", 714.0, NOW)) == [Limit.DRAWDOWN]


def test_lifting_one_limit_does_not_move_the_bases_of_others() -> None:
    book = make_book()
    assert limits_of(book.on_equity("main", 940.0, NOW)) == [Limit.ACCOUNT_DAILY]
    book.lift("main", confirmed=True)
    assert book.on_equity("main", 940.0, NOW) == []
    assert limits_of(book.on_equity("main", 900.0, NOW)) == [Limit.ACCOUNT_TOTAL]


def test_a_lifted_limit_counts_from_the_next_equity_even_when_that_is_unremarkable() -> None:
    daily_only = replace(SETTINGS, account_total_loss=Decimal(1), max_drawdown_fraction=Decimal(1))
    book = make_book(daily_only)
    book.on_equity("main", 940.0, NOW)
    book.lift("main", confirmed=True)
    assert book.on_equity("main", 960.0, NOW) == []
    assert book.on_equity("main", 912.1, NOW) == []
    assert limits_of(book.on_equity("main", 912.0, NOW)) == [Limit.ACCOUNT_DAILY]


def test_a_loss_beyond_all_measure_can_still_be_persisted() -> None:
    book = make_book(equity=1e-300)
    tripped = book.on_equity("main", -1e300, NOW) + book.on_symbol(KEY, -1e300, 0.0, 1e-300, NOW)
    assert len(tripped) == 4
    assert restarted(book).barring(KEY) == tripped


def test_lifting_what_never_tripped_does_nothing() -> None:
    book = make_book()
    for where in ("main", "nowhere", KEY, OTHER):
        result = book.lift(where, confirmed=True)
        assert (result.lifted, result.refused) == ([], [])
    assert limits_of(book.on_equity("main", 950.0, NOW)) == [Limit.ACCOUNT_DAILY]


def test_a_market_has_limits_of_its_own() -> None:
    book = make_book()
    assert book.on_symbol(KEY, -29.99, -59.99, 1_000.0, NOW) == []
    assert limits_of(book.on_symbol(KEY, -30.0, -59.0, 1_000.0, NOW)) == [Limit.SYMBOL_DAILY]
    assert book.on_symbol(KEY, -35.0, -59.0, 1_000.0, NOW) == []
    assert limits_of(book.on_symbol(KEY, -36.0, -60.0, 1_000.0, NOW)) == [Limit.SYMBOL_TOTAL]
    assert book.barring(OTHER) == []
    assert len(book.barring(KEY)) == 2


def test_a_lifted_limit_of_a_market_counts_from_the_present() -> None:
    book = make_book()
    book.on_symbol(KEY, -40.0, -70.0, 1_000.0, NOW)
    assert len(book.lift(KEY, confirmed=False).refused) == 2
    assert len(book.lift(KEY, confirmed=True).lifted) == 2
    book = restarted(book)
    assert book.on_symbol(KEY, -45.0, -75.0, 1_000.0, NOW) == []
    assert book.on_symbol(KEY, -74.0, -104.0, 1_000.0, NOW) == []
    assert limits_of(book.on_symbol(KEY, -75.0, -105.0, 1_000.0, NOW)) == [Limit.SYMBOL_DAILY]


def test_a_new_day_counts_a_market_s_profit_from_nothing_again() -> None:
    book = make_book()
    book.on_symbol(KEY, -40.0, -40.0, 1_000.0, NOW)
    book.lift(KEY, confirmed=True)
    book.on_symbol(KEY, -40.0, -40.0, 1_000.0, NOW)
    book.start_day("main", "2026-01-02", 960.0)
    assert limits_of(book.on_symbol(KEY, -30.0, -50.0, 1_000.0, NOW)) == [Limit.SYMBOL_DAILY]


def test_a_losing_streak_trips_over_restarts_and_is_lifted_without_confirmation() -> None:
    book = make_book()
    assert book.on_trade(make_trade("-1")) == []
    assert book.on_trade(make_trade("-1")) == []
    book = restarted(book)
    (tripped,) = book.on_trade(make_trade("-1"))
    assert (tripped.limit, tripped.value, tripped.bound) == (Limit.LOSING_STREAK, 3, 3)
    assert "3 trades lost in a row, limit 3" in tripped.text
    assert tripped.lifted_by == "/startbuying BTC/USDT"
    assert book.on_trade(make_trade("-1")) == []
    assert book.lift(KEY, confirmed=False).lifted == [tripped]
    assert book.on_trade(make_trade("-1")) == []
    assert book.on_trade(make_trade("-1")) == []
    assert limits_of(book.on_trade(make_trade("-1"))) == [Limit.LOSING_STREAK]


def test_a_win_ends_a_streak_and_a_trade_without_profit_does_not() -> None:
    book = make_book()
    for profit in ("-1", "-1", "0", "0.01", "-1", "-1"):
        assert book.on_trade(make_trade(profit)) == []
    assert book.on_trade(make_trade("-1", OTHER)) == []
    assert limits_of(book.on_trade(make_trade("-1"))) == [Limit.LOSING_STREAK]


def test_a_win_does_not_lift_a_streak_that_tripped() -> None:
    book = make_book()
    for _ in range(3):
        book.on_trade(make_trade("-1"))
    book.on_trade(make_trade("5"))
    assert limits_of(book.barring(KEY)) == [Limit.LOSING_STREAK]


@pytest.mark.parametrize("figure", [nan, inf, -inf])
def test_what_is_no_figure_trips_nothing_and_clears_nothing(figure: float) -> None:
    book = make_book()
    assert book.on_equity("main", figure, NOW) == []
    assert book.on_symbol(KEY, figure, figure, 1_000.0, NOW) == []
    assert book.on_symbol(KEY, -500.0, -500.0, figure, NOW) == []
    assert book.on_symbol(KEY, -500.0, -500.0, 0.0, NOW) == []
    assert book.on_trade(make_trade(str(figure))) == []
    tripped = book.on_equity("main", 940.0, NOW)
    assert book.start_day("main", "2026-01-02", figure) == []
    assert book.on_equity("main", figure, NOW) == []
    assert book.barring(KEY) == tripped
    assert book.on_equity("main", 930.0, NOW) == []
    assert book.barring(KEY) == []
    assert book.on_equity("main", 901.0, NOW) == []


def test_an_account_without_money_waits_for_its_first_equity() -> None:
    book = make_book(equity=0.0)
    assert book.on_equity("main", 0.0, NOW) == []
    assert book.on_equity("main", 500.0, NOW) == []
    assert limits_of(book.on_equity("main", 470.0, NOW)) == [Limit.ACCOUNT_DAILY]


def test_an_account_that_was_not_announced_counts_from_its_first_equity() -> None:
    book = LimitBook(SETTINGS)
    assert book.on_equity("main", 1_000.0, NOW) == []
    assert limits_of(book.on_equity("main", 950.0, NOW)) == [Limit.ACCOUNT_DAILY]


def test_a_book_says_when_there_is_something_to_persist() -> None:
    book = make_book()
    found = [book.is_dirty]
    book.to_json()
    found.append(book.is_dirty)
    for equity in (990.0, 1_001.0):
        book.on_equity("main", equity, NOW)
        found.append(book.is_dirty)
    book.to_json()
    book.on_trade(make_trade("-1"))
    found.append(book.is_dirty)
    assert found == [True, False, False, True, True]


def test_other_bounds_after_a_restart_count_from_the_same_bases() -> None:
    book = make_book()
    stricter = replace(SETTINGS, account_daily_loss=Decimal("0.02"))
    assert book.on_equity("main", 975.0, NOW) == []
    later = restarted(book, stricter)
    assert limits_of(later.on_equity("main", 975.0, NOW)) == [Limit.ACCOUNT_DAILY]


@pytest.mark.parametrize(
    "saved",
    [
        "{",
        "[]",
        "7",
        "{}",
        '{"accounts": {"main": {}}, "markets": []}',
        '{"accounts": {}, "markets": [{"account": "a", "symbol": "b", "streak": 0, "start": NaN}]}',
    ],
)
def test_a_saved_book_that_cannot_be_read_ends_the_start(saved: str) -> None:
    with pytest.raises(StateError) as caught:
        LimitBook(SETTINGS, saved)
    assert caught.value.exit_code is ExitCode.CONFIGURATION


def test_a_deposit_heals_no_loss_and_a_withdrawal_is_none() -> None:
    book = make_book()
    assert book.on_equity("main", 960.0, NOW) == []
    book.shift("main", 1_000.0)
    assert book.is_dirty
    assert book.on_equity("main", 1_960.0, NOW + 1) == []
    again = restarted(book)
    again.shift("main", -1_500.0)
    assert again.on_equity("main", 460.0, NOW + 2)
    assert again.on_equity("main", 500.0, NOW + 3) == []


def test_an_account_that_is_emptied_counts_from_its_next_money() -> None:
    book = make_book()
    book.shift("main", -1_000.0)
    assert book.on_equity("main", 0.0, NOW) == []
    assert book.on_equity("main", 200.0, NOW + 1) == []
    assert book.on_equity("main", 180.0, NOW + 2)
