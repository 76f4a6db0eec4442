"""What the paper exchange refuses, and in which words."""

from decimal import Decimal
from typing import Any

import pytest

from tests.trading_tests.brokers.paper_desk import (
    BTC,
    fills_of,
    kinds_of,
    make_desk,
    make_exchange,
    make_order,
    only,
)
from trading.brokers.paper.terms import PaperTerms
from trading.model.order import OrderType, Side
from trading.model.report import OrderAccepted, OrderRejected

NUMBER = "a number of more than 0 and at most 1000000000000000"


@pytest.mark.parametrize(
    ("quantity", "text"),
    [
        ("NaN", f"quantity: found NaN, allowed {NUMBER}"),
        ("sNaN", f"quantity: found sNaN, allowed {NUMBER}"),
        ("Infinity", f"quantity: found Infinity, allowed {NUMBER}"),
        ("-1", f"quantity: found -1, allowed {NUMBER}"),
        ("0", f"quantity: found 0, allowed {NUMBER}"),
        ("1E+30", f"quantity: found 1E+30, allowed {NUMBER}"),
        ("0.0055", "quantity: found 0.0055, allowed multiples of 0.001"),
        ("0.004", "quantity: found 0.004, allowed at least 0.005"),
        ("1001", "quantity: found 1001, allowed at most 1000"),
    ],
)
def test_a_bad_quantity_is_refused(quantity: str, text: str) -> None:
    exchange = make_exchange(cash=10**9)
    refused = only(
        exchange.submit(make_order(Side.BUY, OrderType.MARKET, quantity), 5.0), OrderRejected
    )
    assert (refused.reason, refused.order_id, refused.account) == (text, "o1", "main")
    assert refused.at == 5.0
    assert not exchange.busy


@pytest.mark.parametrize(
    ("kind", "prices", "text"),
    [
        (OrderType.LIMIT, {}, "limit price: found none, allowed a price"),
        (OrderType.STOP, {}, "stop price: found none, allowed a price"),
        (OrderType.STOP_LIMIT, {"limit_price": 5}, "stop price: found none, allowed a price"),
        (OrderType.LIMIT, {"limit_price": "NaN"}, f"limit price: found NaN, allowed {NUMBER}"),
        (OrderType.LIMIT, {"limit_price": -5}, f"limit price: found -5, allowed {NUMBER}"),
        (OrderType.STOP, {"stop_price": 0}, f"stop price: found 0, allowed {NUMBER}"),
        (
            OrderType.LIMIT,
            {"limit_price": "100.005"},
            "limit price: found 100.005, allowed multiples of 0.01",
        ),
        (
            OrderType.BRACKET,
            {"limit_price": 100, "stop_price": 100},
            "limit price: found 100, allowed below the stop price 100",
        ),
        (
            OrderType.LIMIT,
            {"limit_price": "1.99"},
            "cost: found 0.995 USDT, allowed at least 1",
        ),
    ],
)
def test_a_bad_price_is_refused(kind: OrderType, prices: dict[str, Any], text: str) -> None:
    order = make_order(Side.BUY, kind, "0.5", **prices)
    assert only(make_exchange().submit(order, 0.0), OrderRejected).reason == text


def test_a_market_it_does_not_know_is_refused() -> None:
    order = make_order(Side.BUY, OrderType.MARKET, 1, symbol="DOGE/USDT")
    refused = only(make_exchange().submit(order, 0.0), OrderRejected)
    assert refused.reason == "symbol: found DOGE/USDT, allowed BTC/USDT, ETH/USDT"


def test_an_order_id_is_taken_once_and_the_first_order_is_left_alone() -> None:
    exchange = make_exchange()
    order = make_order(Side.BUY, OrderType.LIMIT, 1, limit_price=100)
    assert kinds_of(exchange.submit(order, 0.0)) == [OrderAccepted]
    refused = only(exchange.submit(order, 0.0), OrderRejected)
    assert refused.reason == "order id: found o1 again, allowed once"
    assert kinds_of(exchange.cancel("o1", 1.0)) != []


def test_a_market_order_is_held_to_the_minimum_cost_by_the_last_price() -> None:
    desk = make_desk(btc=1)
    desk.place(Side.SELL, OrderType.STOP, 1, stop_price=1)
    desk.tick(10.0)
    assert kinds_of(desk.place(Side.BUY, OrderType.MARKET, "0.099")) == [OrderRejected]
    assert kinds_of(desk.place(Side.BUY, OrderType.MARKET, "0.1")) == [OrderAccepted]


def test_what_is_left_of_a_position_is_sold_however_little_it_is() -> None:
    desk = make_desk(btc="0.001")
    desk.place(Side.SELL, OrderType.MARKET, "0.001", reduce_only=True)
    assert fills_of(desk.tick(100.0)) == [(100.0, 0.001)]
    assert desk.exchange.holdings == {}


@pytest.mark.parametrize(
    ("terms", "text"),
    [
        ({"fee_taker": Decimal(-1)}, "fee_taker: found -1, allowed 0 to less than 1"),
        ({"slippage": Decimal(1)}, "slippage: found 1, allowed 0 to less than 1"),
        ({"fee_maker": Decimal(1)}, "fee_maker: found 1, allowed more than -1, less than 1"),
        ({"latency_s": -1.0}, "latency_s: found -1.0, allowed 0 or more"),
        ({"latency_s": float("nan")}, "latency_s: found nan, allowed 0 or more"),
        ({"volume_share": Decimal(0)}, "volume_share: found 0, allowed more than 0, up to 1"),
    ],
)
def test_terms_that_cannot_be_are_refused(terms: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match="allowed") as refusal:
        PaperTerms(**terms)
    assert str(refusal.value) == text


def test_a_refusal_reserves_nothing() -> None:
    desk = make_desk(cash=100)
    desk.place(Side.BUY, OrderType.LIMIT, 5, limit_price=100)
    assert kinds_of(desk.place(Side.BUY, OrderType.LIMIT, 1, limit_price=100)) == [OrderAccepted]
    assert desk.exchange.busy == {BTC}
