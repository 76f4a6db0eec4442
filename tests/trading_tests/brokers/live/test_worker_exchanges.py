"""The worker with its threads at fake exchanges, through ccxt, with trouble everywhere.

What the engine believes at the end is held against the exchange's own ledger.
"""

import threading
from collections.abc import Iterator
from decimal import Decimal

import pytest

from tests.fakes.exchange.wire import Kind, Word
from tests.trading_tests.brokers.ccxt_fake_desks import open_desk
from tests.trading_tests.brokers.live.live_desk import LiveDesk, live_desk, market, second_venue
from tests.waiting import wait_until
from trading.model.order import Purpose, Side
from trading.model.order_states import OrderState


@pytest.fixture(params=["kraken", "binance", "coinbase"])
def desk(request: pytest.FixtureRequest) -> Iterator[LiveDesk]:
    with live_desk(request.param) as running:
        yield running


def test_every_lost_answer_to_an_order_is_found_out_and_nothing_is_sent_twice(
    desk: LiveDesk,
) -> None:
    faults = desk.desk.running.faults
    faults.hang(acts=True, kind=Kind.SUBMIT)
    faults.drop(acts=True, kind=Kind.SUBMIT)
    faults.status(502, acts=True, kind=Kind.SUBMIT)
    faults.html(acts=True, kind=Kind.SUBMIT)
    faults.truncate(kind=Kind.SUBMIT)
    faults.odd(kind=Kind.SUBMIT)
    for _ in range(7):
        # One after the other: three failures in a row would have entries refused.
        order = desk.send(market(desk))
        desk.wait_ended(order)
    assert not faults.unmet
    assert all(one.state is OrderState.FILLED for one in desk.orders._ended.values())
    assert desk.desk.sent(Kind.SUBMIT) == 7
    desk.check_against_the_exchange()
    seen = desk.look(1)
    totals = {name: one.total for name, one in desk.desk.engine.balances(desk.desk.account).items()}
    assert seen.holdings == {name: total for name, total in totals.items() if total}


def test_reads_that_fail_in_every_way_lose_no_execution(desk: LiveDesk) -> None:
    faults = desk.desk.running.faults
    resting = desk.send(desk.desk.limit("60000", quantity=Decimal("0.02")))
    wait_until(lambda: desk.state(resting).venue_id, 5, "the acceptance")
    for kind in (Kind.OPEN_ORDERS, Kind.TRADES, Kind.ORDER):
        faults.status(502, acts=False, kind=kind)
        faults.html(acts=False, kind=kind)
        faults.drop(acts=False, kind=kind)
    desk.desk.engine.price(desk.desk.symbol, Decimal(59_000), Decimal("0.005"))
    desk.desk.engine.price(desk.desk.symbol, Decimal(58_000), Decimal("0.5"))
    desk.wait_ended(resting)
    # How many of them depends on what the exchange is asked until all is known.
    assert any(rule.met for rule in faults.rules)
    desk.check_against_the_exchange()


def test_a_cancel_crosses_a_fill_and_its_answer_is_lost(desk: LiveDesk) -> None:
    faults, symbol = desk.desk.running.faults, desk.desk.symbol
    resting = desk.send(desk.desk.limit("60000", quantity=Decimal("0.02")))
    wait_until(lambda: desk.state(resting).venue_id, 5, "the acceptance")
    engine = desk.desk.engine
    faults.drop(
        acts=True,
        kind=Kind.CANCEL,
        before=lambda _: engine.price(symbol, Decimal(59_000), Decimal("0.005")),
    )
    desk.cancel(resting)
    desk.wait_ended(resting)
    assert desk.state(resting).state is OrderState.CANCELLED
    assert desk.state(resting).filled == Decimal("0.005")
    desk.check_against_the_exchange()


def test_a_restart_at_a_hanging_order_finds_it(desk: LiveDesk) -> None:
    desk.desk.running.faults.hang(acts=True, kind=Kind.SUBMIT)
    order = desk.send(market(desk))
    wait_until(lambda: desk.desk.sent(Kind.SUBMIT), 5, "the request")
    desk.restart()
    desk.wait_ended(order)
    assert desk.state(order).state is OrderState.FILLED
    desk.check_against_the_exchange()


def test_a_reducing_order_goes_out_after_a_busy_exchange_and_an_entry_does_not() -> None:
    with live_desk("kraken") as desk:
        entry = desk.send(market(desk))
        desk.wait_ended(entry)
        desk.desk.running.faults.say(Word.RATE_LIMIT, acts=False, kind=Kind.SUBMIT, times=2)
        leaving = desk.send(
            market(desk, "0.005", side=Side.SELL, purpose=Purpose.EXIT, reduce_only=True)
        )
        desk.wait_ended(leaving)
        assert desk.state(leaving).state is OrderState.FILLED
        desk.desk.running.faults.say(Word.RATE_LIMIT, acts=False, kind=Kind.SUBMIT)
        late = desk.send(market(desk))
        desk.wait_ended(late)
        assert desk.state(late).state is OrderState.REJECTED
        desk.check_against_the_exchange()


def test_an_order_that_never_arrived_is_given_up_after_the_wait() -> None:
    with live_desk("coinbase") as desk:
        desk.desk.running.faults.drop(acts=False, kind=Kind.SUBMIT)
        order = desk.send(market(desk))
        desk.wait_ended(order)
        assert desk.state(order).note == "never reached the exchange"
        assert desk.desk.sent(Kind.SUBMIT) == 1
        desk.check_against_the_exchange()


def test_reads_with_a_key_of_their_own_hold_up_no_order() -> None:
    with open_desk("kraken") as first:
        made = LiveDesk(first, reads=second_venue(first))
        made.start()
        names = {thread.name for thread in threading.enumerate()}
        assert {"broker-main", "reads-main"} <= names
        rule = first.running.faults.hang(acts=False, kind=Kind.BALANCES)
        made.worker.ask(1)
        wait_until(lambda: rule.met, 5, "the read that hangs")
        order = made.send(market(made))
        wait_until(lambda: first.sent(Kind.SUBMIT), 5, "the order, while the read hangs")
        made.wait_ended(order)
        made.check_against_the_exchange()
        made.stop()
        assert not {"broker-main", "reads-main"} & {one.name for one in threading.enumerate()}
