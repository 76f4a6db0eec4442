"""What every exchange must keep when answers are lost, odd, or a no, through ccxt."""

from decimal import Decimal
from typing import Any

import pytest

from tests.fakes.exchange.faults import Rule
from tests.fakes.exchange.wire import Kind, Word
from tests.trading_tests.brokers.ccxt_fake_desks import Desk, open_desk
from trading.brokers.venue import FailureKind, Refused, Taken, Unclear, VenueError

LISTS = (Kind.ORDER, Kind.OPEN_ORDERS, Kind.CLOSED_ORDERS)

FAULTS: dict[str, Any] = {
    "hang": lambda faults: faults.hang(acts=True, kind=Kind.SUBMIT),
    "hang without": lambda faults: faults.hang(acts=False, kind=Kind.SUBMIT),
    "drop": lambda faults: faults.drop(acts=True, kind=Kind.SUBMIT),
    "drop without": lambda faults: faults.drop(acts=False, kind=Kind.SUBMIT),
    "502": lambda faults: faults.status(502, acts=True, kind=Kind.SUBMIT),
    "502 without": lambda faults: faults.status(502, acts=False, kind=Kind.SUBMIT),
    "504": lambda faults: faults.status(504, acts=True, kind=Kind.SUBMIT),
    "page": lambda faults: faults.html(acts=True, kind=Kind.SUBMIT),
    "half": lambda faults: faults.truncate(kind=Kind.SUBMIT),
    "cut": lambda faults: faults.cut(kind=Kind.SUBMIT),
    "timeout": lambda faults: faults.say(Word.TIMEOUT, acts=True, kind=Kind.SUBMIT),
    "internal": lambda faults: faults.say(Word.INTERNAL, acts=True, kind=Kind.SUBMIT),
    "unavailable": lambda faults: faults.say(Word.UNAVAILABLE, acts=True, kind=Kind.SUBMIT),
    "duplicate": lambda faults: faults.say(Word.DUPLICATE, acts=True, kind=Kind.SUBMIT),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_happens_to_the_answer_the_order_goes_out_once_and_is_looked_up(
    own: Desk, fault: str
) -> None:
    rule: Rule = FAULTS[fault](own.running.faults)
    order = own.limit("50000")
    answer = own.venue.submit(order)
    rule.clear()
    assert isinstance(answer, Unclear), answer
    assert own.sent(Kind.SUBMIT) == 1
    assert rule.met
    assert (own.venue.find(order) is not None) is rule.is_acting
    assert len(own.engine.orders(own.account)) == int(rule.is_acting)


@pytest.mark.parametrize("fault", ["502", "page", "half", "cut", "timeout"])
@pytest.mark.parametrize("name", ["kraken-generic", "binance-generic"])
def test_the_same_holds_in_the_words_of_ccxt(name: str, fault: str) -> None:
    with open_desk(name) as desk:
        rule: Rule = FAULTS[fault](desk.running.faults)
        order = desk.limit("50000")
        assert isinstance(desk.venue.submit(order), Unclear)
        assert desk.sent(Kind.SUBMIT) == 1
        rule.clear()
        assert desk.venue.find(order) is not None


def test_an_odd_yes_is_no_second_order(desk: Desk) -> None:
    desk.running.faults.odd(kind=Kind.SUBMIT)
    order = desk.limit("50000")
    answer = desk.venue.submit(order)
    assert isinstance(answer, Taken | Unclear)
    assert desk.sent(Kind.SUBMIT) == 1
    assert desk.venue.find(order) is not None


@pytest.mark.parametrize("word", [Word.RATE_LIMIT, Word.KEY, Word.FUNDS])
def test_a_definite_no_is_a_refusal(own: Desk, word: Word) -> None:
    rule = own.running.faults.say(word, acts=False, kind=Kind.SUBMIT)
    answer = own.venue.submit(own.limit("50000"))
    assert rule.met
    assert isinstance(answer, Refused), answer
    assert answer.is_passing is (word is Word.RATE_LIMIT), answer


@pytest.mark.parametrize("name", ["kraken", "binance"])
def test_a_nonce_or_a_time_that_is_off_passes(name: str) -> None:
    with open_desk(name) as desk:
        desk.running.faults.say(Word.NONCE, acts=False, kind=Kind.SUBMIT)
        answer = desk.venue.submit(desk.limit("50000"))
        assert isinstance(answer, Refused)
        assert answer.is_passing


def test_more_than_there_is_is_refused_in_words(spot: Desk) -> None:
    answer = spot.venue.submit(spot.limit("60000", quantity=Decimal(100)))
    assert isinstance(answer, Refused)
    assert "fund" in answer.reason.lower() or "balance" in answer.reason.lower()


@pytest.mark.parametrize("fault", ["drop", "502", "page", "half", "cut"])
def test_a_read_that_failed_never_says_that_an_order_is_not_there(desk: Desk, fault: str) -> None:
    order = desk.limit("50000")
    desk.venue.submit(order)
    faults = desk.running.faults
    rule: Rule = {
        "drop": lambda: faults.drop(acts=True, kind=LISTS, times=None),
        "502": lambda: faults.status(502, acts=False, kind=LISTS, times=None),
        "page": lambda: faults.html(acts=False, kind=LISTS, times=None),
        "half": lambda: faults.truncate(kind=LISTS, times=None),
        "cut": lambda: faults.cut(kind=LISTS, times=None),
    }[fault]()
    with pytest.raises(VenueError):
        desk.venue.find(order)
    with pytest.raises(VenueError):
        desk.venue.open_orders()
    rule.clear()
    assert desk.venue.find(order) is not None


def test_how_a_read_failed_is_told_by_its_kind(spot: Desk) -> None:
    faults = spot.running.faults
    for word, kind in (
        (Word.RATE_LIMIT, FailureKind.BUSY),
        (Word.KEY, FailureKind.KEY),
    ):
        faults.say(word, acts=False, kind=Kind.BALANCES)
        with pytest.raises(VenueError) as failure:
            spot.venue.holdings()
        assert failure.value.kind is kind
    faults.status(502, acts=False, kind=Kind.BALANCES)
    with pytest.raises(VenueError) as failure:
        spot.venue.holdings()
    assert failure.value.kind is FailureKind.UNREACHABLE
    faults.too_many_requests(9, kind=Kind.BALANCES)
    with pytest.raises(VenueError) as failure:
        spot.venue.holdings()
    assert (failure.value.kind, failure.value.retry_after_s) == (FailureKind.BUSY, 9.0)
