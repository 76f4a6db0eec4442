"""A read of several requests breaks off for an order, and says so: never with half of an answer."""

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal

import pytest

from daemonkit.clock import SystemClock
from tests.fakes.exchange.terms import Fees
from tests.fakes.exchange.wire import Kind
from tests.trading_tests.brokers.ccxt_fake_desks import Desk, open_desk
from trading.brokers.venue import FailureKind, Taken, VenueError

SINCE = SystemClock.wall() - 3_600


def break_off(desk: Desk, read: Callable[[], object], after: Kind) -> None:
    """Have an order wait from the first request of a kind on; the read must say that it broke."""
    before = desk.sent(after)
    desk.venue.give_way_to(lambda: desk.sent(after) > before)
    with pytest.raises(VenueError) as raised:
        read()
    assert raised.value.kind is FailureKind.GAVE_WAY
    assert desk.sent(after) == before + 1
    desk.venue.give_way_to(lambda: False)


def test_a_read_of_several_markets_breaks_off_between_them() -> None:
    with open_desk("binance") as desk:
        assert isinstance(desk.venue.submit(desk.order()), Taken)
        break_off(desk, lambda: desk.venue.fills(SINCE), Kind.TRADES)
        break_off(desk, desk.venue.open_orders, Kind.OPEN_ORDERS)
        assert len(desk.venue.fills(SINCE)) == 1


def test_a_look_up_that_broke_off_says_of_no_order_that_it_is_not_there() -> None:
    with open_desk("kraken") as desk:
        order = desk.order()
        break_off(desk, lambda: desk.venue.find(order), Kind.OPEN_ORDERS)
        assert desk.venue.find(order) is None


def test_the_worth_of_a_fee_is_not_given_up_for_an_order() -> None:
    fees = Fees(Decimal("0.001"), Decimal("0.001"), paid_in="ETH", worth=Decimal(3000))
    with open_desk("binance", fees) as desk:
        desk.engine.deposit(desk.account, "ETH", Decimal(1))
        assert isinstance(desk.venue.submit(desk.order()), Taken)
        break_off(desk, lambda: desk.venue.fills(SINCE), Kind.TRADES)
        (fill,) = desk.venue.fills(SINCE)
        assert fill.fee_worth == fill.fee * 3000


def test_an_order_goes_out_whatever_waits() -> None:
    with open_desk("kraken") as desk:
        desk.venue.give_way_to(lambda: True)
        assert isinstance(desk.venue.submit(desk.order()), Taken)


class Stopwatch:
    """Break a read off after some requests, each time."""

    def __init__(self, desk: Desk, kind: Kind, requests: int) -> None:
        self._desk, self._kind, self._requests = desk, kind, requests
        self._began = 0

    def begin(self) -> None:
        self._began = self._desk.sent(self._kind)

    def __call__(self) -> bool:
        return self._desk.sent(self._kind) - self._began >= self._requests


def test_a_long_list_of_kraken_is_read_piece_by_piece_while_it_grows() -> None:
    with open_desk("kraken") as desk:

        def buy(times: int) -> None:
            for _ in range(times):
                order = desk.order(quantity=Decimal("0.0001"))
                assert isinstance(desk.venue.submit(order), Taken)

        buy(160)
        stopwatch = Stopwatch(desk, Kind.TRADES, 2)
        desk.venue.give_way_to(stopwatch)
        for _ in range(12):
            stopwatch.begin()
            with suppress(VenueError):
                fills = desk.venue.fills(SINCE)
                break
            buy(3)
        else:
            raise AssertionError("a list of four pages was never read to its end")
        trades = {trade.id for trade in desk.engine.trades(desk.account)}
        assert {fill.fill_id for fill in fills} == trades
        desk.venue.give_way_to(lambda: False)
        buy(1)
        assert len(desk.venue.fills(SINCE)) == len(trades) + 1
