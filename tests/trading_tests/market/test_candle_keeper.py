"""Closed candles of a live symbol: each once, in order, none missing, whatever the stream does."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trading_tests.market.venue_candles import (
    MINUTE,
    START,
    SYMBOL,
    CandleVenue,
    true_candles,
)
from trading.market.candle_answer import CandleAnswer, Question, bar_of_row, read_answer
from trading.market.candle_keeper import CandleKeeper, KeeperTimes
from trading.model.market import Bar, Tick


def candle(minute: int, price: float = 100.0, volume: float = 1.0) -> Bar:
    start = START + minute * MINUTE
    return Bar(SYMBOL, start, MINUTE, price, price + 1, price - 1, price, volume)


def begun(**times: float) -> CandleKeeper:
    keeper = CandleKeeper(SYMBOL, MINUTE, KeeperTimes(**times))
    keeper.begin(START, 99.0)
    return keeper


def at(minute: float) -> float:
    return START + minute * MINUTE


def answer(*bars: Bar, start: int = 0, to: float, refused: tuple[int, ...] = ()) -> CandleAnswer:
    return CandleAnswer(bars, at(start), at(to), frozenset(at(one) for one in refused))


def test_a_candle_is_closed_when_the_stream_goes_on_to_the_next() -> None:
    keeper = begun()
    keeper.on_stream(candle(0, 100), at(0.2))
    keeper.on_stream(candle(0, 101), at(0.9))
    assert keeper.take() == []
    keeper.on_stream(candle(1, 102), at(1.01))
    assert keeper.take() == [candle(0, 101)]
    assert keeper.take() == []
    assert keeper.wanted(at(1.9)) is None


def test_a_candle_that_was_open_when_the_stream_broke_is_asked_for() -> None:
    keeper = begun(grace_s=3)
    keeper.on_stream(candle(0, 100), at(0.2))
    keeper.on_break()
    keeper.on_stream(candle(1, 105), at(1.01))
    assert keeper.take() == []
    assert keeper.wanted(at(1.04)) is None
    assert keeper.wanted(at(1.05)) == (at(0), at(1))
    keeper.on_answer(answer(candle(0, 103), to=1), at(1.06))
    assert keeper.take() == [candle(0, 103)]


def test_what_an_answer_proved_is_not_changed_by_a_late_word_of_the_stream() -> None:
    keeper = begun()
    keeper.on_answer(answer(candle(1, 103), start=1, to=2), at(2.1))
    keeper.on_stream(candle(1, 88), at(2.2))
    keeper.on_answer(answer(candle(0, 100), to=2), at(2.3))
    assert keeper.take() == [candle(0, 100), candle(1, 103)]


def test_an_empty_minute_is_told_flat_once_an_answer_shows_that_it_was_empty() -> None:
    keeper = begun()
    keeper.on_answer(answer(candle(0, 100), to=1), at(1.1))
    keeper.on_stream(candle(2, 102), at(2.1))
    keeper.on_stream(candle(3, 102), at(3.1))
    assert keeper.take() == [candle(0, 100)]
    assert keeper.wanted(at(3.1)) == (at(1), at(3))
    keeper.on_answer(answer(candle(2, 102), start=1, to=3), at(3.1))
    flat = Bar(SYMBOL, at(1), MINUTE, 100, 100, 100, 100, 0.0)
    assert keeper.take() == [flat, candle(2, 102)]


def test_a_minute_in_which_a_trade_was_seen_is_not_empty_until_the_venue_insists() -> None:
    keeper = begun(doubt_s=60)
    keeper.on_trade(at(0.5))
    keeper.on_answer(answer(to=1), at(1.1))
    assert keeper.take() == []
    assert keeper.wanted(at(1.2)) is not None
    keeper.on_answer(answer(to=2), at(2.01))
    assert [bar.volume for bar in keeper.take()] == [0.0, 0.0]


def test_a_candle_that_cannot_be_is_asked_for_again_and_then_passed_over() -> None:
    keeper = begun(doubt_s=60)
    keeper.on_answer(answer(candle(1), to=2, refused=(0,)), at(1.5))
    assert keeper.take() == []
    keeper.on_answer(answer(candle(1), to=2, refused=(0,)), at(2.1))
    assert keeper.take() == [candle(1)]
    assert keeper.passed_over == 1


def test_what_the_venue_keeps_no_more_is_passed_over() -> None:
    keeper = begun()
    keeper.on_answer(answer(candle(5), start=5, to=6), at(6.1))
    assert keeper.take() == [candle(5)]
    assert keeper.passed_over == 5


@pytest.mark.parametrize(
    "wrong",
    [
        Bar(SYMBOL, START, MINUTE, 0.0, 0.0, 0.0, 0.0, 1.0),
        Bar(SYMBOL, START, MINUTE, 100, 90, 95, 100, 1.0),
        Bar(SYMBOL, START, MINUTE, float("nan"), 101, 99, 100, 1.0),
        Bar(SYMBOL, START, MINUTE, 100, 101, 99, 100, -1.0),
        Bar(SYMBOL, START + 1, MINUTE, 100, 101, 99, 100, 1.0),
        Bar(SYMBOL, START + 600, MINUTE, 100, 101, 99, 100, 1.0),
        Bar("ETH/USD", START, MINUTE, 100, 101, 99, 100, 1.0),
    ],
)
def test_a_candle_that_cannot_be_is_refused(wrong: Bar) -> None:
    keeper = begun()
    keeper.on_stream(wrong, at(0.5))
    keeper.on_stream(candle(1), at(1.1))
    assert keeper.take() == []
    assert keeper.refused == 1


def test_a_full_answer_that_ends_now_says_nothing_of_what_was_before_it() -> None:
    rows = [(at(one) * 1000, 10.0, 10.0, 10.0, 10.0, 1.0) for one in range(50, 170)]
    told = read_answer(
        SYMBOL,
        MINUTE,
        Question(at(0), 120),
        rows,
        closed_before=at(169.5),
        empty_before=at(169.4),
    )
    assert (told.covered_from, told.covered_to) == (at(50), at(169))
    assert len(told.bars) == 119


def test_a_full_answer_that_ends_in_the_past_shows_that_there_was_nothing_before_it() -> None:
    rows = [(at(one) * 1000, 10.0, 10.0, 10.0, 10.0, 1.0) for one in range(50, 170)]
    told = read_answer(
        SYMBOL,
        MINUTE,
        Question(at(0), 120),
        rows,
        closed_before=at(500),
        empty_before=at(500),
    )
    assert (told.covered_from, told.covered_to) == (at(0), at(170))


def test_a_row_without_a_volume_is_a_candle_and_one_without_a_price_is_none() -> None:
    assert bar_of_row(SYMBOL, MINUTE, (START * 1000, 1, 1, 1, 1, None)) is not None
    assert bar_of_row(SYMBOL, MINUTE, (START * 1000, 1, 1, 1, None, 1)) is None
    assert bar_of_row(SYMBOL, MINUTE, (START * 1000, 1)) is None


def make_trades(rng: Random, minutes: int, busy: float) -> list[Tick]:
    trades = [Tick(SYMBOL, 100.0, 1.0, START + 1)]
    for minute in range(minutes):
        if rng.random() < busy:
            moments = sorted(rng.uniform(0, MINUTE - 0.01) for _ in range(rng.randint(1, 4)))
            trades += [
                Tick(SYMBOL, round(rng.uniform(90, 110), 2), 1.0, at(minute) + moment)
                for moment in moments
            ]
    return sorted(trades, key=lambda one: one.at)


@settings(max_examples=120, deadline=None)
@given(
    seed=st.integers(0, 10**9),
    busy=st.sampled_from([0.05, 0.5, 0.95]),
    loss=st.sampled_from([0.0, 0.3, 1.0]),
    lag_s=st.sampled_from([0.0, 2.0]),
    tells_empty=st.booleans(),
)
def test_the_candles_told_are_the_true_ones_whatever_the_stream_and_the_answers_do(
    seed: int, busy: float, loss: float, lag_s: float, tells_empty: bool
) -> None:
    rng = Random(seed)
    minutes = 40
    trades = make_trades(rng, minutes, busy)
    venue = CandleVenue(trades, window_only=rng.random() < 0.5, tells_empty=tells_empty)
    keeper = CandleKeeper(SYMBOL, MINUTE, KeeperTimes(grace_s=3, doubt_s=30))
    keeper.begin(START)
    told: list[Bar] = []
    is_up, now, clock_off = True, START, 0.0
    while now < at(minutes + 2):
        step = rng.uniform(0.5, 20)
        before, now = now, now + step
        for trade in trades:
            if before <= trade.at < now:
                keeper.on_trade(trade.at)
        # While it is up the stream says everything, in order, some of it twice; it breaks and
        # comes back, and says then how the candle has become meanwhile.
        if is_up:
            changed = {one.at // MINUTE * MINUTE for one in trades if before <= one.at < now}
            for row in venue.rows(now):
                if (row[0] or 0) / 1000 in changed or rng.random() < 0.02:
                    bar = bar_of_row(SYMBOL, MINUTE, row)
                    assert bar is not None
                    keeper.on_stream(bar, now + clock_off)
        if rng.random() < loss * 0.3:
            keeper.on_break()
            is_up = not is_up
        if (wanted := keeper.wanted(now)) and rng.random() < 0.7:
            question = Question(wanted[0], rng.choice([1, 2, 7, 300]))
            keeper.on_answer(venue.answer(question, now - lag_s), now)
        told += keeper.take()
    assert told == true_candles(trades, told[-1].end)
    assert keeper.passed_over == 0
    assert told[-1].end >= at(minutes - 5)
    assert keeper.refused == 0
