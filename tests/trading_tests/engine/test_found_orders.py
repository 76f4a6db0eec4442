"""Orders that are found at a venue: what a person placed by hand, and what the store has lost."""

from dataclasses import replace
from typing import Any

import pytest

from tcpproto import ReplyState
from tests.trading_tests.engine.floor import D
from tests.trading_tests.engine.live_venue import Venue
from tests.trading_tests.engine.live_world import seen_order
from tests.trading_tests.engine.test_difference_orders import ours
from tests.trading_tests.makers import BTC
from trading.engine.events import StopAhead
from trading.model.account import MarketType
from trading.model.order import Order, OrderType, Purpose, Side
from trading.model.report import OrderAccepted, OrderCancelled
from trading.model.venue_news import AccountSeen, OpenOrderSeen, PositionSeen
from trading.risk.sizing import reserve_of


class Handed(Venue):
    """Hold a bitcoin at a swap account, long or short, with its stop."""

    def __init__(self, side: Side = Side.BUY, **more: Any) -> None:
        super().__init__(MarketType.SWAP, leverage="3", **more)
        self.orders: list[OpenOrderSeen] = []
        self.side = side
        verb = "buy" if side is Side.BUY else "sell"
        assert self.floor.do(verb, BTC, "1").state is ReplyState.APPLIED
        entry = self.sent()
        self.accept(entry)
        self.fill(entry, 100.0)
        self.stop = self.sent()
        self.accept(self.stop)

    def adopt(self, *orders: OpenOrderSeen) -> list[Order]:
        """Show orders of a person twice, and have each kept; return them as they are followed."""
        self.orders += orders
        for _ in range(2):
            held = [PositionSeen(BTC, self.floor.position().quantity, D(100))]
            seen = AccountSeen("main", 0, self.orders, {"USDT": D(10_000)}, held, self.floor.now)
            self.floor.tell(seen)
        for one in self.floor.trader.reconciliation.differences.open:
            state, text = self.floor.do("reconcile", str(one.number), "adopt")
            assert state is ReplyState.APPLIED, text
        followed = {one.id: one for one in self.floor.orders()}
        return [followed[one.venue_id] for one in orders]

    def take_profit(self, venue_id: str = "V1", **more: Any) -> OpenOrderSeen:
        """Return an order of a person to leave with a profit, marked as nothing."""
        price = D(120) if self.side is Side.BUY else D(80)
        plain = seen_order(venue_id, side=self.side.opposite, quantity=D(1), limit_price=price)
        return replace(plain, **more)

    def stop_fills(self, price: float) -> None:
        self.fill(self.stop, price)


@pytest.fixture(params=[Side.BUY, Side.SELL])
def venue(request: pytest.FixtureRequest) -> Handed:
    return Handed(request.param)


def test_what_takes_no_more_than_is_held_is_a_way_out(venue: Handed) -> None:
    (kept,) = venue.adopt(venue.take_profit())
    assert (kept.purpose, kept.reduce_only) == (Purpose.EXIT, True)
    assert not reserve_of(venue.floor.orders())
    assert venue.floor.told("difference_settled")[0].count("it counts as a way out") == 1


def test_a_stop_of_the_bot_leaves_it_there(venue: Handed) -> None:
    venue.adopt(venue.take_profit())
    venue.floor.tell(StopAhead(venue.floor.wall))
    assert venue.is_idle
    assert venue.floor.trader.recall.left == []


def test_it_is_cancelled_once_its_position_is_left_otherwise(venue: Handed) -> None:
    (kept,) = venue.adopt(venue.take_profit())
    venue.stop_fills(95.0 if venue.side is Side.BUY else 105.0)
    assert venue.floor.held() is None
    assert venue.asked_to_cancel() == [kept.id]


def test_flatten_cancels_it_before_it_closes(venue: Handed) -> None:
    (kept,) = venue.adopt(venue.take_profit())
    venue.floor.do("flatten")
    assert set(venue.asked_to_cancel()) == {kept.id, venue.stop.id}
    for order_id in (kept.id, venue.stop.id):
        venue.floor.tell(OrderCancelled("main", order_id, "cancelled", venue.floor.now))
    sale = venue.sent()
    assert (sale.purpose, sale.type) == (Purpose.EXIT, OrderType.MARKET)


def test_its_execution_closes_the_position_and_is_told_as_such(venue: Handed) -> None:
    (kept,) = venue.adopt(venue.take_profit())
    venue.fill(kept, float(kept.limit_price or 0))
    assert venue.floor.held() is None
    (trade,) = venue.floor.trades
    assert trade.profit == 20
    assert not venue.floor.told("sold_part")
    assert venue.asked_to_cancel() == [venue.stop.id]


def test_what_is_for_more_than_is_held_counts_as_an_entry_and_goes_at_a_stop(
    venue: Handed,
) -> None:
    (kept,) = venue.adopt(venue.take_profit(quantity=D("1.5")))
    assert kept.purpose is Purpose.ENTRY
    assert reserve_of(venue.floor.orders())
    venue.floor.tell(StopAhead(venue.floor.wall))
    assert venue.asked_to_cancel() == [kept.id]


def test_only_what_is_left_to_fill_counts(venue: Handed) -> None:
    (kept,) = venue.adopt(venue.take_profit(quantity=D("1.5"), filled=D("0.5")))
    assert kept.purpose is Purpose.EXIT


def test_what_is_held_is_promised_once(venue: Handed) -> None:
    first, second = venue.adopt(venue.take_profit(), venue.take_profit("V2"))
    assert (first.purpose, second.purpose) == (Purpose.EXIT, Purpose.ENTRY)


def test_parts_that_make_up_the_position_are_all_ways_out(venue: Handed) -> None:
    parts = [venue.take_profit(f"V{each}", quantity=D("0.5")) for each in (1, 2)]
    assert {one.purpose for one in venue.adopt(*parts)} == {Purpose.EXIT}


def test_one_that_turns_a_position_around_leaves_a_stop_behind_what_it_opened(
    venue: Handed,
) -> None:
    (kept,) = venue.adopt(venue.take_profit())
    stop = venue.stop
    verb = "sell" if venue.side is Side.BUY else "buy"
    venue.floor.do(verb, BTC, "0.6")
    venue.fill(venue.sent(), 100.0)
    assert venue.asked_to_cancel() == [stop.id]
    venue.cancelled(stop.id)
    smaller = venue.sent()
    venue.accept(smaller)
    venue.fill(kept, float(kept.limit_price or 0))
    position = venue.floor.position()
    assert position.quantity == D("0.6") * kept.side.sign
    assert position.stop_price is not None
    venue.cancelled(smaller.id)
    (protection,) = [one for one in venue.floor.orders() if one.purpose is Purpose.PROTECTION]
    assert (protection.quantity, protection.side) == (D("0.6"), venue.side)
    kind = "sold_short" if kept.side is Side.SELL else "bought"
    assert venue.floor.kinds.count("sold_part") == 1, "of the part that was sold before"
    assert venue.floor.kinds.count(kind) == 1


def test_an_entry_that_only_takes_a_part_away_is_told_as_that() -> None:
    venue = Handed()
    (kept,) = venue.adopt(venue.take_profit(quantity=D("1.5")))
    venue.fill(kept, 120.0, "0.4")
    venue.cancelled(kept.id, "expired")
    assert venue.floor.position().quantity == D("0.6")
    assert venue.floor.kinds.count("bought") == 1
    assert "sold_short" not in venue.floor.kinds
    assert venue.floor.kinds.count("sold_part") == 1


@pytest.mark.parametrize("has_stops", [True, False])
def test_our_own_entry_that_the_store_has_lost_has_its_exits_when_it_fills(
    has_stops: bool,
) -> None:
    venue = Venue(has_stops=has_stops, has_brackets=has_stops)
    lost = seen_order("V1", ours())
    venue.show(0, lost)
    venue.show(0, lost)
    entry = venue.floor.order()
    venue.fill(entry, 90.0)
    assert venue.floor.position().stop_price == D("85.5")
    assert not venue.floor.position().closing
    if has_stops:
        assert venue.sent().stop_price == D("85.5")
    assert "protection_missing" not in venue.floor.kinds


def test_our_own_entry_that_no_stop_can_stand_behind_is_cancelled() -> None:
    venue = Venue()
    lost = seen_order("V1", ours(), limit_price=D("0.01"))
    venue.show(0, lost)
    venue.show(0, lost)
    assert venue.asked_to_cancel() == [lost.order_id]
    assert venue.floor.orders() == []
    (told,) = venue.floor.told("order_adopted")
    assert "it is cancelled there" in " ".join(told.split())


def test_a_stop_of_a_person_is_kept_as_a_way_out() -> None:
    venue = Handed()
    by_hand = venue.take_profit(type=OrderType.STOP, limit_price=None, stop_price=D(90))
    (kept,) = venue.adopt(by_hand)
    assert kept.purpose is Purpose.EXIT
    venue.floor.tell(OrderAccepted("main", kept.id, "V1", venue.floor.now))
    venue.floor.tell(StopAhead(venue.floor.wall))
    assert venue.is_idle
