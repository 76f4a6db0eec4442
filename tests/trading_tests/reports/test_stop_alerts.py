"""What a stop tells of entries at a real exchange, however many there are."""

from decimal import Decimal

import pytest

from tests.trading_tests.reports.report_makers import (
    EXTREMES,
    LONG_SYMBOL,
    assert_fits,
    assert_jsonable,
    make_order,
)
from trading.model.event import Severity
from trading.model.order import OrderType
from trading.model.order_states import OrderState
from trading.reports.alert_lines import WIDTH
from trading.reports.stop_alerts import entries_left, entries_taken_back, entry_line

RESTING = make_order(type=OrderType.LIMIT, limit_price=Decimal(66))
GONE = make_order(type=OrderType.LIMIT, state=OrderState.CANCELLED)


def test_what_was_taken_back_is_counted_by_market_and_by_what_was_filled() -> None:
    part = make_order(state=OrderState.CANCELLED, filled=Decimal("0.1"), symbol="ETH/USDT")
    filled = make_order(state=OrderState.FILLED, filled=Decimal("0.5"))
    event = entries_taken_back("main", [GONE, GONE, part, filled])
    assert event.text.split("\n") == [
        "3 entries cancelled: bot stops",
        "LIVE main",
        "BTC/USDT 2",
        "ETH/USDT 1",
        "part     1 entry filled in part",
        "filled   1 entry",
        "filled while it is down they",
        "would have no stop",
    ]
    figures = [event.fields[name] for name in ("cancelled", "filled_in_part", "filled")]
    assert figures == [3, 1, 1]
    assert event.is_vital


def test_what_may_still_be_there_is_named_with_what_is_to_be_done() -> None:
    event = entries_left("main", [RESTING])
    assert event.text.split("\n") == [
        "⛔ 1 entry NOT known to be gone",
        "LIVE main",
        "BUY BTC/USDT 0.5 66.00",
        "the bot stops: look at the",
        "exchange, and cancel there what",
        "is still open",
        "filled meanwhile it has no stop",
        "until the next start, which",
        "looks it up",
    ]
    assert event.severity is Severity.CRITICAL


def test_a_line_says_what_is_still_to_be_filled_and_at_which_price() -> None:
    stop = make_order(type=OrderType.STOP, stop_price=Decimal(70), filled=Decimal("0.2"))
    assert entry_line(stop) == "BUY BTC/USDT 0.3 70.00"
    assert entry_line(make_order()) == "BUY BTC/USDT 0.5 at market"


@pytest.mark.parametrize("value", EXTREMES)
def test_both_fit_a_phone_however_many_entries_there_are(value: Decimal) -> None:
    resting = make_order(
        type=OrderType.LIMIT, limit_price=value, quantity=abs(value), symbol=LONG_SYMBOL
    )
    gone = [make_order(symbol=f"{number}{LONG_SYMBOL}") for number in range(200)]
    for event in (entries_left("main", [resting] * 200), entries_taken_back("main", gone)):
        first, *rest = event.text.split("\n")
        assert_fits(first)
        assert_fits("\n".join(rest), width=WIDTH, lines_max=24)
        assert_jsonable(event.fields)
        assert len(event.fields.get("orders", event.fields.get("symbols"))) == 50
