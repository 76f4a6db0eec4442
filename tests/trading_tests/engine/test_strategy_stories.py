"""Stories of strategy instances: observed, failing, interrupted, quarantined, turning around."""

import sys
from collections.abc import Callable
from dataclasses import replace
from types import FrameType
from typing import Any

from tests.trading_tests.engine.floor import D, Floor
from tests.trading_tests.makers import (
    ETH,
    make_account,
    make_account_setup,
    make_instance,
    of_kind,
    play,
)
from trading.engine.effects import WriteLog
from trading.engine.instances import FAILURES_MAX
from trading.engine.quarantine import PREFIX, quarantine_of
from trading.engine.setup import InstanceSetup
from trading.model.account import MarketType
from trading.model.market import Tick
from trading.model.mode import Mode
from trading.model.order import Purpose
from trading.strategies.base import Strategy
from trading.strategies.calls import CallGuard, CallInterrupted
from trading.strategies.context import StrategyContext

LINES_MAX = 20_000


class LineGuard(CallGuard):
    """Interrupt a call that has run through too many lines: a loop, by no clock at all."""

    def run(self, number: int, call: Callable[[Any], Any], value: Any) -> BaseException | None:
        before, lines = sys.gettrace(), 0

        def count(_frame: FrameType, event: str, _argument: object) -> Any:
            nonlocal lines
            lines += event == "line"
            if lines > LINES_MAX:
                raise CallInterrupted(f"instance {number} was over its budget")
            return count

        sys.settrace(count)
        try:
            call(value)
        except (Exception, CallInterrupted) as error:  # noqa: BLE001 - as in every CallGuard
            return error
        finally:
            sys.settrace(before)
        return None


def enter(context: StrategyContext, _event: object) -> None:
    if context.position is None and not context.get_orders():
        context.place_order("buy", 1)


def loop_for_ever(context: StrategyContext, _event: object) -> None:
    context.place_order("buy", 1)
    context.alert("on the way to nowhere")
    while True:
        pass


def with_mark(instance: InstanceSetup, floor: Floor, fingerprint: str = "1") -> InstanceSetup:
    """Return an instance as the shell makes it: with what the store says against loading it."""
    why = quarantine_of(floor.memory.values, instance.id, fingerprint)
    return replace(instance, fingerprint=fingerprint, quarantine=why)


def test_an_active_instance_owns_what_it_opens() -> None:
    floor = Floor(play(enter, "mine"))
    floor.ticks(100.0, 100.0)
    assert floor.position().instance == "mine"
    (entry,) = [one for one in floor.memory.orders.values() if one.purpose is Purpose.ENTRY]
    assert (entry.instance, entry.author) == ("mine", "mine")


def test_an_observing_instance_only_says_what_it_would_do() -> None:
    floor = Floor(play(enter, mode=Mode.OBSERVE))
    floor.ticks(100.0, 100.0, 100.0)
    assert not floor.memory.orders
    assert "would (observing)" in floor.why().replace("\n", "").replace("  ", " ")


def test_an_instance_that_is_off_is_not_even_made() -> None:
    made: list[int] = []

    class Eager(Strategy):
        def init(self) -> Any:
            made.append(1)

        def on_tick(self, tick: Tick) -> None:
            made.append(int(tick.price))

    floor = Floor(make_instance(Eager, mode=Mode.OFF))
    floor.tick(100.0)
    assert not made


def test_what_a_strategy_logs_and_alerts_is_passed_on_with_its_name() -> None:
    def speak(context: StrategyContext, _event: object) -> None:
        context.log("thinking", "warning")
        context.alert("look here")

    floor = Floor(play(speak, "chatty"))
    floor.tick(100.0)
    (line,) = of_kind(floor.effects, WriteLog)
    assert (line.level, line.who, line.text) == ("warning", "chatty", "thinking")
    assert any("look here" in text for text in floor.told("strategy_alert"))


def test_one_that_fails_harms_no_other_and_is_named() -> None:
    def fail(_context: StrategyContext, _event: object) -> None:
        raise ZeroDivisionError("oops")

    floor = Floor(play(fail, "bad"), play(enter, "good"))
    floor.ticks(100.0, 100.0)
    assert floor.position().instance == "good"
    assert any("bad" in text and "oops" in text for text in floor.told("strategy_error"))


def test_an_error_that_names_each_price_is_told_once_and_then_counted() -> None:
    def fail_now_and_then(context: StrategyContext, _event: object) -> None:
        if context.price and context.price % 2:
            raise ValueError(f"no idea what to do at {context.price}")

    floor = Floor(play(fail_now_and_then))
    floor.ticks(*(100.0 + number / 2 for number in range(40)))
    assert len(floor.told("strategy_error")) == 1
    assert not floor.told("strategy_stopped"), "it goes on as long as it works now and then"


def test_an_error_that_cannot_tell_its_words_harms_nobody() -> None:
    class WordlessError(Exception):
        def __str__(self) -> str:
            return self.text  # type: ignore[attr-defined, no-any-return]

    def fail(_context: StrategyContext, _event: object) -> None:
        raise WordlessError

    floor = Floor(play(fail, "bad"), play(enter, "good"))
    floor.ticks(100.0, 100.0)
    assert floor.position().instance == "good"
    assert any("WordlessError" in text for text in floor.told("strategy_error"))


def test_why_names_the_error_as_the_alert_does() -> None:
    def fail(_context: StrategyContext, _event: object) -> None:
        raise KeyError("window")

    floor = Floor(play(fail, "bad"))
    floor.tick(100.0)
    assert floor.trader.decisions.latest(1)[0].text == "bad failed: KeyError: 'window'"


def test_a_call_that_fails_has_wished_for_nothing() -> None:
    def wish_and_fail(context: StrategyContext, _event: object) -> None:
        context.place_order("buy", 1)
        raise ValueError("after the wish")

    floor = Floor(play(wish_and_fail))
    floor.ticks(100.0, 100.0)
    assert not floor.memory.orders


def test_failures_in_a_row_stop_an_instance_and_a_good_call_forgives() -> None:
    calls: list[int] = []

    def fail_but_sometimes(_context: StrategyContext, _event: object) -> None:
        calls.append(1)
        if len(calls) != FAILURES_MAX:
            raise ValueError("no luck")

    floor = Floor(play(fail_but_sometimes))
    for _ in range(4 * FAILURES_MAX):
        floor.tick(100.0)
    assert len(calls) == 2 * FAILURES_MAX
    (instance,) = floor.trader.instances.all
    assert instance.stopped == "ValueError: no luck"
    assert len(floor.told("strategy_stopped")) == 1


def test_a_call_that_is_interrupted_does_nothing_and_stops_its_instance_at_once() -> None:
    floor = Floor(play(loop_for_ever, "endless"), play(enter, "good"), calls=LineGuard())
    floor.ticks(100.0, 100.0)
    assert {one.instance for one in floor.memory.orders.values()} == {"good"}
    assert not floor.told("strategy_alert")
    endless, good = floor.trader.instances.all
    assert "over its budget" in endless.stopped
    assert good.is_running
    assert PREFIX + "endless" in floor.memory.values


def test_a_stopped_instance_leaves_its_position_with_its_stop() -> None:
    def enter_and_hang(context: StrategyContext, event: object) -> None:
        if context.position is None:
            context.place_order("buy", 1)
        else:
            loop_for_ever(context, event)

    floor = Floor(play(enter_and_hang), calls=LineGuard())
    floor.ticks(100.0, 100.0, 100.0)
    (instance,) = floor.trader.instances.all
    assert instance.stopped
    assert floor.order().purpose is Purpose.PROTECTION
    floor.tick(94.0)
    assert floor.trade.exit_price == D(94)


def test_a_quarantine_lasts_over_restarts_until_the_file_changes() -> None:
    broken, mended = play(loop_for_ever), play(enter)
    floor = Floor(broken, calls=LineGuard())
    floor.tick(100.0)
    for _ in range(2):
        floor.restart(with_mark(broken, floor))
        floor.ticks(100.0, 100.0)
        (instance,) = floor.trader.instances.all
        assert instance.stopped
        assert not instance.is_running
    assert len(floor.told("strategy_quarantined")) == 2
    floor.restart(with_mark(mended, floor, "2"))
    floor.ticks(100.0, 100.0)
    assert floor.held() is not None


def test_one_that_cannot_be_made_is_stopped_and_the_bot_goes_on() -> None:
    class Broken(Strategy):
        def init(self) -> Any:
            raise KeyError("no such thing")

        def on_tick(self, tick: Tick) -> None:
            raise AssertionError(f"must not be called with {tick}")

    floor = Floor(make_instance(Broken, "broken"), play(enter, "good"))
    floor.ticks(100.0, 100.0)
    assert floor.position().instance == "good"
    assert floor.trader.instances.by_id["broken"].stopped


def test_a_position_of_another_instance_is_neither_added_to_nor_closed() -> None:
    def meddle(context: StrategyContext, _event: object) -> None:
        context.close_position("mine now")
        context.place_order("sell", 1)

    floor = Floor(play(enter, "owner"), play(meddle, "meddler"))
    floor.ticks(100.0, 100.0, 100.0, 100.0)
    assert floor.position().quantity == D(1)
    assert floor.position().instance == "owner"


def test_a_turn_waits_until_the_old_position_is_closed() -> None:
    def turn(context: StrategyContext, tick: Tick) -> None:
        if tick.price == 100.0 and context.position is None and not context.get_orders():
            context.place_order("buy", 1)
        elif tick.price == 105.0:
            context.close_position("turning")
            context.place_order("sell", 2)

    margin = make_account("main", MarketType.MARGIN)
    floor = Floor(play(turn), accounts=[make_account_setup(margin)])
    floor.ticks(100.0, 100.0, 105.0)
    assert floor.position().closing == "turning"
    assert [one.purpose for one in floor.orders()] == [Purpose.EXIT]
    floor.tick(104.0)
    assert floor.trade.reason == "turning"
    assert floor.held() is None
    assert [one.purpose for one in floor.orders()] == [Purpose.ENTRY]
    floor.tick(103.0)
    assert floor.position().quantity == D(-2)


def test_an_order_against_the_position_is_an_exit_and_never_turns_it() -> None:
    def sell_too_much(context: StrategyContext, _event: object) -> None:
        if context.position is not None:
            context.place_order("sell", 50)
        elif not context.get_orders():
            enter(context, _event)

    margin = make_account("main", MarketType.MARGIN)
    floor = Floor(play(sell_too_much), accounts=[make_account_setup(margin)])
    floor.ticks(100.0, 100.0)
    floor.do("pause")
    floor.ticks(101.0, 101.0)
    assert floor.held() is None
    assert floor.trade.profit == D(1)


def test_candles_come_with_their_indicators_and_ticks_to_those_who_want_them() -> None:
    seen: list[tuple[float, float | None]] = []

    class Follower(Strategy):
        def init(self) -> Any:
            return self.context.sma(2)

        def on_bar(self, bar: Any) -> None:
            seen.append((bar.close, self.state.value))

    floor = Floor(make_instance(Follower))
    floor.tick(50.0)
    for price in (10.0, 20.0, 30.0):
        floor.bar(price)
    floor.bar(99.0, symbol=ETH)
    assert seen == [(10.0, None), (20.0, 15.0), (30.0, 25.0)]


def test_a_strategy_cancels_its_own_orders_and_no_others() -> None:
    def rest_then_cancel(context: StrategyContext, tick: Tick) -> None:
        if tick.price > 100.0:
            context.cancel_all_orders()
        elif not context.get_orders():
            context.place_order("buy", 1, type="limit", limit_price=90)

    floor = Floor(play(rest_then_cancel, "one"), play(rest_then_cancel, "two", symbol=ETH))
    floor.tick(100.0)
    floor.tick(20.0, ETH)
    assert floor.orders()
    assert floor.orders(ETH)
    floor.tick(101.0)
    assert not floor.orders()
    assert floor.orders(ETH)
