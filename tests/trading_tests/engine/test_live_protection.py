"""How a position is protected at a real venue, by what that venue can hold."""

from dataclasses import replace

import pytest

from tests.trading_tests.engine.floor import D
from tests.trading_tests.engine.live_venue import Venue
from tests.trading_tests.makers import BTC, make_instrument, of_kind
from trading.engine.effects import CancelOrder, SubmitOrder
from trading.model.account import MarketType
from trading.model.order import Order, OrderType, Purpose
from trading.model.order_states import OrderState
from trading.model.report import OrderRejected
from trading.model.venue_news import VenueTrouble


def test_where_no_bracket_can_rest_the_stop_rests_and_the_target_is_watched() -> None:
    venue = Venue(has_brackets=False)
    stop = venue.bought()
    assert (stop.type, stop.stop_price, stop.limit_price) == (OrderType.STOP, D(95), None)
    assert venue.floor.position().target_price == D(110)
    venue.floor.tick(109.9)
    assert venue.is_idle
    venue.floor.tick(110.0)
    assert venue.asked_to_cancel() == [stop.id], "never two ways out at once"
    venue.cancelled(stop.id)
    way_out = venue.sent()
    assert (way_out.type, way_out.quantity) == (OrderType.MARKET, D(1))
    venue.fill(way_out, 110.1)
    assert venue.floor.trade.reason == "target"


def test_where_no_stop_can_rest_the_engine_watches_both() -> None:
    venue = Venue(has_stops=False, has_brackets=False)
    venue.fill(venue.buy(), 100.0)
    assert venue.is_idle
    venue.floor.ticks(96.0, 95.01)
    assert venue.is_idle
    venue.floor.tick(95.0)
    venue.fill(venue.sent(), 94.9)
    assert venue.floor.trade.reason == "stop"


def test_a_short_position_is_watched_the_other_way_round() -> None:
    venue = Venue(MarketType.SWAP, has_brackets=False)
    venue.floor.do("sell", BTC, "1")
    entry = venue.sent()
    venue.fill(entry, 100.0)
    stop = venue.sent()
    venue.accept(stop)
    assert (stop.stop_price, stop.reduce_only) == (D(105), True)
    venue.floor.tick(90.0)
    venue.cancelled(stop.id)
    way_out = venue.sent()
    assert way_out.reduce_only
    venue.fill(way_out, 90.0)
    assert venue.floor.trade.reason == "target"


def test_a_stop_that_is_on_its_way_or_rests_is_left_to_the_venue() -> None:
    venue = Venue(has_brackets=False)
    venue.fill(venue.buy(), 100.0)
    stop = venue.sent()
    venue.floor.tick(94.0)
    assert venue.is_idle
    venue.accept(stop)
    venue.floor.tick(94.0)
    assert venue.is_idle
    venue.fill(stop, 94.0)
    assert venue.floor.trade.reason == "stop"


def test_a_stop_that_the_venue_does_not_carry_out_is_cancelled_and_the_position_sold() -> None:
    venue = Venue(has_brackets=False)
    stop = venue.bought()
    venue.floor.tick(94.0)
    venue.floor.tick(95.5, after_s=30.0)
    venue.floor.ticks(94.5, 94.0)
    assert venue.is_idle, "it counts from when the price has passed it for good"
    venue.floor.tick(94.0, after_s=10.0)
    assert venue.asked_to_cancel() == [stop.id]
    venue.cancelled(stop.id)
    venue.fill(venue.sent(), 93.0)
    assert venue.floor.trade.reason == "stop"


def test_before_the_venue_is_connected_nothing_is_placed_and_nothing_is_closed() -> None:
    venue = Venue(has_brackets=False)
    entry = venue.buy()
    venue.floor.restart()
    venue.fill(entry, 100.0)
    assert venue.is_idle
    assert not venue.floor.position().closing
    venue.connect()
    assert venue.sent().purpose is Purpose.PROTECTION


@pytest.mark.parametrize("reason", ["never reached the exchange", "cancelled by the user"])
def test_a_stop_that_is_gone_is_told_and_placed_anew_with_another_id(reason: str) -> None:
    venue = Venue()
    stop = venue.bought()
    venue.cancelled(stop.id, reason)
    again = venue.sent()
    assert again.id != stop.id
    assert replace(again, id=stop.id).stop_price == stop.stop_price
    told = [*venue.floor.told("order_cancelled"), *venue.floor.told("order_given_up")]
    assert len(told) == 1


def test_beside_an_unknown_stop_there_is_never_a_second_one() -> None:
    venue = Venue()
    stop = venue.bought()
    venue.lose(stop)
    venue.floor.sample()
    venue.floor.tick(100.0)
    assert venue.is_idle
    venue.cancelled(stop.id, "never reached the exchange")
    assert venue.sent().purpose is Purpose.PROTECTION


def test_while_a_stop_is_unknown_the_engine_watches_its_price_and_sells_once_it_is_known() -> None:
    venue = Venue()
    stop = venue.bought()
    venue.lose(stop)
    venue.floor.tick(94.9)
    assert venue.asked_to_cancel() == [stop.id]
    assert not of_kind(venue.floor.effects, SubmitOrder), "it may rest, or be filled already"
    venue.cancelled(stop.id)
    way_out = venue.sent()
    assert way_out.purpose is Purpose.EXIT
    venue.fill(way_out, 94.0)
    assert venue.floor.trade.reason == "stop"


def test_an_unknown_stop_that_was_filled_is_the_way_out() -> None:
    venue = Venue()
    stop = venue.bought()
    venue.lose(stop)
    venue.floor.tick(94.9)
    venue.fill(stop, 95.0)
    assert venue.is_idle
    assert venue.floor.held() is None
    assert len(venue.floor.trades) == 1


def test_an_order_that_stays_unknown_is_told_once_more_after_a_minute() -> None:
    venue = Venue()
    venue.lose(venue.bought())
    for _ in range(30):
        venue.floor.sample(4.0)
    (said,) = venue.floor.told("order_still_unknown")
    assert "for 00:01:00" in said


def test_a_cancel_is_asked_for_again_after_a_restart_and_while_the_order_is_still_there() -> None:
    venue = Venue()
    stop = venue.bought()
    venue.floor.do("sell", BTC)
    venue.floor.restart()
    assert not of_kind(venue.floor.effects, CancelOrder)
    venue.connect()
    assert venue.asked_to_cancel() == [stop.id]
    venue.cancelled(stop.id)
    assert venue.sent().purpose is Purpose.EXIT


def test_a_way_out_that_the_venue_lets_go_is_sent_again_after_a_pause() -> None:
    venue = Venue()
    stop = venue.bought()
    venue.floor.do("sell", BTC)
    venue.cancelled(stop.id)
    first = venue.sent()
    venue.accept(first)
    venue.cancelled(first.id, "expired for want of a price")
    assert venue.is_idle
    venue.floor.sample()
    second = venue.sent()
    assert (second.purpose, second.quantity) == (Purpose.EXIT, D(1))
    assert second.id != first.id


def test_what_fills_late_after_the_end_is_protected_again() -> None:
    venue = Venue()
    entry = venue.buy("2")
    venue.accept(entry)
    venue.fill(entry, 100.0, "1")
    stop = venue.sent()
    venue.accept(stop)
    venue.cancelled(entry.id, "by the venue")
    venue.fill(stop, 95.0)
    assert venue.floor.held() is None
    venue.fill(entry, 96.0, "1")
    assert venue.floor.position().quantity == D(1)
    again = venue.sent()
    assert (again.purpose, again.quantity) == (Purpose.PROTECTION, D(1))
    assert again.stop_price == D("91.2")


def test_a_fill_larger_than_the_order_is_held_and_protected() -> None:
    venue = Venue()
    entry = venue.buy()
    venue.fill(entry, 100.0, "1.5")
    assert venue.floor.memory.orders["main", entry.id].state is OrderState.FILLED
    assert venue.sent().quantity == D("1.5")


def test_a_stop_sold_and_a_refused_second_way_out_leave_nothing_open() -> None:
    venue = Venue()
    stop = venue.bought()
    venue.floor.do("sell", BTC)
    venue.cancelled(stop.id)
    way_out = venue.sent()
    venue.fill(stop, 95.0)
    assert venue.floor.held() is None
    assert venue.asked_to_cancel() == [way_out.id]
    venue.floor.tell(OrderRejected("main", way_out.id, "insufficient funds", venue.floor.now))
    assert not venue.floor.orders()


def test_a_position_whose_stop_the_venue_takes_and_lets_go_each_time_is_closed() -> None:
    venue = Venue()
    stop = venue.bought()
    for _ in range(2):
        venue.cancelled(stop.id, "the exchange cancelled it")
        stop = venue.sent()
        assert stop.purpose is Purpose.PROTECTION
        venue.accept(stop)
    venue.cancelled(stop.id, "the exchange cancelled it")
    way_out = venue.sent()
    assert (way_out.purpose, way_out.type) == (Purpose.EXIT, OrderType.MARKET)
    assert venue.floor.position().closing == "its stop does not stay there"


def test_stops_that_a_venue_lets_go_once_in_a_while_are_placed_anew() -> None:
    venue = Venue()
    stop = venue.bought()
    for _ in range(10):
        venue.floor.sample(61.0)
        venue.cancelled(stop.id, "the exchange cancelled it")
        stop = venue.sent()
        assert stop.purpose is Purpose.PROTECTION
        venue.accept(stop)


def _refuse_all(venue: Venue, seconds: int) -> int:
    """Refuse whatever goes out, for a time; return how many orders that were."""
    refused = 0
    for _ in range(seconds):
        while waiting := of_kind(venue.floor.effects, SubmitOrder):
            (order,) = [one.approved.order for one in waiting]
            refused += 1
            why = "the key is refused"
            venue.floor.tell(OrderRejected("main", order.id, why, venue.floor.now))
        venue.floor.sample(1.0)
    return refused


def test_what_a_venue_refuses_for_an_hour_is_tried_soon_and_then_ever_more_rarely() -> None:
    venue = Venue()
    stop = venue.bought()
    venue.floor.do("sell", BTC)
    venue.cancelled(stop.id)
    assert _refuse_all(venue, 10) >= 3, "what is only refused for a moment is tried again soon"
    # A stop and a way out each time, once a minute in the end.
    assert _refuse_all(venue, 3_600) < 150


@pytest.mark.parametrize("verb", ["sell", "flatten"])
def test_a_person_who_wants_out_waits_for_no_pause(verb: str) -> None:
    venue = Venue()
    stop = venue.bought()
    venue.floor.do("sell", BTC)
    venue.cancelled(stop.id)
    _refuse_all(venue, 600)
    venue.floor.sample(60.0)
    _refuse_all(venue, 5)
    assert venue.is_idle
    venue.floor.do(verb, *([BTC] if verb == "sell" else []))
    assert venue.sent().purpose is Purpose.EXIT


def test_once_the_venue_is_well_again_nothing_waits_for_a_pause() -> None:
    venue = Venue()
    stop = venue.bought()
    venue.floor.tell(VenueTrouble("main", "the key is refused", venue.floor.now))
    venue.floor.do("sell", BTC)
    venue.cancelled(stop.id)
    _refuse_all(venue, 600)
    venue.floor.sample(60.0)
    _refuse_all(venue, 5)
    assert venue.is_idle
    venue.floor.tell(VenueTrouble("main", "", venue.floor.now))
    assert venue.sent().purpose in {Purpose.EXIT, Purpose.PROTECTION}


def begin_to_buy(venue: Venue) -> Order:
    """Buy one, of which a little comes at first: less than a stop can be for."""
    entry = venue.buy()
    venue.accept(entry)
    venue.fill(entry, 100.0, "0.06")
    return entry


COSTLY = make_instrument(quantity_step=D("0.01"), quantity_min=D("0.01"), cost_min=D(10))


def test_a_first_part_that_is_too_small_for_a_stop_waits_for_the_rest_of_its_entry() -> None:
    venue = Venue(instruments=[COSTLY])
    entry = begin_to_buy(venue)
    assert venue.is_idle, "its stop would be refused, and the position closed"
    venue.fill(entry, 100.0, "0.94")
    assert (venue.sent().purpose, venue.sent().quantity) == (Purpose.PROTECTION, D(1))


def test_a_first_part_is_sold_at_its_stop_although_none_rests() -> None:
    venue = Venue(instruments=[COSTLY])
    entry = begin_to_buy(venue)
    venue.floor.tick(94.9)
    assert venue.asked_to_cancel() == [entry.id]
    venue.fill(entry, 94.9, "0.94")
    way_out = venue.sent()
    assert (way_out.purpose, way_out.quantity) == (Purpose.EXIT, D(1))


def test_once_no_more_of_an_entry_comes_what_there_is_gets_its_stop() -> None:
    venue = Venue(instruments=[COSTLY])
    entry = begin_to_buy(venue)
    venue.cancelled(entry.id, "by the exchange")
    assert venue.sent().purpose is Purpose.PROTECTION


def test_what_waited_for_the_connection_goes_out_with_it() -> None:
    venue = Venue()
    stop = venue.bought()
    venue.floor.do("sell", BTC)
    venue.cancelled(stop.id)
    _refuse_all(venue, 600)
    venue.floor.sample(60.0)
    _refuse_all(venue, 5)
    venue.connect()
    assert not venue.is_idle
