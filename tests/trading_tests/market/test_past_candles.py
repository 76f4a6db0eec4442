"""A stretch of the past, page by page: every candle once, and a name for what is missing."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trading_tests.market.venue_candles import (
    MINUTE,
    START,
    SYMBOL,
    CandleVenue,
    true_candles,
)
from trading.market.candle_answer import CandleAnswer
from trading.market.past_candles import Gap, PastCandles, filled
from trading.model.market import Bar, Tick


def at(minute: float) -> float:
    return START + minute * MINUTE


def make_venue(minutes: list[int], retention: int = 10_000) -> CandleVenue:
    return CandleVenue([Tick(SYMBOL, 100.0 + one, 1.0, at(one) + 5) for one in minutes], retention)


def read_all(venue: CandleVenue, pages: PastCandles, now: float) -> list[Bar]:
    told: list[Bar] = []
    while question := pages.question():
        told += pages.take(venue.answer(question, now))
    return told


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 10**9),
    busy=st.sampled_from([0.02, 0.5, 0.98]),
    page_len=st.sampled_from([1, 7, 150, 1000]),
    window_only=st.booleans(),
)
def test_all_pages_together_are_the_true_candles(
    seed: int, busy: float, page_len: int, window_only: bool
) -> None:
    rng = Random(seed)
    minutes = [one for one in range(400) if rng.random() < busy] or [3]
    venue = make_venue(minutes)
    venue.window_only = window_only
    pages = PastCandles(MINUTE, START, at(400), page_len)
    told = read_all(venue, pages, at(400) + rng.choice([10, 100_000]))
    assert [round((bar.start - START) / MINUTE) for bar in told] == minutes
    whole = list(filled(told, pages.gaps, MINUTE))
    assert whole == true_candles(venue.trades, at(400))
    assert all(gap.is_empty for gap in pages.gaps)
    missing = sum(gap.count(MINUTE) for gap in pages.gaps)
    assert missing == 400 - len(minutes)


def test_what_the_venue_keeps_no_more_is_a_gap_of_which_nothing_is_known() -> None:
    venue = make_venue(list(range(1000)), retention=720)
    pages = PastCandles(MINUTE, START, at(1000), 720)
    told = read_all(venue, pages, at(1000) + 10)
    assert told[0].start == at(280)
    assert len(told) == 720
    assert pages.gaps == [Gap(at(0), at(280), is_empty=False)]
    assert list(filled(told, pages.gaps, MINUTE)) == told


def test_the_candle_that_still_grows_is_not_told() -> None:
    venue = make_venue(list(range(10)))
    pages = PastCandles(MINUTE, START, at(9.5), 100)
    assert len(read_all(venue, pages, at(9.5))) == 9


def test_a_start_inside_a_candle_begins_with_the_next_one() -> None:
    pages = PastCandles(MINUTE, START + 1, at(3), 100)
    told = read_all(make_venue(list(range(5))), pages, at(10))
    assert [bar.start for bar in told] == [at(1), at(2)]


def test_an_answer_that_proves_nothing_is_not_asked_for_for_ever() -> None:
    pages = PastCandles(MINUTE, START, at(2), 100)
    asked = 0
    while pages.question():
        pages.take(CandleAnswer((), START, START))
        asked += 1
    assert asked == 2
    assert pages.gaps == [Gap(at(0), at(2), is_empty=False)]


def test_a_candle_that_cannot_be_is_a_gap_of_which_nothing_is_known() -> None:
    pages = PastCandles(MINUTE, START, at(3), 100)
    good = [Bar(SYMBOL, at(one), MINUTE, 1.0, 1.0, 1.0, 1.0, 1.0) for one in (0, 2)]
    told = pages.take(CandleAnswer(tuple(good), START, at(3), frozenset({at(1)})))
    assert told == good
    assert pages.gaps == [Gap(at(1), at(2), is_empty=False)]
    assert list(filled(told, pages.gaps, MINUTE)) == good
