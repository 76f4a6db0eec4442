"""The part of a status that is about money."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.trading_tests.reports.report_makers import (
    EXTREMES,
    assert_fits,
    assert_jsonable,
    make_account,
    make_extreme_view,
    make_holding,
    make_order,
    make_position,
    make_view,
)
from trading.model.account import MarketKey
from trading.model.order import TrailPlan
from trading.model.order_states import OrderState
from trading.reports.status_parts import FlagView, InstanceView, TrippedView
from trading.reports.trading_status import positions_view, render_trading

STATUS = """\
trading  on
PAPER main USDT
balance  66,500.00
equity   100,500.00
invested 33,500.00
P&L open +500.00 (+0.50%)
exposure 34,000.00 (34.00%)
buying   on
selling  on
open     1 pos, 0 ord, 5 pairs
BTC/USDT
 LONG    0.5
 entry   67,000.00
 now     68,000.00
 P&L     +500.00 (+1.49%)
 trail   -
 target  70,000.00
 stop    65,000.00
 value   34,000.00
 held    01:00:00"""


def test_a_status_shows_money_and_positions() -> None:
    view = render_trading(make_view())
    assert view.text == STATUS
    assert view.fields["positions"][0]["quantity"] == "0.5"
    assert view.fields["accounts"][0]["cash"] == "66500"
    assert_jsonable(view.fields)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"is_running": False}, "trading  off, not running"),
        ({"is_trading_on": False}, "trading  off"),
        ({"is_paused": True}, "trading  paused"),
    ],
)
def test_a_status_shows_the_same_in_every_state(changes: dict[str, bool], line: str) -> None:
    lines = render_trading(make_view(**changes)).text.split("\n")
    assert lines[0] == line
    assert lines[1:] == STATUS.split("\n")[1:]


def test_the_kill_latch_and_tripped_limits_come_first() -> None:
    tripped = [
        TrippedView("losing streak", "main", "BTC/USDT", "10 losses in a row", "/startbuying"),
        TrippedView("drawdown", "main", "", "account main: fell 16%; lifted: yes", "yes"),
    ]
    view = render_trading(make_view(kill="the kill latch is set by 42", tripped=tripped))
    assert view.text.split("\n")[1:6] == [
        "⛔ KILL LATCH: set by 42",
        "⛔ BTC/USDT: 10 losses in a row",
        " lifted by /startbuying",
        "⛔ account main: fell 16%; lifted:",
        "yes",
    ]
    assert view.fields["kill"] == "the kill latch is set by 42"
    assert view.fields["tripped"][0]["lifted_by"] == "/startbuying"


def test_flags_that_are_off_are_listed_with_their_reasons() -> None:
    flags = [
        FlagView(MarketKey("main", "BTC/USDT"), False, True, "losing streak"),
        FlagView(MarketKey("main", "ETH/USDT"), False, False),
    ]
    lines = render_trading(make_view(flags=flags)).text.split("\n")
    assert lines[7:12] == [
        "buying   OFF for 2 of 5",
        " BTC/USDT: losing streak",
        " ETH/USDT: by command",
        "selling  OFF for 1 of 5",
        " ETH/USDT: by command",
    ]


def test_several_accounts_are_told_apart() -> None:
    accounts = [make_account(), make_account(name="real", is_paper=False, capital=0.0)]
    flags = [FlagView(MarketKey("real", "BTC/USDT"), False, True)]
    lines = render_trading(make_view(accounts=accounts, flags=flags)).text.split("\n")
    assert "LIVE real USDT" in lines
    assert " account main" in lines
    assert " real BTC/USDT: by command" in lines


def test_a_position_without_a_stop_or_a_price_says_so() -> None:
    position = make_position(stop_price=None, target_price=None, quantity=Decimal(-2))
    holding = make_holding(position, price=None, value=None, profit=None, profit_fraction=None)
    lines = positions_view(make_view(holdings=[holding])).text.split("\n")
    for line in (" SHORT   2", " now     -", " P&L     -", " target  -", " stop    ⚠ NONE"):
        assert line in lines


def test_of_many_positions_the_one_without_a_stop_is_shown_first() -> None:
    bare = make_holding(make_position(symbol="LTC/USDT", stop_price=None))
    view = make_view(holdings=[*[make_holding()] * 30, bare])
    lines = render_trading(view).text.split("\n")
    # A live status of several bots shows the first few lines of each.
    assert lines[1] == "⚠ NO STOP: 1 position"
    assert lines[lines.index("open     31 pos, 0 ord, 5 pairs") + 1] == "LTC/USDT"
    assert positions_view(view).text.startswith("LTC/USDT\n")


def test_a_trailing_stop_is_shown_before_and_after_it_is_on() -> None:
    trail = TrailPlan(Decimal("0.013"), Decimal("0.008"))
    waiting = make_position(trail=trail)
    on = replace(waiting, trail_price=Decimal(66_900))
    tight = replace(on, is_trail_tight=True, instance="ema", closing="trailing stop")
    holdings = [make_holding(one) for one in (waiting, on, tight)]
    lines = positions_view(make_view(holdings=holdings)).text.split("\n")
    assert [line for line in lines if line.startswith(" trail")] == [
        " trail   from +1.30%",
        " trail   66,900.00",
        " trail   66,900.00 tight",
    ]
    assert lines[-2:] == [" by      ema", " closing trailing stop"]


def test_open_orders_and_instances_are_shown() -> None:
    orders = [make_order(), make_order(state=OrderState.UNKNOWN)]
    instances = [InstanceView("ema-btc", "ema_trend", "BTC/USDT", "active", "warming up")]
    view = render_trading(make_view(orders=orders, instances=instances))
    lines = view.text.split("\n")
    assert "orders   2 (1 UNKNOWN)" in lines
    assert lines[-2:] == ["ema-btc: active, warming up", " ema_trend BTC/USDT"]
    assert view.fields["orders_open"] == 2


def test_nothing_held_is_one_line() -> None:
    view = positions_view(make_view(holdings=[]))
    assert view.text == "no open position"
    assert view.fields == {"positions": [], "positions_open": 0}


@pytest.mark.parametrize("rows", [0, 1, 2, 300])
@pytest.mark.parametrize("value", EXTREMES)
def test_no_line_is_wider_than_a_phone(value: Decimal, rows: int) -> None:
    extreme = make_extreme_view(value, rows)
    for view in (render_trading(extreme), positions_view(extreme)):
        assert_fits(view.text)
        assert_jsonable(view.fields)


def test_many_positions_are_counted_and_not_all_shown() -> None:
    view = make_view(holdings=[make_holding()] * 30)
    assert "… 28 more positions" in render_trading(view).text
    assert "… 25 more positions" in positions_view(view).text
