"""ccxt itself against the fake Coinbase: orders of every kind, brackets and ids that are taken."""

from decimal import Decimal
from typing import Any

import ccxt  # type: ignore[import-untyped]
import pytest

from tests.fakes.exchange.coinbase import Duplicates
from tests.fakes.exchange.terms import MarketKind
from tests.fakes.exchange.venues import (
    RunningExchange,
    coinbase_secret,
    start_coinbase,
    usual_engine,
    usual_markets,
)
from tests.fakes_tests.exchange.library_calls import connected

D = Decimal
SYMBOL = "BTC/USD"
BRACKET = {"limit_price": "70000", "stop_trigger_price": "60000"}


def give_coins(venue: RunningExchange) -> None:
    venue.engine.deposit(venue.engine.account("main"), "BTC", D(1))


@pytest.mark.parametrize(
    ("side", "price", "parameters", "shown"),
    [
        ("buy", 60000.0, {}, ("LIMIT", 60000.0, None)),
        ("buy", 60000.0, {"postOnly": True}, ("LIMIT", 60000.0, None)),
        ("sell", 59900.0, {"stopLossPrice": 60000}, ("STOP_LIMIT", 59900.0, 60000.0)),
        ("sell", 69900.0, {"takeProfitPrice": 70000}, ("STOP_LIMIT", 69900.0, 70000.0)),
        ("buy", 70100.0, {"stopLossPrice": 70000}, ("STOP_LIMIT", 70100.0, 70000.0)),
        (
            "sell",
            70000.0,
            {"order_configuration": {"trigger_bracket_gtc": BRACKET | {"base_size": "0.01"}}},
            ("BRACKET", None, None),
        ),
    ],
)
def test_every_kind_of_order_rests_is_found_and_cancelled(
    venue: RunningExchange,
    coinbase: Any,
    side: str,
    price: float,
    parameters: dict[str, Any],
    shown: tuple[Any, ...],
) -> None:
    give_coins(venue)
    made = coinbase.create_order(
        SYMBOL, "limit", side, 0.01, price, {"client_order_id": "tb-1", **parameters}
    )
    assert (made["clientOrderId"], made["side"]) == ("tb-1", side)
    found = coinbase.fetch_order(made["id"])
    assert (found["clientOrderId"], found["status"], found["filled"]) == ("tb-1", "open", 0.0)
    assert (found["info"]["order_type"], found["price"], found["triggerPrice"]) == shown
    assert [each["id"] for each in coinbase.fetch_open_orders(SYMBOL)] == [made["id"]]
    assert coinbase.cancel_order(made["id"])["id"] == made["id"]
    assert coinbase.fetch_open_orders() == []
    assert [each["id"] for each in coinbase.fetch_canceled_orders()] == [made["id"]]
    with pytest.raises(ccxt.BadRequest, match="has failed"):
        coinbase.cancel_order(made["id"])


def test_an_order_may_be_filled_while_its_cancel_is_queued() -> None:
    markets = usual_markets("USD", MarketKind.SPOT)
    engine, _account = usual_engine(markets, secret=coinbase_secret())
    with (
        start_coinbase(engine, cancel_delay_s=60.0) as venue,
        connected(venue) as coinbase,
    ):
        made = coinbase.create_order(SYMBOL, "limit", "buy", 0.01, 60000)
        assert coinbase.cancel_order(made["id"])["id"] == made["id"]
        assert coinbase.fetch_order(made["id"])["info"]["status"] == "CANCEL_QUEUED"
        assert coinbase.fetch_open_orders() == []
        with pytest.raises(ccxt.BadRequest):
            coinbase.cancel_order(made["id"])
        engine.price(SYMBOL, D(59000))
        assert coinbase.fetch_order(made["id"])["status"] == "closed"


def test_the_clients_id_that_the_library_knows_is_dropped_by_it(coinbase: Any) -> None:
    made = coinbase.create_order(SYMBOL, "limit", "buy", 0.01, 60000, {"clientOrderId": "tb-1"})
    assert made["clientOrderId"].startswith("ccxt-")


def test_a_market_order_is_answered_by_its_id_only_and_pays_in_money(
    venue: RunningExchange, coinbase: Any
) -> None:
    made = coinbase.create_order(SYMBOL, "market", "buy", 0.01, 64000, {"client_order_id": "tb-1"})
    assert (made["status"], made["filled"]) == (None, None)
    found = coinbase.fetch_order(made["id"])
    spent = 640 / 1.006
    assert (found["status"], found["average"]) == ("closed", 64000.0)
    assert found["cost"] == pytest.approx(spent), "the fee is a part of what is spent"
    sold = coinbase.create_order(SYMBOL, "market", "sell", 0.005)
    trades = coinbase.fetch_my_trades(SYMBOL)
    assert [trade["order"] for trade in trades] == [made["id"], sold["id"]]
    assert trades[1]["fee"] == {"cost": 1.92, "currency": "USD"}
    for balance in (coinbase.fetch_balance({"v3": True}), coinbase.fetch_balance()):
        assert balance["USD"]["total"] == pytest.approx(100000 - 640 + 320 - 1.92)


def test_what_orders_hold_is_shown(venue: RunningExchange, coinbase: Any) -> None:
    give_coins(venue)
    coinbase.create_order(SYMBOL, "limit", "sell", 0.25, 70000)
    balance = coinbase.fetch_balance({"v3": True})
    assert balance["BTC"] == {"free": 0.75, "used": 0.25, "total": 1.0}


def test_a_bracket_is_one_order_that_ends_at_its_target_or_behind_its_stop(
    venue: RunningExchange, coinbase: Any
) -> None:
    give_coins(venue)

    def placed() -> str:
        wish = {"trigger_bracket_gtc": BRACKET | {"base_size": "0.01"}}
        made = coinbase.create_order(
            SYMBOL, "limit", "sell", 0.01, 70000, {"order_configuration": wish}
        )
        return str(made["id"])

    won = placed()
    venue.engine.price(SYMBOL, D(71000))
    assert coinbase.fetch_order(won)["average"] == 70000.0
    venue.engine.price(SYMBOL, D(64000))
    lost = placed()
    venue.engine.price(SYMBOL, D(58000))
    found = coinbase.fetch_order(lost)
    assert (found["status"], found["average"]) == ("closed", 58000.0)
    assert found["info"]["trigger_status"] == "STOP_TRIGGERED"


def test_the_stop_of_a_bracket_is_left_behind_by_a_gap_of_more_than_five_percent(
    venue: RunningExchange, coinbase: Any
) -> None:
    give_coins(venue)
    wish = {"trigger_bracket_gtc": BRACKET | {"base_size": "0.01"}}
    asked = {"order_configuration": wish}
    made = coinbase.create_order(SYMBOL, "limit", "sell", 0.01, 70000, asked)
    venue.engine.price(SYMBOL, D(56000))
    left = coinbase.fetch_order(made["id"])
    assert (left["status"], left["info"]["trigger_status"]) == ("open", "STOP_TRIGGERED")
    venue.engine.price(SYMBOL, D(57500))
    found = coinbase.fetch_order(made["id"])
    assert (found["status"], found["average"]) == ("closed", 57000.0)


def test_an_attached_bracket_is_placed_for_what_is_filled(
    venue: RunningExchange, coinbase: Any
) -> None:
    attached = {"attached_order_configuration": {"trigger_bracket_gtc": BRACKET}}
    entry = coinbase.create_order(SYMBOL, "limit", "buy", 0.01, 63000, attached)
    assert len(coinbase.fetch_open_orders()) == 1
    venue.engine.price(SYMBOL, D(62900))
    (child,) = coinbase.fetch_open_orders()
    assert child["info"]["originating_order_id"] == entry["id"]
    assert coinbase.fetch_order(entry["id"])["info"]["attached_order_id"] == child["id"]
    configuration = child["info"]["order_configuration"]["trigger_bracket_gtc"]
    assert configuration == BRACKET | {"base_size": "0.01"}


def test_a_client_id_that_is_taken_is_answered_with_the_first_order(
    venue: RunningExchange, coinbase: Any
) -> None:
    wish = (SYMBOL, "limit", "buy", 0.01, 65000, {"client_order_id": "tb-1"})
    first, second = coinbase.create_order(*wish), coinbase.create_order(*wish)
    assert first["id"] == second["id"]
    assert len(venue.engine.trades(venue.engine.account("main"))) == 1


@pytest.mark.parametrize("venue", [Duplicates.REFUSE], indirect=True)
def test_a_client_id_that_is_taken_may_be_refused_as_well(
    venue: RunningExchange, coinbase: Any
) -> None:
    wish = (SYMBOL, "limit", "buy", 0.01, 65000, {"client_order_id": "tb-1"})
    coinbase.create_order(*wish)
    with pytest.raises(ccxt.ExchangeError, match="client_order_id is taken"):
        coinbase.create_order(*wish)
    assert len(venue.engine.trades(venue.engine.account("main"))) == 1
