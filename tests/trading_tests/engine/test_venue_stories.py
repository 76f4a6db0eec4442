"""Stories of a venue that is not on paper: orders go out as effects, and its word comes back."""

import pytest

from tests.trading_tests.engine.floor import D
from tests.trading_tests.engine.live_venue import Venue
from tests.trading_tests.makers import BTC, of_kind
from trading.engine.effects import RaiseEvent, RecordOutcome, SaveOrder, SubmitOrder
from trading.model.order import OrderType, Purpose
from trading.model.order_states import OrderState
from trading.model.report import (
    OrderAccepted,
    OrderLost,
    OrderRejected,
)
from trading.model.venue_news import VenueConnected


@pytest.fixture
def venue() -> Venue:
    return Venue()


def test_an_order_goes_out_behind_what_is_kept_of_it_and_before_the_answer(venue: Venue) -> None:
    entry = venue.buy()
    kinds = [type(one) for one in venue.floor.effects]
    assert kinds.index(SaveOrder) < kinds.index(SubmitOrder) < kinds.index(RecordOutcome)
    assert entry.type is OrderType.MARKET
    assert venue.floor.memory.orders["main", entry.id].state is OrderState.SENT


def test_an_order_is_told_as_placed_once_its_venue_has_it(venue: Venue) -> None:
    entry = venue.buy()
    assert not venue.floor.told("order_placed"), "nobody knows yet whether it arrives"
    venue.floor.restart()
    venue.accept(entry)
    assert len(venue.floor.told("order_placed")) == 1
    venue.accept(entry)
    venue.fill(entry, 100.0)
    assert len(venue.floor.told("order_placed")) == 1


def test_an_order_whose_fill_is_heard_of_first_is_told_as_placed_and_then_as_bought(
    venue: Venue,
) -> None:
    entry = venue.buy()
    venue.lose(entry)
    assert not venue.floor.told("order_placed")
    venue.fill(entry, 100.0)
    kinds = [one.event.kind for one in of_kind(venue.floor.effects, RaiseEvent)]
    assert kinds[:2] == ["order_placed", "bought"]


def test_a_price_alone_fills_nothing_at_a_real_venue(venue: Venue) -> None:
    venue.buy()
    venue.floor.ticks(100.0, 50.0, 150.0)
    assert venue.floor.held() is None


def test_a_filled_entry_is_protected_at_once(venue: Venue) -> None:
    entry = venue.buy()
    venue.fill(entry, 100.0)
    protection = venue.sent()
    assert protection.purpose is Purpose.PROTECTION
    assert (protection.stop_price, protection.limit_price) == (D(95), D(110))


def test_an_entry_that_is_filled_bit_by_bit_gets_one_protection_at_a_time(venue: Venue) -> None:
    entry = venue.buy("2")
    venue.fill(entry, 100.0, "0.5")
    first = venue.sent()
    assert first.quantity == D("0.5")
    venue.accept(first)
    venue.fill(entry, 100.0, "1.5")
    assert venue.asked_to_cancel() == [first.id]
    assert not of_kind(venue.floor.effects, SubmitOrder), "the venue may hold the coins for it"
    venue.cancelled(first.id)
    assert venue.sent().quantity == D(2)


def test_a_sell_frees_the_coins_first_and_then_sells_them(venue: Venue) -> None:
    protection = venue.bought()
    venue.floor.do("sell", BTC)
    assert venue.asked_to_cancel() == [protection.id]
    venue.cancelled(protection.id)
    way_out = venue.sent()
    assert (way_out.purpose, way_out.type) == (Purpose.EXIT, OrderType.MARKET)
    venue.fill(way_out, 101.0)
    assert venue.floor.held() is None
    assert venue.floor.trade.profit == D(1)


def test_a_stop_that_fills_while_it_is_being_cancelled_is_the_way_out(venue: Venue) -> None:
    protection = venue.bought()
    venue.floor.do("sell", BTC)
    venue.fill(protection, 95.0)
    assert venue.floor.held() is None
    assert not of_kind(venue.floor.effects, SubmitOrder), "nothing is left that could be sold"


def test_a_fill_that_is_reported_twice_counts_once_also_after_a_restart(venue: Venue) -> None:
    entry = venue.buy()
    report = venue.fill(entry, 100.0, "0.4")
    venue.floor.tell(report)
    assert venue.floor.position().quantity == D("0.4")
    venue.floor.restart()
    venue.floor.tell(report)
    assert venue.floor.position().quantity == D("0.4")
    assert venue.floor.cash() == D(9_960)


def test_a_restart_sends_nothing_again(venue: Venue) -> None:
    entry = venue.buy()
    venue.floor.restart()
    assert not of_kind(venue.floor.effects, SubmitOrder)
    assert [one.id for one in venue.floor.orders()] == [entry.id]
    venue.fill(entry, 100.0)
    assert not of_kind(venue.floor.effects, SubmitOrder), "what the venue can hold is not known"
    venue.floor.tell(VenueConnected("main", True, True, venue.floor.now))
    protection = venue.sent()
    venue.floor.restart()
    assert [one.id for one in venue.floor.orders()] == [protection.id]


def test_a_lost_order_is_told_and_neither_sent_again_nor_forgotten(venue: Venue) -> None:
    entry = venue.buy()
    venue.floor.tell(OrderLost("main", entry.id, "timeout", venue.floor.now))
    assert len(venue.floor.told("order_unknown")) == 1
    assert not of_kind(venue.floor.effects, SubmitOrder)
    venue.floor.sample()
    venue.floor.restart()
    assert venue.floor.order().state is OrderState.UNKNOWN
    venue.fill(entry, 100.0)
    assert venue.floor.position().quantity == D(1)


def test_a_refused_order_is_told_with_the_venue_s_reason(venue: Venue) -> None:
    entry = venue.buy()
    venue.floor.tell(OrderRejected("main", entry.id, "insufficient funds", venue.floor.now))
    (said,) = venue.floor.told("order_rejected")
    assert "insufficient funds" in said
    assert not venue.floor.told("order_placed")
    assert not venue.floor.orders()


def test_a_refused_stop_closes_the_position(venue: Venue) -> None:
    entry = venue.buy()
    venue.fill(entry, 100.0)
    protection = venue.sent()
    venue.floor.tell(OrderRejected("main", protection.id, "too close", venue.floor.now))
    way_out = venue.sent()
    assert way_out.purpose is Purpose.EXIT
    venue.fill(way_out, 99.0)
    assert venue.floor.trade.reason == "its stop was refused"


def test_a_stop_that_somebody_cancelled_at_the_venue_is_placed_again_and_told(
    venue: Venue,
) -> None:
    protection = venue.bought()
    venue.cancelled(protection.id)
    assert venue.sent().stop_price == D(95)
    assert venue.floor.told("order_cancelled")


def test_a_way_out_that_is_refused_is_told_and_tried_again_at_the_next_sample(
    venue: Venue,
) -> None:
    protection = venue.bought()
    venue.floor.do("sell", BTC)
    venue.cancelled(protection.id)
    way_out = venue.sent()
    venue.floor.tell(OrderRejected("main", way_out.id, "market is closed", venue.floor.now))
    assert venue.floor.told("protection_missing")
    assert not of_kind(venue.floor.effects, SubmitOrder), "not at once, or it would never end"
    venue.floor.sample()
    assert venue.sent().purpose is Purpose.EXIT


def test_what_cannot_be_is_told_and_changes_nothing(venue: Venue) -> None:
    venue.floor.tell(OrderAccepted("main", "tnobodys2222222222", "v", venue.floor.now))
    assert not venue.floor.told("strange_report")
    assert not venue.floor.memory.orders
