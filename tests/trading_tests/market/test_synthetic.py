"""The synthetic market: the same for a seed, whatever is asked, whenever it starts, at any pace."""

import threading
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice, pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemonkit.clock import ManualClock
from tests.trading_tests.market.market_files import bars_of, first_events, ticks_of
from tests.waiting import wait_until
from trading.market.candles import CandleBuilder
from trading.market.feed import time_of
from trading.market.settings import SyntheticSettings
from trading.market.simulated_symbol import SimulatedSymbol
from trading.market.synthetic import SyntheticFeed
from trading.model.market import Bar, Tick

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
START_S = int(START.timestamp())


def feed(
    *, clock: ManualClock | None = None, resume_at: float | None = None, **keys: Any
) -> SyntheticFeed:
    keys = {"start": START, "speed": 0, "history_candles": 3} | keys
    return SyntheticFeed(
        SyntheticSettings(**keys), clock=clock or ManualClock(), resume_at=resume_at
    )


def until(market: SyntheticFeed, end_s: float) -> list[Tick | Bar]:
    events: list[Tick | Bar] = []
    for event in market.events():
        if time_of(event) > end_s:
            return events
        events.append(event)
    raise AssertionError("the market ended")


def test_the_same_seed_gives_the_same_events() -> None:
    assert until(feed(), START_S + 130) == until(feed(), START_S + 130)
    assert until(feed(), START_S + 5) != until(feed(seed=2), START_S + 5)


def test_all_symbols_tick_at_every_interval_from_the_start_on() -> None:
    ticks = ticks_of(until(feed(tick_interval_s=5), START_S + 10))
    assert [(one.at - START_S, one.symbol) for one in ticks] == [
        (offset, symbol) for offset in (0, 5, 10) for symbol in ("BTC/USDT", "ETH/USDT", "SOL/USDT")
    ]


def test_closed_candles_come_before_the_ticks_of_their_end() -> None:
    events = [one for one in until(feed(), START_S + 60) if time_of(one) == START_S + 60]
    assert [type(one) for one in events] == [Bar, Bar, Bar, Tick, Tick, Tick]


@pytest.mark.parametrize("step_s", [0.1, 0.125, 0.5, 1, 2, 5, 20, 60])
def test_a_candle_of_the_history_is_what_its_ticks_add_up_to(step_s: float) -> None:
    history = feed(tick_interval_s=step_s, history_candles=30).history()
    # Long enough ago that blocks of the walk begin inside its candles.
    replayed = feed(tick_interval_s=step_s, start=datetime.fromtimestamp(START_S - 1800, UTC))
    assert list(history) == bars_of(until(replayed, START_S))


@settings(max_examples=40)
@given(
    start_s=st.integers(10**9, 2 * 10**9),
    candle_s=st.sampled_from([60, 300, 1500]),
    step_ms=st.sampled_from([100, 500, 1000, 3000, 20_000, 60_000]),
    symbol=st.sampled_from(["BTC/USDT", "ETH/BTC", "NEW/USD"]),
)
def test_any_candle_equals_the_aggregate_of_its_ticks(
    start_s: int, candle_s: int, step_ms: int, symbol: str
) -> None:
    start_s -= start_s % candle_s
    simulated = SimulatedSymbol(symbol, 7)
    candles = CandleBuilder(symbol, candle_s)
    for time_ms in range(start_s * 1000, (start_s + candle_s) * 1000, step_ms):
        candles.add(simulated.tick_at(time_ms))
    assert simulated.bar(start_s, candle_s, step_ms) == candles.close_until(start_s + candle_s)[0]


def test_history_is_regular_and_ends_where_the_market_begins() -> None:
    bars = [bar for bar in feed(history_candles=200).history() if bar.symbol == "ETH/USDT"]
    assert len(bars) == 200
    assert bars[-1].end == START_S
    assert all(after.start == before.end for before, after in pairwise(bars))


def test_history_has_all_symbols_in_the_order_of_time() -> None:
    bars = list(feed(history_candles=2).history())
    assert [bar.start for bar in bars] == sorted(bar.start for bar in bars)
    assert len(bars) == 6


def test_a_start_in_the_middle_of_a_candle_still_closes_it_whole() -> None:
    middle = feed(start=datetime.fromtimestamp(START_S + 25.3, UTC))
    events = until(middle, START_S + 60)
    assert time_of(events[0]) == START_S + 26
    assert bars_of(events) == bars_of(until(feed(), START_S + 60))
    assert list(middle.history())[-1].end == START_S


def test_a_restart_goes_on_with_the_same_market() -> None:
    whole = until(feed(), START_S + 200)
    before = [one for one in whole if time_of(one) <= START_S + 90]
    after = until(feed(resume_at=START_S + 90), START_S + 200)
    assert before + after == whole


def test_a_restart_knows_the_candles_that_closed_before_it() -> None:
    bars = list(feed(resume_at=START_S + 150, history_candles=2).history())
    assert {bar.end for bar in bars} == {START_S + 60, START_S + 120}
    assert bars == bars_of(until(feed(), START_S + 120))


def test_without_a_start_the_market_begins_now() -> None:
    market = feed(clock=ManualClock(wall=START_S + 0.5), start=None)
    assert first_events(market, 1)[0] == until(feed(), START_S + 1)[3]


def test_a_restart_never_goes_back_behind_what_was_played() -> None:
    market = feed(clock=ManualClock(wall=START_S), start=None, resume_at=START_S + 7200)
    assert time_of(first_events(market, 1)[0]) == START_S + 7201


@pytest.mark.parametrize("speed", [0, 60, 100_000])
def test_what_happens_does_not_depend_on_the_pace(speed: float) -> None:
    clock = ManualClock()
    market = feed(clock=clock, speed=speed)
    expected = until(feed(), START_S + 65)
    events: list[Tick | Bar] = []
    stop = threading.Event()

    def publish(event: Tick | Bar) -> None:
        events.append(event)
        if len(events) == len(expected):
            stop.set()
        # Whole seconds, fractions and nothing at all pass between two events.
        clock.advance((0.0, 1.0, 0.013, 7.5)[len(events) % 4])

    market.run(publish, stop)
    assert events == expected


def test_prices_are_above_zero_and_in_sensible_steps() -> None:
    symbols = ("BTC/USDT", "ETH/USDT", "XRP/USDT", "DOGE/USDT", "ETH/BTC", "XRP/ETH", "NOBODY/USD")
    for one in islice(feed(symbols=symbols).events(), 700):
        price = one.price if isinstance(one, Tick) else one.close
        assert price > 0
        assert len(Decimal(repr(price)).as_tuple().digits) <= 7


def test_well_known_assets_have_their_usual_prices() -> None:
    seen = {one.symbol: one.price for one in ticks_of(until(feed(), START_S))}
    assert 40_000 < seen["BTC/USDT"] < 160_000
    assert 1_000 < seen["ETH/USDT"] < 9_000
    assert 30 < seen["SOL/USDT"] < 700


def test_an_unknown_asset_gets_a_price_by_the_seed() -> None:
    prices = [ticks_of(until(feed(symbols=("NEW/USD",), seed=seed), START_S)) for seed in (1, 1, 2)]
    assert prices[0] == prices[1] != prices[2]


def test_the_market_moves() -> None:
    closes = [bar.close for bar in feed(history_candles=300).history() if bar.symbol == "BTC/USDT"]
    assert len(set(closes)) > 250


def test_it_describes_itself() -> None:
    assert feed(speed=60).description == (
        "built-in market of BTC/USDT, ETH/USDT, SOL/USDT, seed 1, 60x speed"
    )
    assert feed().description.endswith("as fast as possible")


def test_a_stop_ends_a_wait_at_once() -> None:
    stop = threading.Event()
    events: list[Tick | Bar] = []
    market = feed(clock=ManualClock(), speed=1, tick_interval_s=60)
    thread = threading.Thread(target=market.run, args=(events.append, stop))
    thread.start()
    wait_until(lambda: len(events) == 3, 5, "the first ticks")
    stop.set()
    thread.join(5)
    assert not thread.is_alive()
    assert len(events) == 3
