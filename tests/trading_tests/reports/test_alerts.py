"""The durable events of trading."""

from decimal import Decimal

import pytest

from tests.trading_tests.reports.report_makers import (
    AT,
    EXTREMES,
    LONG_SYMBOL,
    assert_fits,
    assert_jsonable,
    make_order,
    make_position,
    make_trade,
    make_view,
)
from trading.model.event import TEXT_LEN_MAX, DurableEvent, Severity
from trading.model.order import OrderIntent, OrderType, Purpose, Side
from trading.model.order_states import OrderState
from trading.model.report import OrderAccepted
from trading.reports import alerts
from trading.reports.alert_lines import WIDTH
from trading.reports.tables import COLUMNS
from trading.reports.trading_status import render_trading
from trading.risk.limit_values import Limit, Tripped
from trading.risk.refusal import Refusal, RefusalCode

FILLED = make_order(
    filled=Decimal("0.5"), cost=Decimal(33_500), fees=Decimal("33.5"), state=OrderState.FILLED
)
TRIPPED = Tripped(Limit.LOSING_STREAK, "main", "BTC/USDT", 10.0, 10.0, AT, "10 losses", "a person")
BUY_INTENT = OrderIntent("main", "BTC/USDT", Side.BUY, Purpose.ENTRY, instance="ema")


def lines_of(event: DurableEvent) -> list[str]:
    return event.text.split("\n")


def test_a_placed_order_tells_what_was_sent() -> None:
    order = make_order(type=OrderType.STOP_LIMIT, limit_price=Decimal(66), stop_price=Decimal(65))
    event = alerts.order_placed(order, True, AT)
    assert lines_of(event) == [
        "BUY stop limit BTC/USDT placed",
        "PAPER main",
        "quantity 0.5",
        "limit    66.00",
        "stop     65.00",
        "for      entry",
        "crossed above",
        "id       abcdefgh2345672345",
    ]
    assert (event.kind, event.severity, event.at) == ("order_placed", Severity.INFO, AT)
    assert event.fields["mode"] == "PAPER"


def test_a_purchase_tells_what_was_spent_and_what_protects_it() -> None:
    event = alerts.bought(FILLED, make_position(), Decimal("66466.5"), False, AT)
    assert lines_of(event) == [
        "BOUGHT BTC/USDT",
        "LIVE main",
        "spent    33,533.50 USDT",
        "quantity 0.5",
        "price    67,000.00",
        "target   70,000.00",
        "stop     65,000.00",
        "crossed above",
        "balance  66,466.50 USDT",
    ]
    assert event.kind == "bought"
    assert event.fields["spent"] == "33533.5"
    assert event.fields["balance"] == "66466.5"


def test_a_short_entry_tells_what_was_received() -> None:
    order = make_order(side=Side.SELL, filled=Decimal(1), cost=Decimal(100), fees=Decimal("0.1"))
    position = make_position(quantity=Decimal(-1), stop_price=None)
    event = alerts.bought(order, position, Decimal(10), True, AT)
    assert event.kind == "sold_short"
    assert lines_of(event)[0] == "SOLD SHORT BTC/USDT"
    assert "received 99.90 USDT" in lines_of(event)
    assert "stop     ⚠ NONE" in lines_of(event)


def test_a_sale_tells_profit_and_balance() -> None:
    event = alerts.sold(make_trade("10"), Decimal(10_010), True, AT)
    assert lines_of(event) == [
        "🟢 SOLD BTC/USDT",
        "PAPER main",
        "P&L      +10.00 (+10.00%)",
        "initial  100.00",
        "received 110.00",
        "fees     0.20",
        "quantity 1",
        "entry    100.00",
        "exit     110.00",
        "target",
        "balance  10,010.00 USDT",
    ]
    assert event.kind == "sold"
    assert event.fields["profit"] == "10"


@pytest.mark.parametrize(
    ("profit", "mark"), [("0.2", "🟢"), ("0.19", "🔴"), ("0", "🔴"), ("-5", "🔴")]
)
def test_a_sale_is_green_from_a_fifth_of_a_percent(profit: str, mark: str) -> None:
    assert alerts.sold(make_trade(profit), Decimal(0), True, AT).text.startswith(mark)


def test_a_closed_short_was_bought_back() -> None:
    event = alerts.sold(make_trade("-5", side=Side.SELL), Decimal(0), True, AT)
    assert event.kind == "bought_back"
    assert lines_of(event)[0] == "🔴 BOUGHT BACK BTC/USDT"
    assert "paid     95.00" in lines_of(event)


def test_a_partial_sale_tells_what_is_left() -> None:
    order = make_order(
        side=Side.SELL, filled=Decimal("0.2"), cost=Decimal(13_500), fees=Decimal("13.5")
    )
    event = alerts.sold_part(order, make_position(), Decimal(-3), Decimal(0), True, AT)
    assert lines_of(event)[0] == "SOLD PART BTC/USDT"
    assert {
        "P&L      +100.00 before fees",
        "so far   -3.00 before fees",
        "received 13,500.00",
        "fees     13.50",
        "quantity 0.2",
        "left     0.5",
    } <= set(lines_of(event))
    assert (event.fields["received"], event.fields["fees"]) == ("13500", "13.5")


def test_a_part_of_a_short_that_is_bought_back_tells_what_was_paid() -> None:
    order = make_order(side=Side.BUY, filled=Decimal("0.2"), cost=Decimal(13_500))
    position = make_position(quantity=Decimal("-0.5"))
    event = alerts.sold_part(order, position, Decimal(0), Decimal(0), True, AT)
    assert lines_of(event)[0] == "BOUGHT BACK PART BTC/USDT"
    assert "paid     13,500.00" in lines_of(event)


def test_refusals_by_risk_repeat_under_one_key() -> None:
    refusal = Refusal(RefusalCode.QUOTE, "the quote is 12 s old, allowed 10 s")
    event = alerts.order_refused(BUY_INTENT, refusal, AT, True)
    assert (event.kind, event.fields["refused_by"]) == ("order_rejected", "risk")
    assert event.key == alerts.order_refused(BUY_INTENT, refusal, AT + 5, True).key != ""
    assert lines_of(event) == [
        "BUY BTC/USDT refused by risk",
        "PAPER main",
        "the quote is 12 s old, allowed",
        "10 s",
        "by       ema",
    ]


def test_what_became_of_orders_is_told_with_their_ids() -> None:
    order = make_order(note="timeout", state=OrderState.EXPIRED)
    rejected = alerts.order_rejected(order, "insufficient funds", AT, True)
    cancelled = alerts.order_cancelled(order, AT, True)
    unknown = alerts.order_unknown(order, AT, True)
    for event in (rejected, cancelled, unknown):
        assert "id       abcdefgh2345672345" in lines_of(event)
        assert "filled   0 of 0.5" in lines_of(event)
        assert lines_of(event)[1] == "PAPER main"
    assert "insufficient funds" in lines_of(rejected)
    assert lines_of(cancelled)[0] == "BUY BTC/USDT expired"
    assert lines_of(unknown)[0] == "⚠ BUY BTC/USDT UNKNOWN"
    assert unknown.severity is Severity.CRITICAL


def test_a_tripped_limit_tells_how_it_is_lifted() -> None:
    event = alerts.limit_tripped(TRIPPED, AT, False)
    assert lines_of(event) == [
        "⛔ BTC/USDT: losing streak",
        "LIVE main",
        "10 losses",
        "lifted by a person",
    ]
    assert (event.fields["value"], event.fields["bound"]) == (10.0, 10.0)
    lifted = alerts.limit_lifted(TRIPPED, "42", AT, False)
    assert lines_of(lifted) == ["BTC/USDT: losing streak lifted", "LIVE main", "by 42"]


def test_a_bot_that_is_flat_says_what_that_took() -> None:
    event = alerts.flattened("PAPER main", AT, orders=3, positions=2, took_s=4.5)
    assert lines_of(event) == [
        "FLAT: no position, no order",
        "PAPER main",
        "3 orders cancelled, 2 positions",
        "closed",
        "took 00:00:04",
    ]


def test_fills_and_faults_are_stored_in_a_full_outbox() -> None:
    evictable = {event.kind for event in every_event(Decimal(1)) if event.is_evictable}
    assert evictable == {"order_placed", "status_report"}


@pytest.mark.parametrize("value", EXTREMES)
def test_every_alert_fits_a_phone_behind_the_indent(value: Decimal) -> None:
    for event in every_event(value):
        first, *rest = lines_of(event)
        assert_fits(first)
        if event.kind != "status_report":
            assert_fits("\n".join(rest), width=WIDTH, lines_max=24)
            assert WIDTH + 2 == COLUMNS
        assert_jsonable(event.fields)
        assert len(event.text) < TEXT_LEN_MAX
        assert event.kind == event.kind.lower()


def every_event(value: Decimal) -> list[DurableEvent]:
    """Return one event of each kind, with one figure everywhere and texts that are too long."""
    words = "because of one thing and another, " * 20
    order = make_order(
        account="a" * 40,
        symbol=LONG_SYMBOL,
        type=OrderType.STOP_LIMIT,
        quantity=value,
        filled=value,
        cost=value,
        fees=value,
        limit_price=value,
        stop_price=value,
        reason=words,
        note=words,
    )
    position = make_position(
        account="a" * 40,
        symbol=LONG_SYMBOL,
        quantity=value,
        stop_price=value,
        target_price=value,
    )
    trade = make_trade(
        account="a" * 40,
        symbol=LONG_SYMBOL,
        quantity=abs(value) + 1,
        profit=str(value),
        fees=value,
        entry_price=abs(value) + 1,
        exit_price=value,
        reason=words,
    )
    tripped = Tripped(
        Limit.ACCOUNT_DAILY, "a" * 40, LONG_SYMBOL, float(value), float("inf"), AT, words, words
    )
    instance = "i" * 60
    return [
        alerts.order_placed(order, True, AT),
        alerts.bought(order, position, value, True, AT),
        alerts.sold(trade, value, True, AT),
        alerts.sold_part(order, position, value, value, True, AT),
        alerts.order_rejected(order, words, AT),
        alerts.order_cancelled(order, AT),
        alerts.order_unknown(order, AT),
        alerts.strange_report(OrderAccepted("a" * 40, "o" * 40, "v", AT), words, AT),
        alerts.protection_missing(position, words, AT),
        alerts.limit_tripped(tripped, AT),
        alerts.limit_lifted(tripped, words, AT),
        alerts.kill_set(words, instance, AT),
        alerts.kill_reset(instance, AT),
        alerts.flattened(words, AT, orders=10**9, positions=10**9, took_s=1e9),
        alerts.strategy_failed(instance, words, AT),
        alerts.strategy_stopped(instance, words, AT),
        alerts.strategy_quarantined(instance, words, AT),
        alerts.clock_jumped(float(value), AT),
        alerts.status_report(render_trading(make_view()), AT),
    ]
