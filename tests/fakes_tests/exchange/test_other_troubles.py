"""Trouble on the way, as ccxt for Binance and Coinbase meets it: what it says, what is there."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import ccxt  # type: ignore[import-untyped]
import pytest

from tests.fakes.exchange.faults import Faults, Rule
from tests.fakes.exchange.terms import MarketKind, Order
from tests.fakes.exchange.venues import (
    KRAKEN_SECRET,
    RunningExchange,
    coinbase_secret,
    start_binance,
    start_coinbase,
    usual_engine,
    usual_markets,
)
from tests.fakes.exchange.wire import Kind
from tests.fakes_tests.exchange.library_calls import connected
from tests.waiting import wait_until

SUBMIT = Kind.SUBMIT
TIMEOUT_MS = 250


class Caller:
    """One of the exchanges, and the library that calls it."""

    def __init__(self, name: str, venue: RunningExchange, library: Any) -> None:
        self.name, self.venue, self.library = name, venue, library
        self.symbol = "BTC/USDT" if name == "binance" else "BTC/USD"
        self.id_key = "clientOrderId" if name == "binance" else "client_order_id"

    def send(self, **parameters: object) -> Any:
        asked = {self.id_key: "tb-1", **parameters}
        return self.library.create_order(self.symbol, "limit", "buy", 0.01, 60000, asked)

    def orders(self) -> list[Order]:
        return self.venue.engine.orders(self.venue.engine.account("main"))


@pytest.fixture(params=["binance", "coinbase"])
def caller(request: pytest.FixtureRequest) -> Iterator[Caller]:
    is_binance = request.param == "binance"
    secret = KRAKEN_SECRET if is_binance else coinbase_secret()
    markets = usual_markets("USDT" if is_binance else "USD", MarketKind.SPOT)
    engine, _account = usual_engine(markets, secret=secret)
    start = start_binance if is_binance else start_coinbase
    with (
        start(engine) as venue,
        connected(venue, timeout=TIMEOUT_MS) as library,
    ):
        yield Caller(request.param, venue, library)


@pytest.mark.parametrize(
    ("script", "error", "is_taken"),
    [
        (lambda it: it.hang(acts=True, kind=SUBMIT), ccxt.RequestTimeout, True),
        (lambda it: it.hang(acts=False, kind=SUBMIT), ccxt.RequestTimeout, False),
        (lambda it: it.drop(acts=True, kind=SUBMIT), ccxt.NetworkError, True),
        (lambda it: it.drop(acts=False, kind=SUBMIT), ccxt.NetworkError, False),
        (lambda it: it.status(502, acts=True, kind=SUBMIT), ccxt.ExchangeNotAvailable, True),
        (lambda it: it.status(504, acts=True, kind=SUBMIT), ccxt.RequestTimeout, True),
        (lambda it: it.truncate(kind=SUBMIT), ccxt.NetworkError, True),
        (lambda it: it.too_many_requests(7, kind=SUBMIT), ccxt.NetworkError, False),
    ],
)
def test_a_submit_in_trouble_fails_and_is_there_or_not(
    caller: Caller, script: Callable[[Faults], Rule], error: type[Exception], is_taken: bool
) -> None:
    rule = script(caller.venue.faults)
    with pytest.raises(error):
        caller.send()
    (record,) = rule.met
    assert (record.client_id, record.has_acted) == ("tb-1", is_taken)
    assert [order.client_id for order in caller.orders()] == (["tb-1"] if is_taken else [])


@pytest.mark.parametrize(
    "script", [lambda it: it.html(acts=True, kind=SUBMIT), lambda it: it.cut(kind=SUBMIT)]
)
def test_an_answer_that_is_no_json_is_never_an_order_with_an_id(
    caller: Caller, script: Callable[[Faults], Rule]
) -> None:
    script(caller.venue.faults)
    made: Any = {"id": None}
    # What the library makes of it is as unclear as the order.
    with suppress(ccxt.BaseError, TypeError, AttributeError):
        made = caller.send()
    assert made["id"] is None
    assert len(caller.orders()) == 1


def test_a_cancel_in_trouble_may_have_been_carried_out(caller: Caller) -> None:
    made = caller.send()
    rule = caller.venue.faults.hang(acts=True, kind=Kind.CANCEL)
    with pytest.raises(ccxt.RequestTimeout):
        caller.library.cancel_order(made["id"], caller.symbol)
    rule.clear()
    assert caller.library.fetch_open_orders(caller.symbol) == []


def test_an_order_can_arrive_long_after_its_connection_has_ended(caller: Caller) -> None:
    caller.venue.faults.late(0.1, kind=SUBMIT)
    with pytest.raises(ccxt.NetworkError):
        caller.send()
    assert caller.orders() == []
    assert wait_until(caller.orders, 5, "the late order")


@pytest.mark.parametrize("caller", ["binance"], indirect=True)
def test_an_order_that_comes_after_its_receive_window_is_not_taken(caller: Caller) -> None:
    rule = caller.venue.faults.late(0.4, kind=SUBMIT)
    with pytest.raises(ccxt.NetworkError):
        caller.send(recvWindow=100)
    wait_until(lambda: rule.met[0].has_acted, 5, "the late request")
    assert b"-1021" in rule.met[0].body
    assert caller.orders() == []
