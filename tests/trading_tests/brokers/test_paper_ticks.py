"""Which orders a tick fills at the paper exchange, and at what price."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.trading_tests.brokers.paper_desk import (
    BTC,
    ETH,
    FREE,
    NAN,
    fills_of,
    kinds_of,
    make_desk,
    only,
)
from trading.brokers.paper.terms import PaperTerms
from trading.model.order import OrderType, Side
from trading.model.report import OrderAccepted, OrderCancelled, OrderFilled, OrderTriggered

COSTLY = PaperTerms(
    fee_taker=Decimal("0.002"), fee_maker=Decimal("0.001"), slippage=Decimal("0.01")
)


def test_a_market_order_is_filled_by_the_next_tick_and_not_by_the_one_before() -> None:
    desk = make_desk()
    desk.tick(90.0)
    assert kinds_of(desk.place(Side.BUY, OrderType.MARKET, 2)) == [OrderAccepted]
    assert desk.exchange.busy == {BTC}
    fill = only(desk.tick(100.0, 7.0), OrderFilled).fill
    assert (fill.price, fill.quantity) == (Decimal(100), Decimal(2))
    assert (fill.at, fill.side) == (7.0, Side.BUY)
    assert (fill.account, fill.order_id, fill.symbol) == ("main", "o1", BTC)
    assert desk.exchange.cash == 800
    assert desk.exchange.holdings == {BTC: Decimal(2)}
    assert not desk.exchange.busy


def test_a_tick_of_the_same_moment_comes_after_the_order_if_it_is_told_after_it() -> None:
    desk = make_desk()
    desk.place(Side.BUY, OrderType.MARKET, 1)
    assert fills_of(desk.tick(100.0, at=0.0)) == [(100.0, 1.0)]


def test_who_takes_pays_slippage_rounded_against_him_and_the_taker_fee() -> None:
    desk = make_desk(terms=COSTLY, btc=5)
    desk.place(Side.BUY, OrderType.MARKET, 1)
    bought = only(desk.tick(33.333), OrderFilled).fill
    assert bought.price == Decimal("33.67")
    assert (bought.fee, bought.fee_currency, bought.is_maker) == (
        Decimal("0.06734"),
        "USDT",
        False,
    )
    desk.place(Side.SELL, OrderType.MARKET, 1)
    sold = only(desk.tick(33.333), OrderFilled).fill
    assert sold.price == Decimal("32.99")


def test_a_tick_of_another_market_fills_nothing() -> None:
    desk = make_desk()
    desk.place(Side.BUY, OrderType.MARKET, 1)
    assert desk.tick(100.0, symbol=ETH) == []
    assert fills_of(desk.tick(101.0)) == [(101.0, 1.0)]


def test_an_order_arrives_after_the_latency() -> None:
    desk = make_desk(terms=replace(FREE, latency_s=0.5))
    desk.place(Side.BUY, OrderType.MARKET, 1)
    assert desk.tick(100.0, at=0.4) == []
    assert fills_of(desk.tick(101.0, at=0.5)) == [(101.0, 1.0)]


def test_a_limit_that_rested_is_filled_when_the_price_comes_and_pays_the_maker_fee() -> None:
    desk = make_desk(terms=COSTLY)
    desk.place(Side.BUY, OrderType.LIMIT, 1, limit_price=95)
    assert desk.tick(96.0) == []
    fill = only(desk.tick(95.0), OrderFilled).fill
    assert (fill.price, fill.fee, fill.is_maker) == (Decimal(95), Decimal("0.095"), True)


@pytest.mark.parametrize(("side", "away", "gap"), [(Side.BUY, 96.0, 93.0), (Side.SELL, 94.0, 97.5)])
def test_a_gap_beyond_a_limit_is_filled_at_the_better_price(
    side: Side, away: float, gap: float
) -> None:
    desk = make_desk(btc=1)
    desk.place(side, OrderType.LIMIT, 1, limit_price=95)
    assert desk.tick(away) == []
    assert fills_of(desk.tick(gap)) == [(gap, 1.0)]


def test_a_limit_that_is_reached_on_arrival_takes_but_never_beyond_its_price() -> None:
    desk = make_desk(terms=COSTLY)
    desk.place(Side.BUY, OrderType.LIMIT, 1, limit_price=95)
    fill = only(desk.tick(94.5), OrderFilled).fill
    assert (fill.price, fill.fee, fill.is_maker) == (Decimal(95), Decimal("0.19"), False)
    desk.place(Side.BUY, OrderType.LIMIT, 1, limit_price=95)
    assert fills_of(desk.tick(90.0)) == [(90.9, 1.0)]


def test_a_limit_does_not_rest_before_it_arrives() -> None:
    desk = make_desk(terms=replace(COSTLY, latency_s=5.0))
    desk.place(Side.BUY, OrderType.LIMIT, 1, limit_price=95)
    assert desk.tick(96.0, at=1.0) == []
    assert not only(desk.tick(90.0, at=6.0), OrderFilled).fill.is_maker


def test_a_stop_is_filled_at_the_price_that_reached_it() -> None:
    desk = make_desk(btc=1)
    desk.place(Side.SELL, OrderType.STOP, 1, stop_price=95, reduce_only=True)
    assert desk.tick(95.01) == []
    assert fills_of(desk.tick(95.0)) == [(95.0, 1.0)]


def test_a_gap_through_a_stop_is_filled_at_the_worse_price_with_slippage() -> None:
    desk = make_desk(terms=COSTLY, btc=1)
    desk.place(Side.SELL, OrderType.STOP, 1, stop_price=95)
    desk.tick(96.0)
    fill = only(desk.tick(80.0), OrderFilled).fill
    assert (fill.price, fill.is_maker) == (Decimal("79.2"), False)


def test_a_stop_that_buys_waits_for_a_higher_price() -> None:
    desk = make_desk()
    desk.place(Side.BUY, OrderType.STOP, 1, stop_price=105)
    assert desk.tick(104.0) == []
    assert fills_of(desk.tick(106.0)) == [(106.0, 1.0)]


def test_a_stop_limit_rests_as_a_limit_once_it_is_triggered() -> None:
    desk = make_desk()
    desk.place(Side.BUY, OrderType.STOP_LIMIT, 1, stop_price=105, limit_price=104)
    assert desk.tick(103.0) == []
    assert kinds_of(desk.tick(105.0)) == [OrderTriggered]
    assert desk.tick(104.5) == []
    fill = only(desk.tick(104.0), OrderFilled).fill
    assert (fill.price, fill.is_maker) == (Decimal(104), True)


def test_a_stop_limit_that_could_be_filled_when_triggered_takes_the_next_price() -> None:
    desk = make_desk(terms=COSTLY)
    desk.place(Side.BUY, OrderType.STOP_LIMIT, 1, stop_price=105, limit_price=110)
    assert kinds_of(desk.tick(106.0)) == [OrderTriggered]
    fill = only(desk.tick(106.0), OrderFilled).fill
    assert (fill.price, fill.is_maker) == (Decimal("107.06"), False)


@pytest.mark.parametrize(("price", "is_maker"), [(110.0, True), (94.0, False)])
def test_one_leg_of_a_bracket_cancels_the_other(price: float, is_maker: bool) -> None:
    desk = make_desk(btc=1)
    desk.place(Side.SELL, OrderType.BRACKET, 1, limit_price=110, stop_price=95, reduce_only=True)
    assert desk.tick(100.0) == []
    fill = only(desk.tick(price), OrderFilled).fill
    assert (float(fill.price), fill.is_maker) == (price, is_maker)
    assert not desk.exchange.busy
    assert desk.tick(95.0) == desk.tick(110.0) == []


def test_a_bracket_of_a_short_position_buys() -> None:
    desk = make_desk(terms=FREE, btc=0)
    desk.place(Side.BUY, OrderType.BRACKET, 1, limit_price=90, stop_price=105)
    assert desk.tick(100.0) == []
    assert fills_of(desk.tick(106.0)) == [(106.0, 1.0)]


def test_fills_have_names_of_their_own() -> None:
    desk = make_desk(terms=replace(FREE, volume_share=Decimal("0.5")))
    desk.place(Side.BUY, OrderType.MARKET, 3)
    for _ in range(4):
        desk.tick(100.0, size=1.0)
    assert [fill.fill_id for fill in desk.fills] == ["o1:0.5", "o1:1", "o1:1.5", "o1:2"]


def test_orders_of_one_market_share_the_volume_of_a_tick_oldest_first() -> None:
    desk = make_desk(terms=replace(FREE, volume_share=Decimal("0.25")))
    desk.place(Side.BUY, OrderType.MARKET, 1)
    desk.place(Side.BUY, OrderType.MARKET, 1)
    assert fills_of(desk.tick(100.0, size=5.0)) == [(100.0, 1.0), (100.0, 0.25)]
    assert fills_of(desk.tick(100.0, size=0.0)) == []
    assert fills_of(desk.tick(100.0, size=0.003)) == []
    assert fills_of(desk.tick(101.0, size=100.0)) == [(101.0, 0.75)]


def test_without_a_share_of_the_volume_a_price_is_enough() -> None:
    desk = make_desk()
    desk.place(Side.BUY, OrderType.MARKET, 1)
    assert fills_of(desk.tick(100.0, size=0.0)) == [(100.0, 1.0)]


def test_a_stop_that_found_too_little_volume_takes_any_price_from_then_on() -> None:
    desk = make_desk(terms=replace(FREE, volume_share=Decimal("0.5")), btc=1)
    desk.place(Side.SELL, OrderType.BRACKET, 1, limit_price=110, stop_price=95, reduce_only=True)
    reports = desk.tick(94.0, size=1.0)
    assert kinds_of(reports) == [OrderTriggered, OrderFilled]
    assert fills_of(reports) == [(94.0, 0.5)]
    assert fills_of(desk.tick(96.0, size=0.5)) == [(96.0, 0.25)]
    assert fills_of(desk.tick(111.0, size=9.0)) == [(111.0, 0.25)]
    assert not desk.fills[-1].is_maker


def test_what_a_target_left_is_still_stopped() -> None:
    desk = make_desk(terms=replace(FREE, volume_share=Decimal("0.5")), btc=1)
    desk.place(Side.SELL, OrderType.BRACKET, 1, limit_price=110, stop_price=95, reduce_only=True)
    assert fills_of(desk.tick(110.0, size=0.5)) == [(110.0, 0.25)]
    assert fills_of(desk.tick(94.0, size=10.0)) == [(94.0, 0.75)]
    assert not desk.exchange.busy


def test_in_a_quiet_market_market_orders_are_filled_at_the_last_price_and_no_other() -> None:
    desk = make_desk(terms=replace(COSTLY, volume_share=Decimal("0.1")), btc=1)
    desk.place(Side.SELL, OrderType.MARKET, 1)
    desk.place(Side.BUY, OrderType.LIMIT, 1, limit_price=120)
    assert fills_of(desk.quiet(100.0)) == [(99.0, 1.0)]
    assert desk.exchange.busy == {BTC}


def test_silence_lasts_longer_than_the_latency_though_market_time_stands_still() -> None:
    desk = make_desk(terms=replace(FREE, latency_s=0.5))
    desk.tick(100.0, at=7.0)
    desk.place(Side.BUY, OrderType.MARKET, 1)
    assert only(desk.quiet(100.0, at=7.0), OrderFilled).fill.at == 7.5


@pytest.mark.parametrize("price", [NAN, 0.0, -1.0, float("inf")])
def test_a_price_that_is_none_fills_nothing(price: float) -> None:
    desk = make_desk()
    desk.place(Side.BUY, OrderType.MARKET, 1)
    assert desk.tick(price) == []
    assert desk.quiet(price) == []
    assert desk.bar((price, price, price, price)) == []
    assert fills_of(desk.tick(100.0)) == [(100.0, 1.0)]


@pytest.mark.parametrize("size", [NAN, -1.0, float("inf")])
def test_a_size_that_is_none_is_no_volume(size: float) -> None:
    desk = make_desk(terms=replace(FREE, volume_share=Decimal(1)))
    desk.place(Side.BUY, OrderType.MARKET, 1)
    assert desk.tick(100.0, size=size) == []


def test_a_price_below_one_step_is_sold_at_one_step() -> None:
    desk = make_desk(btc=1)
    desk.place(Side.SELL, OrderType.MARKET, 1)
    assert fills_of(desk.tick(0.001)) == [(0.01, 1.0)]


def test_a_cancel_ends_what_is_left_and_a_second_one_finds_nothing() -> None:
    desk = make_desk(terms=replace(FREE, volume_share=Decimal(1)))
    desk.place(Side.BUY, OrderType.MARKET, 2)
    desk.tick(100.0)
    report = only(desk.cancel("o1"), OrderCancelled)
    assert (report.reason, report.at) == ("cancelled", 1.0)
    assert desk.orders["o1"].remaining == 1
    assert desk.cancel("o1") == []
    assert desk.exchange.cancel("never", 1.0) == []
    assert not desk.exchange.busy
    assert desk.tick(100.0) == []


def test_one_tick_reports_what_happens_in_the_order_of_arrival() -> None:
    desk = make_desk(btc=3)
    desk.place(Side.SELL, OrderType.STOP, 1, stop_price=95)
    desk.place(Side.SELL, OrderType.MARKET, 1)
    desk.place(Side.BUY, OrderType.LIMIT, 1, limit_price=95)
    assert [report.order_id for report in desk.tick(94.0)] == ["o1", "o2", "o3"]
