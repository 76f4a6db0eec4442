"""Stories of books and venues that disagree: who is asked what, and what an answer does."""

from dataclasses import replace

import pytest

from tcpproto import ReplyState
from tests.trading_tests.engine.floor import D, Floor
from tests.trading_tests.engine.live_venue import Venue
from tests.trading_tests.engine.live_world import World, seen_order
from tests.trading_tests.makers import (
    BTC,
    ETH,
    make_instrument,
    of_kind,
)
from trading.engine.effects import AskAccount
from trading.engine.order_ids import OrderIds
from trading.model.account import MarketType
from trading.model.order import ExitPlan, Order, OrderType, Purpose, Side
from trading.model.order_states import OrderState
from trading.model.report import NEVER_REACHED, OrderCancelled, OrderLost
from trading.model.venue_news import AccountSeen, PositionSeen, VenueConnected

APPLIED, REJECTED = ReplyState.APPLIED, ReplyState.REJECTED


@pytest.fixture
def world() -> World:
    return World()


def test_a_venue_that_agrees_is_told_of_to_nobody_who_does_not_ask(world: World) -> None:
    world.buys()
    world.looks(3)
    assert "difference" not in world.floor.kinds
    state, text = world.floor.do("reconcile")
    assert state is APPLIED
    assert "LIVE main" in text
    assert "all agrees, looked" in text
    assert len(world.asked) == 1


def test_a_difference_is_told_after_two_looks_and_only_once(world: World) -> None:
    world.holdings["BTC"] = D("0.5")
    assert world.look() == [], "the next regular look is soon enough"
    assert "difference" not in world.floor.kinds
    world.looks(3)
    (told,) = world.floor.told("difference")
    assert "difference 1: BTC" in told
    assert "/reconcile 1 adopt" in " ".join(told.split())
    event = next(one for one in world.floor.events if one.kind == "difference")
    assert event.fields["choices"] == ["adopt", "close", "ignore"]
    assert event.fields["amount"] == "0.5"


def test_lists_that_lag_for_one_look_are_no_difference(world: World) -> None:
    for _ in range(3):
        world.holdings["BTC"] = D("0.5")
        world.look()
        del world.holdings["BTC"]
        world.look()
    assert "difference" not in world.floor.kinds


def test_at_the_start_the_second_look_is_asked_for_at_once() -> None:
    world = World()
    world.floor.restart()
    world.holdings["BTC"] = D("0.5")
    world.floor.tell(VenueConnected("main", True, True, world.floor.now))
    (number,) = world.look()
    world.floor.tick(100.0)
    assert "not been looked at completely" in world.floor.do("buy", BTC, "1").text
    world.look(number)
    assert len(world.floor.told("difference")) == 1
    assert world.buys(ETH) is APPLIED


def test_what_a_person_asks_for_is_looked_at_twice_in_a_row(world: World) -> None:
    world.floor.do("reconcile")
    (number,) = world.asked
    world.holdings["BTC"] = D("0.5")
    (again,) = world.look(number)
    assert world.look(again) == []
    assert len(world.floor.told("difference")) == 1


def test_its_market_takes_no_new_risk_and_the_others_do(world: World) -> None:
    world.holdings["BTC"] = D("0.5")
    world.looks()
    world.floor.tick(100.0)
    state, text = world.floor.do("buy", BTC, "1")
    assert state is REJECTED
    assert "/reconcile 1" in text
    assert world.buys(ETH) is APPLIED


def test_a_difference_survives_a_restart_and_bars_before_any_look(world: World) -> None:
    world.holdings["BTC"] = D("0.5")
    world.looks()
    world.floor.restart()
    world.floor.events.clear()
    world.connect()
    assert world.buys() is REJECTED
    world.looks(3)
    assert "difference" not in world.floor.kinds, "nobody is asked twice"
    assert "1 BTC: 0.5 BTC more" in " ".join(world.floor.do("reconcile").text.split())
    world.holdings["ETH"] = D(3)
    world.looks()
    assert "difference 2: ETH" in world.floor.told("difference")[0]


def test_what_vanishes_by_itself_is_told_and_bars_nothing_more(world: World) -> None:
    world.holdings["BTC"] = D("0.5")
    world.looks()
    del world.holdings["BTC"]
    world.look()
    assert world.buys() is REJECTED, "its end too must be seen twice"
    world.look()
    assert len(world.floor.told("difference_gone")) == 1
    assert world.buys() is APPLIED
    assert world.floor.do("reconcile", "1", "adopt").state is REJECTED


def test_coins_that_are_adopted_are_a_position_with_a_stop_and_a_deposit_in_kind(
    world: World,
) -> None:
    world.holdings["BTC"] = D("0.5")
    world.looks()
    equity = world.floor.trader.desks["main"].book.equity()
    peak = world.floor.trader.conditions.limits.peak("main")
    assert "booked as a position at 100" in world.answer(1, "adopt")
    position = world.floor.position()
    assert (position.quantity, position.entry_price) == (D("0.5"), D(100))
    assert (position.stop_price, position.target_price) == (D(95), D(110))
    assert world.floor.order().purpose is Purpose.PROTECTION
    assert world.floor.cash() == D(10_000)
    assert world.floor.trader.desks["main"].book.equity() == equity + 50
    assert world.floor.trader.conditions.limits.peak("main") == peak + 50
    world.looks(3)
    assert world.floor.kinds.count("difference") == 1
    assert world.floor.kinds.count("difference_settled") == 1


def test_coins_beside_a_position_are_added_to_it_and_sold_without_it(world: World) -> None:
    world.buys()
    world.holdings["BTC"] += D("0.5")
    world.looks()
    assert world.answer(1, "close") == "closing 0.5 BTC/USDT at the market"
    assert world.floor.position().quantity == D(1)
    assert world.holdings["BTC"] == D(1)
    world.looks(3)
    assert world.floor.kinds.count("difference") == 1
    assert world.floor.order().quantity == D(1)


def test_coins_that_nobody_wants_are_sold_at_the_market(world: World) -> None:
    world.holdings["BTC"] = D("0.5")
    world.looks()
    assert "closing 0.5 BTC/USDT" in world.answer(1, "close")
    assert world.floor.held() is None
    assert not world.holdings["BTC"]
    assert world.floor.cash() == world.holdings["USDT"] == D(10_050)
    world.looks(3)
    assert world.floor.kinds.count("difference") == 1


def test_coins_that_are_ignored_are_asked_about_again_only_when_they_change(world: World) -> None:
    world.holdings["BTC"] = D("0.5")
    world.looks()
    world.answer(1, "ignore")
    assert world.buys() is APPLIED
    world.looks(3)
    world.floor.restart()
    world.connect()
    world.looks(3)
    assert world.floor.kinds.count("difference") == 1
    world.holdings["BTC"] += D("0.25")
    world.looks()
    assert "0.25 BTC more is there" in " ".join(world.floor.told("difference")[1].split())


def test_ignored_coins_that_go_again_leave_our_position_alone(world: World) -> None:
    world.holdings["BTC"] = D("0.5")
    world.looks()
    world.answer(1, "ignore")
    world.buys()
    world.holdings["BTC"] -= D("0.5")
    world.looks()
    world.answer(2, "adopt")
    assert world.floor.position().quantity == D(1)
    world.looks(3)
    assert world.floor.kinds.count("difference") == 2


def test_coins_that_were_sold_by_hand_leave_the_position_as_changed_outside(world: World) -> None:
    world.buys()
    world.price = 110.0
    world.floor.tick(105.0)
    world.holdings["BTC"] -= D("0.4")
    world.holdings["USDT"] += D(44)
    world.looks()
    texts = [" ".join(one.split()) for one in world.floor.told("difference")]
    assert "0.4 BTC is missing there" in texts[0]
    assert "44 USDT more is there" in texts[1]
    world.answer(1, "adopt")
    assert world.floor.position().quantity == D("0.6")
    assert world.floor.order().quantity == D("0.6"), "its stop follows"
    world.answer(2, "adopt")
    assert world.floor.cash() == world.holdings["USDT"]
    world.looks(3)
    assert world.floor.kinds.count("difference") == 2


def test_a_position_that_is_gone_altogether_is_a_trade_with_the_reason(world: World) -> None:
    world.buys()
    world.holdings["BTC"] = D(0)
    world.looks()
    world.answer(1, "adopt")
    assert world.floor.held() is None
    assert world.floor.orders() == []
    assert world.floor.trade.reason == "changed outside"


def test_what_is_left_of_a_position_is_closed_on_a_persons_word(world: World) -> None:
    world.buys()
    world.holdings["BTC"] = D("0.6")
    world.looks()
    world.answer(1, "close")
    assert world.floor.held() is None
    assert not world.holdings["BTC"]


def test_what_is_missing_cannot_be_ignored(world: World) -> None:
    world.buys()
    world.holdings["BTC"] = D("0.6")
    world.looks()
    state, text = world.floor.do("reconcile", "1", "ignore")
    assert state is REJECTED
    assert text == "ignore is no answer to this one; allowed adopt or close"


def test_money_that_came_is_a_deposit_and_heals_no_loss(world: World) -> None:
    world.holdings["USDT"] += D(5_000)
    world.looks()
    assert world.buys() is APPLIED, "more money bars nothing"
    world.looks()
    peak = world.floor.trader.conditions.limits.peak("main")
    assert world.answer(1, "adopt") == "5,000 USDT booked as a deposit"
    assert world.floor.cash() == world.holdings["USDT"]
    assert world.floor.trader.conditions.limits.peak("main") == peak + 5_000


def test_money_that_is_missing_bars_the_whole_account_until_it_is_booked(world: World) -> None:
    world.holdings["USDT"] -= D(4_000)
    world.looks()
    assert world.buys() is world.buys(ETH) is REJECTED
    world.answer(1, "adopt")
    assert world.buys(ETH) is APPLIED
    assert "limit_tripped" not in world.floor.kinds


def test_money_that_is_missing_can_neither_be_sold_nor_ignored(world: World) -> None:
    world.holdings["USDT"] -= D(4_000)
    world.looks()
    for choice in ("close", "ignore"):
        assert world.floor.do("reconcile", "1", choice).state is REJECTED


def test_a_difference_that_grows_is_told_again_under_its_number(world: World) -> None:
    world.holdings["BTC"] = D("0.5")
    world.looks()
    world.holdings["BTC"] = D("0.6")
    world.looks()
    assert world.floor.kinds.count("difference") == 1
    world.holdings["BTC"] = D("2.5")
    world.looks()
    assert "difference 1" in world.floor.told("difference")[1]
    world.answer(1, "adopt")
    assert world.floor.position().quantity == D("2.5")


def test_an_order_of_a_person_is_asked_about_and_cancelled_or_kept(world: World) -> None:
    world.orders = [seen_order("V1"), seen_order("V2"), seen_order("V3")]
    world.looks()
    assert world.floor.kinds.count("difference") == 3
    assert world.buys() is REJECTED
    world.answer(1, "close")
    assert [one.venue_id for one in world.orders] == ["V2", "V3"]
    world.answer(2, "ignore")
    kept = world.answer(3, "adopt")
    assert "kept as a person's order, id V3" in kept
    assert world.floor.order().exit_plan is not None
    world.looks(3)
    assert world.floor.kinds.count("difference") == 3


def test_an_order_that_was_adopted_fills_into_a_position_with_a_stop(world: World) -> None:
    world.orders = [seen_order("V1")]
    world.looks()
    world.answer(1, "adopt")
    order = world.floor.order()
    world.orders = []
    world.price = 90.0
    world.floor.effects = []
    world.fill(order)
    world.carry_out()
    assert world.floor.position().stop_price == D("85.5")
    assert world.floor.order().purpose is Purpose.PROTECTION
    world.looks(3)
    assert world.floor.kinds.count("difference") == 1


def test_a_foreign_sale_of_what_is_not_held_is_not_adopted(world: World) -> None:
    world.orders = [seen_order("V1", side=Side.SELL)]
    world.looks()
    state, text = world.floor.do("reconcile", "1", "adopt")
    assert state is REJECTED
    assert "holds nothing" in text
    world.answer(1, "close")
    assert world.orders == []


def ours(instance: str = "", run: str = "an earlier run") -> str:
    return OrderIds("paper", run).next_id("main", instance)


def test_our_own_order_that_the_store_has_lost_is_taken_up_by_itself(world: World) -> None:
    order_id = ours("quiet")
    world.orders = [seen_order("V1", order_id)]
    world.looks()
    assert "difference" not in world.floor.kinds
    assert len(world.floor.told("order_adopted")) == 1
    order = world.floor.order()
    assert (order.id, order.venue_id, order.state) == (order_id, "V1", OrderState.WORKING)
    assert (order.instance, order.purpose) == ("quiet", Purpose.ENTRY)
    world.looks(3)
    assert len(world.floor.told("order_adopted")) == 1


def test_a_stop_of_ours_that_nothing_is_held_for_any_more_is_taken_up_and_cancelled(
    world: World,
) -> None:
    stop = seen_order("V1", ours(), side=Side.SELL, type=OrderType.STOP, stop_price=D(80))
    world.orders = [stop]
    world.looks()
    assert world.orders == []
    assert world.floor.orders() == []


def test_our_own_order_that_had_ended_here_is_cancelled_there(world: World) -> None:
    world.buys()
    protection = world.floor.order()
    resting = world.orders[0]
    world.floor.do("sell", BTC)
    world.carry_out()
    assert world.floor.held() is None
    world.orders = [resting]
    world.looks()
    assert world.orders == []
    assert protection.id in " ".join(world.floor.told("order_adopted"))


def test_nothing_is_compared_where_something_of_ours_is_on_its_way(world: World) -> None:
    world.floor.tick(100.0)
    world.floor.do("buy", BTC, "1")
    world.holdings["BTC"] = D(1)
    world.holdings["USDT"] = D(9_900)
    for _ in range(3):
        world.floor.tell(AccountSeen("main", 0, [], dict(world.holdings), None, world.floor.now))
    assert "difference" not in world.floor.kinds


def test_less_than_can_be_sold_is_not_adopted(world: World) -> None:
    world.floor.trader.instruments[BTC] = make_instrument(cost_min=D(100))
    world.holdings["BTC"] = D("0.5")
    world.looks()
    state, text = world.floor.do("reconcile", "1", "adopt")
    assert state is REJECTED
    assert "less than can be sold there" in text
    world.answer(1, "ignore")


def test_a_position_elsewhere_is_adopted_at_the_venues_own_price() -> None:
    world = World(MarketType.SWAP)
    world.positions = [PositionSeen(BTC, D(-2), D(120))]
    world.looks()
    equity = world.floor.trader.desks["main"].book.equity()
    peak = world.floor.trader.conditions.limits.peak("main")
    world.answer(1, "adopt")
    position = world.floor.position()
    assert (position.quantity, position.entry_price) == (D(-2), D(120))
    assert position.stop_price == D(126)
    gained = world.floor.trader.desks["main"].book.equity() - equity
    assert gained == 40
    assert world.floor.trader.conditions.limits.peak("main") == peak + 40
    world.looks(3)
    assert world.floor.kinds.count("difference") == 1


def test_a_short_position_that_was_closed_by_hand_is_closed_here_too() -> None:
    world = World(MarketType.SWAP)
    world.positions = [PositionSeen(BTC, D(-2), D(100))]
    world.looks()
    world.answer(1, "adopt")
    world.floor.tick(99.0)
    world.positions = []
    world.holdings["USDT"] += D(2)
    world.looks()
    assert world.floor.kinds.count("difference") == 3
    world.answer(2, "adopt")
    assert world.floor.held() is None
    world.looks(3)
    assert len(world.floor.told("difference_gone")) == 1, "the profit is what the book expects now"
    assert world.floor.cash() == world.holdings["USDT"]


def test_what_was_traded_since_the_look_is_not_undone_by_an_answer() -> None:
    world = World(MarketType.SWAP)
    world.positions = [PositionSeen(ETH, D(3), D(50))]
    world.looks()
    # Bought by a person's own order, which a difference of another market does not keep.
    entry = Order("o1", "main", ETH, Side.BUY, OrderType.MARKET, Purpose.ENTRY, D(1), 1.0)
    plan = ExitPlan(stop_fraction=D("0.05"))
    world.floor.trader.orders.add(replace(entry, state=OrderState.WORKING, exit_plan=plan))
    world.price = 50.0
    world.floor.tick(50.0, ETH, after_s=60.0)
    world.fill(entry)
    world.carry_out()
    assert world.floor.position(ETH).quantity == D(1)
    world.answer(1, "adopt")
    assert world.floor.position(ETH).quantity == D(4)


def test_a_short_position_that_nobody_knows_of_may_be_ignored() -> None:
    world = World(MarketType.SWAP)
    world.positions = [PositionSeen(BTC, D(-2), D(100))]
    world.looks()
    assert "difference 1: BTC/USDT" in world.floor.told("difference")[0]
    world.answer(1, "ignore")
    world.looks(3)
    assert world.floor.kinds.count("difference") == 1
    world.positions = [PositionSeen(BTC, D(-3), D(100))]
    world.looks()
    world.answer(2, "adopt")
    assert world.floor.position().quantity == D(-3)
    world.looks(3)
    assert world.floor.kinds.count("difference") == 2


def test_an_order_that_was_adopted_ended_and_came_back_is_asked_about_anew(world: World) -> None:
    world.orders = [seen_order("V1")]
    world.looks()
    world.answer(1, "adopt")
    world.cancel("V1")
    world.orders = [seen_order("V1")]
    world.looks()
    assert "had ended here" in world.floor.do("reconcile", "2", "adopt").text
    world.answer(2, "close")
    assert world.orders == []


def test_a_position_that_nobody_wants_is_closed_at_the_market() -> None:
    world = World(MarketType.SWAP)
    world.positions = [PositionSeen(BTC, D(2), D(100))]
    world.looks()
    assert "closing 2 BTC/USDT" in world.answer(1, "close")
    assert world.floor.held() is None
    assert world.positions == []


def test_an_answer_needs_a_yes_where_it_books_or_sells(world: World) -> None:
    world.holdings["BTC"] = D("0.5")
    world.looks()
    assert world.floor.do("reconcile", "1", "adopt", confirmed=False).state is REJECTED
    assert world.floor.do("reconcile", "1", "ignore", confirmed=False).state is APPLIED


def test_an_old_answer_closes_but_neither_adopts_nor_ignores(world: World) -> None:
    world.holdings["BTC"] = D("0.5")
    world.looks()
    for choice in ("adopt", "ignore"):
        late = world.floor.do("reconcile", "1", choice, age_s=60.0)
        assert late.state is ReplyState.EXPIRED
    assert world.floor.do("reconcile", "1", "close", age_s=6_000.0).state is REJECTED
    world.floor.wall += 10_000
    assert world.floor.do("reconcile", "1", "close", age_s=6_000.0).state is APPLIED


def test_one_difference_is_shown_with_all_that_can_be_done(world: World) -> None:
    world.holdings["BTC"] = D("0.5")
    world.looks()
    text = " ".join(world.floor.do("reconcile", "1").text.split())
    for part in ("0.5 BTC more is there", "adopt: booked as a position", "close: closed at the"):
        assert part in text
    assert world.floor.do("reconcile", "7").state is REJECTED
    assert "⚠ 1 difference: /reconcile" in world.floor.do("getstatus").text


def test_fills_of_a_foreign_order_that_come_before_the_answer_are_counted(world: World) -> None:
    world.orders = [seen_order("V1")]
    world.looks()
    order = Order("V1", "main", BTC, Side.BUY, OrderType.LIMIT, Purpose.ENTRY, D("0.5"), 1.0)
    world.fill(order)
    world.answer(1, "adopt")
    adopted = world.floor.order()
    assert (adopted.filled, adopted.state) == (D("0.5"), OrderState.PARTIAL)
    world.looks()
    assert "difference 2: BTC" in world.floor.told("difference")[1]


def test_a_position_near_its_liquidation_is_warned_of_once() -> None:
    world = World(MarketType.SWAP)
    world.positions = [PositionSeen(BTC, D(2), D(100), D(80))]
    world.looks()
    assert "liquidation_near" not in world.floor.kinds
    for price in (89.0, 88.0, 85.0):
        world.floor.tick(price)
        world.floor.sample()
        world.look()
    (warned,) = world.floor.told("liquidation_near")
    assert "LIQUIDATION NEAR" in warned
    assert "80.00 (9.09% away)" in warned
    world.floor.tick(95.0)
    world.floor.sample()
    world.floor.tick(88.0)
    world.floor.sample()
    assert len(world.floor.told("liquidation_near")) == 2
    world.positions = []
    world.look()
    world.floor.tick(81.0)
    world.floor.sample()
    assert len(world.floor.told("liquidation_near")) == 2


def test_an_order_that_never_arrived_is_given_up_in_words(world: World) -> None:
    world.floor.tick(100.0)
    world.floor.do("buy", BTC, "1")
    order = world.floor.order()
    world.floor.tell(OrderLost("main", order.id, "timeout", world.floor.now))
    world.floor.tell(OrderCancelled("main", order.id, NEVER_REACHED, world.floor.now))
    (told,) = world.floor.told("order_given_up")
    assert "it never reached the exchange, and is not sent again" in " ".join(told.split())
    assert "order_cancelled" not in world.floor.kinds


def test_an_account_on_paper_has_nothing_to_compare() -> None:
    floor = Floor()
    assert "nothing to compare" in floor.do("reconcile").text
    assert of_kind(floor.effects, AskAccount) == []


def test_what_a_late_fill_explains_is_not_booked_once_more_by_an_answer() -> None:
    venue = Venue()
    entry = venue.buy()
    venue.accept(entry)
    venue.cancelled(entry.id, "the exchange has it no longer")
    venue.show(BTC="1", usdt="9900")
    venue.show(BTC="1", usdt="9900")
    venue.fill(entry, 100.0)
    (again,), stop = venue.asked(), venue.sent()
    for number in ("1", "2"):
        said = venue.floor.do("reconcile", number, "adopt")
        assert said.state is ReplyState.REJECTED
        assert "a fill came in late" in said.text
    venue.show(again, BTC="1", usdt="9900")
    said = venue.floor.do("reconcile", "1", "adopt")
    assert "the last look did not show it" in said.text
    venue.accept(stop)
    venue.show(BTC="1", usdt="9900")
    venue.show(BTC="1", usdt="9900")
    assert not venue.floor.trader.reconciliation.differences.open
    assert venue.floor.position().quantity == 1
    assert venue.floor.trader.desks["main"].book.cash == 9_900


def test_a_difference_is_not_answered_before_the_account_was_looked_at_again() -> None:
    venue = Venue()
    venue.show(BTC="1")
    venue.show(BTC="1")
    venue.floor.restart()
    venue.floor.tick(100.0)
    said = venue.floor.do("reconcile", "1", "adopt")
    assert said.state is ReplyState.REJECTED
    assert "not been looked at since the start" in said.text
    venue.connect()
    venue.show(BTC="1")
    assert venue.floor.do("reconcile", "1", "adopt").state is ReplyState.APPLIED


def test_a_fill_from_after_the_look_holds_no_answer_up() -> None:
    venue = Venue()
    entry = venue.buy()
    venue.accept(entry)
    venue.show(BTC="1")
    venue.show(BTC="1")
    venue.floor.tick(100.0, after_s=60.0)
    venue.fill(entry, 100.0)
    assert venue.floor.do("reconcile", "1", "adopt").state is ReplyState.APPLIED


def test_an_order_of_ours_that_comes_back_is_cancelled_with_a_second_look_at_once() -> None:
    venue = Venue()
    entry = venue.buy()
    venue.lose(entry)
    venue.cancelled(entry.id, NEVER_REACHED)
    there = seen_order("V1", entry.id, quantity=entry.quantity)
    venue.show(0, there)
    (again,) = venue.asked()
    venue.show(again, there)
    assert venue.asked_to_cancel() == [entry.id]
    assert not venue.asked()
