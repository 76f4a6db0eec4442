"""Kraken Futures lets its histories be asked little: the log is read for new fills alone."""

from collections.abc import Iterator

import pytest

from tests.fakes.exchange.wire import Kind, Word
from tests.trading_tests.brokers.ccxt_fake_desks import Desk, open_desk
from trading.brokers.venue import FailureKind, Taken, VenueError

SINCE_S = 60.0


@pytest.fixture
def desk() -> Iterator[Desk]:
    with open_desk("krakenfutures-swap") as made:
        yield made


def buy(desk: Desk) -> float:
    """Buy, and return from when on its execution is looked for."""
    order = desk.order()
    assert isinstance(desk.venue.submit(order), Taken)
    return order.created_at - SINCE_S


def test_the_log_is_not_read_again_for_fills_whose_fee_is_known(desk: Desk) -> None:
    since = buy(desk)
    before = desk.sent(Kind.LEDGER)
    fills = [desk.venue.fills(since) for _ in range(20)]
    assert desk.sent(Kind.LEDGER) - before == 1
    assert all(each == fills[0] for each in fills)
    assert fills[0][0].fee > 0
    buy(desk)
    assert len(desk.venue.fills(since)) == 2
    assert desk.sent(Kind.LEDGER) - before == 2


def test_fills_are_told_although_the_log_may_not_be_asked(desk: Desk) -> None:
    since = buy(desk)
    (first,) = desk.venue.fills(since)
    desk.running.exchange.faults.say(Word.RATE_LIMIT, acts=False, kind=Kind.LEDGER, times=None)
    buy(desk)
    before = desk.sent(Kind.LEDGER)
    for _ in range(5):
        # At once, with the fee of the schedule: a stop may wait for it.
        one, two = desk.venue.fills(since)
        assert one == first
        assert two.fee > 0
    assert desk.sent(Kind.LEDGER) - before == 1, "who asks on is refused for longer"


def test_a_log_that_fails_otherwise_fails_the_read(desk: Desk) -> None:
    since = buy(desk)
    desk.running.exchange.faults.drop(acts=False, kind=Kind.LEDGER)
    with pytest.raises(VenueError) as failed:
        desk.venue.fills(since)
    assert failed.value.kind is FailureKind.UNREACHABLE
    assert len(desk.venue.fills(since)) == 1
