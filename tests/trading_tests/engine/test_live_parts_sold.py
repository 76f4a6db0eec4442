"""Selling a part of what is held on a live spot account, where the stop holds all the coins."""

from tests.trading_tests.engine.floor import D
from tests.trading_tests.engine.live_venue import Venue
from tests.trading_tests.makers import BTC, of_kind
from trading.engine.effects import SubmitOrder
from trading.model.account import MarketType
from trading.model.order import Purpose
from trading.model.order_states import OrderState


def test_the_stop_lets_go_first_then_the_part_is_sold_and_the_rest_protected_at_once() -> None:
    venue = Venue()
    stop = venue.bought("2")
    venue.floor.do("sell", BTC, "0.5")
    assert venue.asked_to_cancel() == [stop.id]
    assert not of_kind(venue.floor.effects, SubmitOrder), "the venue would refuse it"
    venue.cancelled(stop.id)
    part, rest = (one.approved.order for one in of_kind(venue.floor.effects, SubmitOrder))
    assert (part.purpose, part.quantity) == (Purpose.EXIT, D("0.5"))
    assert (rest.purpose, rest.quantity) == (Purpose.PROTECTION, D("1.5"))
    venue.accept(part)
    venue.accept(rest)
    venue.fill(part, 101.0)
    assert venue.is_idle
    assert venue.floor.position().quantity == D("1.5")


def test_a_stop_that_fills_first_leaves_no_part_to_be_sold() -> None:
    venue = Venue()
    stop = venue.bought("2")
    venue.floor.do("sell", BTC, "0.5")
    venue.fill(stop, 95.0)
    assert venue.is_idle
    assert not venue.floor.orders()
    assert venue.floor.held() is None


def test_a_part_that_was_never_sent_is_given_up_by_a_restart_and_told() -> None:
    venue = Venue()
    stop = venue.bought("2")
    venue.floor.do("sell", BTC, "0.5")
    (held,) = [one for one in venue.floor.orders() if one.id != stop.id]
    assert held.state is OrderState.NEW
    venue.floor.restart()
    venue.connect()
    assert [one.id for one in venue.floor.orders()] == [stop.id]
    venue.cancelled(stop.id)
    assert venue.sent().quantity == D(2)


def test_closing_all_of_it_meanwhile_sells_the_part_and_then_the_rest() -> None:
    venue = Venue()
    stop = venue.bought("2")
    venue.floor.do("sell", BTC, "0.5")
    venue.floor.do("sell", BTC)
    venue.cancelled(stop.id)
    part = venue.sent()
    assert part.quantity == D("0.5")
    venue.fill(part, 101.0)
    rest = venue.sent()
    assert (rest.purpose, rest.quantity) == (Purpose.EXIT, D("1.5"))


def test_where_a_stop_holds_no_coins_the_part_goes_at_once() -> None:
    venue = Venue(MarketType.SWAP)
    venue.bought("2")
    venue.floor.do("sell", BTC, "0.5")
    assert venue.sent().purpose is Purpose.EXIT
    assert not venue.asked_to_cancel()


def test_a_part_that_is_more_than_what_is_left_by_then_is_not_sold() -> None:
    venue = Venue()
    stop = venue.bought("2")
    venue.floor.do("sell", BTC, "0.5")
    venue.fill(stop, 95.0, "1.7")
    venue.cancelled(stop.id)
    again = venue.sent()
    assert (again.purpose, again.quantity) == (Purpose.PROTECTION, D("0.3"))
    assert [one.id for one in venue.floor.orders()] == [again.id]
