"""The bounce off an average in an upward trend: each rule alone, and all of them together."""

import math
import random
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
import talib

from tests.trading_tests.market.market_files import bars_of, build_replay, played, recorded
from tests.trading_tests.strategies.desk import (
    START,
    SYMBOL,
    Stage,
    make_bar,
    make_order,
    make_position,
)
from trading.model.market import Bar
from trading.model.order import ExitPlan, OrderType, Purpose, Side, TrailPlan
from trading.strategies.errors import StrategyError
from trading.strategies.library.ema_trend import EmaTrend
from trading.strategies.wishes import PlaceWish, TightenWish, Wish


def stage(**given: Any) -> Stage:
    return Stage("ema_trend", given)


def trend(count: int = 400) -> list[Bar]:
    """Return a steady rise that ends with a dip to EMA20 and a candle with twice the volume."""
    bars = []
    for index in range(count):
        close = 100.0 * 1.0002**index
        bars.append(make_bar(index, close, low=close * 0.9999, high=close * 1.00005))
    bars[-1].volume = 2.0
    dip(bars, -2)
    return bars


def dip(bars: list[Bar], place: int) -> None:
    bars[place].low = bars[place].close * 0.995


def undip(bars: list[Bar], place: int) -> None:
    bars[place].low = bars[place].close * 0.9999


def signals(scene: Stage, bars: Sequence[Bar]) -> list[int]:
    """Play candles and return at which of them it wants to buy."""
    found: list[int] = []
    for index, bar in enumerate(bars):
        wishes = scene.play(bar)
        scene.lose_orders()
        found += [index for wish in wishes if isinstance(wish, PlaceWish)]
    return found


def test_buys_when_all_rules_hold_and_says_how_to_leave() -> None:
    scene = stage()
    bars = trend()
    assert signals(scene, bars[:-1]) == []
    (wish,) = scene.play(bars[-1])
    assert wish == PlaceWish(
        order_id="trend-1-1",
        side=Side.BUY,
        equity_fraction=Decimal("0.18"),
        exit_plan=ExitPlan(
            stop_fraction=Decimal("0.0141"),
            target_fraction=Decimal("0.0281"),
            trail=TrailPlan(Decimal("0.013"), Decimal("0.008"), Decimal("0.005")),
        ),
        reason="bounce off EMA20: candle 0.02 %, volume 1.9x",
    )


def test_candles_from_before_the_start_count() -> None:
    scene = stage()
    bars = trend()
    for bar in bars[:-1]:
        scene.desk.series(SYMBOL).on_bar(bar)
    assert signals(scene, bars[-1:]) == [0]


@pytest.mark.parametrize(("count", "found"), [(349, []), (350, [349])])
def test_nothing_is_bought_before_there_are_enough_candles(count: int, found: list[int]) -> None:
    assert signals(stage(), trend(count)) == found


@pytest.mark.parametrize(
    "blocking",
    [
        {"min_ema20_1m_slope": 0.05},
        {"min_ema50_1m_slope": 0.05},
        {"min_ema20_ema50_distance": 0.4},
        {"min_ema50_ema200_distance": 2.0},
        {"volume_spike_coeff": 1.91},
        {"max_candle_size": 0.01},
    ],
    ids=lambda blocking: next(iter(blocking)),
)
def test_each_rule_alone_keeps_it_from_buying(blocking: dict[str, float]) -> None:
    assert signals(stage(**blocking), trend()) == []


@pytest.mark.parametrize(("place", "found"), [(-1, [399]), (-5, [399]), (-6, [])])
def test_one_of_the_last_five_lows_must_have_been_at_the_average(
    place: int, found: list[int]
) -> None:
    bars = trend()
    undip(bars, -2)
    assert signals(stage(), bars) == []
    dip(bars, place)
    assert signals(stage(), bars) == found


@pytest.mark.parametrize(("place", "found"), [(-2, []), (-6, []), (-7, [399])])
def test_the_close_must_be_above_the_highs_of_the_five_candles_before(
    place: int, found: list[int]
) -> None:
    bars = trend()
    bars[place].high = bars[-1].close
    assert signals(stage(), bars) == found


def test_the_long_average_must_not_fall_too_fast() -> None:
    assert signals(stage(), trend(700)) == [699]
    assert signals(stage(min_ema200_3m_slope=0.3), trend(700)) == []


def test_the_long_average_forbids_nothing_while_its_data_is_missing() -> None:
    assert signals(stage(min_ema200_3m_slope=0.3), trend(630)) == [629]
    assert signals(stage(min_ema200_3m_slope=0.3), trend(633)) == []


def test_nothing_is_bought_while_an_entry_waits() -> None:
    scene = stage()
    scene.desk.orders = [make_order()]
    assert signals(scene, trend()) == []


def test_an_order_that_protects_does_not_keep_it_from_buying() -> None:
    scene = stage()
    scene.desk.orders = [make_order(purpose=Purpose.PROTECTION, type=OrderType.BRACKET)]
    assert signals(scene, trend()) == [399]


def test_nothing_is_bought_while_it_holds_a_position() -> None:
    scene = stage()
    scene.desk.held = make_position(opened_at=trend()[-1].end)
    assert signals(scene, trend()) == []


def fall(count: int) -> list[Bar]:
    """Return a rise that turns into a fall with its 401st candle."""
    bars = trend()
    for index in range(400, 400 + count):
        close = bars[399].close * 0.9995 ** (index - 399)
        bars.append(make_bar(index, close))
    return bars


def played_wishes(scene: Stage, bars: Sequence[Bar]) -> list[tuple[int, Wish]]:
    found = []
    for index, bar in enumerate(bars):
        found += [(index, wish) for wish in scene.play(bar)]
    return found


def holding_at(index: int, bars: Sequence[Bar]) -> Stage:
    scene = stage()
    played_wishes(scene, bars[:390])
    scene.lose_orders()
    scene.desk.held = make_position(opened_at=bars[index].start)
    return scene


def test_follows_more_closely_once_price_has_fallen_through_both_averages() -> None:
    bars = fall(40)
    scene = holding_at(395, bars)
    found = played_wishes(scene, bars[390:])
    assert [wish for _, wish in found] == [TightenWish()]
    index = found[0][0] + 390
    assert tight_of_arrays(bars)[0] == index > 400


def test_does_not_follow_more_closely_in_the_first_two_minutes() -> None:
    bars = fall(60)
    opened = 430
    scene = holding_at(opened, bars)
    found = played_wishes(scene, bars[390:])
    assert [(index + 390, wish) for index, wish in found] == [(opened + 1, TightenWish())]


LOOSE = {
    "min_ema200_3m_slope": -0.02,
    "min_ema20_1m_slope": 0.0,
    "min_ema50_1m_slope": -0.002,
    "min_ema50_ema200_distance": -1.0,
    "min_ema20_ema50_distance": -0.5,
    "volume_spike_coeff": 0.8,
    "max_candle_size": 0.5,
}


def random_bars(count: int) -> list[Bar]:
    rng = random.Random(5)
    bars, last = [], 100.0
    for index in range(count):
        close = last * math.exp(rng.gauss(0.0, 0.001))
        high = max(last, close) * (1 + rng.random() * 0.0005)
        low = min(last, close) * (1 - rng.random() * 0.0005)
        bars.append(Bar(SYMBOL, START + 60.0 * index, 60, last, high, low, close, rng.random()))
        last = close
    return bars


def test_a_random_walk_gives_the_signals_that_whole_arrays_give() -> None:
    bars = random_bars(8000)
    expected = signals_of_arrays(bars, LOOSE)
    assert len(expected) > 100
    assert signals(stage(**LOOSE), bars) == expected


def test_a_random_walk_is_followed_more_closely_where_whole_arrays_say_so() -> None:
    bars = random_bars(3000)
    scene = stage()
    scene.desk.held = make_position(opened_at=START)
    found = []
    for index, bar in enumerate(bars):
        wishes = scene.play(bar)
        scene.lose_orders()
        found += [index for wish in wishes if wish == TightenWish()]
    expected = tight_of_arrays(bars)
    assert len(expected) > 100
    assert found == expected


@pytest.mark.parametrize("given", [{}, {"volume_spike_coeff": 1.05, "min_ema50_1m_slope": -0.01}])
def test_recorded_candles_give_the_signals_that_whole_arrays_give(given: dict[str, float]) -> None:
    bars = bars_of(played(build_replay(recorded("btc_perp_1m.csv.gz"), symbol=SYMBOL)))[:15_000]
    expected = signals_of_arrays(bars, given)
    assert expected
    assert signals(stage(**given), bars) == expected


def tight_of_arrays(bars: Sequence[Bar]) -> list[int]:
    low, close = (np.array([getattr(bar, name) for bar in bars]) for name in ("low", "close"))
    ema20, ema50 = talib.EMA(close, 20), talib.EMA(close, 50)
    return [
        at
        for at in range(1, len(bars))
        if close[at] < ema20[at]
        and close[at - 1] < ema20[at - 1]
        and min(low[at], low[at - 1]) <= ema50[at]
    ]


def signals_of_arrays(bars: Sequence[Bar], given: dict[str, float]) -> list[int]:
    """Work the rules out on whole arrays, with TA-Lib, apart from the strategy."""
    config = {name: float(one["default"] or 0) for name, one in EmaTrend.CONFIG_SCHEMA.items()}
    config |= given
    high, low, close, volume = (
        np.array([getattr(bar, name) for bar in bars])
        for name in ("high", "low", "close", "volume")
    )
    ema20, ema50, ema200 = (talib.EMA(close, period) for period in (20, 50, 200))
    spike = volume / talib.SMA(volume, 20)
    long_slope = _long_slopes(bars)
    found = []
    for at in range(349, len(bars)):
        rules = (
            (low[at - 4 : at + 1] <= ema20[at - 4 : at + 1]).any(),
            close[at] > ema20[at],
            (ema20[at] - ema50[at]) / ema50[at] * 100 > config["min_ema20_ema50_distance"],
            close[at] > high[at - 5 : at].max(),
            spike[at] > config["volume_spike_coeff"],
            (high[at] - low[at]) / close[at] * 100 < config["max_candle_size"],
            (ema50[at] - ema200[at]) / ema200[at] * 100 > config["min_ema50_ema200_distance"],
            (ema20[at] - ema20[at - 2]) / ema20[at - 2] * 100 > config["min_ema20_1m_slope"],
            (ema50[at] - ema50[at - 2]) / ema50[at - 2] * 100 > config["min_ema50_1m_slope"],
            long_slope[at] is None or long_slope[at] >= config["min_ema200_3m_slope"],
        )
        if all(rules):
            found.append(at)
    return found


def _long_slopes(bars: Sequence[Bar]) -> list[Any]:
    """Return for each candle the slope of EMA200 of the three-minute candles closed by then."""
    closed_by, closes = [], []
    for index, bar in enumerate(bars):
        if bar.end % 180 == 0 and index >= 2:
            closes.append(bar.close)
        closed_by.append(len(closes))
    averages = talib.EMA(np.array(closes), 200)
    return [
        None
        if count <= 210
        else (averages[count - 1] - averages[count - 5]) / averages[count - 5] * 100
        for count in closed_by
    ]


def test_candles_that_cannot_be_joined_to_three_minutes_are_refused() -> None:
    scene = stage()
    scene.desk.all_series.clear()
    scene.desk.series(SYMBOL).on_bar(make_bar(0, interval_s=300))
    with pytest.raises(StrategyError, match="interval_s: found 180, allowed a multiple of 300"):
        Stage("ema_trend", {}, scene.desk)


def test_it_shows_its_averages() -> None:
    scene = stage()
    played_wishes(scene, trend(50))
    widgets = scene.strategy.render()["widgets"]
    assert [widget["value"] is None for widget in widgets] == [False, False, True]
