"""Prices and their change over a day of market time."""

import pytest

from tests.trading_tests.makers import BTC, NOW, make_bar, make_tick
from trading.engine.markets import Market, Markets
from trading.engine.prices import DAY_S, PriceChange


def make_market() -> Market:
    return Market(BTC, candles_kept=10)


def change_of(market: Market) -> PriceChange:
    change = market.change
    assert change is not None
    return change


def test_the_change_is_measured_from_a_day_ago() -> None:
    market = make_market()
    for minute in range(2 * 1_440 + 1):
        market.on_tick(make_tick(100.0 + minute, at=NOW + 60 * minute))
    change = change_of(market)
    reference = 100.0 + 1_440
    assert change.is_full_day
    assert change.change_pct == pytest.approx((100.0 + 2_880) / reference * 100 - 100, abs=0.4)


def test_before_a_day_has_passed_the_change_is_measured_from_the_start() -> None:
    market = make_market()
    market.on_tick(make_tick(100.0, at=NOW))
    market.on_tick(make_tick(101.0, at=NOW + 3_600))
    change = change_of(market)
    assert change.change_pct == pytest.approx(1.0)
    assert change.span_s == 3_600
    assert not change.is_full_day


def test_an_older_event_changes_nothing() -> None:
    market = make_market()
    market.on_tick(make_tick(100.0, at=NOW + 100))
    market.on_bar(make_bar(50.0, start=NOW))
    market.on_tick(make_tick(40.0, at=NOW + 99))
    assert change_of(market).price == 100.0
    assert market.at == NOW + 100


def test_memory_does_not_grow_with_the_number_of_ticks() -> None:
    market = make_market()
    for second in range(0, 3 * int(DAY_S), 30):
        market.on_tick(make_tick(100.0, at=NOW + second))
    assert len(market.samples._samples) <= DAY_S / 300 + 2


def test_a_price_of_zero_divides_nothing() -> None:
    market = make_market()
    market.on_tick(make_tick(0.0, at=NOW))
    market.on_tick(make_tick(1.0, at=NOW + 1))
    assert change_of(market).change_pct == 0.0


def test_before_the_first_price_there_is_no_change() -> None:
    assert make_market().change is None
    assert Markets([BTC], 10, 0.0).changes() == []


def test_a_candle_from_before_the_start_is_a_price_but_no_fresh_quote() -> None:
    markets = Markets([BTC], 10, NOW)
    market = markets.by_symbol[BTC]
    market.on_past_bar(make_bar(50.0, start=NOW - 60))
    markets.sample(NOW)
    assert market.price == 50.0
    assert markets.quote_age_s(market) == float("inf")
    market.on_tick(make_tick(51.0, at=NOW))
    markets.sample(NOW + 1)
    assert markets.quote_age_s(market) == 0.0
