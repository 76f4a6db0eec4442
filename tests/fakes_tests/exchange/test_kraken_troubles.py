"""Every trouble of the script as ccxt meets it: what it says, and whether the order is there."""

import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import ccxt  # type: ignore[import-untyped]
import pytest

from daemonkit.clock import ManualClock
from tests.fakes.exchange.faults import Faults, Rule, Trouble
from tests.fakes.exchange.terms import Order
from tests.fakes.exchange.venues import RunningExchange, start_kraken, usual_engine
from tests.fakes.exchange.wire import Asked, Kind, Word
from tests.fakes_tests.exchange.library_calls import PATIENCE_MS, connected
from tests.waiting import wait_until

SYMBOL = "BTC/USD"
SUBMIT = Kind.SUBMIT
HANG_MS = 200


def send(kraken: Any, client_id: str = "tb-1", **parameters: Any) -> Any:
    asked = {"clientOrderId": client_id, **parameters}
    return kraken.create_order(SYMBOL, "limit", "buy", 0.01, 60000, asked)


def orders(venue: RunningExchange) -> list[Order]:
    return venue.engine.orders(venue.engine.account("main"))


@pytest.mark.parametrize(
    ("script", "error", "is_taken"),
    [
        (lambda it: it.hang(acts=True, kind=SUBMIT), ccxt.RequestTimeout, True),
        (lambda it: it.hang(acts=False, kind=SUBMIT), ccxt.RequestTimeout, False),
        (lambda it: it.drop(acts=True, kind=SUBMIT), ccxt.NetworkError, True),
        (lambda it: it.drop(acts=False, kind=SUBMIT), ccxt.NetworkError, False),
        (lambda it: it.status(502, acts=True, kind=SUBMIT), ccxt.ExchangeNotAvailable, True),
        (lambda it: it.status(502, acts=False, kind=SUBMIT), ccxt.ExchangeNotAvailable, False),
        (lambda it: it.status(503, acts=True, kind=SUBMIT), ccxt.ExchangeNotAvailable, True),
        (lambda it: it.status(520, acts=True, kind=SUBMIT), ccxt.ExchangeNotAvailable, True),
        (lambda it: it.status(504, acts=True, kind=SUBMIT), ccxt.RequestTimeout, True),
        (lambda it: it.truncate(kind=SUBMIT), ccxt.NetworkError, True),
        (lambda it: it.odd(kind=SUBMIT), TypeError, True),
        (lambda it: it.too_many_requests(7, kind=SUBMIT), ccxt.RateLimitExceeded, False),
        (lambda it: it.say(Word.TIMEOUT, acts=True, kind=SUBMIT), ccxt.ExchangeError, True),
        (lambda it: it.say(Word.BUSY, acts=False, kind=SUBMIT), ccxt.ExchangeNotAvailable, False),
        (lambda it: it.say(Word.UNAVAILABLE, acts=True, kind=SUBMIT), ccxt.NetworkError, True),
        (lambda it: it.say(Word.INTERNAL, acts=True, kind=SUBMIT), ccxt.NetworkError, True),
        (lambda it: it.say(Word.NONCE, acts=False, kind=SUBMIT), ccxt.InvalidNonce, False),
        (lambda it: it.say(Word.RATE_LIMIT, acts=False, kind=SUBMIT), ccxt.DDoSProtection, False),
        (lambda it: it.say(Word.MAINTENANCE, acts=False, kind=SUBMIT), ccxt.OnMaintenance, False),
        (lambda it: it.say(Word.DUPLICATE, acts=True, kind=SUBMIT), ccxt.ExchangeError, True),
        (lambda it: it.say(Word.KEY, acts=False, kind=SUBMIT), ccxt.AuthenticationError, False),
        (lambda it: it.say(Word.FUNDS, acts=False, kind=SUBMIT), ccxt.InsufficientFunds, False),
    ],
)
def test_a_submit_in_trouble_fails_as_it_does_at_the_real_exchange(
    venue: RunningExchange,
    script: Callable[[Faults], Rule],
    error: type[Exception],
    is_taken: bool,
) -> None:
    with connected(venue) as kraken:
        rule = script(venue.faults)
        kraken.timeout = HANG_MS if rule.trouble is Trouble.HANG else PATIENCE_MS
        with pytest.raises(error):
            send(kraken)
        kraken.timeout = PATIENCE_MS
        (record,) = wait_until(lambda: rule.met, 5, "the request")
        assert (record.kind, record.client_id, record.has_acted) == (SUBMIT, "tb-1", is_taken)
        assert [order.client_id for order in orders(venue)] == (["tb-1"] if is_taken else [])
        assert record.fault
        assert send(kraken, "tb-2")["id"], "it meets one request"


@pytest.mark.parametrize(
    ("script", "is_taken"),
    [
        (lambda it: it.html(acts=True, kind=SUBMIT), True),
        (lambda it: it.html(acts=False, kind=SUBMIT), False),
        (lambda it: it.cut(kind=SUBMIT), True),
    ],
)
def test_an_answer_that_is_no_json_is_an_order_without_an_id(
    venue: RunningExchange, kraken: Any, script: Callable[[Faults], Rule], is_taken: bool
) -> None:
    script(venue.faults)
    assert send(kraken)["id"] is None
    assert len(orders(venue)) == is_taken


def test_a_refused_connection_is_no_answer_either(venue: RunningExchange, kraken: Any) -> None:
    venue.exchange.go_down()
    with pytest.raises(ccxt.NetworkError):
        send(kraken)
    venue.exchange.go_down()  # it is down already
    venue.exchange.come_up()
    assert send(kraken)["id"]
    assert len(orders(venue)) == 1


def test_a_leveraged_stop_is_live_although_its_answer_cannot_be_read(
    venue: RunningExchange, kraken: Any
) -> None:
    """No fault is scripted: this is how ccxt reads what Kraken says of such an order."""
    parameters = {"leverage": 2, "stopLossPrice": 70000, "clientOrderId": "tb-1"}
    with pytest.raises(ValueError, match="too many values"):
        kraken.create_order(SYMBOL, "market", "buy", 0.01, None, parameters)
    assert [order.client_id for order in orders(venue)] == ["tb-1"]


def test_an_order_can_arrive_long_after_its_connection_has_ended(
    venue: RunningExchange, kraken: Any
) -> None:
    venue.faults.late(0.2, kind=SUBMIT)
    with pytest.raises(ccxt.NetworkError):
        send(kraken)
    assert orders(venue) == []
    assert kraken.fetch_open_orders() == []
    assert wait_until(lambda: orders(venue), 5, "the late order")
    assert len(kraken.fetch_open_orders()) == 1


def test_an_order_that_is_too_late_for_its_deadline_is_not_taken(
    venue: RunningExchange, kraken: Any
) -> None:
    rule = venue.faults.late(0.2, kind=SUBMIT)
    until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(venue.engine.clock.wall()))
    with pytest.raises(ccxt.NetworkError):
        send(kraken, deadline=until)
    wait_until(lambda: rule.met[0].has_acted, 5, "the late request")
    assert b"EService:Deadline elapsed" in rule.met[0].body
    assert orders(venue) == []


def test_an_order_that_was_just_placed_can_be_missing_from_the_lists(
    venue: RunningExchange, kraken: Any
) -> None:
    kinds = (Kind.OPEN_ORDERS, Kind.CLOSED_ORDERS, Kind.TRADES, Kind.LEDGER)
    rule = venue.faults.stale(30, times=4, kind=kinds)
    send(kraken)
    kraken.create_order(SYMBOL, "market", "buy", 0.01)
    assert kraken.fetch_open_orders() == []
    assert kraken.fetch_closed_orders() == []
    assert kraken.fetch_my_trades() == []
    assert kraken.fetch_ledger() == []
    assert len(rule.met) == 4
    assert len(kraken.fetch_open_orders()) == 1


def test_an_order_that_has_just_ended_can_be_in_neither_list() -> None:
    clock = ManualClock(1_800_000_000.0)
    engine, _account = usual_engine(clock=clock)
    with start_kraken(engine) as venue, connected(venue) as kraken:
        send(kraken)
        clock.advance(60)
        engine.price(SYMBOL, Decimal(60000))
        venue.faults.stale(5, times=None, kind=Kind.CLOSED_ORDERS)
        assert kraken.fetch_open_orders() == []
        assert kraken.fetch_closed_orders() == []
        clock.advance(5)
        assert len(kraken.fetch_closed_orders()) == 1


def test_a_slow_answer_is_the_real_one(venue: RunningExchange, kraken: Any) -> None:
    venue.faults.slow(0.1, kind=Kind.BALANCES)
    assert kraken.fetch_balance()["USD"]["total"] == 100_000


def test_an_order_can_be_filled_in_part_and_not_be_answered(venue: RunningExchange) -> None:
    def leave_little(_asked: Asked) -> None:
        venue.engine.leave(SYMBOL, Decimal("0.0025"))

    with connected(venue) as kraken:
        venue.faults.hang(acts=True, kind=SUBMIT, before=leave_little)
        kraken.timeout = HANG_MS
        with pytest.raises(ccxt.RequestTimeout):
            kraken.create_order(SYMBOL, "market", "buy", 0.01)
        kraken.timeout = PATIENCE_MS
        (order,) = kraken.fetch_open_orders()
        assert (order["filled"], order["amount"]) == (0.0025, 0.01)


def test_a_rule_meets_the_nth_request_of_its_kind_and_id(
    venue: RunningExchange, kraken: Any
) -> None:
    venue.faults.say(Word.FUNDS, acts=False, kind=SUBMIT, client_id="tb-2", nth=2)
    assert send(kraken, "tb-1")["id"]
    assert send(kraken, "tb-2")["id"]
    kraken.cancel_order("", SYMBOL, {"clientOrderId": "tb-2"})
    with pytest.raises(ccxt.InsufficientFunds):
        send(kraken, "tb-2")
    assert send(kraken, "tb-2")["id"]


def test_rules_last_until_they_are_cleared_where_that_is_asked(
    venue: RunningExchange, kraken: Any
) -> None:
    rule = venue.faults.say(
        Word.BUSY,
        acts=False,
        times=None,
        kind=(Kind.CANCEL, Kind.BALANCES),
        when=lambda asked: asked.name != "Balance",
    )
    for _attempt in range(3):
        with pytest.raises(ccxt.ExchangeNotAvailable):
            kraken.fetch_balance()
    assert kraken.private_post_balance()["result"]
    assert venue.faults.unmet == []
    rule.clear()
    assert kraken.fetch_balance()


def test_the_end_of_an_exchange_ends_what_hangs_in_it() -> None:
    engine, _account = usual_engine()
    with start_kraken(engine) as venue, connected(venue) as kraken:
        venue.faults.hang(acts=False, times=None)
        kraken.timeout = HANG_MS
        with pytest.raises(ccxt.RequestTimeout):
            kraken.fetch_balance()


def test_a_fault_of_the_fake_itself_fails_the_test(venue: RunningExchange, kraken: Any) -> None:
    with pytest.raises(ccxt.ExchangeNotAvailable):
        kraken.private_post_closedorders({"ofs": "no number"})
    with pytest.raises(AssertionError, match="the fake failed"):
        venue.exchange.check()
    venue.exchange.recorder.crashes.clear()
