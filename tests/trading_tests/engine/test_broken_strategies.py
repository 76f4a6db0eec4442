"""Strategies that wish for nonsense, or against themselves: the engine lives, exits go out."""

import itertools
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from tcpproto import ReplyState
from tests.trading_tests.engine.floor import D, Floor
from tests.trading_tests.makers import BTC, make_account_setup, play
from trading.brokers.paper.terms import PaperTerms
from trading.engine.order_ids import NUMBER_MAX, OrderIds
from trading.engine.wishes import ALERTS_MAX, ALERTS_WINDOW_S, ORDERS_MAX
from trading.model.market import Tick
from trading.model.order import TrailPlan
from trading.strategies.context import StrategyContext

SLOW = PaperTerms(D(0), D(0), D(0), latency_s=2.5)


def _is_first(context: StrategyContext) -> bool:
    return context.position is None and not context.get_orders()


@pytest.mark.parametrize(
    "plan",
    [
        TrailPlan(0.01, 0.02),  # type: ignore[arg-type]
        TrailPlan("0.01", "0.02"),  # type: ignore[arg-type]
        TrailPlan(D("NaN"), D("0.1")),
        TrailPlan(None, None),  # type: ignore[arg-type]
        TrailPlan(D("0.01"), None),  # type: ignore[arg-type]
        TrailPlan(D("0.01"), D("0.02"), 0.01),  # type: ignore[arg-type]
        TrailPlan(D("0.01"), D("0.02"), "0.01"),  # type: ignore[arg-type]
    ],
)
def test_a_trailing_plan_of_a_strategys_own_making_ends_nothing(plan: TrailPlan) -> None:
    def act(context: StrategyContext, _: object) -> None:
        if _is_first(context):
            context.place_order("buy", 1, trail=plan)

    floor = Floor(play(act))
    floor.ticks(100, 100, 100, 103, 104, 90)
    assert floor.do("getstatus").state is ReplyState.APPLIED


@pytest.mark.parametrize(
    "act",
    [
        lambda context: context.alert("half \ud800"),
        lambda context: context.log("half \ud800"),
        lambda context: context.place_order("buy", 1, reason="half \ud800"),
        lambda context: context.place_order("buy", 1e9, reason="half \ud800"),
        lambda context: context.close_position("half \ud800"),
    ],
)
def test_text_with_half_a_character_can_be_kept_and_sent(act: Callable[[Any], object]) -> None:
    floor = Floor(play(lambda context, _: act(context)))
    floor.ticks(100, 100, 100)
    for event in floor.events:
        orjson.dumps([event.text, event.key, dict(event.fields)])
    for order in floor.memory.orders.values():
        orjson.dumps(order.reason)
    orjson.dumps(floor.why())


def test_an_entry_that_waits_for_an_exit_can_be_taken_back() -> None:
    calls = []

    def act(context: StrategyContext, tick: object) -> None:
        calls.append(tick)
        if len(calls) == 1:
            context.place_order("buy", 1)
        elif len(calls) == 3:
            context.close_position()
            context.place_order("buy", 1)
            context.cancel_all_orders()

    floor = Floor(play(act))
    floor.ticks(100, 100, 100, 100, 100, 100)
    assert "buy waits until the position is closed" in floor.why().replace("\n ", " ")
    assert floor.held() is None
    assert len(floor.trades) == 1


def test_a_strategy_that_cancels_with_each_price_keeps_nobody_from_selling() -> None:
    def act(context: StrategyContext, _: object) -> None:
        if _is_first(context):
            context.place_order("buy", 1)
        elif context.position is not None:
            context.cancel_all_orders()

    floor = Floor(play(act), accounts=(make_account_setup(terms=SLOW),))
    floor.ticks(100, 100, 100, 100, 100)
    assert floor.held()
    floor.do("pause")
    floor.do("sell", BTC)
    floor.ticks(100, 100, 100, 100, 100)
    assert floor.held() is None


def test_a_flood_of_orders_is_bounded_and_can_be_flattened() -> None:
    def act(context: StrategyContext, _: object) -> None:
        if _is_first(context):
            context.place_order("buy", 1)
        elif context.position is not None:
            for _n in range(50):
                context.place_order("sell", D("0.01"), type="limit", limit_price=200)

    floor = Floor(play(act))
    floor.ticks(*[100] * 10)
    assert len(floor.orders()) <= ORDERS_MAX + 1
    floor.do("flatten", command_id="flat")
    floor.ticks(100, 100)
    assert floor.said("flat").state is ReplyState.APPLIED


def test_a_strategy_that_has_flooded_its_market_can_still_close() -> None:
    def act(context: StrategyContext, tick: Tick) -> None:
        if tick.price > 105:
            context.close_position()
        elif _is_first(context):
            context.place_order("buy", 1)
        elif context.position is not None:
            for _n in range(50):
                context.place_order("sell", D("0.01"), type="limit", limit_price=200)

    floor = Floor(play(act))
    floor.ticks(*[100] * 10, 106, 106, 106)
    assert floor.held() is None


def test_runs_whose_tags_are_the_same_give_other_ids() -> None:
    runs: dict[str, str] = {}
    ids = (OrderIds("paper", f"run-{number}").next_id("main", "one") for number in range(3_000))
    tags = [order_id[10:13] for order_id in ids]
    assert len(set(tags)) < len(tags), "with so many runs some tags are the same"
    for number in range(3_000):
        order_id = OrderIds("paper", f"run-{number}").next_id("main", "one")
        assert order_id not in runs
        runs[order_id] = order_id


def test_ids_go_on_after_the_last_number_and_leave_out_what_is_known() -> None:
    taken: set[str] = set()
    ids = OrderIds("paper", "run", taken.__contains__)
    first = ids.next_id("main", "one")
    ids._number = NUMBER_MAX - 1
    assert ids.next_id("main", "one").endswith("77777")
    assert ids.next_id("main", "one").endswith("aaaaa")
    taken.add(first)
    again = OrderIds("paper", "run", taken.__contains__).next_id("main", "one")
    assert again != first


def test_a_strategy_that_alerts_without_end_does_not_fill_the_outbox() -> None:
    numbers = itertools.count()

    def act(context: StrategyContext, _: object) -> None:
        context.alert(f"number {next(numbers)}")

    floor = Floor(play(act))
    floor.ticks(*[100] * 100)
    assert len(floor.told("strategy_alert")) == ALERTS_MAX
    floor.sample(ALERTS_WINDOW_S)
    floor.tick(100)
    assert floor.told("strategy_alert")[-1] == "one: number 100"
