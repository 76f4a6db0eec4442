"""The context: what a strategy sees, what it can ask for, and what is refused in which words."""

import math
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from tests.trading_tests.strategies.desk import (
    INSTANCE,
    START,
    SYMBOL,
    FakeDesk,
    make_bar,
    make_context,
    make_order,
    make_position,
)
from trading.model.order import ExitPlan, OrderType, Side, TrailPlan
from trading.strategies.context import StrategyContext
from trading.strategies.errors import StrategyError
from trading.strategies.views import PositionView
from trading.strategies.wishes import (
    AlertWish,
    CancelWish,
    CloseWish,
    LogLevel,
    LogWish,
    PlaceWish,
    TightenWish,
)


def seen_in(context: StrategyContext) -> PositionView | None:
    return context.position


def test_prices_are_those_of_the_desk() -> None:
    desk = FakeDesk()
    context = make_context(desk)
    assert not context.price
    desk.prices = {SYMBOL: 101.5, "ETH/USDT": 7.0}
    assert context.price == context.get_price() == context.get_price(SYMBOL) == 101.5
    assert context.get_price("ETH/USDT") == 7.0
    assert context.get_price("XRP/USDT") is None


def test_now_is_market_time_with_its_zone() -> None:
    context = make_context(FakeDesk(now=START + 1.5))
    assert context.now == datetime(2024, 1, 1, 0, 0, 1, 500_000, UTC)
    assert context.equity == 1000.0


def test_candles_and_indicators_are_those_of_the_symbol() -> None:
    desk = FakeDesk()
    context = make_context(desk)
    mean, before = context.sma(2), context.sma(2, lag=1)
    for index in range(6):
        desk.series(SYMBOL).on_bar(make_bar(index, float(index)))
    assert mean.value == 4.5
    assert before.value == 3.5
    assert [bar.close for bar in context.candles(2)] == [4.0, 5.0]
    assert [bar.close for bar in context.candles(interval_s=180)] == [2.0, 5.0]
    assert context.candle_count() == 6
    assert context.candle_count(180) == 2
    assert context.highest(2).value == 5.0
    assert context.lowest(2).value == 4.0
    assert context.volume_mean(2).value == 1.0
    assert context.atr(2).value == 1.0
    assert context.rsi(2).value == 100.0
    assert context.ema(1).value == 5.0


@pytest.mark.parametrize(
    "ask",
    [
        lambda context: context.sma(0),
        lambda context: context.rsi(1),
        lambda context: context.ema(5000),
        lambda context: context.sma(20, 90),
        lambda context: context.candles(interval_s=90),
        lambda context: context.candle_count(90),
    ],
)
def test_an_indicator_or_interval_that_cannot_be_is_refused(ask: Any) -> None:
    desk = FakeDesk()
    desk.series(SYMBOL).on_bar(make_bar(0))
    with pytest.raises(StrategyError, match=r"(period|interval_s): found"):
        ask(make_context(desk))


def test_a_long_position_is_seen_in_floats() -> None:
    desk = FakeDesk(held=make_position("0.5", "200", stop_price=Decimal("190.5")))
    context = make_context(desk)
    position = context.position
    assert position is not None
    assert (position.side, position.quantity, position.entry_price) == ("buy", 0.5, 200.0)
    assert (position.stop_price, position.target_price) == (190.5, None)
    assert (position.opened_at, position.is_trail_tight) == (START, False)
    assert position.profit_fraction == 0.0
    desk.prices[SYMBOL] = 210.0
    assert position.profit_fraction == pytest.approx(0.05)


def test_a_short_position_earns_when_the_price_falls() -> None:
    desk = FakeDesk(held=make_position("-2", "200"), prices={SYMBOL: 180.0})
    position = make_context(desk).position
    assert position is not None
    assert (position.side, position.quantity) == ("sell", -2.0)
    assert position.profit_fraction == pytest.approx(0.1)


def test_a_position_is_seen_as_it_is_now() -> None:
    desk = FakeDesk()
    context = make_context(desk)
    assert seen_in(context) is None
    desk.held = make_position("1")
    first = context.position
    assert first is not None
    assert context.position is first
    desk.held = replace(desk.held, quantity=Decimal(2))
    second = context.position
    assert second is not None
    assert second.quantity == 2.0
    desk.held = None
    assert seen_in(context) is None


@pytest.mark.parametrize("owner", ["", "another-1"])
def test_a_position_of_somebody_else_is_not_seen(owner: str) -> None:
    assert make_context(FakeDesk(held=make_position(instance=owner))).position is None


def test_views_cannot_be_changed() -> None:
    context = make_context(FakeDesk(held=make_position(), orders=[make_order()]))
    with pytest.raises(AttributeError):
        context.position.quantity = 5.0  # type: ignore[union-attr, misc]
    with pytest.raises(AttributeError):
        context.get_orders()[0].quantity = 5.0  # type: ignore[misc]
    with pytest.raises(AttributeError):
        context.mode = "active"  # type: ignore[attr-defined]


def test_orders_are_this_instances_own() -> None:
    desk = FakeDesk(orders=[make_order("o1"), make_order("o2", instance="another-1")])
    (order,) = make_context(desk).get_orders()
    assert (order.id, order.side, order.type, order.purpose) == ("o1", "buy", "limit", "entry")
    assert (order.quantity, order.filled, order.limit_price) == (2.5, 0.5, 99.5)
    assert (order.stop_price, order.state, order.created_at) == (None, "working", START)


def test_wishes_are_handed_out_once_in_their_order() -> None:
    context = make_context(FakeDesk())
    first = context.place_order("buy", reason="because")
    context.cancel_order(first)
    context.cancel_all_orders()
    context.close_position("enough")
    context.tighten_trail()
    context.log("look")
    context.log("careful", level="warning")
    context.alert("hello")
    assert context.take_wishes() == [
        PlaceWish(order_id=first, side=Side.BUY, reason="because"),
        CancelWish(first),
        CancelWish(),
        CloseWish("enough"),
        TightenWish(),
        LogWish("look"),
        LogWish("careful", LogLevel.WARNING),
        AlertWish("hello"),
    ]
    assert not context.take_wishes()
    assert first == f"{INSTANCE}-1"


def test_all_of_an_order_is_taken_over_as_money() -> None:
    context = make_context(FakeDesk())
    context.place_order(
        "sell",
        0.1,
        type="stop_limit",
        limit_price=99.9,
        stop_price=100,
        stop=101.1,
        target_fraction=Decimal("0.02"),
        trail={"activation": 0.013, "distance": 0.008, "tight_distance": 0.005},
    )
    (wish,) = context.take_wishes()
    assert wish == PlaceWish(
        order_id=f"{INSTANCE}-1",
        side=Side.SELL,
        type=OrderType.STOP_LIMIT,
        quantity=Decimal("0.1"),
        limit_price=Decimal("99.9"),
        stop_price=Decimal(100),
        exit_plan=ExitPlan(
            stop_price=Decimal("101.1"),
            target_fraction=Decimal("0.02"),
            trail=TrailPlan(Decimal("0.013"), Decimal("0.008"), Decimal("0.005")),
        ),
    )


@pytest.mark.parametrize("name", ["amount", "equity_fraction"])
def test_the_size_can_be_said_in_other_ways(name: str) -> None:
    context = make_context(FakeDesk())
    arguments: dict[str, Any] = {name: 0.18}
    context.place_order("buy", **arguments)
    (wish,) = context.take_wishes()
    assert getattr(wish, name) == Decimal("0.18")


def test_numbers_of_other_libraries_are_taken() -> None:
    context = make_context(FakeDesk())
    arguments: dict[str, Any] = {"quantity": np.float32(0.5), "target": np.int64(120)}
    context.place_order("buy", stop=np.float64(99.9), **arguments)
    (wish,) = context.take_wishes()
    assert isinstance(wish, PlaceWish)
    assert wish.quantity == Decimal("0.5")
    assert wish.exit_plan == ExitPlan(stop_price=Decimal("99.9"), target_price=Decimal(120))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"side": "long"}, "side: found 'long', allowed 'buy' or 'sell'"),
        ({"side": None}, "side: found None"),
        ({"side": []}, "side: found"),
        ({"type": "bracket"}, "type: found 'bracket', allowed market, limit, stop, stop_limit"),
        ({"type": {}}, "type: found"),
        ({"quantity": 0}, "quantity: found 0, allowed a number above 0"),
        ({"quantity": -1.5}, "quantity: found -1.5"),
        ({"quantity": math.nan}, "quantity: found nan"),
        ({"quantity": math.inf}, "quantity: found inf"),
        ({"quantity": Decimal("NaN")}, "quantity: found Decimal('NaN')"),
        ({"quantity": Decimal("sNaN")}, "quantity: found Decimal('sNaN')"),
        ({"quantity": [1]}, "quantity: found [1]"),
        ({"quantity": "1"}, "quantity: found '1'"),
        ({"quantity": True}, "quantity: found True"),
        ({"quantity": 1, "amount": 5}, "size: found quantity and amount, allowed one of them"),
        ({"equity_fraction": 0.1, "amount": 5}, "size: found amount and equity_fraction"),
        ({"type": "limit"}, "limit_price: found nothing, allowed a price: it is a limit order"),
        ({"type": "stop"}, "stop_price: found nothing, allowed a price: it is a stop order"),
        ({"type": "stop_limit", "stop_price": 1}, "limit_price: found nothing"),
        ({"limit_price": 5}, "limit_price: found 5, allowed nothing: it is a market order"),
        ({"type": "limit", "limit_price": 1, "stop_price": 2}, "stop_price: found 2"),
        ({"stop": 90, "stop_fraction": 0.1}, "stop: found stop and stop_fraction"),
        ({"target": 90, "target_fraction": 0.1}, "target: found target and target_fraction"),
        ({"stop_fraction": 1.0}, "stop_fraction: found 1.0, allowed a number above 0 and below 1"),
        ({"target_fraction": -0.1}, "target_fraction: found -0.1"),
        ({"trail": 0.1}, "trail: found 0.1, allowed a dict of activation, distance"),
        ({"trail": {"distance": 0.1}}, "trail: found no activation or no distance"),
        ({"trail": {"distanc": 0.1}}, "trail: found {'distanc': 0.1}"),
        ({"trail": {"activation": 0.1, "distance": 2}}, "trail.distance: found 2"),
    ],
)
def test_what_cannot_be_an_order_is_refused_in_words(arguments: dict[str, Any], words: str) -> None:
    context = make_context(FakeDesk())
    with pytest.raises(StrategyError) as caught:
        context.place_order(**({"side": "buy"} | arguments))
    assert words in str(caught.value)
    assert not context.take_wishes()


def test_an_order_to_cancel_needs_an_id() -> None:
    with pytest.raises(StrategyError, match="order_id: found ''"):
        make_context(FakeDesk()).cancel_order("")


def test_a_level_that_is_none_is_refused() -> None:
    with pytest.raises(StrategyError, match="level: found 'loud', allowed debug, info"):
        make_context(FakeDesk()).log("x", level="loud")


def test_more_than_fifty_wishes_in_one_call_are_refused() -> None:
    context = make_context(FakeDesk())
    for _ in range(50):
        context.place_order("buy")
    for ask in (context.tighten_trail, context.close_position, context.cancel_all_orders):
        with pytest.raises(StrategyError, match="more than 50 wishes in one call"):
            ask()
    assert len(context.take_wishes()) == 50
    context.place_order("buy")
    assert len(context.take_wishes()) == 1


def test_texts_are_cut_and_those_after_the_twentieth_are_counted() -> None:
    context = make_context(FakeDesk())
    for index in range(25):
        context.log("x" * 1000 if index == 0 else index)
    wishes = context.take_wishes()
    assert wishes[0] == LogWish("x" * 500)
    assert wishes[1] == LogWish("1")
    dropped = "5 more log lines were dropped, allowed 20 a call"
    assert wishes[20:] == [LogWish(dropped, LogLevel.WARNING)]
    context.log("again")
    assert context.take_wishes() == [LogWish("again")]


def test_many_log_lines_leave_room_for_an_alert() -> None:
    context = make_context(FakeDesk())
    for index in range(25):
        context.log(index)
    context.alert("the stop is gone")
    assert AlertWish("the stop is gone") in context.take_wishes()
    for index in range(21):
        context.alert(index)
    dropped = "1 more alerts were dropped, allowed 20 a call"
    assert context.take_wishes()[20:] == [LogWish(dropped, LogLevel.WARNING)]
