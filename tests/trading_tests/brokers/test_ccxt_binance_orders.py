"""Orders to Binance spot: what goes out, in exactly one request, and what each answer means."""

from decimal import Decimal
from typing import Any

import pytest

from tests.trading_tests.brokers.ccxt_other_desks import (
    BINANCE_ORDER,
    binance_answers,
    connected_binance,
    make_binance,
)
from tests.trading_tests.brokers.ccxt_raw_desk import ORDER_ID, order
from tests.trading_tests.brokers.ccxt_server import Reply, serving
from trading.brokers.venue import (
    CancelAnswer,
    Refused,
    Taken,
    Unclear,
    VenueOrder,
    VenueOrderState,
)
from trading.model.order import Order, OrderType, Purpose, Side

STOP = {"type": OrderType.STOP, "stop_price": Decimal(59000), "side": Side.SELL}
CANCELLED = {
    "symbol": "BTCUSDT",
    "orderId": 7,
    "origClientOrderId": ORDER_ID,
    "clientOrderId": "of the cancel",
    "transactTime": 1_700_000_000_500,
    "price": "0.00000000",
    "stopPrice": "59000.00000000",
    "origQty": "0.50000000",
    "executedQty": "0.12500000",
    "status": "CANCELED",
    "type": "STOP_LOSS",
    "side": "SELL",
}


def _order(**changes: Any) -> Order:
    return order(symbol="BTC/USDT", **changes)


def _sent(changes: dict[str, Any], **market: Any) -> dict[str, str]:
    with connected_binance(**market) as (server, binance):
        assert binance.submit(_order(**changes)) == Taken("BTCUSDT-7")
        assert [(each.method, each.path) for each in server.seen] == [("POST", BINANCE_ORDER)]
        form = server.seen[0].form
    assert form.pop("timestamp").isdigit()
    assert form.pop("signature")
    return form


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {"side": "BUY", "type": "MARKET"}),
        (
            {"type": OrderType.LIMIT, "limit_price": Decimal("60000.10")},
            {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": "60000.1"},
        ),
        (STOP, {"side": "SELL", "type": "STOP_LOSS", "stopPrice": "59000"}),
        (
            {**STOP, "type": OrderType.STOP_LIMIT, "limit_price": Decimal(58000)},
            {
                "side": "SELL",
                "type": "STOP_LOSS_LIMIT",
                "timeInForce": "GTC",
                "price": "58000",
                "stopPrice": "59000",
            },
        ),
    ],
)
def test_each_form_of_order_is_one_request(
    changes: dict[str, Any], expected: dict[str, str]
) -> None:
    assert _sent(changes) == {
        "symbol": "BTCUSDT",
        "quantity": "0.01",
        "newClientOrderId": ORDER_ID,
        "newOrderRespType": "ACK",
        "recvWindow": "5000",
        **expected,
    }


def test_where_a_market_has_no_stop_at_market_the_limit_lies_beyond_the_stop() -> None:
    form = _sent(STOP, orderTypes=["LIMIT", "MARKET", "STOP_LOSS_LIMIT"])
    assert (form["type"], form["stopPrice"], form["price"]) == (
        "STOP_LOSS_LIMIT",
        "59000",
        "56050",
    )


def test_a_market_without_stops_says_so_and_takes_none() -> None:
    with serving(binance_answers(orderTypes=["LIMIT", "MARKET"])) as server:
        binance = make_binance(server)
        assert not binance.connect().abilities.stops
        answer = binance.submit(_order(**STOP, purpose=Purpose.PROTECTION))
        assert answer == Refused("the exchange has no stop order for this market")
        binance.close()


@pytest.mark.parametrize(
    "body",
    [
        {"code": -1000, "msg": "An unknown error occurred while processing the request."},
        {"code": -1001, "msg": "Internal error; unable to process your request."},
        {"code": -1004, "msg": "Server is busy, please wait and try again"},
        {"code": -1006, "msg": "Execution status unknown."},
        {"code": -1007, "msg": "Timeout waiting for response from backend server."},
        {"code": -1008, "msg": "Server is currently overloaded"},
        {"code": -2010, "msg": "Duplicate order sent."},
        {"code": -9999, "msg": "something new"},
    ],
)
def test_what_binance_does_not_know_itself_is_unclear(body: dict[str, Any]) -> None:
    with connected_binance({BINANCE_ORDER: Reply(body, 400)}) as (server, binance):
        assert isinstance(binance.submit(_order()), Unclear)
        assert len(server.seen) == 1


@pytest.mark.parametrize("body", [{}, {"orderId": 7}, {"symbol": "BTCUSDT"}, [], None, "<html>"])
def test_a_yes_that_names_no_order_is_unclear(body: Any) -> None:
    with connected_binance({BINANCE_ORDER: Reply(body)}) as (_, binance):
        assert isinstance(binance.submit(_order()), Unclear)


@pytest.mark.parametrize(
    ("body", "words", "is_passing"),
    [
        ((-2010, "Account has insufficient balance for requested action."), "balance", False),
        ((-1013, "Filter failure: NOTIONAL"), "request refused: Filter", False),
        ((-1021, "Timestamp for this request is outside of the recvWindow."), "recvWindow", True),
        ((-1003, "Too much request weight used"), "rate limit", True),
        ((-2010, "Stop price would trigger immediately."), "trigger immediately", False),
    ],
)
def test_a_definite_no_is_refused_in_words(
    body: tuple[int, str], words: str, *, is_passing: bool
) -> None:
    answers = {BINANCE_ORDER: Reply({"code": body[0], "msg": body[1]}, 400)}
    with connected_binance(answers) as (_, binance):
        answer = binance.submit(_order())
        assert isinstance(answer, Refused)
        assert answer.is_passing is is_passing
        assert words in answer.reason


def test_a_ban_says_how_long_it_lasts() -> None:
    banned = Reply({"code": -1003, "msg": "banned"}, 418, {"Retry-After": "120"})
    with connected_binance({BINANCE_ORDER: banned}) as (_, binance):
        answer = binance.submit(_order())
        assert isinstance(answer, Refused)
        assert (answer.is_passing, answer.retry_after_s) == (True, 120.0)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        # What it says less of than it should is looked up.
        (Reply({"symbol": "BTCUSDT", "status": "CANCELED"}), CancelAnswer.ASKED),
        (Reply({**CANCELLED, "executedQty": "all"}), CancelAnswer.ASKED),
        (Reply({**CANCELLED, "origClientOrderId": "another"}), CancelAnswer.ASKED),
        (Reply({**CANCELLED, "status": "PENDING_CANCEL"}), CancelAnswer.ASKED),
        (Reply({"code": -2011, "msg": "Unknown order sent."}, 400), CancelAnswer.NOT_OPEN),
        (Reply({"code": -1007, "msg": "Timeout"}, 400), CancelAnswer.UNCLEAR),
        (Reply("<html>"), CancelAnswer.UNCLEAR),
    ],
)
def test_a_cancel_is_one_request_by_our_id(reply: Reply, expected: CancelAnswer) -> None:
    with connected_binance({BINANCE_ORDER: reply}) as (server, binance):
        assert binance.cancel(_order()) is expected
        assert [(each.method, each.query["origClientOrderId"]) for each in server.seen] == [
            ("DELETE", ORDER_ID)
        ]


def test_the_answer_to_a_cancel_shows_the_order_as_it_has_ended() -> None:
    with connected_binance({BINANCE_ORDER: Reply(CANCELLED)}) as (_server, binance):
        shown = binance.cancel(_order())
    assert shown == VenueOrder(
        venue_id="BTCUSDT-7",
        client_id=ORDER_ID,
        symbol="BTC/USDT",
        side=Side.SELL,
        type=OrderType.STOP,
        quantity=Decimal("0.5"),
        filled=Decimal("0.125"),
        state=VenueOrderState.CANCELLED,
        at=1_700_000_000.5,
        stop_price=Decimal(59000),
    )


def test_a_key_that_can_withdraw_is_reported() -> None:
    with serving(binance_answers()) as server:
        binance = make_binance(server)
        connected = binance.connect()
        binance.close()
    assert connected.rights.can_withdraw is True
    assert connected.rights.account_id == "42"
    assert connected.instruments["BTC/USDT"].cost_min == 5
    assert connected.abilities.deadline_s == 6
