"""ccxt itself against the fake Binance: orders of every kind, their fills, fees and ids."""

from decimal import Decimal
from typing import Any

import ccxt  # type: ignore[import-untyped]
import pytest

from tests.fakes.exchange.terms import Fees
from tests.fakes.exchange.venues import RunningExchange

D = Decimal
SYMBOL = "BTC/USDT"


def buy_some(binance: Any, quantity: float = 0.1) -> None:
    binance.create_order(SYMBOL, "market", "buy", quantity)


@pytest.mark.parametrize(
    ("kind", "side", "price", "parameters", "shown"),
    [
        ("limit", "buy", 60000.0, {}, ("LIMIT", 60000.0, None)),
        ("limit", "buy", 60000.0, {"postOnly": True}, ("LIMIT_MAKER", 60000.0, None)),
        ("market", "sell", None, {"stopLossPrice": 60000}, ("STOP_LOSS", None, 60000.0)),
        ("limit", "sell", 59900.0, {"stopLossPrice": 60000}, ("STOP_LOSS_LIMIT", 59900.0, 60000.0)),
        ("market", "sell", None, {"takeProfitPrice": 70000}, ("TAKE_PROFIT", None, 70000.0)),
        (
            "limit",
            "sell",
            69900.0,
            {"takeProfitPrice": 70000},
            ("TAKE_PROFIT_LIMIT", 69900.0, 70000.0),
        ),
        ("market", "buy", None, {"stopLossPrice": 66000}, ("STOP_LOSS", None, 66000.0)),
    ],
)
def test_every_kind_of_order_rests_is_found_by_its_client_id_and_cancelled(
    venue: RunningExchange,
    binance: Any,
    kind: str,
    side: str,
    price: float | None,
    parameters: dict[str, Any],
    shown: tuple[Any, ...],
) -> None:
    venue.engine.deposit(venue.engine.account("main"), "BTC", D(1))
    made = binance.create_order(
        SYMBOL, kind, side, 0.01, price, {"clientOrderId": "tb-1", **parameters}
    )
    assert (made["clientOrderId"], made["status"], made["filled"]) == ("tb-1", "open", 0.0)
    found = binance.fetch_order(None, SYMBOL, {"origClientOrderId": "tb-1"})
    assert found["id"] == made["id"] == binance.fetch_open_orders(SYMBOL)[0]["id"]
    assert (found["info"]["type"], found["price"], found["triggerPrice"]) == shown
    assert found["side"] == side
    cancelled = binance.cancel_order(made["id"], SYMBOL)
    assert (cancelled["id"], cancelled["status"]) == (made["id"], "canceled")
    assert binance.fetch_open_orders(SYMBOL) == []
    assert [each["status"] for each in binance.fetch_orders(SYMBOL)] == ["canceled"]
    with pytest.raises(ccxt.OrderNotFound, match="Unknown order sent"):
        binance.cancel_order(made["id"], SYMBOL)


def test_a_market_order_is_answered_with_its_fills_and_pays_in_what_it_receives(
    venue: RunningExchange, binance: Any
) -> None:
    made = binance.create_order(SYMBOL, "market", "buy", 0.1, None, {"clientOrderId": "tb-1"})
    assert (made["status"], made["filled"], made["average"]) == ("closed", 0.1, 64000.0)
    (fill,) = made["info"]["fills"]
    assert (fill["commission"], fill["commissionAsset"]) == ("0.00010000", "BTC")
    balance = binance.fetch_balance()
    assert balance["BTC"] == {"free": 0.0999, "used": 0.0, "total": 0.0999}
    assert balance["USDT"]["free"] == 93600.0
    (trade,) = binance.fetch_my_trades(SYMBOL)
    assert (trade["order"], trade["id"]) == (made["id"], str(fill["tradeId"]))
    assert (trade["fee"], trade["takerOrMaker"]) == ({"cost": 0.0001, "currency": "BTC"}, "taker")


def test_fees_are_taken_from_a_third_currency_while_there_is_enough_of_it(
    venue: RunningExchange, binance: Any
) -> None:
    account = venue.engine.account("main")
    account.fees = Fees(D("0.001"), D("0.001"), "BNB", worth=D(600))
    venue.engine.deposit(account, "BNB", D("0.02"))
    buy_some(binance)
    buy_some(binance)
    fees = [trade["fee"] for trade in binance.fetch_my_trades(SYMBOL)]
    assert fees[0] == {"cost": 0.01066667, "currency": "BNB"}
    assert fees[1] == {"cost": 0.0001, "currency": "BTC"}, "there was not enough of it left"


def test_spending_an_amount_of_money_buys_what_it_is_enough_for(binance: Any) -> None:
    made = binance.create_market_buy_order_with_cost(SYMBOL, 640)
    assert (made["filled"], made["cost"], made["status"]) == (0.01, 640.0, "closed")


def test_what_a_market_order_does_not_find_at_once_expires(
    venue: RunningExchange, binance: Any
) -> None:
    venue.engine.price(SYMBOL, D(64000), D("0.04"))
    made = binance.create_order(SYMBOL, "market", "buy", 0.1)
    assert (made["filled"], made["status"], made["info"]["status"]) == (0.04, "expired", "EXPIRED")


def test_a_stop_is_filled_behind_a_gap_at_the_worse_price(
    venue: RunningExchange, binance: Any
) -> None:
    buy_some(binance)
    binance.create_order(
        SYMBOL, "market", "sell", 0.05, None, {"stopLossPrice": 60000, "clientOrderId": "stop"}
    )
    venue.engine.price(SYMBOL, D(58000))
    found = binance.fetch_order(None, SYMBOL, {"origClientOrderId": "stop"})
    assert (found["status"], found["average"]) == ("closed", 58000.0)


def test_a_client_id_is_taken_only_while_its_order_is_open(binance: Any) -> None:
    wish = (SYMBOL, "limit", "buy", 0.01)
    binance.create_order(*wish, 60000, {"clientOrderId": "tb-1"})
    with pytest.raises(ccxt.InvalidOrder, match="Duplicate order sent"):
        binance.create_order(*wish, 60000, {"clientOrderId": "tb-1"})
    binance.cancel_all_orders(SYMBOL)
    first = binance.create_order(*wish, 65000, {"clientOrderId": "tb-1"})
    second = binance.create_order(*wish, 65000, {"clientOrderId": "tb-1"})
    assert first["status"] == second["status"] == "closed", "as in the real one: bought twice"
    newest = binance.fetch_order(None, SYMBOL, {"origClientOrderId": "tb-1"})
    assert newest["id"] == second["id"]
