"""Stories of what charts are drawn from: what was traded is in them, and they stay small."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tcpproto import ReplyState
from tests.trading_tests.engine.floor import Floor
from tests.trading_tests.makers import BTC, ETH, NOW, play
from trading.market.series import KEEP_DEFAULT
from trading.model.market import Bar
from trading.reports.chart_data import POINTS_MAX, Gain, curve_fields, interval_text
from trading.strategies.context import StrategyContext


def rest(_context: StrategyContext, _event: object) -> None:
    """Think nothing."""


def make_floor() -> Floor:
    return Floor(play(rest, symbol=ETH))


def ask(floor: Floor, verb: str, *args: str) -> Mapping[str, Any]:
    """Return the figures of an answer."""
    assert floor.do(verb, *args).state is ReplyState.APPLIED
    return floor.replies[-1].fields


def feed(floor: Floor, count: int, *, start: float = NOW) -> None:
    for n in range(count):
        price = 100.0 + n % 7
        floor.tell(Bar(BTC, start + n * 60, 60, price, price + 2, price - 2, price + 1, 5.0))


def test_a_chart_holds_the_last_200_candles_of_a_market() -> None:
    floor = make_floor()
    feed(floor, 250)
    answer = floor.do("chart", BTC)
    chart = ask(floor, "chart", BTC)["chart"]
    assert (chart["symbol"], chart["interval_s"], len(chart["candles"])) == (BTC, 60, 200)
    assert chart["candles"][-1] == [NOW + 249 * 60, 104.0, 106.0, 102.0, 105.0, 5.0]
    assert len(json.dumps(chart)) < 50_000
    assert "200 candles of 1m" in answer.text
    assert max(map(len, answer.text.splitlines())) <= 34


def test_a_timeframe_joins_candles_and_one_that_cannot_be_is_refused_in_words() -> None:
    floor = make_floor()
    start = NOW - NOW % 3600
    feed(floor, 125, start=start)
    chart = ask(floor, "chart", BTC, "1h")["chart"]
    assert [one[0] for one in chart["candles"]] == [start, start + 3600]
    coarse = make_floor()
    coarse.tell(Bar(BTC, start, 3600, 100.0, 101.0, 99.0, 100.0, 1.0))
    refused = coarse.do("chart", BTC, "15m")
    assert refused.state is ReplyState.REJECTED
    assert "candles of 1h; 15m cannot be made" in refused.text


def test_a_chart_shows_trades_and_the_open_position_with_its_stop_and_target() -> None:
    floor = make_floor()
    feed(floor, 5)
    floor.tick(100.0, after_s=400.0)
    floor.do("buy", BTC, "1")
    floor.ticks(100.0, 112.0)
    floor.do("buy", BTC, "1")
    floor.ticks(112.0)
    answer = floor.do("chart", BTC)
    chart = ask(floor, "chart", BTC)["chart"]
    (trade,) = chart["trades"]
    (position,) = chart["positions"]
    assert (trade["side"], float(trade["profit"]) > 0) == ("long", True)
    assert trade["opened_at"] <= trade["closed_at"]
    assert float(position["stop_price"]) < float(position["entry_price"])
    assert float(position["target_price"]) > float(position["entry_price"])
    assert " stop" in answer.text
    # Without a name the market is meant that is held.
    assert ask(floor, "chart")["chart"]["symbol"] == BTC


def test_without_a_name_and_with_nothing_held_the_market_is_asked_for() -> None:
    refused = make_floor().do("chart")
    assert refused.state is ReplyState.REJECTED
    assert f"such as /chart {BTC}" in refused.text


def test_a_market_without_candles_has_a_chart_without_any() -> None:
    floor = make_floor()
    assert ask(floor, "chart", BTC)["chart"]["candles"] == []
    assert "0 candles" in floor.replies[-1].text


def test_as_many_timeframes_as_there_are_cost_one_series_each() -> None:
    floor = make_floor()
    feed(floor, 10)
    for _ in range(3):
        for timeframe in ("1m", "3m", "5m", "15m", "30m", "1h", "4h", "1d"):
            assert floor.do("chart", BTC, timeframe).state is ReplyState.APPLIED
    assert KEEP_DEFAULT >= 200


def test_profit_has_a_curve_trade_by_trade_with_its_falls() -> None:
    floor = make_floor()
    floor.tick(100.0)
    for last in (112.0, 94.0):
        floor.tick(100.0)
        floor.do("buy", BTC, "1")
        floor.ticks(100.0, last)
    fields = ask(floor, "profit", "3")
    curve = fields["curve"]
    assert (curve["by"], len(curve["points"])) == ("trade", 3)
    first, won, lost = curve["points"]
    assert (first[1], first[2]) == (0.0, 0.0)
    assert won[1] > 0.0
    assert lost[2] == pytest.approx(lost[1] - won[1])
    assert float(fields["profit"]) == pytest.approx(lost[1])


def test_profit_without_a_trade_has_a_curve_of_nothing() -> None:
    curve = ask(make_floor(), "profit")["curve"]
    assert {point[1] for point in curve["points"]} == {0.0}


def test_a_long_curve_is_thinned_and_keeps_its_end_and_its_deepest_fall() -> None:
    gains = [Gain(float(n), -500.0 if n == 3_333 else 1.0) for n in range(10_000)]
    points = curve_fields(gains, "USDT", start=0.0, by="trade")["points"]
    assert len(points) <= POINTS_MAX + 2
    assert points[-1][1] == 9_999 - 500.0
    assert min(point[2] for point in points) == -500.0
    assert points == sorted(points, key=lambda point: point[0])


@pytest.mark.parametrize(
    ("seconds", "text"), [(60, "1m"), (900, "15m"), (3600, "1h"), (86_400, "1d"), (7, "7s")]
)
def test_a_candle_s_length_is_named_as_people_do(seconds: int, text: str) -> None:
    assert interval_text(seconds) == text
