"""The content of state.json."""

from decimal import Decimal
from typing import Any

from tests.trading_tests.reports.report_makers import AT, assert_jsonable, make_position
from trading.model.position import Position
from trading.reports.state_view import AccountMoney, StateView, state_fields


def make_state(*positions: Position, **changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "bot": "paper",
        "mode": "PAPER",
        "is_running": True,
        "is_trading_on": True,
        "strategy": "ema_trend",
        "trading_pair": "BTC/USDT",
        "positions": positions,
        "last_signal": "LONG",
        "accounts": [AccountMoney("main", "USDT", 100_500.0, Decimal("12.5"))],
        "updated_at": AT,
    }
    fields = state_fields(StateView(**{**given, **changes}))
    assert_jsonable(fields)
    return fields


def test_a_flat_bot_has_no_entry_price() -> None:
    assert make_state(last_signal="") == {
        "bot": "paper",
        "running": True,
        "trading": True,
        "mode": "PAPER",
        "strategy": "ema_trend",
        "trading_pair": "BTC/USDT",
        "position": "NONE",
        "entry_price": None,
        "quantity": 0.0,
        "last_signal": "NONE",
        "pnl_24h": 12.5,
        "equity": 100_500.0,
        "currency": "USDT",
        "accounts": [{"account": "main", "currency": "USDT", "equity": 100_500.0, "pnl_24h": 12.5}],
        "positions": [],
        "updated_at": "2027-01-15T08:00:00.000Z",
    }


def test_a_position_of_the_pair_is_shown_at_the_top() -> None:
    earlier = make_position(symbol="ETH/USDT", quantity=Decimal(-2), opened_at=AT - 9_999)
    fields = make_state(make_position(), earlier)
    assert (fields["position"], fields["trading_pair"]) == ("LONG", "BTC/USDT")
    assert (fields["entry_price"], fields["quantity"]) == (67_000.0, 0.5)
    assert [one["trading_pair"] for one in fields["positions"]] == ["ETH/USDT", "BTC/USDT"]
    assert fields["positions"][0]["position"] == "SHORT"
    assert fields["positions"][1]["stop_price"] == 65_000.0


def test_without_one_of_the_pair_the_first_that_was_opened_is_shown() -> None:
    later = make_position(symbol="ETH/USDT")
    first = make_position(symbol="LTC/USDT", quantity=Decimal(-2), opened_at=1.0)
    fields = make_state(later, first)
    assert (fields["position"], fields["trading_pair"]) == ("SHORT", "LTC/USDT")
    assert fields["quantity"] == 2.0


def test_what_json_lacks_is_null() -> None:
    unpriced = AccountMoney("main", "USDT", float("nan"), Decimal(0))
    assert make_state(accounts=[unpriced])["equity"] is None


def test_money_of_one_currency_is_added_up_and_of_two_is_not() -> None:
    main = AccountMoney("main", "USDT", 100.0, Decimal(3))
    second = AccountMoney("second", "USDT", 50.0, Decimal(-1))
    fields = make_state(accounts=[main, second])
    assert (fields["equity"], fields["pnl_24h"], fields["currency"]) == (150.0, 2.0, "USDT")
    fields = make_state(accounts=[main, AccountMoney("euros", "EUR", 50.0, Decimal(-1))])
    assert (fields["equity"], fields["pnl_24h"], fields["currency"]) == (None, None, None)
    assert [one["pnl_24h"] for one in fields["accounts"]] == [3.0, -1.0]
