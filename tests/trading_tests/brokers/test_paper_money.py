"""What an account on paper can pay for: no negative cash, no coins it has not, no more margin."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.trading_tests.brokers.paper_desk import (
    BTC,
    ETH,
    FREE,
    SWAP,
    fills_of,
    kinds_of,
    make_desk,
    only,
)
from trading.brokers.paper.terms import PaperTerms
from trading.model.account import MarketType
from trading.model.order import OrderType, Side
from trading.model.report import OrderAccepted, OrderCancelled, OrderFilled, OrderRejected

FEES = PaperTerms(fee_taker=Decimal("0.01"), fee_maker=Decimal("0.005"), slippage=Decimal("0.01"))
LONG_ONLY = replace(SWAP, can_short=False)


def test_working_buys_reserve_cash_with_the_fee_until_they_are_cancelled() -> None:
    desk = make_desk(terms=FEES, cash=202)
    assert kinds_of(desk.place(Side.BUY, OrderType.LIMIT, 1, limit_price=100)) == [OrderAccepted]
    refused = desk.place(Side.BUY, OrderType.LIMIT, "1.001", limit_price=100)
    assert only(refused, OrderRejected).reason == (
        "not enough USDT: 101.10100 needed with fees, 101.00 free"
    )
    desk.cancel("o1")
    assert kinds_of(desk.place(Side.BUY, OrderType.LIMIT, 2, limit_price=100)) == [OrderAccepted]


def test_a_limit_that_reserved_everything_is_filled_whole() -> None:
    desk = make_desk(terms=FEES, cash=202)
    desk.place(Side.BUY, OrderType.LIMIT, 2, limit_price=100)
    assert fills_of(desk.tick(100.0)) == [(100.0, 2.0)]
    assert desk.exchange.cash == 0


def test_working_sells_reserve_coins() -> None:
    desk = make_desk(btc=2, eth=5)
    desk.place(Side.SELL, OrderType.LIMIT, "1.5", limit_price=100)
    refused = only(desk.place(Side.SELL, OrderType.MARKET, 1), OrderRejected)
    assert refused.reason == "not enough BTC/USDT: 1 to sell, 0.5 free"
    assert kinds_of(desk.place(Side.SELL, OrderType.MARKET, 5, symbol=ETH)) == [OrderAccepted]
    assert kinds_of(desk.place(Side.SELL, OrderType.MARKET, "0.5")) == [OrderAccepted]


def test_an_exit_that_only_reduces_reserves_nothing() -> None:
    desk = make_desk(btc=1)
    exit_pair = {"limit_price": 110, "stop_price": 95, "reduce_only": True}
    desk.place(Side.SELL, OrderType.BRACKET, 1, **exit_pair)
    assert kinds_of(desk.place(Side.SELL, OrderType.MARKET, 1)) == [OrderAccepted]


def test_coins_that_are_not_there_are_not_sold() -> None:
    desk = make_desk()
    assert kinds_of(desk.place(Side.SELL, OrderType.MARKET, 1)) == [OrderRejected]


def test_a_market_order_is_refused_by_the_last_price_or_by_what_it_may_cost() -> None:
    desk = make_desk(cash=100)
    assert kinds_of(desk.place(Side.BUY, OrderType.MARKET, 1, reserve_price=101)) == [OrderRejected]
    assert kinds_of(desk.place(Side.BUY, OrderType.MARKET, 1, reserve_price=100)) == [OrderAccepted]
    assert kinds_of(desk.place(Side.BUY, OrderType.MARKET, 1, reserve_price=1)) == [OrderRejected]


def test_a_market_order_buys_what_the_cash_is_enough_for_and_no_more() -> None:
    desk = make_desk(cash=100)
    desk.place(Side.BUY, OrderType.MARKET, 1)
    reports = desk.tick(150.0)
    assert fills_of(reports) == [(150.0, 0.666)]
    assert isinstance(reports[-1], OrderCancelled)
    assert reports[-1].reason == "not enough USDT"
    assert desk.exchange.cash == Decimal("0.1")


def test_a_market_order_leaves_alone_what_a_limit_has_reserved() -> None:
    desk = make_desk(cash=200)
    desk.place(Side.BUY, OrderType.LIMIT, 1, limit_price=100)
    desk.place(Side.BUY, OrderType.MARKET, 1, reserve_price=100)
    assert fills_of(desk.tick(125.0)) == [(125.0, 0.8)]
    assert fills_of(desk.tick(100.0)) == [(100.0, 1.0)]
    assert desk.exchange.cash == 0


def test_a_limit_has_its_reserve_however_dear_another_market_becomes() -> None:
    desk = make_desk(terms=replace(FREE, latency_s=5.0), cash=200)
    desk.place(Side.BUY, OrderType.LIMIT, 1, limit_price=100)
    desk.tick(101.0, at=1.0)
    desk.place(Side.BUY, OrderType.MARKET, 1, symbol=ETH)
    desk.tick(150.0, at=2.0, symbol=ETH)
    assert fills_of(desk.tick(100.0, at=5.0)) == [(100.0, 1.0)]
    assert fills_of(desk.tick(150.0, at=6.0, symbol=ETH)) == [(150.0, 0.66)]


def test_with_nothing_to_pay_from_a_market_order_is_cancelled() -> None:
    desk = make_desk(cash=0)
    desk.place(Side.BUY, OrderType.MARKET, 1, reserve_price="0.01")
    assert kinds_of(desk.reports) == [OrderRejected]
    desk = make_desk(cash=1)
    desk.place(Side.BUY, OrderType.MARKET, 1, reserve_price=1)
    assert kinds_of(desk.tick(10_000.0)) == [OrderCancelled]


def test_reducing_is_clipped_to_what_is_held() -> None:
    desk = make_desk(btc="0.5")
    desk.place(Side.SELL, OrderType.STOP, 1, stop_price=95, reduce_only=True)
    reports = desk.tick(94.0)
    assert fills_of(reports) == [(94.0, 0.5)]
    assert isinstance(reports[-1], OrderCancelled)
    assert reports[-1].reason == "reduce only: nothing more is held"


@pytest.mark.parametrize("held", ["0", "0.0009"])
def test_reducing_nothing_is_cancelled_with_the_reason(held: str) -> None:
    desk = make_desk(btc=held)
    desk.place(Side.SELL, OrderType.MARKET, 1, reduce_only=True)
    report = only(desk.tick(94.0), OrderCancelled)
    assert report.reason == "reduce only: nothing more is held"


def test_of_two_exits_the_second_finds_nothing() -> None:
    desk = make_desk(btc=1)
    desk.place(Side.SELL, OrderType.MARKET, 1, reduce_only=True)
    desk.place(Side.SELL, OrderType.MARKET, 1, reduce_only=True)
    assert kinds_of(desk.tick(100.0)) == [OrderFilled, OrderCancelled]
    assert desk.exchange.holdings == {}


def test_reducing_never_turns_a_short_position() -> None:
    desk = make_desk(SWAP, btc="-0.5", cash=1000)
    desk.place(Side.BUY, OrderType.MARKET, 1, reduce_only=True)
    assert fills_of(desk.tick(100.0)) == [(100.0, 0.5)]
    desk.place(Side.BUY, OrderType.MARKET, 1, reduce_only=True)
    assert kinds_of(desk.tick(100.0)) == [OrderCancelled]


def test_reducing_the_wrong_way_is_cancelled() -> None:
    desk = make_desk(SWAP, btc=1)
    desk.place(Side.BUY, OrderType.MARKET, 1, reduce_only=True)
    assert kinds_of(desk.tick(100.0)) == [OrderCancelled]


def test_a_swap_is_sold_short_and_bought_back() -> None:
    desk = make_desk(SWAP, cash=1000)
    desk.place(Side.SELL, OrderType.MARKET, 5)
    desk.tick(100.0)
    assert desk.exchange.holdings == {BTC: Decimal(-5)}
    assert desk.exchange.cash == 1500
    desk.place(Side.BUY, OrderType.MARKET, 7)
    desk.tick(90.0)
    assert desk.exchange.holdings == {BTC: Decimal(2)}
    assert desk.exchange.cash == 870


@pytest.mark.parametrize("market_type", [MarketType.SWAP, MarketType.MARGIN])
def test_positions_and_open_orders_are_bound_by_the_leverage(market_type: MarketType) -> None:
    desk = make_desk(replace(SWAP, market_type=market_type), cash=100)
    assert kinds_of(desk.place(Side.BUY, OrderType.LIMIT, 1, limit_price=100)) == [OrderAccepted]
    assert kinds_of(desk.place(Side.BUY, OrderType.LIMIT, 1, limit_price=100)) == [OrderAccepted]
    refused = only(desk.place(Side.BUY, OrderType.LIMIT, 1, limit_price=100), OrderRejected)
    assert refused.reason == "not enough margin: 300 with this order, allowed 200"
    eth = desk.place(Side.SELL, OrderType.LIMIT, 1, limit_price=100, symbol=ETH)
    assert kinds_of(eth) == [OrderRejected]


def test_orders_of_both_sides_count_by_the_larger() -> None:
    desk = make_desk(SWAP, cash=100)
    for side in (Side.BUY, Side.SELL):
        placed = desk.place(side, OrderType.LIMIT, 2, limit_price=100)
        assert kinds_of(placed) == [OrderAccepted]


def test_a_loss_of_the_position_leaves_less_margin_and_reducing_is_still_allowed() -> None:
    desk = make_desk(SWAP, cash=100)
    desk.place(Side.BUY, OrderType.MARKET, 2)
    desk.tick(100.0)
    desk.place(Side.SELL, OrderType.STOP, 2, stop_price=10, reduce_only=True)
    desk.tick(60.0)
    assert desk.exchange.cash == -100
    assert kinds_of(desk.place(Side.BUY, OrderType.MARKET, 1)) == [OrderRejected]
    assert kinds_of(desk.place(Side.SELL, OrderType.MARKET, 2)) == [OrderAccepted]
    assert kinds_of(desk.place(Side.SELL, OrderType.LIMIT, 1, limit_price=70)) == [OrderAccepted]


def test_a_market_order_of_unknown_price_is_measured_when_it_is_filled() -> None:
    desk = make_desk(SWAP, cash=100)
    assert kinds_of(desk.place(Side.BUY, OrderType.MARKET, 3)) == [OrderAccepted]
    assert only(desk.tick(100.0), OrderCancelled).reason == "not enough margin"


def test_without_a_price_of_what_is_held_no_risk_is_added() -> None:
    desk = make_desk(SWAP, cash=100, eth=-3)
    refused = only(desk.place(Side.BUY, OrderType.LIMIT, 1, limit_price=1), OrderRejected)
    assert refused.reason == "not enough margin: no price of ETH/USDT is known yet"
    assert kinds_of(desk.place(Side.BUY, OrderType.MARKET, 1, symbol=ETH)) == [OrderAccepted]


def test_who_may_not_sell_short_sells_what_is_held() -> None:
    desk = make_desk(LONG_ONLY, btc=1)
    assert kinds_of(desk.place(Side.SELL, OrderType.MARKET, 2)) == [OrderRejected]
    assert kinds_of(desk.place(Side.SELL, OrderType.MARKET, 1)) == [OrderAccepted]


def test_a_maker_may_be_paid() -> None:
    desk = make_desk(terms=replace(FREE, fee_maker=Decimal("-0.001")), btc=1)
    desk.place(Side.SELL, OrderType.LIMIT, 1, limit_price=100)
    desk.tick(99.0)
    assert only(desk.tick(100.0), OrderFilled).fill.fee == Decimal("-0.1")
    assert desk.exchange.cash == Decimal("1100.1")
