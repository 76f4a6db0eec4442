"""Ticks of a live symbol: time neither goes back nor runs ahead, and a mute stream is noticed."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trading_tests.makers import NOW
from trading.market.live_price import Hearing, Instant, LivePrice
from trading.model.market import Tick


def instant(seconds: float, wall_off: float = 0.0) -> Instant:
    return Instant(NOW + seconds + wall_off, 1000.0 + seconds)


def begun() -> LivePrice:
    price = LivePrice("BTC/USD", staleness_s=10)
    price.begin(instant(0))
    return price


def test_a_trade_is_a_tick_with_its_size_and_time() -> None:
    tick = begun().on_trade(100.0, 0.5, NOW + 0.8, instant(1))
    assert tick == Tick("BTC/USD", 100.0, 0.5, NOW + 0.8)


def test_a_price_without_a_time_is_one_of_now() -> None:
    assert begun().on_quote(100.0, None, instant(1)) == Tick("BTC/USD", 100.0, 0.0, NOW + 1)


def test_a_quote_that_comes_just_behind_a_trade_does_not_replace_it() -> None:
    price = begun()
    price.on_trade(100.0, 0.5, NOW + 1, instant(1))
    assert price.on_quote(99.0, None, instant(1.5)) is None
    assert price.on_quote(101.0, None, instant(2)) == Tick("BTC/USD", 101.0, 0.0, NOW + 2)


def test_a_stamp_in_the_future_is_one_of_now_and_freezes_nothing() -> None:
    price = begun()
    far = price.on_trade(100.0, 1.0, NOW + 10**9, instant(1))
    assert far is not None
    assert far.at == NOW + 1
    assert price.ahead_s > 10**8
    later = price.on_trade(101.0, 1.0, NOW + 1.5, instant(2))
    assert later == Tick("BTC/USD", 101.0, 1.0, NOW + 1.5)


def test_a_venue_whose_clock_is_ahead_is_followed_all_the_same() -> None:
    price = begun()
    told = [price.on_trade(100.0 + n, 1.0, NOW + n + 7, instant(n)) for n in range(1, 5)]
    assert [tick.at - NOW for tick in told if tick] == [1, 2, 3, 4]


def test_our_clock_set_back_does_not_stop_the_market() -> None:
    price = begun()
    price.on_trade(100.0, 1.0, NOW + 100, instant(100))
    set_back = [
        price.on_trade(90.0 - n, 1.0, NOW + 100 + n, instant(100 + n, -3600)) for n in (1, 2)
    ]
    assert [tick.price for tick in set_back if tick] == [89.0, 88.0]
    assert all(tick.at == NOW + 100 for tick in set_back if tick)


def test_our_clock_ahead_of_the_venues_takes_no_trade_for_old() -> None:
    price = begun()
    # A price without a time is one of now by our clock, which is two seconds ahead.
    price.on_quote(100.0, None, instant(5))
    assert price.on_trade(99.0, 1.0, NOW + 3.1, instant(5.1)) == Tick("BTC/USD", 99.0, 1.0, NOW + 5)
    price.on_poll(98.0, instant(7))
    assert price.on_trade(97.0, 1.0, NOW + 5.2, instant(7.2)) == Tick("BTC/USD", 97.0, 1.0, NOW + 7)


def test_what_is_older_than_the_last_is_no_news() -> None:
    price = begun()
    price.on_trade(100.0, 1.0, NOW + 5, instant(6))
    assert price.on_trade(99.0, 1.0, NOW + 4, instant(6.1)) is None
    assert price.price == 100.0


def test_trades_from_long_before_the_start_are_no_news() -> None:
    assert begun().on_trade(99.0, 1.0, NOW - 3600, instant(1)) is None


@pytest.mark.parametrize(
    ("price", "size", "at"),
    [
        (0.0, 1.0, NOW),
        (-1.0, 1.0, NOW),
        (float("nan"), 1.0, NOW),
        (float("inf"), 1.0, NOW),
        (1.0, -1.0, NOW),
        (1.0, float("nan"), NOW),
        (1.0, 1.0, float("nan")),
        (1.0, 1.0, float("inf")),
    ],
)
def test_what_cannot_be_is_refused(price: float, size: float, at: float) -> None:
    live = begun()
    assert live.on_trade(price, size, at, instant(1)) is None
    assert live.refused == 1


def test_a_symbol_is_heard_by_its_stream_then_by_polls_then_not_at_all() -> None:
    price = begun()
    price.on_quote(100.0, None, instant(1))
    assert price.hearing(instant(11).monotonic) is Hearing.STREAM
    assert price.hearing(instant(12).monotonic) is Hearing.SILENT
    price.on_poll(100.0, instant(12))
    assert price.hearing(instant(13).monotonic) is Hearing.POLL
    price.on_quote(100.0, None, instant(14))
    assert price.hearing(instant(14).monotonic) is Hearing.STREAM


def test_a_stream_is_mute_when_polls_show_twice_that_the_price_moved() -> None:
    price = begun()
    price.on_quote(100.0, None, instant(1))
    for second, polled in ((12, 100.0), (14, 101.0), (16, 101.0)):
        price.on_poll(polled, instant(second))
    assert not price.is_mute
    price.on_poll(102.0, instant(18))
    assert price.is_mute


def test_a_word_of_the_stream_shows_that_it_is_not_mute() -> None:
    price = begun()
    for second, polled in ((12, 100.0), (14, 101.0), (16, 102.0)):
        price.on_poll(polled, instant(second))
    price.on_quote(102.0, None, instant(19))
    assert not price.is_mute


def test_a_quiet_market_is_not_mute() -> None:
    price = begun()
    price.on_quote(100.0, None, instant(1))
    for second in range(12, 600, 2):
        price.on_poll(100.0, instant(second))
    assert not price.is_mute


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_time_never_goes_back_nor_runs_ahead_of_all_clocks(seed: int) -> None:
    rng = Random(seed)
    price, seconds, off, walls, last = begun(), 0.0, 0.0, [NOW], 0.0
    for _ in range(200):
        seconds += rng.uniform(0, 3)
        if rng.random() < 0.02:
            off = rng.uniform(-5000, 5000)
        now = instant(seconds, off)
        walls.append(now.wall)
        stamp = now.wall + rng.choice([0, -0.2, -5, 8, 1e9]) * rng.random()
        tick = price.on_trade(rng.uniform(1, 2), 1.0, stamp, now)
        if tick is not None:
            assert last <= tick.at <= max(walls)
            last = tick.at
