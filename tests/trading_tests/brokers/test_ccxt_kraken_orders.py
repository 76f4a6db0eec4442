"""Orders to Kraken: what goes out, in exactly one request, and what each answer means."""

import socket
from decimal import Decimal
from typing import Any

import pytest

from tests.trading_tests.brokers.ccxt_kraken_desk import (
    ADD,
    connected,
    errors,
    make_venue,
    result,
)
from tests.trading_tests.brokers.ccxt_raw_desk import ORDER_ID, order
from tests.trading_tests.brokers.ccxt_server import Answer, Reply
from trading.brokers.venue import CancelAnswer, Refused, Taken, Unclear
from trading.model.order import OrderType, Purpose, Side

CANCEL = "/0/private/CancelOrder"
MODEST = {"pair": "XXBTZUSD", "volume": "0.01", "cl_ord_id": ORDER_ID, "oflags": "fciq"}


def _sent(changes: dict[str, Any], **venue: Any) -> dict[str, str]:
    with connected(**venue) as (server, kraken):
        assert kraken.submit(order(**changes)) == Taken("OAAAAA-BBBBB-CCCCCC")
        assert [each.path for each in server.seen] == [ADD]
        form = server.seen[0].form
    assert form.pop("nonce").isdigit()
    assert form.pop("deadline") == "2023-11-14T22:13:30.000Z"
    return form


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {"type": "buy", "ordertype": "market"}),
        (
            {"type": OrderType.LIMIT, "limit_price": Decimal("60000.1")},
            {"type": "buy", "ordertype": "limit", "price": "60000.1"},
        ),
        (
            {"type": OrderType.STOP, "stop_price": Decimal(59000), "side": Side.SELL},
            {"type": "sell", "ordertype": "stop-loss", "price": "59000"},
        ),
        (
            {
                "type": OrderType.STOP_LIMIT,
                "stop_price": Decimal(59000),
                "limit_price": Decimal(58000),
                "side": Side.SELL,
            },
            {"type": "sell", "ordertype": "stop-loss-limit", "price": "59000", "price2": "58000"},
        ),
    ],
)
def test_each_form_of_order_is_one_request(
    changes: dict[str, Any], expected: dict[str, str]
) -> None:
    assert _sent(changes) == {**MODEST, **expected}


def test_on_margin_the_leverage_goes_along_and_an_exit_may_only_reduce() -> None:
    margin = {"market_type": "margin", "leverage": 3}
    assert _sent({}, **margin) == {
        **MODEST,
        "type": "buy",
        "ordertype": "market",
        "leverage": "3",
    }
    exit_form = _sent({"side": Side.SELL, "purpose": Purpose.PROTECTION}, **margin)
    assert (exit_form["leverage"], exit_form["reduce_only"]) == ("3", "true")


def test_prices_go_to_the_tick_and_never_to_the_worse_side() -> None:
    limit = {"type": OrderType.LIMIT, "limit_price": Decimal("60000.17")}
    assert _sent(limit)["price"] == "60000.1"
    assert _sent({**limit, "side": Side.SELL})["price"] == "60000.2"
    stop = {"type": OrderType.STOP, "stop_price": Decimal("59000.01")}
    assert _sent({**stop, "side": Side.SELL})["price"] == "59000.1"


def test_the_size_of_an_exit_is_rounded_down_and_never_up() -> None:
    exit_order = {"purpose": Purpose.EXIT, "side": Side.SELL}
    form = _sent({**exit_order, "quantity": Decimal("0.0123456789")})
    assert form["volume"] == "0.01234567"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"quantity": Decimal("0.0100000001")}, "is no multiple of the step 0.00000001"),
        ({"quantity": Decimal("0.00009")}, "is below the minimum 0.0001"),
        (
            {"type": OrderType.LIMIT, "limit_price": Decimal(40)},
            "cost 0.4 USD is below the minimum 0.5",
        ),
        ({"reserve_price": Decimal(40)}, "is below the minimum 0.5"),
        ({"type": OrderType.LIMIT}, "needs a limit price"),
        ({"type": OrderType.STOP}, "needs a stop price"),
        ({"symbol": "ETH/USD"}, "ETH/USD is not one of the account's markets"),
        (
            {"type": OrderType.BRACKET, "limit_price": Decimal(1), "stop_price": Decimal(1)},
            "is below the minimum|no bracket order",
        ),
    ],
)
def test_what_cannot_be_sent_is_refused_in_words_and_nothing_goes_out(
    changes: dict[str, Any], words: str
) -> None:
    with connected() as (server, kraken):
        answer = kraken.submit(order(**changes))
        assert isinstance(answer, Refused)
        assert not answer.is_passing
        assert any(part in answer.reason for part in words.split("|"))
        assert server.seen == []


def _answer_of(reply: Answer) -> Any:
    with connected({ADD: reply}) as (server, kraken):
        answer = kraken.submit(order())
        assert len(server.seen) == 1, "an order is sent once"
        return answer


@pytest.mark.parametrize(
    "reply",
    [
        Reply(hangs=True),
        Reply(is_dropped=True),
        Reply({"error": [], "result": {"txid": ["OA"]}}, is_cut=True),
        Reply("<html>welcome</html>"),
        Reply("gateway", 502),
        Reply("gateway", 503),
        Reply("gateway", 504),
        Reply("gateway", 408),
        Reply("forbidden", 403),
        Reply("gone", 520),
        Reply("", 307, {"Location": "/0/private/AddOrder"}),
        Reply(None),
        Reply([]),
        Reply({}),
        errors("EService:Timeout"),
        errors("EService:Deadline elapsed"),
        errors("EService:Unavailable"),
        errors("EService:Busy"),
        errors("EGeneral:Internal error"),
        errors("EOrder:Something new"),
        errors("EOrder:Duplicate cl_ord_id"),
        result({}),
        result({"txid": []}),
        result({"txid": [None]}),
        result({"txid": "OAAAAA"}),
        result([]),
        Reply({"error": 5, "result": {}}),
    ],
    ids=repr,
)
def test_what_leaves_open_whether_the_order_is_there_is_unclear(reply: Answer) -> None:
    assert isinstance(_answer_of(reply), Unclear)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("EOrder:Insufficient funds", "insufficient funds: EOrder:Insufficient funds"),
        ("EOrder:Order minimum not met", "order refused"),
        ("EGeneral:Invalid arguments:volume", "order refused"),
        ("EGeneral:Invalid arguments", "EGeneral:Invalid arguments"),
        ("EAPI:Invalid key", "key refused"),
        ("EGeneral:Permission denied", "the key may not do this"),
        ("EQuery:Invalid asset pair", "unknown market"),
    ],
)
def test_a_definite_no_is_refused_in_words(text: str, words: str) -> None:
    answer = _answer_of(errors(text))
    assert isinstance(answer, Refused)
    assert not answer.is_passing
    assert words in answer.reason


@pytest.mark.parametrize(
    ("reply", "seconds"),
    [
        (errors("EAPI:Rate limit exceeded"), None),
        (errors("EOrder:Rate limit exceeded"), None),
        (errors("EGeneral:Temporary lockout"), None),
        (errors("EAPI:Invalid nonce"), None),
        (errors("EService:Market in post_only mode"), None),
        (Reply("slow down", 429, {"Retry-After": "7"}), 7.0),
        (Reply("slow down", 429, {"Retry-After": "soon"}), None),
    ],
    ids=repr,
)
def test_a_refusal_of_the_moment_says_so(reply: Answer, seconds: float | None) -> None:
    answer = _answer_of(reply)
    assert isinstance(answer, Refused)
    assert (answer.is_passing, answer.retry_after_s) == (True, seconds)


def test_an_order_that_found_no_server_was_never_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with connected() as (_, kraken):
        kraken._wire.exchange.urls["api"]["private"] = f"http://127.0.0.1:{port}"
        answer = kraken.submit(order())
        assert isinstance(answer, Refused)
        assert answer.is_passing
        assert answer.reason.startswith("not connected: ")


def test_no_secret_and_no_signature_is_in_a_reason() -> None:
    with connected({ADD: errors("EOrder:Unknown kraken-key-for-a-test")}) as (_, kraken):
        answer = kraken.submit(order())
        assert isinstance(answer, Unclear)
        assert "kraken-key-for-a-test" not in answer.reason


def test_before_it_has_connected_a_venue_sends_nothing() -> None:
    with connected() as (server, _):
        kraken = make_venue(server)
        answer = kraken.submit(order())
        assert isinstance(answer, Refused)
        assert answer.is_passing
        assert kraken.cancel(order()) is CancelAnswer.UNCLEAR
        assert server.seen == []


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (result({"count": 1}), CancelAnswer.ASKED),
        (result({"count": 1, "pending": True}), CancelAnswer.ASKED),
        (result({"count": 0}), CancelAnswer.NOT_OPEN),
        (errors("EOrder:Unknown order"), CancelAnswer.NOT_OPEN),
        (errors("EOrder:Cancel pending"), CancelAnswer.ASKED),
        (errors("EService:Timeout"), CancelAnswer.UNCLEAR),
        (Reply("unknown order", 404), CancelAnswer.UNCLEAR),
        (Reply("<html>"), CancelAnswer.UNCLEAR),
        (Reply(is_dropped=True), CancelAnswer.UNCLEAR),
    ],
    ids=repr,
)
def test_a_cancel_is_one_request_and_says_what_it_knows(
    reply: Answer, expected: CancelAnswer
) -> None:
    with connected({CANCEL: reply}) as (server, kraken):
        assert kraken.cancel(order()) is expected
        assert [each.form["cl_ord_id"] for each in server.seen] == [ORDER_ID]


def test_a_cancel_names_the_order_by_the_id_of_the_venue_once_it_is_known() -> None:
    with connected({CANCEL: result({"count": 1})}) as (server, kraken):
        kraken.cancel(order(venue_id="OAAAAA-BBBBB-CCCCCC"))
        assert server.seen[0].form["txid"] == "OAAAAA-BBBBB-CCCCCC"
        assert "cl_ord_id" not in server.seen[0].form
