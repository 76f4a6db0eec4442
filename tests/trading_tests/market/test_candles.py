"""Ticks into candles: stories of the rules, and properties over any ticks."""

import math
import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.market.candles import CandleBuilder
from trading.model.market import Bar, Tick

START = 1_704_067_200.0


def tick(offset_s: float, price: float = 100.0, size: float = 1.0) -> Tick:
    return Tick("BTC/USDT", price, size, START + offset_s)


def builder(interval_s: int = 60, gap_bars_max: int = 10) -> CandleBuilder:
    return CandleBuilder("BTC/USDT", interval_s, gap_bars_max=gap_bars_max)


def all_bars(candles: CandleBuilder, ticks: list[Tick], until: float) -> list[Bar]:
    bars = [bar for one in ticks for bar in candles.add(one)]
    return [*bars, *candles.close_until(until)]


ticks_in_order = st.lists(
    st.builds(
        lambda offset_ms, cents, size: tick(offset_ms / 1000, cents / 100, size),
        st.integers(0, 1_800_000),
        st.integers(1, 1_000_000),
        st.integers(0, 1000).map(float),
    ),
    max_size=60,
).map(lambda ticks: sorted(ticks, key=lambda one: one.at))


def test_a_candle_holds_its_ticks_and_closes_with_the_first_tick_after_it() -> None:
    candles = builder()
    for one in (tick(0, 100), tick(20, 105, 2), tick(40, 95), tick(59.999, 101)):
        assert candles.add(one) == ()
    assert candles.add(tick(60, 102)) == (Bar("BTC/USDT", START, 60, 100, 105, 95, 101, 5.0),)


def test_a_candle_closes_by_time_without_a_tick() -> None:
    candles = builder()
    candles.add(tick(5))
    assert candles.due_at == START + 60
    assert candles.close_until(START + 59.999) == ()
    assert [bar.start for bar in candles.close_until(START + 60)] == [START]


def test_candles_are_aligned_to_the_epoch_whenever_the_first_tick_comes() -> None:
    candles = builder(interval_s=300)
    candles.add(tick(299))
    assert [bar.start for bar in candles.close_until(START + 300)] == [START]


def test_a_time_without_trades_gives_flat_candles_without_volume() -> None:
    candles = builder()
    candles.add(tick(10, 100))
    bars = candles.add(tick(190, 120))
    assert [(bar.start - START, bar.open, bar.close, bar.volume) for bar in bars] == [
        (0, 100, 100, 1.0),
        (60, 100, 100, 0.0),
        (120, 100, 100, 0.0),
    ]


def test_a_long_pause_gives_only_so_many_flat_candles_and_then_a_hole() -> None:
    candles = builder(gap_bars_max=3)
    candles.add(tick(10))
    bars = candles.add(tick(600_030))
    assert [bar.start - START for bar in bars] == [0, 60, 120, 180]
    assert candles.due_at == START + 600_060
    assert [bar.start - START for bar in candles.close_until(START + 600_060)] == [600_000]


def test_a_tick_from_before_the_open_candle_is_refused_and_counted() -> None:
    candles = builder()
    candles.add(tick(65, 100))
    assert candles.add(tick(59.9, 500)) == ()
    assert candles.refused == 1
    assert candles.close_until(START + 120)[0].high == 100


def test_a_closed_candle_stays_closed_after_a_long_pause() -> None:
    candles = builder(gap_bars_max=0)
    candles.add(tick(10))
    assert len(candles.close_until(START + 60)) == 1
    candles.add(tick(20))
    assert candles.refused == 1


def test_inside_a_candle_the_times_decide_over_the_order_of_arrival() -> None:
    candles = builder()
    for one in (tick(30, 3), tick(50, 5), tick(10, 1), tick(40, 9), tick(20, 2)):
        candles.add(one)
    bar = candles.close_until(START + 60)[0]
    assert (bar.open, bar.high, bar.low, bar.close, bar.volume) == (1, 9, 1, 5, 5.0)


def test_of_ticks_at_the_same_time_the_last_one_to_arrive_closes() -> None:
    candles = builder()
    for price in (7.0, 8.0, 9.0):
        candles.add(tick(30, price))
    bar = candles.close_until(START + 60)[0]
    assert (bar.open, bar.close) == (7, 9)


@pytest.mark.parametrize(
    "bad",
    [
        tick(1, math.nan),
        tick(1, math.inf),
        tick(1, 0),
        tick(1, -5),
        tick(1, 100, -1),
        tick(1, 100, math.nan),
        tick(1, 100, math.inf),
        tick(math.inf),
        tick(math.nan),
    ],
)
def test_a_tick_that_cannot_be_is_refused(bad: Tick) -> None:
    candles = builder()
    candles.add(tick(0))
    assert candles.add(bad) == ()
    assert candles.refused == 1
    assert candles.close_until(START + 60)[0] == Bar("BTC/USDT", START, 60, 100, 100, 100, 100, 1.0)


@given(ticks=ticks_in_order)
def test_no_trade_is_lost_and_every_candle_is_sound(ticks: list[Tick]) -> None:
    candles = builder()
    bars = all_bars(candles, ticks, START + 3600)
    assert candles.refused == 0
    assert sum(bar.volume for bar in bars) == sum(one.size for one in ticks)
    for bar in bars:
        inside = [one.price for one in ticks if bar.start <= one.at < bar.end]
        assert bar.start % 60 == 0
        if inside:
            expected = (inside[0], max(inside), min(inside), inside[-1])
            assert (bar.open, bar.high, bar.low, bar.close) == expected
        else:
            assert bar.open == bar.high == bar.low == bar.close
            assert bar.volume == 0


@given(ticks=ticks_in_order)
def test_candles_follow_each_other_without_overlap(ticks: list[Tick]) -> None:
    bars = all_bars(builder(gap_bars_max=1000), ticks, START + 3600)
    assert all(after.start == before.end for before, after in pairwise(bars))


@given(ticks=ticks_in_order, gap_bars_max=st.integers(0, 5), data=st.data())
def test_candles_do_not_depend_on_how_often_the_time_is_told(
    ticks: list[Tick], gap_bars_max: int, data: st.DataObject
) -> None:
    expected = all_bars(builder(gap_bars_max=gap_bars_max), ticks, START + 3600)
    candles = builder(gap_bars_max=gap_bars_max)
    bars: list[Bar] = []
    told = START
    for one in ticks:
        told = data.draw(st.floats(told, max(told, one.at)))
        bars += candles.close_until(told)
        bars += candles.add(one)
    for minute in range(0, 3601, 60):
        bars += candles.close_until(START + minute)
    assert bars == expected


@given(ticks=ticks_in_order, seed=st.integers(0, 2**16))
def test_a_candle_does_not_depend_on_the_order_of_arrival(ticks: list[Tick], seed: int) -> None:
    distinct = list({one.at: one for one in ticks if one.at < START + 60}.values())
    shuffled = distinct[:]
    random.Random(seed).shuffle(shuffled)
    until = START + 60
    assert all_bars(builder(), distinct, until) == all_bars(builder(), shuffled, until)
