"""The paper exchange after a restart: what it needs is in cash, holdings and open orders."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.trading_tests.brokers.paper_desk import (
    BTC,
    FREE,
    SWAP,
    Desk,
    fills_of,
    kinds_of,
    make_desk,
    make_exchange,
    make_order,
    only,
)
from trading.brokers.paper.terms import PaperTerms
from trading.model.market import Tick
from trading.model.order import OrderType, Side
from trading.model.order_states import OrderState
from trading.model.report import OrderAccepted, OrderCancelled, OrderFilled, OrderRejected

HALF = replace(FREE, volume_share=Decimal("0.5"))
FEES = PaperTerms(Decimal("0.002"), Decimal("0.001"), Decimal(0))


def test_a_stop_that_was_crossed_while_away_is_filled_at_the_first_price() -> None:
    desk = make_desk(btc=1)
    desk.place(Side.SELL, OrderType.BRACKET, 1, limit_price=110, stop_price=95, reduce_only=True)
    desk.tick(100.0)
    desk.restart()
    assert desk.exchange.busy == {BTC}
    assert fills_of(desk.tick(80.0, at=9_000.0)) == [(80.0, 1.0)]


def test_fills_keep_names_of_their_own_over_a_restart() -> None:
    desk = make_desk(terms=HALF)
    desk.place(Side.BUY, OrderType.MARKET, 2)
    desk.tick(100.0)
    desk.restart()
    desk.tick(100.0)
    desk.restart()
    desk.tick(100.0, size=5.0)
    assert [fill.fill_id for fill in desk.fills] == ["o1:0.5", "o1:1", "o1:2"]
    assert not desk.exchange.busy


def test_a_stop_limit_that_was_triggered_rests_as_a_limit() -> None:
    desk = make_desk(terms=FEES)
    desk.place(Side.BUY, OrderType.STOP_LIMIT, 1, stop_price=105, limit_price=104)
    desk.tick(105.0)
    desk.tick(105.0)
    desk.restart()
    fill = only(desk.tick(104.0), OrderFilled).fill
    assert (fill.price, fill.is_maker) == (Decimal(104), True)


@pytest.mark.parametrize(
    ("kind", "prices"),
    [
        (OrderType.STOP, {"stop_price": 95}),
        (OrderType.BRACKET, {"stop_price": 95, "limit_price": 110}),
    ],
)
def test_a_stop_that_was_reached_takes_any_price(kind: OrderType, prices: dict[str, int]) -> None:
    desk = make_desk(terms=HALF, btc=1)
    desk.place(Side.SELL, kind, 1, **prices)
    desk.tick(94.0)
    desk.restart()
    assert fills_of(desk.tick(111.0, size=9.0)) == [(111.0, 0.5)]


def test_a_limit_that_rested_before_the_restart_still_makes_the_price() -> None:
    desk = make_desk(terms=FEES)
    desk.place(Side.BUY, OrderType.LIMIT, 1, limit_price=95)
    desk.tick(96.0)
    desk.restart()
    assert only(desk.tick(95.0), OrderFilled).fill.is_maker


def test_a_limit_that_no_price_has_passed_by_still_takes() -> None:
    desk = make_desk(terms=FEES)
    desk.tick(96.0)
    desk.place(Side.BUY, OrderType.LIMIT, 1, limit_price=95)
    desk.restart()
    assert not only(desk.tick(95.0), OrderFilled).fill.is_maker


def test_what_was_triggered_in_a_candle_it_does_not_fill_by_its_past() -> None:
    desk = make_desk()
    desk.place(Side.BUY, OrderType.STOP_LIMIT, 1, stop_price=105, limit_price=99)
    desk.tick(98.0, at=10.0)
    desk.tick(105.0, at=20.0)
    desk.restart()
    assert desk.bar((100.0, 105.0, 98.0, 104.0), start=0.0) == []
    assert fills_of(desk.bar((104.0, 104.0, 98.0, 99.0))) == [(99.0, 1.0)]


def test_reserves_hold_after_a_restart() -> None:
    desk = make_desk(cash=200, btc=1)
    desk.place(Side.BUY, OrderType.LIMIT, 1, limit_price=150)
    desk.place(Side.SELL, OrderType.LIMIT, 1, limit_price=160)
    desk.restart()
    assert kinds_of(desk.place(Side.BUY, OrderType.LIMIT, 1, limit_price=60)) == [OrderRejected]
    assert kinds_of(desk.place(Side.SELL, OrderType.LIMIT, 1, limit_price=60)) == [OrderRejected]


@pytest.mark.parametrize("state", [OrderState.NEW, OrderState.SENT])
def test_an_order_that_was_on_its_way_arrives_now(state: OrderState) -> None:
    exchange = make_exchange(terms=replace(FREE, latency_s=1.0))
    order = replace(make_order(Side.BUY, OrderType.MARKET, 1, created_at=100.0), state=state)
    reports = exchange.restore(cash=Decimal(1000), holdings={}, orders=[order], at=200.0)
    assert only(reports, OrderAccepted).at == 100.0
    assert exchange.on_tick(Tick(BTC, 100.0, 1.0, 100.5)) == []
    assert fills_of(exchange.on_tick(Tick(BTC, 100.0, 1.0, 201.0))) == [(100.0, 1.0)]


def test_an_order_that_was_on_its_way_and_is_too_large_is_refused() -> None:
    order = make_order(Side.BUY, OrderType.LIMIT, 1, limit_price=100)
    exchange = make_exchange()
    reports = exchange.restore(cash=Decimal(99), holdings={}, orders=[order], at=1.0)
    assert kinds_of(reports) == [OrderRejected]


@pytest.mark.parametrize(
    "change", [{"state": OrderState.UNKNOWN}, {"state": OrderState.WORKING, "symbol": "X/USDT"}]
)
def test_an_order_that_cannot_be_at_the_exchange_is_given_up(change: dict[str, object]) -> None:
    order = replace(make_order(Side.BUY, OrderType.MARKET, 1), **change)  # type: ignore[arg-type]
    exchange = make_exchange()
    reports = exchange.restore(cash=Decimal(1000), holdings={}, orders=[order], at=1.0)
    assert only(reports, OrderCancelled).reason == "not known to the exchange"
    assert not exchange.busy


def test_ended_orders_are_left_alone() -> None:
    order = replace(make_order(Side.BUY, OrderType.MARKET, 1), state=OrderState.FILLED)
    exchange = make_exchange()
    assert exchange.restore(cash=Decimal(1), holdings={}, orders=[order], at=1.0) == []
    assert not exchange.busy


def test_the_set_of_busy_markets_stays_the_same_object() -> None:
    exchange = make_exchange(btc=1)
    busy = exchange.busy
    desk = Desk(exchange)
    desk.place(Side.SELL, OrderType.MARKET, 1)
    assert busy == {BTC}
    exchange.restore(cash=Decimal(1), holdings={}, orders=[], at=1.0)
    assert busy is exchange.busy
    assert not busy


def test_margin_is_reckoned_by_the_prices_that_are_handed_in() -> None:
    exchange = make_exchange(SWAP)
    order = make_order(Side.SELL, OrderType.LIMIT, 10, limit_price=100)
    held = {BTC: Decimal(-10)}
    exchange.restore(cash=Decimal(2000), holdings=held, orders=[], at=1.0, prices={BTC: 100.0})
    assert kinds_of(exchange.submit(order, 1.0)) == [OrderAccepted]
    exchange.restore(cash=Decimal(2000), holdings=held, orders=[], at=1.0, prices={BTC: 101.0})
    assert kinds_of(exchange.submit(order, 1.0)) == [OrderRejected]
