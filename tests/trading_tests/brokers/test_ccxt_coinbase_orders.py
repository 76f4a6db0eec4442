"""Orders to Coinbase spot: what goes out, in exactly one request, and what each answer means."""

import json
from decimal import Decimal
from typing import Any

import pytest

from tests.trading_tests.brokers.ccxt_other_desks import (
    COINBASE_CANCEL,
    COINBASE_ORDERS,
    COINBASE_YES,
    coinbase_answers,
    connected_coinbase,
    make_coinbase,
)
from tests.trading_tests.brokers.ccxt_raw_desk import ORDER_ID, order
from tests.trading_tests.brokers.ccxt_server import Reply, serving
from trading.brokers.venue import CancelAnswer, Refused, Taken, Unclear
from trading.model.order import OrderType, Purpose, Side

EXIT = {"side": Side.SELL, "purpose": Purpose.PROTECTION}


@pytest.mark.parametrize(
    ("changes", "side", "configuration"),
    [
        ({}, "BUY", {"market_market_ioc": {"base_size": "0.01"}}),
        ({"side": Side.SELL}, "SELL", {"market_market_ioc": {"base_size": "0.01"}}),
        (
            {"type": OrderType.LIMIT, "limit_price": Decimal(60000)},
            "BUY",
            {
                "limit_limit_gtc": {
                    "base_size": "0.01",
                    "limit_price": "60000",
                    "post_only": False,
                }
            },
        ),
        (
            {**EXIT, "type": OrderType.STOP, "stop_price": Decimal(59000)},
            "SELL",
            {
                "stop_limit_stop_limit_gtc": {
                    "base_size": "0.01",
                    "limit_price": "56050",
                    "stop_price": "59000",
                    "stop_direction": "STOP_DIRECTION_STOP_DOWN",
                }
            },
        ),
        (
            {"type": OrderType.STOP, "stop_price": Decimal(61000)},
            "BUY",
            {
                "stop_limit_stop_limit_gtc": {
                    "base_size": "0.01",
                    "limit_price": "64050",
                    "stop_price": "61000",
                    "stop_direction": "STOP_DIRECTION_STOP_UP",
                }
            },
        ),
        (
            {
                **EXIT,
                "type": OrderType.BRACKET,
                "limit_price": Decimal(65000),
                "stop_price": Decimal(59000),
            },
            "SELL",
            {
                "trigger_bracket_gtc": {
                    "base_size": "0.01",
                    "limit_price": "65000",
                    "stop_trigger_price": "59000",
                }
            },
        ),
    ],
)
def test_each_form_of_order_is_one_request_with_our_own_id(
    changes: dict[str, Any], side: str, configuration: dict[str, Any]
) -> None:
    with connected_coinbase() as (server, coinbase):
        assert coinbase.submit(order(**changes)) == Taken("c-1")
        assert [each.path for each in server.seen] == [COINBASE_ORDERS]
        assert json.loads(server.seen[0].body) == {
            "client_order_id": ORDER_ID,
            "product_id": "BTC-USD",
            "side": side,
            "order_configuration": configuration,
        }


def _no(**error: str) -> Reply:
    return Reply({"success": False, "error_response": error})


@pytest.mark.parametrize(
    "reply",
    [
        _no(error="UNKNOWN_FAILURE_REASON", message="The order configuration was invalid"),
        _no(error=""),
        _no(error="DUPLICATE_CLIENT_ORDER_ID"),
        _no(error="INVALID_REQUEST", message="", new_order_failure_reason="DUPLICATE_ORDER"),
        Reply({"success": False}),
        Reply({"success": False, "error_response": None}),
        Reply({"success": True, "success_response": {}}),
        Reply({"success": True}),
        Reply({}),
        Reply({"error": "internal", "message": "internal"}, 500),
        Reply("<html>"),
        Reply(COINBASE_YES, is_cut=True),
    ],
    ids=repr,
)
def test_what_leaves_open_whether_the_order_is_there_is_unclear(reply: Reply) -> None:
    with connected_coinbase({COINBASE_ORDERS: reply}) as (server, coinbase):
        assert isinstance(coinbase.submit(order()), Unclear)
        assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("reply", "reason", "is_passing"),
    [
        (
            _no(error="INSUFFICIENT_FUND", message="Insufficient balance in source account"),
            "insufficient fund: Insufficient balance in source account",
            False,
        ),
        (_no(error="INVALID_LIMIT_PRICE"), "invalid limit price", False),
        (
            _no(error="UNKNOWN_FAILURE_REASON", preview_failure_reason="PREVIEW_INVALID_SIZE"),
            "preview invalid size",
            False,
        ),
        (_no(error="ORDER_ENTRY_DISABLED"), "order entry disabled", True),
    ],
    ids=repr,
)
def test_a_definite_no_is_refused_in_words(reply: Reply, reason: str, *, is_passing: bool) -> None:
    with connected_coinbase({COINBASE_ORDERS: reply}) as (_, coinbase):
        assert coinbase.submit(order()) == Refused(reason, is_passing=is_passing)


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ({"success": True, "order_id": "c-1"}, CancelAnswer.ASKED),
        ({"success": False, "failure_reason": "DUPLICATE_CANCEL_REQUEST"}, CancelAnswer.ASKED),
        ({"success": False, "failure_reason": "UNKNOWN_CANCEL_ORDER"}, CancelAnswer.NOT_OPEN),
        (
            {"success": False, "failure_reason": "COMMANDER_REJECTED_CANCEL_ORDER"},
            CancelAnswer.UNCLEAR,
        ),
    ],
)
def test_a_cancel_is_one_request(result: dict[str, Any], expected: CancelAnswer) -> None:
    with connected_coinbase({COINBASE_CANCEL: Reply({"results": [result]})}) as (server, coinbase):
        assert coinbase.cancel(order(venue_id="c-1")) is expected
        assert [json.loads(each.body) for each in server.seen] == [{"order_ids": ["c-1"]}]


def test_without_the_id_of_the_venue_a_cancel_is_not_sent() -> None:
    with connected_coinbase() as (server, coinbase):
        assert coinbase.cancel(order()) is CancelAnswer.UNCLEAR
        assert server.seen == []


def test_the_rights_and_the_portfolio_of_the_key_are_told() -> None:
    with serving(coinbase_answers()) as server:
        coinbase = make_coinbase(server)
        connected = coinbase.connect()
        coinbase.close()
    assert (connected.rights.can_withdraw, connected.rights.account_id) == (False, "p-1")
    assert connected.abilities.brackets
    assert connected.abilities.deadline_s is None
