"""An order that is written and signed before it may leave: nothing is on the wire until it may."""

from decimal import Decimal

import pytest
from requests import Session

from tests.fakes.exchange.wire import Kind
from tests.trading_tests.brokers.ccxt_fake_desks import SETTINGS, Desk, open_desk
from trading.brokers.exchanges.wire import HeldBackError, endpoint
from trading.brokers.venue import Taken


class Leave:
    """Say whether an order may leave, and keep what was on the wire when that was asked."""

    def __init__(self, desk: Desk, *, is_given: bool) -> None:
        self._desk, self._is_given = desk, is_given
        self.before = desk.sent()
        self.asked: list[int] = []

    def __call__(self) -> bool:
        self.asked.append(self._desk.sent() - self.before)
        return self._is_given


@pytest.mark.parametrize("name", SETTINGS)
def test_an_order_leaves_when_it_may_and_not_before(name: str) -> None:
    with open_desk(name) as desk:
        leave = Leave(desk, is_given=True)
        order = desk.order()
        answer = desk.venue.submit_if(order, leave)
        assert isinstance(answer, Taken)
        assert leave.asked == [0]
        assert desk.sent(Kind.SUBMIT) == 1
        # The next request is nobody's to hold back.
        assert desk.venue.find(order) is not None


@pytest.mark.parametrize("name", SETTINGS)
def test_an_order_that_may_not_leave_is_not_sent(name: str) -> None:
    with open_desk(name) as desk:
        leave = Leave(desk, is_given=False)
        order = desk.order()
        assert desk.venue.submit_if(order, leave) is None
        assert leave.asked == [0]
        assert desk.sent() == leave.before
        # Neither its nonce nor its connection is lost.
        assert isinstance(desk.venue.submit(order), Taken)
        assert desk.sent(Kind.SUBMIT) == 1


def test_an_order_that_cannot_be_written_asks_for_no_leave() -> None:
    with open_desk("kraken") as desk:
        leave = Leave(desk, is_given=True)
        assert desk.venue.submit_if(desk.order(quantity=Decimal("1e-9")), leave) is None
        assert not leave.asked
        assert desk.sent() == leave.before


def test_a_request_that_may_not_leave_does_not_when_its_caller_tries_again() -> None:
    with open_desk("kraken") as desk:
        wire, leave = desk.venue._wire, Leave(desk, is_given=False)
        own = wire.exchange.privatePostBalance

        def stubborn(*arguments: object) -> object:
            for _ in range(3):
                with pytest.raises(HeldBackError):
                    own(*arguments)
            return own(*arguments)

        wire.exchange.privatePostBalance = stubborn
        with pytest.raises(HeldBackError):
            wire.send_if(endpoint("privatePostBalance", {}), leave)
        assert leave.asked == [0]
        assert desk.sent() == leave.before


def test_leave_is_asked_for_with_another_session_too() -> None:
    with open_desk("kraken") as desk:
        desk.venue._wire.exchange.session = Session()
        leave = Leave(desk, is_given=False)
        assert desk.venue.submit_if(desk.order(), leave) is None
        assert leave.asked == [0]
        assert desk.sent() == leave.before
