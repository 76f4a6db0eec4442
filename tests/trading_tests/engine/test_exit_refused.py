"""A way out that its venue refuses for good: kept up, protected meanwhile, and told once."""

import pytest

from tcpproto import ReplyState
from tests.trading_tests.engine.floor import D
from tests.trading_tests.engine.live_venue import Venue
from tests.trading_tests.engine.live_world import World
from tests.trading_tests.makers import BTC, of_kind, play
from trading.engine.effects import SubmitOrder
from trading.model.account import MarketType
from trading.model.order import Order, Purpose
from trading.model.report import OrderRejected

WHY = "insufficient funds"


def refuse(venue: Venue, order: Order, reason: str = WHY) -> None:
    venue.floor.tell(OrderRejected("main", order.id, reason, venue.floor.now))


def leave_and_refuse(venue: Venue) -> None:
    """Have a person sell what is held, and the venue refuse it."""
    stop = venue.bought()
    venue.floor.do("sell", BTC)
    venue.cancelled(stop.id)
    refuse(venue, venue.sent())


def refuse_twice(venue: Venue) -> Order:
    """Have the way out refused until its stop is placed for the time between, and return that."""
    leave_and_refuse(venue)
    venue.floor.sample()
    refuse(venue, venue.sent())
    return venue.sent()


def test_what_a_person_sells_is_still_to_be_sold_after_a_refusal() -> None:
    venue = Venue()
    leave_and_refuse(venue)
    assert venue.is_idle, "not at once, or it would never end"
    assert venue.floor.position().closing.startswith("/sell")
    venue.floor.sample()
    again = venue.sent()
    assert (again.purpose, again.quantity) == (Purpose.EXIT, D(1))
    venue.fill(again, 99.0)
    assert venue.floor.trade.reason.startswith("/sell")


def test_while_a_way_out_waits_the_stop_rests_again_and_goes_before_the_next_try() -> None:
    venue = Venue()
    stop = refuse_twice(venue)
    assert (stop.purpose, stop.stop_price, stop.quantity) == (Purpose.PROTECTION, D(95), D(1))
    venue.accept(stop)
    venue.floor.sample(1.0)
    assert venue.is_idle
    venue.floor.sample(10.0)
    assert venue.asked_to_cancel() == [stop.id], "on spot it holds the coins"
    venue.cancelled(stop.id)
    way_out = venue.sent()
    assert way_out.purpose is Purpose.EXIT
    venue.fill(way_out, 99.0)
    assert venue.floor.held() is None
    assert venue.is_idle


def test_the_stop_that_rests_meanwhile_may_be_what_sells_it() -> None:
    venue = Venue()
    stop = refuse_twice(venue)
    venue.accept(stop)
    venue.fill(stop, 95.0)
    assert venue.floor.held() is None
    venue.floor.sample(120.0)
    assert venue.is_idle
    assert venue.floor.trade.reason == "stop"


def test_a_refused_way_out_is_told_once_with_what_is_unprotected_and_what_to_do() -> None:
    venue = Venue()
    stop = refuse_twice(venue)
    (said,) = venue.floor.told("protection_missing")
    assert said.startswith(f"⚠ NOT CLOSED: {BTC}")
    words = " ".join(said.split())
    assert "1 held without a stop" in words
    assert WHY in words
    assert "tried again" in words
    assert f"/sell {BTC}" in words
    assert not venue.floor.told("order_rejected"), "that would say the same twice"
    assert not venue.floor.told("protection_back")
    venue.accept(stop)
    (back,) = venue.floor.told("protection_back")
    assert "95" in back
    placed = len(venue.floor.told("order_placed"))
    for _ in range(5):
        venue.floor.sample(61.0)
        venue.cancelled(stop.id)
        refuse(venue, venue.sent())
        stop = venue.sent()
        venue.accept(stop)
    assert len(venue.floor.told("protection_missing")) == 1
    assert len(venue.floor.told("protection_back")) == 1
    assert len(venue.floor.told("order_placed")) == placed


def test_where_the_stop_is_refused_too_it_is_said_that_nothing_protects_it() -> None:
    venue = Venue()
    stop = refuse_twice(venue)
    refuse(venue, stop, "market is suspended")
    assert venue.is_idle, "one stop for each wait, or it would never end"
    venue.floor.sample(1.0)
    assert venue.is_idle
    for _ in range(4):
        venue.floor.sample(61.0)
        for purpose in (Purpose.EXIT, Purpose.PROTECTION):
            order = venue.sent()
            assert order.purpose is purpose
            refuse(venue, order, "market is suspended")
    said = " ".join(venue.floor.told("protection_missing")[-1].split())
    assert "market is suspended" in said
    assert "more in" in said, "while it lasts it is told again, ever more rarely"
    assert not venue.floor.told("protection_back")


def test_a_stop_that_the_venue_lets_go_meanwhile_is_not_placed_without_end() -> None:
    venue = Venue()
    stop = refuse_twice(venue)
    placed = 0
    for _ in range(20):
        venue.accept(stop)
        venue.cancelled(stop.id, "the exchange cancelled it")
        if venue.is_idle:
            break
        stop, placed = venue.sent(), placed + 1
    assert placed < 4
    assert venue.floor.position().closing


def test_where_no_stop_can_rest_the_way_out_is_tried_at_most_a_minute_apart() -> None:
    venue = Venue(has_stops=False, has_brackets=False)
    venue.fill(venue.buy(), 100.0)
    venue.floor.do("sell", BTC)
    tries = 0
    for _ in range(3_600):
        for one in of_kind(venue.floor.effects, SubmitOrder):
            tries += 1
            assert one.approved.order.purpose is Purpose.EXIT
            refuse(venue, one.approved.order)
        venue.floor.sample(1.0)
    assert 60 <= tries <= 75
    assert venue.floor.position().closing


def test_the_wish_to_leave_survives_a_restart() -> None:
    venue = Venue()
    stop = refuse_twice(venue)
    venue.accept(stop)
    venue.floor.restart()
    venue.begin()
    assert venue.floor.position().closing.startswith("/sell")
    venue.cancelled(stop.id)
    venue.floor.sample()
    assert venue.floor.order().purpose is Purpose.EXIT


@pytest.mark.parametrize("verb", ["sell", "flatten"])
def test_a_person_who_asks_again_has_it_tried_at_once_and_hears_of_it_again(verb: str) -> None:
    venue = Venue()
    stop = refuse_twice(venue)
    venue.accept(stop)
    venue.floor.do(verb, *([BTC] if verb == "sell" else []))
    assert venue.asked_to_cancel() == [stop.id]
    venue.cancelled(stop.id)
    assert venue.sent().purpose is Purpose.EXIT


def test_a_stop_that_was_reached_and_whose_sale_is_refused_goes_on_being_sold() -> None:
    venue = Venue(has_brackets=False)
    stop = venue.bought()
    venue.floor.tick(110.0)
    venue.cancelled(stop.id)
    refuse(venue, venue.sent())
    assert venue.floor.position().closing == "target"
    venue.floor.sample()
    assert venue.sent().purpose is Purpose.EXIT


def test_a_part_that_is_refused_is_said_and_the_whole_gets_its_stop() -> None:
    venue = Venue()
    stop = venue.bought()
    venue.floor.do("sell", BTC, "0.5")
    venue.cancelled(stop.id)
    orders = [one.approved.order for one in of_kind(venue.floor.effects, SubmitOrder)]
    part = next(one for one in venue.floor.orders() if one.purpose is Purpose.EXIT)
    assert orders
    refuse(venue, part)
    assert venue.floor.told("order_rejected")
    rest = [one for one in venue.floor.orders() if one.purpose is Purpose.PROTECTION]
    for one in rest:
        if one.is_cancelling:
            venue.cancelled(one.id)
    assert venue.floor.order().quantity == D(1)
    assert not venue.floor.position().closing


def test_no_entry_waits_behind_a_position_that_cannot_be_left_for_now() -> None:
    venue = Venue(MarketType.SWAP)
    venue.bought()
    wishes = ["sell"]
    turn = play(lambda context, _: wishes and context.place_order(wishes.pop(), 1), "turn")
    venue.floor.restart(turn)
    venue.begin()
    wishes.clear()
    (stop,) = venue.floor.orders()
    venue.floor.do("sell", BTC)
    venue.cancelled(stop.id)
    refuse(venue, venue.sent())
    venue.floor.sample()
    refuse(venue, venue.sent())
    stop = venue.sent()
    venue.accept(stop)
    wishes.append("sell")
    venue.floor.tick(100.0)
    assert "cannot be closed for now" in " ".join(venue.floor.why().split())
    venue.floor.sample(60.0)
    venue.cancelled(stop.id)
    venue.fill(venue.sent(), 99.0)
    assert venue.floor.held() is None
    assert venue.is_idle, "it would be entered for a reason that is a minute old"


def test_the_account_is_looked_at_once_for_what_may_stand_in_the_way() -> None:
    venue = Venue()
    leave_and_refuse(venue)
    assert len(venue.asked()) == 1, "an order of somebody else's may hold the coins"
    venue.floor.sample()
    refuse(venue, venue.sent())
    assert not venue.asked()


def test_the_positions_show_what_was_refused_and_whether_a_stop_rests_really() -> None:
    venue = Venue()
    stop = refuse_twice(venue)
    shown = " ".join(venue.floor.do("positions").text.split())
    assert f"refused {WHY}" in shown
    assert "stop 95.00" in shown, "it is on its way"
    venue.accept(stop)
    assert "NO STOP" not in venue.floor.do("getstatus").text
    venue.floor.sample(10.0)
    venue.cancelled(stop.id)
    way_out = venue.sent()
    assert "stop ⚠ NONE" in " ".join(venue.floor.do("positions").text.split())
    assert "NO STOP: 1 position" in venue.floor.do("getstatus").text
    refuse(venue, way_out)
    refuse(venue, venue.sent(), "too close")
    shown = " ".join(venue.floor.do("positions").text.split())
    assert "refused too close" in shown
    assert "stop ⚠ NONE" in shown


def test_what_was_refused_is_shown_no_more_once_it_went_well() -> None:
    venue = Venue()
    leave_and_refuse(venue)
    venue.floor.sample()
    way_out = venue.sent()
    venue.accept(way_out)
    venue.fill(way_out, 99.0, "0.5")
    shown = " ".join(venue.floor.do("positions").text.split())
    assert "refused" not in shown
    assert "closing /sell" in shown


def test_coins_that_somebody_else_has_sold_are_asked_about_and_the_tries_end() -> None:
    world = World()
    world.buys()
    assert world.floor.held() is not None
    world.orders, world.holdings["BTC"] = [], D(0)
    world.floor.do("sell", BTC)
    world.carry_out()
    assert world.floor.told("protection_missing")
    world.looks(3)
    assert "difference 1" in world.floor.told("difference")[0]
    world.answer(1, "adopt")
    assert world.floor.held() is None
    world.floor.sample(120.0)
    assert not of_kind(world.floor.effects, SubmitOrder)
    assert not world.floor.orders()


def surplus(venue: Venue) -> None:
    """Show half a bitcoin more than is held, until people are asked about it."""
    for _ in range(2):
        venue.floor.tick(100.0)
        venue.show(BTC="1.5", usdt="9900")


def test_what_is_adopted_would_be_sold_with_it_and_that_is_said() -> None:
    venue = Venue()
    venue.accept(refuse_twice(venue))
    surplus(venue)
    said = venue.floor.do("reconcile", "1", "adopt")
    assert said.state is ReplyState.REJECTED
    for part in ("being closed (/sell", f"refused for now: {WHY}", "close", "ignore"):
        assert part in said.text
    assert venue.floor.position().quantity == 1
    assert venue.floor.do("reconcile", "1", "ignore").state is ReplyState.APPLIED
    assert not venue.floor.trader.reconciliation.differences.open


def test_more_that_nobody_wants_is_sold_with_what_cannot_be_left_for_now() -> None:
    venue = Venue()
    stop = refuse_twice(venue)
    venue.accept(stop)
    surplus(venue)
    said = venue.floor.do("reconcile", "1", "close")
    assert (said.state, said.text) == (ReplyState.APPLIED, f"closing all 1.5 {BTC}")
    assert venue.asked_to_cancel() == [stop.id], "it is tried at once"
    venue.cancelled(stop.id)
    way_out = venue.sent()
    assert (way_out.purpose, way_out.quantity) == (Purpose.EXIT, D("1.5"))
    venue.fill(way_out, 99.0)
    assert venue.floor.held() is None
    assert venue.is_idle


def test_more_is_sold_behind_a_way_out_that_is_under_way() -> None:
    venue = Venue()
    stop = venue.bought()
    venue.floor.do("sell", BTC)
    venue.cancelled(stop.id)
    way_out = venue.sent()
    venue.accept(way_out)
    surplus(venue)
    assert venue.floor.do("reconcile", "1", "close").state is ReplyState.APPLIED
    assert venue.is_idle, "never two ways out"
    venue.fill(way_out, 99.0)
    rest = venue.sent()
    assert (rest.purpose, rest.quantity) == (Purpose.EXIT, D("0.5"))
    venue.fill(rest, 99.0)
    assert venue.floor.held() is None


def wait_long(venue: Venue) -> None:
    """Have everything refused until it is tried once a minute only, and once more."""
    venue.floor.do("sell", BTC)
    for _ in range(240):
        refuse_all(venue)
        venue.floor.sample()
    venue.floor.sample(61.0)
    refuse_all(venue)


def refuse_all(venue: Venue) -> int:
    """Refuse what was sent with the last event, and what follows; return how many ways out."""
    tries = 0
    while sent := of_kind(venue.floor.effects, SubmitOrder):
        (one,) = sent
        tries += one.approved.order.purpose is Purpose.EXIT
        refuse(venue, one.approved.order, "market is suspended")
    for order_id in venue.asked_to_cancel():
        venue.cancelled(order_id)
        tries += refuse_all(venue)
    return tries


@pytest.fixture(params=[True, False], ids=["its stop is refused too", "no stop can rest"])
def bare(request: pytest.FixtureRequest) -> Venue:
    """Hold a bitcoin that cannot be left for now, and that no stop protects."""
    has_stops: bool = request.param
    venue = Venue(has_stops=has_stops, has_brackets=False)
    venue.bought() if has_stops else venue.fill(venue.buy(), 100.0)
    wait_long(venue)
    return venue


def test_a_stop_price_that_is_reached_is_no_time_to_wait(bare: Venue) -> None:
    bare.floor.sample(5.0)
    bare.floor.tick(96.0)
    assert bare.is_idle
    bare.floor.tick(94.0)
    assert bare.sent().purpose is Purpose.EXIT
    assert refuse_all(bare) == 1
    bare.floor.tick(93.0)
    assert bare.is_idle, "not with each price"
    bare.floor.sample(5.0)
    bare.floor.tick(93.0)
    way_out = bare.sent()
    bare.fill(way_out, 93.0)
    assert bare.floor.held() is None


def test_at_its_stop_price_it_is_tried_every_few_seconds_and_told_no_oftener(bare: Venue) -> None:
    tries = 0
    for _ in range(300):
        bare.floor.tick(94.0, after_s=1.0)
        tries += refuse_all(bare)
        bare.floor.sample(1.0)
        tries += refuse_all(bare)
    assert 100 <= tries <= 120
    said = " ".join(bare.floor.told("protection_missing")[-1].split())
    assert "(4 more in 300 s)" in said, "one for each wait of a minute, as without it"


def test_what_is_tried_between_makes_the_next_wait_no_longer(bare: Venue) -> None:
    bare.floor.sample(5.0)
    bare.floor.tick(94.0)
    refuse_all(bare)
    tries = 0
    for _ in range(30):
        bare.floor.tick(99.0, after_s=1.0)
        bare.floor.sample(1.0)
        tries += refuse_all(bare)
    assert tries == 1


def test_a_stop_that_rests_meanwhile_is_given_time_to_sell_it() -> None:
    venue = Venue(has_brackets=False)
    stop = refuse_twice(venue)
    venue.accept(stop)
    venue.floor.sample(10.0)
    venue.cancelled(stop.id)
    refuse(venue, venue.sent())
    stop = venue.sent()
    venue.accept(stop)
    venue.floor.sample(6.0)
    venue.floor.tick(94.0)
    assert venue.is_idle, "the exchange sells it"
    venue.floor.tick(94.0, after_s=10.0)
    assert venue.asked_to_cancel() == [stop.id], "it was jumped over"
    venue.cancelled(stop.id)
    assert venue.sent().purpose is Purpose.EXIT
