"""Prices and their change over a day of market time."""

import pytest

from tests.trading_tests.makers import NOW, make_bar, make_tick
from trading.engine.prices import DAY_S, PriceBoard


def test_the_change_is_measured_from_a_day_ago() -> None:
    board = PriceBoard()
    for minute in range(2 * 1_440 + 1):
        board.on_tick(make_tick(100.0 + minute, at=NOW + 60 * minute))
    (change,) = board.changes()
    reference = 100.0 + 1_440
    assert change.is_full_day
    assert change.change_pct == pytest.approx((100.0 + 2_880) / reference * 100 - 100, abs=0.4)


def test_before_a_day_has_passed_the_change_is_measured_from_the_start() -> None:
    board = PriceBoard()
    board.on_tick(make_tick(100.0, at=NOW))
    board.on_tick(make_tick(101.0, at=NOW + 3_600))
    (change,) = board.changes()
    assert change.change_pct == pytest.approx(1.0)
    assert change.span_s == 3_600
    assert not change.is_full_day


def test_an_older_event_changes_nothing() -> None:
    board = PriceBoard()
    board.on_tick(make_tick(100.0, at=NOW + 100))
    board.on_bar(make_bar(50.0, start=NOW))
    (change,) = board.changes()
    assert change.price == 100.0
    assert board.market_time == NOW + 100


def test_memory_does_not_grow_with_the_number_of_ticks() -> None:
    board = PriceBoard()
    for second in range(0, 3 * int(DAY_S), 30):
        board.on_tick(make_tick(100.0, at=NOW + second))
    (track,) = board._tracks.values()
    assert len(track.samples) <= DAY_S / 300 + 2


def test_a_price_of_zero_divides_nothing() -> None:
    board = PriceBoard()
    board.on_tick(make_tick(0.0, at=NOW))
    board.on_tick(make_tick(1.0, at=NOW + 1))
    (change,) = board.changes()
    assert change.change_pct == 0.0
