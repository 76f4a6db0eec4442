"""Entries are taken back at fake exchanges, through ccxt, within the time that a stop has."""

from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest

from tests.fakes.exchange.faults import Faults, Rule
from tests.fakes.exchange.wire import Kind, Word
from tests.trading_tests.brokers.live.live_desk import LiveDesk, live_desk
from tests.waiting import wait_until
from trading.model.order import Order
from trading.model.order_states import OrderState

# Half of the ten seconds of a stop.
WITHIN_S = 5.0
TROUBLES: dict[str, Callable[[Faults], Rule]] = {
    "no answer": lambda faults: faults.hang(acts=True, kind=Kind.CANCEL),
    "never there": lambda faults: faults.hang(acts=False, kind=Kind.CANCEL),
    "cut off": lambda faults: faults.drop(acts=True, kind=Kind.CANCEL),
    "gateway": lambda faults: faults.status(502, acts=True, kind=Kind.CANCEL),
    "page": lambda faults: faults.html(acts=False, kind=Kind.CANCEL),
    "half": lambda faults: faults.truncate(kind=Kind.CANCEL),
    "busy": lambda faults: faults.say(Word.RATE_LIMIT, acts=False, kind=Kind.CANCEL),
    "reads away": lambda faults: faults.status(
        503, acts=False, kind=(Kind.ORDER, Kind.OPEN_ORDERS, Kind.TRADES), times=2
    ),
}


@pytest.fixture(params=["kraken", "binance", "coinbase"])
def desk(request: pytest.FixtureRequest) -> Iterator[LiveDesk]:
    with live_desk(request.param) as running:
        yield running


def rest(desk: LiveDesk) -> Order:
    order = desk.send(desk.desk.limit("60000", quantity=Decimal("0.02")))
    wait_until(lambda: desk.state(order).venue_id, 5, "the acceptance")
    return order


def take_back(desk: LiveDesk, order: Order) -> None:
    desk.worker.send_no_entries()
    desk.cancel(order)
    desk.wait_ended(order, within_s=WITHIN_S)


@pytest.mark.parametrize("trouble", TROUBLES)
def test_an_entry_is_known_to_be_gone_in_time_whatever_becomes_of_the_first_answer(
    desk: LiveDesk, trouble: str
) -> None:
    order = rest(desk)
    rule = TROUBLES[trouble](desk.desk.running.faults)
    take_back(desk, order)
    assert rule.met or trouble == "reads away"
    assert desk.state(order).state is OrderState.CANCELLED
    assert not desk.desk.engine.open_orders(desk.desk.account)
    desk.check_against_the_exchange()


def test_one_that_was_filled_before_the_cancel_is_known_as_filled_in_time(desk: LiveDesk) -> None:
    order = rest(desk)
    symbol, engine = desk.desk.symbol, desk.desk.engine
    desk.desk.running.faults.slow(
        0.05, kind=Kind.CANCEL, before=lambda _: engine.price(symbol, Decimal(59_000), Decimal(1))
    )
    take_back(desk, order)
    assert desk.state(order).state is OrderState.FILLED
    desk.check_against_the_exchange()


def test_behind_an_open_breaker_it_is_asked_for_until_the_exchange_is_back(desk: LiveDesk) -> None:
    order = rest(desk)
    rule = desk.desk.running.faults.status(503, acts=False, times=None)
    wait_until(lambda: desk.worker.trouble, 5, "an open breaker")
    desk.worker.send_no_entries()
    desk.cancel(order)
    wait_until(lambda: any(one.kind is Kind.CANCEL for one in list(rule.met)), 5, "a cancel")
    rule.clear()
    desk.wait_ended(order, within_s=WITHIN_S)
    assert desk.state(order).state is OrderState.CANCELLED
    desk.check_against_the_exchange()
