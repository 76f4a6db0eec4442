"""Stories of books and venues that disagree: when a person is asked, and whose answers count."""

import pytest

from tcpproto import ReplyState
from tests.trading_tests.engine.floor import D, Floor
from tests.trading_tests.engine.live_venue import Venue
from tests.trading_tests.engine.live_world import World
from tests.trading_tests.makers import BTC, ETH, of_kind
from trading.engine.effects import AskAccount
from trading.model.venue_news import VenueConnected

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
