"""Before a stop, what rests to enter at a real venue is taken back, and what came of it is told."""

from dataclasses import replace
from typing import Any

import pytest

from tcpproto import ReplyState
from tests.trading_tests.engine.floor import D, Floor
from tests.trading_tests.engine.live_venue import Venue
from tests.trading_tests.makers import BTC, make_account, make_account_setup, of_kind, play
from trading.engine.effects import CancelOrder, EntriesGone, Finish, SaveOrder, SubmitOrder
from trading.engine.events import StopAhead, StopRequested
from trading.engine.states import EngineState
from trading.model.event import Severity
from trading.model.order import Order, OrderType, Purpose
from trading.model.order_states import OrderState
from trading.model.report import OrderRejected


def enter_below(context: Any, _tick: object) -> None:
    """Want one entry with a limit, and a new one whenever it is gone."""
    if context.position is None and not context.get_orders():
        context.place_order("buy", 2, type="limit", limit_price=90)


class StoppedVenue(Venue):
    """A venue with an entry that rests, and a bot that is about to stop."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.floor.restart(play(enter_below))
        self.begin()
        self.floor.tick(100.0)
        self.entry = self.sent()
        self.accept(self.entry)

    def stop_is_ahead(self) -> None:
        self.floor.tell(StopAhead(self.floor.wall))

    def stop(self) -> None:
        self.floor.tell(StopRequested("asked to stop", self.floor.wall))
        assert isinstance(self.floor.effects[-1], Finish)

    def hears_it_is_over(self) -> bool:
        """Tell whether the last event said that no entry is open any more."""
        return bool(of_kind(self.floor.effects, EntriesGone))


def protection_of(venue: Venue) -> Order:
    order = venue.sent()
    assert order.purpose is Purpose.PROTECTION
    return order


def test_an_entry_that_rests_is_cancelled_waited_for_and_told() -> None:
    venue = StoppedVenue()
    venue.stop_is_ahead()
    assert venue.asked_to_cancel() == [venue.entry.id]
    assert [one.order.is_cancelling for one in of_kind(venue.floor.effects, SaveOrder)] == [True]
    assert venue.floor.core.state is EngineState.STOPPING
    assert not venue.hears_it_is_over()
    venue.cancelled(venue.entry.id)
    assert venue.hears_it_is_over()
    venue.stop()
    (said,) = venue.floor.told("entries_cancelled")
    assert said.startswith("1 entry cancelled: bot stops\nLIVE main\nBTC/USDT")
    assert not venue.floor.told("entries_left")
    assert venue.floor.kinds.index("entries_cancelled") < venue.floor.kinds.index("engine_stopped")


def test_the_stop_and_the_target_of_a_position_stay() -> None:
    venue = Venue()
    protection = venue.bought()
    venue.floor.tell(StopAhead(venue.floor.wall))
    assert venue.is_idle
    assert of_kind(venue.floor.effects, EntriesGone)
    venue.floor.tell(StopRequested("asked to stop", venue.floor.wall))
    assert venue.is_idle
    assert venue.floor.order().id == protection.id
    assert not venue.floor.told("entries_cancelled")


def test_what_is_filled_while_it_is_cancelled_gets_its_stop() -> None:
    venue = StoppedVenue()
    venue.stop_is_ahead()
    venue.fill(venue.entry, 90.0)
    assert protection_of(venue).quantity == D(2)
    assert venue.hears_it_is_over()
    venue.stop()
    assert venue.floor.told("bought")
    assert not venue.floor.told("entries_cancelled")
    assert not venue.floor.told("entries_left")


def test_of_several_entries_those_that_were_filled_are_counted_apart() -> None:
    venue = StoppedVenue()
    first, second = venue.entry, replace(venue.floor.order(), id="other")
    venue.floor.trader.orders.add(second)
    venue.stop_is_ahead()
    venue.fill(first, 90.0)
    assert not venue.hears_it_is_over()
    venue.cancelled(second.id)
    assert venue.hears_it_is_over()
    venue.stop()
    (said,) = venue.floor.told("entries_cancelled")
    assert said.startswith("1 entry cancelled")
    assert "filled 1 entry" in " ".join(said.split())


def test_a_part_that_was_filled_gets_its_stop_and_is_told_as_a_part() -> None:
    venue = StoppedVenue()
    venue.stop_is_ahead()
    venue.fill(venue.entry, 90.0, "0.5")
    first = protection_of(venue)
    assert not venue.hears_it_is_over()
    venue.accept(first)
    venue.cancelled(venue.entry.id)
    assert venue.hears_it_is_over()
    venue.stop()
    assert venue.floor.position().quantity == D("0.5")
    assert "1 entry filled in part" in venue.floor.told("entries_cancelled")[0]


@pytest.mark.parametrize("is_unknown", [False, True])
def test_what_is_not_known_to_be_gone_is_told_loudly_with_what_to_do(is_unknown: bool) -> None:
    venue = StoppedVenue()
    venue.stop_is_ahead()
    if is_unknown:
        venue.lose(venue.entry)
    assert not venue.hears_it_is_over()
    venue.stop()
    (event,) = [one for one in venue.floor.events if one.kind == "entries_left"]
    assert event.severity is Severity.CRITICAL
    assert "1 entry NOT known to be gone" in event.text
    assert "BUY BTC/USDT 2 90.00" in event.text
    assert "cancel there what is still open" in " ".join(event.text.split())
    assert [one["id"] for one in event.fields["orders"]] == [venue.entry.id]
    assert list(venue.floor.trader.recall.left) == ["BUY BTC/USDT 2 90.00"]
    assert not venue.floor.told("entries_cancelled")


def test_the_next_start_cancels_what_was_not_known_to_be_gone() -> None:
    venue = StoppedVenue()
    venue.stop_is_ahead()
    venue.stop()
    venue.floor.restart()
    assert venue.floor.order().is_cancelling
    venue.connect()
    assert venue.asked_to_cancel() == [venue.entry.id]


def test_after_the_next_start_a_strategy_sees_its_entry_as_gone_and_may_enter_anew() -> None:
    venue = StoppedVenue()
    venue.stop_is_ahead()
    venue.cancelled(venue.entry.id)
    venue.stop()
    assert venue.floor.memory.orders["main", venue.entry.id].state is OrderState.CANCELLED
    venue.floor.restart()
    venue.begin()
    venue.floor.tick(100.0)
    again = venue.sent()
    assert (again.type, again.limit_price) == (OrderType.LIMIT, D(90))
    assert again.id != venue.entry.id


def test_nothing_new_is_begun_once_a_stop_is_ahead_and_positions_can_be_left() -> None:
    venue = StoppedVenue()
    venue.stop_is_ahead()
    venue.cancelled(venue.entry.id)
    venue.floor.tick(100.0)
    assert venue.is_idle, "the strategy enters anew"
    state, text = venue.floor.do("buy", BTC, "1")
    assert state is ReplyState.REJECTED
    assert "the bot is stopping" in text
    held = Venue()
    held.bought()
    held.floor.tell(StopAhead(held.floor.wall))
    assert held.floor.do("sell", BTC).state is ReplyState.APPLIED
    assert not held.is_idle


def test_an_entry_at_market_is_waited_for_and_not_cancelled() -> None:
    venue = Venue()
    entry = venue.buy()
    venue.floor.tell(StopAhead(venue.floor.wall))
    assert venue.is_idle
    assert not of_kind(venue.floor.effects, EntriesGone)
    venue.fill(entry, 100.0)
    assert protection_of(venue).quantity == entry.quantity
    assert of_kind(venue.floor.effects, EntriesGone)
    venue.floor.tell(StopRequested("asked to stop", venue.floor.wall))
    assert not venue.floor.told("entries_cancelled")


def test_an_entry_at_market_of_which_nobody_knows_the_end_is_told_too() -> None:
    venue = Venue()
    venue.lose(venue.buy())
    venue.floor.tell(StopAhead(venue.floor.wall))
    venue.floor.tell(StopRequested("asked to stop", venue.floor.wall))
    (said,) = venue.floor.told("entries_left")
    assert "BUY BTC/USDT 1 at market" in said


def test_an_entry_that_the_worker_sends_no_more_is_over() -> None:
    venue = Venue()
    entry = venue.buy()
    venue.floor.tell(StopAhead(venue.floor.wall))
    venue.floor.tell(OrderRejected("main", entry.id, "stopped", venue.floor.now))
    assert of_kind(venue.floor.effects, EntriesGone)


def test_a_cancel_that_was_wanted_before_is_waited_for_and_not_asked_for_twice() -> None:
    venue = StoppedVenue()
    venue.floor.trader.dealer.cancel(venue.floor.order())
    venue.floor.sample()
    assert venue.asked_to_cancel() == [venue.entry.id]
    venue.stop_is_ahead()
    assert not venue.asked_to_cancel()
    assert not venue.hears_it_is_over()
    venue.cancelled(venue.entry.id)
    assert venue.hears_it_is_over()


def test_it_is_said_once_that_the_entries_are_gone_and_a_second_notice_changes_nothing() -> None:
    venue = StoppedVenue()
    venue.stop_is_ahead()
    venue.cancelled(venue.entry.id)
    assert venue.hears_it_is_over()
    venue.floor.sample()
    assert not venue.hears_it_is_over()
    assert not venue.floor.tell(StopAhead(venue.floor.wall))


def test_a_stop_without_a_notice_leaves_entries_where_they_are() -> None:
    venue = StoppedVenue()
    venue.stop()
    assert not of_kind(venue.floor.effects, CancelOrder)
    assert not venue.floor.told("entries_left")
    assert venue.floor.order().id == venue.entry.id


def test_beside_a_real_account_one_on_paper_goes_on_to_the_end() -> None:
    real = replace(make_account("real"), exchange="kraken", is_paper=False)
    accounts = [make_account_setup(), replace(make_account_setup(real), paper=None)]
    floor = Floor(play(enter_below), accounts=accounts)
    floor.tick(100.0)
    entry = floor.order()
    floor.tell(StopAhead(floor.wall))
    assert floor.do("buy", BTC, "1", account="main").state is ReplyState.APPLIED
    assert "the bot is stopping" in floor.do("buy", BTC, "1", account="real").text
    floor.tell(StopRequested("asked to stop", floor.wall))
    assert entry.id in {one.id for one in floor.orders()}


def test_an_account_on_paper_keeps_its_entries_over_a_stop_and_none_is_filled_meanwhile() -> None:
    floor = Floor(play(enter_below), accounts=[make_account_setup(make_account())])
    floor.tick(100.0)
    entry = floor.order()
    floor.tell(StopAhead(floor.wall))
    assert of_kind(floor.effects, EntriesGone)
    assert not of_kind(floor.effects, SubmitOrder)
    floor.tell(StopRequested("asked to stop", floor.wall))
    assert floor.order().state is OrderState.WORKING
    # A day later; the price was below the limit and is above it again.
    floor.now += 86_400.0
    floor.wall += 86_400.0
    floor.restart()
    floor.tick(95.0)
    assert floor.held() is None
    assert floor.order().id == entry.id
    floor.tick(89.0)
    assert floor.position().quantity == D(2)
    assert floor.position().stop_price is not None
    assert [one.purpose for one in floor.orders()] == [Purpose.PROTECTION]
