"""The crossing of two averages: when it is acted on, and when not."""

from decimal import Decimal
from typing import Any

import pytest

from tests.trading_tests.market.market_files import bars_of, build_replay, played, recorded
from tests.trading_tests.strategies.desk import Stage, make_bar, make_order, make_position
from trading.strategies.errors import ParameterError
from trading.strategies.wishes import CloseWish, PlaceWish, Wish

FALLING = [10.0, 9.0, 8.0, 7.0]
RISING = [10.0, 14.0, 18.0]
BACK = [12.0, 6.0, 2.0]


def stage(**given: Any) -> Stage:
    return Stage("sma_crossover", {"fast": 2, "slow": 3} | given)


def test_buys_when_the_fast_average_crosses_above_and_leaves_when_it_crosses_below() -> None:
    found = stage().play_closes([*FALLING, *RISING, *BACK, 1.0])
    assert found == [(4, "buy"), (8, "CloseWish")]


def test_with_shorts_allowed_it_takes_the_other_side_once_it_is_out() -> None:
    found = stage(allow_short=True).play_closes([*FALLING, *RISING, *BACK])
    assert found == [(4, "buy"), (8, "CloseWish"), (9, "sell")]


def test_a_short_is_left_and_turned_when_the_fast_average_crosses_above() -> None:
    found = stage(allow_short=True).play_closes([*RISING, *BACK, *RISING])
    assert found == [(4, "sell"), (7, "CloseWish"), (8, "buy")]


@pytest.mark.parametrize("closes", [[5.0, 6.0, 7.0, 8.0, 9.0], [9.0, 8.0, 7.0, 6.0, 5.0]])
@pytest.mark.parametrize("allow_short", [True, False])
def test_where_the_averages_are_at_the_start_is_no_crossing(
    closes: list[float], allow_short: bool
) -> None:
    assert stage(allow_short=allow_short).play_closes(closes) == []


def test_averages_that_only_meet_are_no_crossing() -> None:
    assert stage().play_closes([9.0, 8.0, 7.0, 7.0, 7.0, 7.0, 6.0, 5.0]) == []


@pytest.mark.parametrize("price", [0.1, 0.3, 1.1, 1234.56, 1e-8 / 3])
def test_rounding_makes_no_crossing_where_prices_stand_still(price: float) -> None:
    scene = Stage("sma_crossover", {"fast": 20, "slow": 50, "allow_short": True})
    falling = [price * (1.5 - index / 200) for index in range(100)]
    assert scene.play_closes([*falling, *[price] * 500]) == []


def test_averages_that_meet_before_they_cross_are_one_crossing() -> None:
    assert stage().play_closes([9.0, 8.0, 7.0, 7.0, 7.0, 7.0, 8.0, 9.0]) == [(6, "buy")]


def test_history_from_before_the_start_warms_the_averages_and_is_not_traded() -> None:
    scene = stage()
    series = scene.desk.series("BTC/USDT")
    for index, close in enumerate(FALLING):
        series.on_bar(make_bar(index, close))
    assert scene.play_closes([7.0, *RISING]) == [(5, "buy")]


def test_the_quantity_is_the_configured_one_or_left_to_the_bot() -> None:
    assert entry(stage(quantity="0.25")).quantity == Decimal("0.25")
    wish = entry(stage())
    assert wish.quantity is wish.amount is wish.equity_fraction is None
    assert wish.reason == "the fast average crossed above"


def entry(scene: Stage) -> PlaceWish:
    wishes: list[Wish] = []
    for index, close in enumerate([*FALLING, *RISING]):
        wishes += scene.play(make_bar(index, close))
    (wish,) = wishes
    assert isinstance(wish, PlaceWish)
    return wish


def test_an_entry_that_still_waits_at_the_next_crossing_is_taken_back() -> None:
    scene = stage(allow_short=True)
    scene.play_closes([*FALLING, *RISING[:-1]])
    scene.desk.held = None
    scene.desk.orders = [make_order()]
    assert scene.play_closes([18.0, *BACK]) == [(8, "CancelWish")]


def test_the_other_side_is_not_taken_later_than_one_candle_after_the_crossing() -> None:
    scene = stage(allow_short=True)
    assert scene.play_closes([*FALLING, *RISING, *BACK[:2]]) == [(4, "buy"), (8, "CloseWish")]
    scene.lose_orders()
    assert scene.play_closes([2.0]) == []
    scene.desk.held = None
    assert scene.play_closes([1.0]) == []


def test_a_position_that_is_already_on_the_right_side_is_kept() -> None:
    scene = stage()
    scene.desk.held = make_position()
    assert scene.play_closes([*FALLING, *RISING]) == []


def test_the_fast_average_must_be_the_faster_one() -> None:
    with pytest.raises(ParameterError, match="fast: found 50, allowed less than slow, which is 20"):
        stage(fast=50, slow=20)


def test_it_shows_its_averages() -> None:
    scene = stage()
    scene.play_closes([1.0, 2.0, 3.0])
    widgets = scene.strategy.render()["widgets"]
    assert [widget["value"] for widget in widgets] == [2.5, 2.0]


def test_recorded_candles_give_a_crossing_wherever_the_averages_change_places() -> None:
    scene = Stage("sma_crossover", {"fast_period": 20, "slow_period": 50})
    bars = bars_of(played(build_replay(recorded("xrp_usdt_perp_5m.csv.gz"), symbol="BTC/USDT")))
    found = [(index, wish) for index, bar in enumerate(bars) for wish in scene.play(bar)]
    closes = [bar.close for bar in bars]
    # In whole numbers, so that equal averages are equal.
    prices = [round(close * 10**8) for close in closes]
    above = [
        (sum(prices[index - 19 : index + 1]) * 50) - (sum(prices[index - 49 : index + 1]) * 20)
        for index in range(49, len(prices))
    ]
    expected = []
    side = above[0] > 0
    for index, gap in enumerate(above, 49):
        if gap and (gap > 0) is not side:
            side = gap > 0
            expected.append((index, side))
    if expected and not expected[0][1]:
        del expected[0]  # the first crossing is downwards, with nothing held
    assert len(expected) > 20
    assert [(index, isinstance(wish, PlaceWish)) for index, wish in found] == expected
    assert all(isinstance(wish, PlaceWish | CloseWish) for _, wish in found)
