"""Every approved entry has a stop on the right side of its price."""

from dataclasses import replace
from typing import Any

import pytest

from tests.trading_tests.risk.risk_makers import (
    SETTINGS,
    SWAP,
    D,
    approved,
    make_intent,
    make_view,
    refused,
)
from trading.model.instrument import Instrument
from trading.model.order import ExitPlan, OrderType, Side, TrailPlan
from trading.risk.gate import RefusalCode

SHORTS = make_view(account=SWAP)


def test_an_entry_without_a_plan_gets_the_account_s() -> None:
    trail = TrailPlan(D("0.02"), D("0.01"))
    order = approved(make_intent(), make_view(), replace(SETTINGS, trail=trail))
    assert order.exit_plan == ExitPlan(
        stop_fraction=D("0.05"), target_fraction=D("0.10"), trail=trail
    )


def test_a_target_is_optional() -> None:
    order = approved(make_intent(), make_view(), replace(SETTINGS, target_fraction=None))
    assert order.exit_plan == ExitPlan(stop_fraction=D("0.05"))


def test_prices_win_over_fractions_and_lie_on_the_market_s_steps() -> None:
    plan = ExitPlan(D("94.001"), D("108.009"), D("0.2"), D("0.3"))
    order = approved(make_intent(exit_plan=plan), make_view())
    assert order.exit_plan == ExitPlan(D("94.01"), D("108.00"))


def test_a_short_is_left_above_at_a_loss_and_below_with_a_profit() -> None:
    plan = ExitPlan(D("106.009"), D("92.001"))
    order = approved(make_intent(Side.SELL, exit_plan=plan), SHORTS)
    assert order.exit_plan == ExitPlan(D("106.00"), D("92.01"))


def test_a_stop_within_one_step_of_the_price_stays_on_its_side() -> None:
    order = approved(make_intent(exit_plan=ExitPlan(D("99.999"))), make_view())
    assert order.exit_plan is not None
    assert order.exit_plan.stop_price == D("99.99")


@pytest.mark.parametrize(
    ("side", "plan", "words"),
    [
        (Side.BUY, ExitPlan(stop_price=D(101)), "allowed only below the entry price 100"),
        (Side.BUY, ExitPlan(stop_price=D(100)), "stop_price"),
        (Side.BUY, ExitPlan(target_price=D(99)), "allowed only above the entry price 100"),
        (Side.SELL, ExitPlan(stop_price=D(99)), "allowed only above the entry price 100"),
        (Side.SELL, ExitPlan(target_price=D(101)), "target_price"),
        (Side.BUY, ExitPlan(stop_price=D("NaN")), "stop_price: found NaN"),
        (Side.BUY, ExitPlan(stop_price=D(0)), "stop_price: found 0"),
        (Side.BUY, ExitPlan(stop_fraction=D(1)), "stop_fraction: found 1"),
        (Side.BUY, ExitPlan(stop_fraction=D(0)), "stop_fraction: found 0"),
        (Side.BUY, ExitPlan(stop_fraction=D("Infinity")), "stop_fraction: found Infinity"),
        (Side.BUY, ExitPlan(target_fraction=D(-1)), "target_fraction: found -1"),
        (Side.SELL, ExitPlan(target_fraction=D(1)), "target_fraction: found 1"),
        (Side.BUY, ExitPlan(trail=TrailPlan(D(-1), D("0.1"))), "trail activation: found -1"),
        (Side.BUY, ExitPlan(trail=TrailPlan(D(0), D(1))), "trail distance: found 1"),
        (Side.BUY, ExitPlan(trail=TrailPlan(D(0), D("0.1"), D("NaN"))), "tight trail distance"),
    ],
)
def test_an_exit_on_the_wrong_side_is_refused_in_words(
    side: Side, plan: ExitPlan, words: str
) -> None:
    refusal = refused(make_intent(side, exit_plan=plan), SHORTS)
    assert refusal.code is RefusalCode.EXIT_PLAN
    assert words in refusal.text


@pytest.mark.parametrize(
    ("side", "prices", "stop", "is_right"),
    [
        (Side.BUY, {"type": OrderType.LIMIT, "limit_price": D(80)}, "85", False),
        (Side.BUY, {"type": OrderType.LIMIT, "limit_price": D(80)}, "75", True),
        # A limit above the market fills at the market, so its stop must be below that.
        (Side.BUY, {"type": OrderType.LIMIT, "limit_price": D(120)}, "110", False),
        (Side.BUY, {"type": OrderType.STOP, "stop_price": D(120)}, "110", True),
        (Side.SELL, {"type": OrderType.STOP, "stop_price": D(80)}, "90", True),
        (Side.SELL, {"type": OrderType.LIMIT, "limit_price": D(120)}, "110", False),
    ],
)
def test_the_side_is_judged_at_the_price_of_the_likely_fill(
    side: Side, prices: dict[str, Any], stop: str, *, is_right: bool
) -> None:
    intent = make_intent(side, exit_plan=ExitPlan(stop_price=D(stop)), **prices)
    if is_right:
        assert approved(intent, SHORTS).exit_plan is not None
    else:
        assert refused(intent, SHORTS).code is RefusalCode.EXIT_PLAN


def test_a_price_of_one_step_has_no_room_for_a_stop() -> None:
    penny = Instrument("BTC/USDT", "BTC", "USDT", D("0.01"), D(1))
    refusal = refused(make_intent(), make_view(price=0.01, instrument=penny))
    assert "too near to 0" in refusal.text
