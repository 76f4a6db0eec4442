"""Indicators one value at a time, against TA-Lib on whole series and against plain definitions."""

import math
import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st

from tests.trading_tests.market.market_files import bars_of, build_replay, played, recorded
from trading.market.indicators import ATR, EMA, RSI, SMA, Highest, Lagged, Lowest, VolumeMean
from trading.model.market import Bar

OfValues = SMA | EMA | RSI | Highest | Lowest
Make = Callable[[int], Any]

AGAINST_TALIB = [
    pytest.param(SMA, talib.SMA, id="SMA"),
    pytest.param(EMA, talib.EMA, id="EMA"),
    pytest.param(RSI, talib.RSI, id="RSI"),
    pytest.param(Highest, talib.MAX, id="Highest"),
    pytest.param(Lowest, talib.MIN, id="Lowest"),
]


def walk(count: int, *, seed: int = 1, start: float = 30_000.0) -> list[float]:
    rng = random.Random(seed)
    values = [start]
    for _ in range(count - 1):
        values.append(values[-1] * math.exp(rng.gauss(0.0, 0.001)))
    return values


def made_bars(count: int, *, seed: int = 1) -> list[Bar]:
    rng = random.Random(seed)
    bars, last = [], 100.0
    for index, close in enumerate(walk(count, seed=seed, start=100.0)):
        high = max(last, close) + rng.random()
        low = min(last, close) - rng.random()
        bars.append(Bar("BTC/USDT", 60.0 * index, 60, last, high, low, close, rng.random()))
        last = close
    return bars


def fed(indicator: OfValues, values: Sequence[float]) -> list[float | None]:
    found = []
    for value in values:
        indicator.update(value)
        found.append(indicator.value)
    return found


def assert_same(found: Sequence[float | None], expected: Any) -> None:
    assert [value is None for value in found] == [math.isnan(value) for value in expected]
    for ours, theirs in zip(found, expected, strict=True):
        if ours is not None:
            assert math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-9), (ours, theirs)


@pytest.mark.parametrize(("make", "reference"), AGAINST_TALIB)
@pytest.mark.parametrize("period", [2, 3, 14, 20, 200])
def test_equals_talib_on_a_random_walk_from_the_first_value_on(
    make: Make, reference: Callable[..., Any], period: int
) -> None:
    values = walk(5_000)
    assert_same(fed(make(period), values), reference(np.array(values), period))


@pytest.mark.parametrize(("make", "reference"), AGAINST_TALIB)
def test_equals_talib_on_a_long_random_walk(make: Make, reference: Callable[..., Any]) -> None:
    values = walk(100_000, seed=2)
    assert_same(fed(make(20), values), reference(np.array(values), 20))


@pytest.mark.parametrize(("make", "reference"), AGAINST_TALIB)
def test_equals_talib_where_prices_stand_still(make: Make, reference: Callable[..., Any]) -> None:
    values = [5.0] * 30 + [6.0, 5.0] * 20 + [5.0] * 30
    assert_same(fed(make(14), values), reference(np.array(values), 14))


@pytest.mark.parametrize(("make", "reference"), AGAINST_TALIB)
@pytest.mark.parametrize("name", ["btc_perp_1m.csv.gz", "eth_btc_5m.csv.gz"])
def test_equals_talib_on_recorded_closes(
    make: Make, reference: Callable[..., Any], name: str
) -> None:
    values = [bar.close for bar in recorded_bars(name)]
    assert_same(fed(make(50), values), reference(np.array(values), 50))


@pytest.mark.parametrize("period", [1, 2, 14, 100])
def test_the_true_range_equals_talibs(period: int) -> None:
    assert_same_ranges(made_bars(5_000), period)


def test_the_true_range_equals_talibs_on_recorded_candles() -> None:
    assert_same_ranges(recorded_bars("btc_perp_1m.csv.gz"), 14)


def recorded_bars(name: str) -> list[Bar]:
    return bars_of(played(build_replay(recorded(name), symbol="BTC/USD")))


def assert_same_ranges(bars: Sequence[Bar], period: int) -> None:
    ranges = ATR(period)
    found = []
    for bar in bars:
        ranges.update(bar.high, bar.low, bar.close)
        found.append(ranges.value)
    high = np.array([bar.high for bar in bars])
    low = np.array([bar.low for bar in bars])
    close = np.array([bar.close for bar in bars])
    assert_same(found, talib.ATR(high, low, close, period))


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=200),
    st.integers(min_value=1, max_value=30),
)
def test_the_extremes_and_the_mean_are_what_their_names_say(
    values: list[float], period: int
) -> None:
    highest, lowest, mean = Highest(period), Lowest(period), SMA(period)
    for index, value in enumerate(values):
        for indicator in (highest, lowest, mean):
            indicator.update(value)
        window = values[max(0, index + 1 - period) : index + 1]
        if len(window) < period:
            assert highest.value is lowest.value is mean.value is None
        else:
            assert highest.value == max(window)
            assert lowest.value == min(window)
            assert mean.value == pytest.approx(math.fsum(window) / period, rel=1e-9, abs=1e-9)


def test_rounding_errors_of_a_mean_are_gone_after_a_round_of_values() -> None:
    mean = VolumeMean(10)
    for value in [1e16, 3.3e15, 0.1] * 100:
        mean.update(value)
    for _ in range(20):
        mean.update(0.1)
    assert mean.value == pytest.approx(0.1, rel=1e-15)


def test_a_mean_does_not_drift_over_very_many_values() -> None:
    rng = random.Random(3)
    mean = SMA(50)
    values = [rng.random() * 1e6 for _ in range(200_000)]
    for value in values:
        mean.update(value)
    assert mean.value == pytest.approx(math.fsum(values[-50:]) / 50, rel=1e-13)


@pytest.mark.parametrize("make", [SMA, EMA, RSI, Highest, Lowest])
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_is_skipped_as_if_it_had_never_come(
    make: Make, bad: float
) -> None:
    values = walk(40)
    dirty = [bad]
    for value in values:
        dirty += [value, bad]
    clean_indicator, dirty_indicator = make(5), make(5)
    fed(clean_indicator, values)
    fed(dirty_indicator, dirty)
    assert dirty_indicator.value == clean_indicator.value is not None


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_candle_that_is_not_finite_is_skipped_by_the_true_range(place: int) -> None:
    clean, dirty = ATR(3), ATR(3)
    for bar in made_bars(20):
        row = [bar.high, bar.low, bar.close]
        for indicator in (clean, dirty):
            indicator.update(*row)
        row[place] = math.nan
        dirty.update(*row)
    assert dirty.value == clean.value is not None


def test_a_lag_shows_what_was_there_so_many_values_ago() -> None:
    mean = SMA(2)
    before = Lagged(mean, 3)
    found = []
    for value in [1.0, 3.0, 5.0, 7.0, 9.0, 11.0]:
        mean.update(value)
        before.update()
        found.append(before.value)
    assert found == [None, None, None, None, 2.0, 4.0]


@pytest.mark.parametrize("make", [SMA, EMA, RSI, ATR, Highest, Lowest])
@pytest.mark.parametrize("period", [0, -1, 1.5, True, "20", None])
def test_a_period_that_cannot_be_is_refused(make: Make, period: Any) -> None:
    with pytest.raises(ValueError, match="period: found"):
        make(period)
