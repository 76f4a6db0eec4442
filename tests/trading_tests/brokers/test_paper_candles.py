"""Which orders a candle fills at the paper exchange: the worse order of events, never twice."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.trading_tests.brokers.paper_desk import (
    BTC,
    FREE,
    Desk,
    fills_of,
    kinds_of,
    make_desk,
    only,
)
from trading.brokers.paper.terms import PaperTerms
from trading.market.replay import events_of_candles
from trading.model.market import Bar, Tick
from trading.model.order import OrderType, Side
from trading.model.report import OrderFilled, OrderTriggered

COSTLY = PaperTerms(
    fee_taker=Decimal("0.002"), fee_maker=Decimal("0.001"), slippage=Decimal("0.01")
)
HALF = replace(FREE, volume_share=Decimal("0.5"))


def protected(kind: OrderType = OrderType.BRACKET) -> Desk:
    """Hold a coin with a stop at 95 and, for a bracket, a target at 110."""
    desk = make_desk(btc=1)
    desk.place(Side.SELL, kind, 1, limit_price=110, stop_price=95, reduce_only=True)
    return desk


def test_a_market_order_is_filled_at_the_open_of_the_next_candle() -> None:
    desk = make_desk(terms=COSTLY)
    desk.bar((90.0, 91.0, 89.0, 90.0))
    desk.place(Side.BUY, OrderType.MARKET, 1)
    fill = only(desk.bar((100.0, 120.0, 80.0, 110.0)), OrderFilled).fill
    assert (fill.price, fill.at) == (Decimal(101), 60.0)


def test_stop_and_target_in_one_candle_are_the_stop() -> None:
    fill = only(protected().bar((100.0, 111.0, 94.0, 110.0)), OrderFilled).fill
    assert (fill.price, fill.is_maker, fill.at) == (Decimal(95), False, 60.0)


def test_separate_stop_and_target_in_one_candle_are_the_stop() -> None:
    desk = make_desk(btc=1)
    desk.place(Side.SELL, OrderType.LIMIT, 1, limit_price=110, reduce_only=True)
    desk.place(Side.SELL, OrderType.STOP, 1, stop_price=95, reduce_only=True)
    reports = desk.bar((100.0, 111.0, 94.0, 110.0))
    assert fills_of(reports) == [(95.0, 1.0)]
    assert [report.order_id for report in reports] == ["o2", "o1"]


def test_a_gap_through_a_stop_is_filled_at_the_open() -> None:
    assert fills_of(protected().bar((90.0, 111.0, 89.0, 100.0))) == [(90.0, 1.0)]


def test_a_gap_through_a_target_is_filled_at_the_open() -> None:
    assert fills_of(protected().bar((112.0, 113.0, 90.0, 100.0))) == [(112.0, 1.0)]


def test_a_target_within_a_candle_is_filled_at_its_price_as_a_maker() -> None:
    fill = only(protected().bar((100.0, 115.0, 95.01, 96.0)), OrderFilled).fill
    assert (fill.price, fill.is_maker) == (Decimal(110), True)


def test_a_stop_within_a_candle_pays_slippage_even_below_its_low() -> None:
    desk = make_desk(terms=COSTLY, btc=1)
    desk.place(Side.SELL, OrderType.STOP, 1, stop_price=95)
    assert fills_of(desk.bar((100.0, 100.0, 95.0, 100.0))) == [(94.05, 1.0)]


@pytest.mark.parametrize("touched", [95.0, 94.0])
def test_a_limit_is_filled_at_its_price_when_the_candle_reaches_it(touched: float) -> None:
    desk = make_desk()
    desk.place(Side.BUY, OrderType.LIMIT, 1, limit_price=95)
    assert desk.bar((100.0, 101.0, 95.01, 100.0)) == []
    assert fills_of(desk.bar((100.0, 101.0, touched, 100.0))) == [(95.0, 1.0)]


def test_a_candle_counts_only_for_orders_that_had_arrived_when_it_began() -> None:
    desk = make_desk(terms=replace(FREE, latency_s=0.001), btc=1)
    desk.place(Side.SELL, OrderType.STOP, 1, stop_price=95)
    desk.place(Side.BUY, OrderType.MARKET, 1)
    assert desk.bar((90.0, 111.0, 89.0, 100.0)) == []
    assert fills_of(desk.bar((94.0, 111.0, 89.0, 100.0))) == [(94.0, 1.0), (94.0, 1.0)]


def test_a_stop_limit_that_is_triggered_at_the_open_is_filled_in_the_candle() -> None:
    desk = make_desk()
    desk.place(Side.BUY, OrderType.STOP_LIMIT, 1, stop_price=105, limit_price=104)
    reports = desk.bar((105.0, 106.0, 104.0, 105.0))
    assert kinds_of(reports) == [OrderTriggered, OrderFilled]
    assert fills_of(reports) == [(104.0, 1.0)]


def test_a_stop_limit_that_is_triggered_within_a_candle_waits_for_the_next() -> None:
    desk = make_desk()
    desk.place(Side.BUY, OrderType.STOP_LIMIT, 1, stop_price=105, limit_price=104)
    assert kinds_of(desk.bar((100.0, 106.0, 99.0, 105.0))) == [OrderTriggered]
    assert fills_of(desk.bar((105.0, 106.0, 103.0, 105.0))) == [(104.0, 1.0)]


def test_a_candle_fills_a_share_of_its_volume_once_at_its_open_and_within() -> None:
    desk = make_desk(terms=HALF, btc=5)
    desk.place(Side.SELL, OrderType.MARKET, 1)
    desk.place(Side.SELL, OrderType.STOP, 4, stop_price=95)
    reports = desk.bar((100.0, 101.0, 94.0, 100.0), volume=5.0)
    assert fills_of(reports) == [(100.0, 1.0), (95.0, 1.5)]
    assert fills_of(desk.bar((99.0, 99.0, 99.0, 99.0), volume=4.0)) == [(99.0, 2.0)]
    assert fills_of(desk.bar((98.0, 98.0, 98.0, 98.0), volume=4.0)) == [(98.0, 0.5)]


def test_a_candle_without_volume_fills_nothing_where_the_share_matters() -> None:
    desk = make_desk(terms=HALF, btc=1)
    desk.place(Side.SELL, OrderType.STOP, 1, stop_price=95)
    assert desk.bar((90.0, 90.0, 90.0, 90.0), volume=0.0) == []
    assert fills_of(desk.bar((91.0, 91.0, 91.0, 91.0), volume=9.0)) == [(91.0, 1.0)]


def test_the_range_of_a_candle_begins_with_its_open() -> None:
    desk = protected()
    candle = Bar(BTC, 0.0, 60, 112.0, 113.0, 90.0, 100.0, 1.0)
    assert fills_of(desk.exchange.on_bar_range(candle)) == [(112.0, 1.0)]


def test_a_broken_candle_fills_nothing() -> None:
    assert protected().bar((100.0, 94.0, 111.0, 100.0)) == []


def test_what_ticks_filled_in_part_the_candle_does_not_fill_again() -> None:
    desk = make_desk(terms=HALF)
    desk.place(Side.BUY, OrderType.MARKET, 2)
    assert fills_of(desk.tick(100.0, at=30.0, size=1.0)) == [(100.0, 0.5)]
    assert desk.bar((100.0, 100.0, 99.0, 100.0), start=0.0, volume=9.0) == []


def test_what_a_tick_triggered_the_candle_does_not_fill_by_its_past() -> None:
    desk = make_desk()
    desk.place(Side.BUY, OrderType.STOP_LIMIT, 1, stop_price=105, limit_price=99)
    for at, price in ((10.0, 98.0), (20.0, 105.0), (59.0, 104.0)):
        desk.tick(price, at=at)
    assert desk.orders["o1"].is_triggered
    assert desk.bar((100.0, 105.0, 98.0, 104.0), start=0.0) == []
    assert fills_of(desk.bar((104.0, 104.0, 98.0, 99.0))) == [(99.0, 1.0)]


def test_what_was_placed_within_a_candle_it_does_not_fill() -> None:
    desk = make_desk()
    desk.tick(100.0, at=30.0)
    desk.place(Side.BUY, OrderType.LIMIT, 1, limit_price=95)
    desk.place(Side.BUY, OrderType.MARKET, 1)
    assert desk.bar((100.0, 101.0, 90.0, 100.0), start=0.0) == []


def test_the_volume_of_ticks_is_not_used_a_second_time_by_their_candle() -> None:
    desk = make_desk(terms=HALF)
    desk.place(Side.BUY, OrderType.LIMIT, 1, limit_price=95)
    desk.place(Side.BUY, OrderType.MARKET, 1)
    assert fills_of(desk.tick(100.0, at=59.0, size=2.0)) == [(100.0, 1.0)]
    assert desk.bar((100.0, 101.0, 90.0, 100.0), start=0.0, volume=2.0) == []


def candle_events(*bars: Bar) -> list[Tick | Bar]:
    """Return what a file of candles is played as."""
    return list(events_of_candles(bars))


def play(desk: Desk, events: list[Tick | Bar]) -> None:
    """Let events happen, as the core passes them on."""
    for event in events:
        if isinstance(event, Tick):
            desk.tick(event.price, event.at, size=event.size)
        else:
            prices = (event.open, event.high, event.low, event.close)
            desk.bar(prices, start=event.start, volume=event.volume)


def test_a_replayed_candle_fills_a_market_order_at_its_open() -> None:
    desk = make_desk()
    desk.place(Side.BUY, OrderType.MARKET, 1)
    play(desk, candle_events(Bar(BTC, 60.0, 60, 100.0, 102.0, 99.0, 101.0, 5.0)))
    assert [(fill.price, fill.at) for fill in desk.fills] == [(Decimal(100), 60.0)]


def test_a_replayed_candle_reaches_a_stop_between_its_prices() -> None:
    desk = protected()
    play(desk, candle_events(Bar(BTC, 60.0, 60, 100.0, 111.0, 94.0, 101.0, 5.0)))
    assert [(fill.price, fill.at) for fill in desk.fills] == [(Decimal(95), 120.0)]


def test_a_replayed_candle_with_a_share_of_its_volume_fills_at_its_close() -> None:
    desk = make_desk(terms=HALF)
    desk.place(Side.BUY, OrderType.MARKET, 3)
    play(desk, candle_events(Bar(BTC, 60.0, 60, 100.0, 102.0, 99.0, 101.0, 4.0)))
    assert [(fill.price, fill.quantity) for fill in desk.fills] == [(Decimal(101), Decimal(2))]


def test_a_candle_whose_ticks_were_all_seen_changes_nothing() -> None:
    desk = protected()
    for at, price in ((0.0, 100.0), (10.0, 109.99), (20.0, 95.01), (59.0, 100.0)):
        desk.tick(price, at)
    assert desk.bar((100.0, 109.99, 95.01, 100.0), start=0.0) == []
