"""A symbol's candles, larger candles and shared indicators."""

import math
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.market.indicator_set import Kind
from trading.market.indicators import Indicator
from trading.market.series import SymbolSeries
from trading.model.market import Bar

# 2024-01-01T00:00:00Z, which every interval up to a day divides.
START = 1_704_067_200.0


def bar(index: int, close: float = 100.0, *, interval_s: int = 60, volume: float = 1.0) -> Bar:
    return Bar(
        "BTC/USDT",
        START + index * interval_s,
        interval_s,
        close,
        close + 1.0,
        close - 1.0,
        close,
        volume,
    )


def walk(count: int, *, first: int = 0) -> list[Bar]:
    rng = random.Random(first)
    return [bar(first + index, 100.0 + rng.random(), volume=rng.random()) for index in range(count)]


def series_of(bars: list[Bar], keep: int = 2000) -> SymbolSeries:
    series = SymbolSeries("BTC/USDT", keep)
    for one in bars:
        assert series.on_bar(one)
    return series


def every_indicator(series: SymbolSeries, interval_s: int | None = None) -> list[Indicator]:
    return [
        series.indicator(kind, period, interval_s, lag)
        for kind in Kind
        for period in (2, 14)
        for lag in (0, 3)
    ]


def test_candles_come_back_oldest_first_and_the_oldest_are_dropped() -> None:
    bars = walk(10)
    series = series_of(bars, keep=6)
    assert series.candles() == bars[4:]
    assert series.candles(2) == bars[8:]
    assert series.candles(100) == bars[4:]
    assert series.candles(0) == []
    assert len(series) == 6
    assert series.last is bars[9]


def test_a_repeated_or_older_candle_is_ignored() -> None:
    bars = walk(5)
    series = series_of(bars)
    mean = series.indicator(Kind.SMA, 3)
    before = mean.value
    for one in (bars[4], bars[0], replace(bars[4], close=1.0)):
        assert not series.on_bar(one)
    assert series.candles() == bars
    assert mean.value == before
    assert series.ignored == 3


@pytest.mark.parametrize("field", ["open", "high", "low", "close", "volume"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_candle_with_a_value_that_is_not_finite_is_ignored(field: str, value: float) -> None:
    series = series_of(walk(3))
    bad = bar(3)
    setattr(bad, field, value)
    assert not series.on_bar(bad)
    assert series.on_bar(bar(3))
    assert series.ignored == 1


def test_a_candle_of_another_interval_is_ignored() -> None:
    series = series_of(walk(3))
    assert not series.on_bar(bar(3, interval_s=300))
    assert series.interval_s == 60


def test_missing_candles_are_counted_and_passed_over() -> None:
    series = series_of([bar(0), bar(1), bar(5)])
    assert series.missing == 3
    assert series.ignored == 0
    assert len(series) == 3


def test_an_indicator_is_shared_by_all_who_ask() -> None:
    series = series_of(walk(30))
    assert series.indicator(Kind.SMA, 20) is series.indicator(Kind.SMA, 20, 60)
    assert series.indicator(Kind.SMA, 20) is not series.indicator(Kind.SMA, 21)
    assert series.indicator(Kind.SMA, 20) is not series.indicator(Kind.EMA, 20)
    assert series.indicator(Kind.SMA, 20) is not series.indicator(Kind.SMA, 20, 180)
    assert series.indicator(Kind.SMA, 20, lag=1) is series.indicator(Kind.SMA, 20, lag=1)


@pytest.mark.parametrize("interval_s", [None, 180])
def test_an_indicator_asked_for_late_equals_one_asked_for_early(interval_s: int | None) -> None:
    early, late = SymbolSeries("BTC/USDT"), SymbolSeries("BTC/USDT")
    asked_early = every_indicator(early, interval_s)
    for one in walk(200):
        early.on_bar(one)
        late.on_bar(one)
    asked_late = every_indicator(late, interval_s)
    for one in walk(20, first=200):
        early.on_bar(one)
        late.on_bar(one)
    assert [one.value for one in asked_late] == [one.value for one in asked_early]
    assert all(one.value is not None for one in asked_late)


def test_indicators_look_at_the_right_part_of_a_candle() -> None:
    series = series_of([bar(0, 10.0, volume=4.0), bar(1, 20.0, volume=8.0)])
    assert series.indicator(Kind.SMA, 2).value == 15.0
    assert series.indicator(Kind.HIGHEST, 2).value == 21.0
    assert series.indicator(Kind.LOWEST, 2).value == 9.0
    assert series.indicator(Kind.VOLUME_MEAN, 2).value == 6.0
    assert series.indicator(Kind.ATR, 1).value == 11.0


def test_larger_candles_are_aligned_and_closed_with_the_last_one_inside() -> None:
    series = SymbolSeries("BTC/USDT")
    larger = series.at_interval(180)
    for index, close in enumerate([5.0, 7.0, 3.0, 4.0, 6.0]):
        series.on_bar(bar(index, close, volume=index + 1.0))
    assert larger.candles() == [Bar("BTC/USDT", START, 180, 5.0, 8.0, 2.0, 3.0, 6.0)]
    series.on_bar(bar(5, 2.0, volume=1.0))
    assert larger.candles(1) == [Bar("BTC/USDT", START + 180, 180, 4.0, 7.0, 1.0, 2.0, 10.0)]
    assert series.candles(interval_s=180) == larger.candles()


def test_a_larger_candle_of_which_the_beginning_was_not_seen_is_not_made() -> None:
    series = series_of([bar(index) for index in range(1, 7)])
    assert [one.start for one in series.candles(interval_s=180)] == [START + 180]


def test_a_larger_candle_whose_last_part_is_missing_closes_with_the_next_candle() -> None:
    series = SymbolSeries("BTC/USDT")
    larger = series.at_interval(180)
    series.on_bar(bar(0, 5.0))
    series.on_bar(bar(1, 6.0))
    assert len(larger) == 0
    series.on_bar(bar(4, 9.0))
    assert larger.candles() == [Bar("BTC/USDT", START, 180, 5.0, 7.0, 4.0, 6.0, 2.0)]


def test_a_larger_candle_of_which_all_is_missing_is_not_made() -> None:
    series = SymbolSeries("BTC/USDT")
    larger = series.at_interval(180)
    for index in (0, 1, 2, 9, 10, 11):
        series.on_bar(bar(index))
    assert [one.start for one in larger.candles()] == [START, START + 540]
    assert larger.missing == 2


def test_a_candle_that_was_kept_does_not_change_when_a_larger_one_grows() -> None:
    first = bar(0, 5.0)
    series = series_of([first])
    series.at_interval(180)
    series.on_bar(bar(1, 9.0))
    assert first == bar(0, 5.0)


@given(st.sets(st.integers(0, 200), min_size=1), st.sampled_from([120, 180, 300, 900]))
def test_larger_candles_hold_exactly_what_came_inside_them(
    indexes: set[int], interval_s: int
) -> None:
    series = SymbolSeries("BTC/USDT")
    larger = series.at_interval(interval_s)
    bars = [bar(index, 50.0 + index % 7, volume=index + 1.0) for index in sorted(indexes)]
    for one in bars:
        series.on_bar(one)
    for whole in larger.candles():
        inside = [one for one in bars if whole.start <= one.start < whole.end]
        assert whole.start % interval_s == 0
        assert whole.open == inside[0].open
        assert whole.close == inside[-1].close
        assert whole.high == max(one.high for one in inside)
        assert whole.low == min(one.low for one in inside)
        assert whole.volume == pytest.approx(sum(one.volume for one in inside))
        assert whole.end <= max(one.end for one in bars)


def test_larger_candles_asked_for_before_the_interval_is_known_may_stay_without_data() -> None:
    series = SymbolSeries("BTC/USDT")
    mean = series.indicator(Kind.SMA, 1, 180)
    for index in range(6):
        assert series.on_bar(bar(index, interval_s=300))
    assert mean.value is None
    with pytest.raises(ValueError, match="interval_s: found 180, allowed a multiple of 300"):
        series.indicator(Kind.SMA, 1, 180)


@pytest.mark.parametrize("interval_s", [30, 90, -60, 60.5, "180"])
def test_an_interval_that_cannot_be_joined_from_the_candles_is_refused(interval_s: int) -> None:
    series = series_of(walk(3))
    with pytest.raises(ValueError, match="interval_s: found"):
        series.at_interval(interval_s)


@pytest.mark.parametrize(("period", "lag"), [(0, 0), (2001, 0), (20, -1), (20, 2000), (20, True)])
def test_a_period_or_lag_that_cannot_be_is_refused(period: int, lag: int) -> None:
    series = series_of(walk(3))
    with pytest.raises(ValueError, match="found"):
        series.indicator(Kind.SMA, period, lag=lag)


def test_what_can_be_asked_for_is_bounded() -> None:
    series = SymbolSeries("BTC/USDT", keep=5001)
    for period in range(1, 5001):
        series.indicator(Kind.EMA, period)
    with pytest.raises(ValueError, match="indicators: found one more, allowed 5000"):
        series.indicator(Kind.EMA, 5001)
    for count in range(1, 51):
        series.at_interval(60 * count)
    with pytest.raises(ValueError, match="interval_s: found one more, allowed 50"):
        series.at_interval(60 * 51)
