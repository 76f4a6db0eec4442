"""An answer to a difference is about the size that was shown, and about no other."""

from typing import Any

import orjson
import pytest

from tcpproto import ReplyState
from tests.trading_tests.engine.floor import D
from tests.trading_tests.engine.live_world import World
from tests.trading_tests.makers import BTC
from trading.engine.difference_records import KEY, load_records
from trading.model.account import MarketType
from trading.model.venue_news import PositionSeen

REJECTED = ReplyState.REJECTED


@pytest.fixture
def world() -> World:
    """Show half a bitcoin that nobody here has bought, until it is asked about."""
    world = World()
    world.holdings["BTC"] = D("0.5")
    world.looks()
    assert world.floor.kinds.count("difference") == 1
    return world


@pytest.mark.parametrize("choice", ["adopt", "close", "ignore"])
@pytest.mark.parametrize("now", ["0.6", "0.4"])
def test_what_has_another_size_than_was_shown_is_asked_about_again(
    world: World, now: str, choice: str
) -> None:
    world.holdings["BTC"] = D(now)
    world.looks()
    assert world.floor.kinds.count("difference") == 1, "so little is no news by itself"
    state, text = world.floor.do("reconcile", "1", choice)
    assert state is REJECTED
    assert now in text
    assert "0.5" in text
    assert world.floor.held() is None
    assert not world.floor.trader.reconciliation.differences.records.ignored.get("main")
    assert world.floor.kinds.count("difference") == 2, "with buttons for the new size"
    assert now in world.floor.told("difference")[1]
    world.answer(1, choice)
    assert not world.floor.trader.reconciliation.differences.open


def test_what_has_moved_by_less_than_a_step_is_what_was_shown(world: World) -> None:
    world.holdings["BTC"] = D("0.500009")
    world.looks()
    world.answer(1, "adopt")
    assert world.floor.position().quantity == D("0.5")


def test_what_a_person_has_looked_at_since_is_what_was_shown(world: World) -> None:
    world.holdings["BTC"] = D("0.6")
    world.looks()
    assert "0.6" in world.floor.do("reconcile", "1").text
    world.answer(1, "adopt")
    assert world.floor.position().quantity == D("0.6")


def test_the_list_of_all_shows_their_sizes_too(world: World) -> None:
    world.holdings["BTC"] = D("0.6")
    world.looks()
    assert "0.6" in world.floor.do("reconcile").text
    world.looks()
    world.answer(1, "adopt")
    assert world.floor.position().quantity == D("0.6")


def test_an_answer_that_was_written_before_the_new_size_was_told_does_nothing(
    world: World,
) -> None:
    world.holdings["BTC"] = D("2.5")
    world.looks()
    assert world.floor.kinds.count("difference") == 2
    state, text = world.floor.do("reconcile", "1", "adopt", age_s=5.0)
    assert state is REJECTED
    assert "has changed since" in text
    world.floor.wall += 1.0
    world.answer(1, "adopt")
    assert world.floor.position().quantity == D("2.5")


def test_what_was_shown_is_known_after_a_restart(world: World) -> None:
    world.holdings["BTC"] = D("0.6")
    world.looks()
    world.floor.restart()
    world.connect()
    world.looks()
    assert world.floor.do("reconcile", "1", "adopt").state is REJECTED
    world.answer(1, "adopt")
    assert world.floor.position().quantity == D("0.6")


def test_a_difference_of_an_older_version_was_shown_as_it_is_kept(world: World) -> None:
    kept = orjson.loads(world.floor.memory.values[KEY])
    del kept["open"][0]["shown"]
    (one,) = load_records(orjson.dumps(kept).decode()).open.values()
    assert one.shown == one.difference.amount == D("0.5")


def test_money_that_went_on_growing_is_asked_about_again() -> None:
    world = World()
    world.holdings["USDT"] += D(1_000)
    world.looks()
    world.holdings["USDT"] += D(100)
    world.looks()
    assert world.floor.do("reconcile", "1", "adopt").state is REJECTED
    assert world.answer(1, "adopt") == "1,100 USDT booked as a deposit"


def test_money_that_moved_by_a_rounded_fee_is_what_was_shown() -> None:
    world = World()
    world.holdings["USDT"] += D(1_000)
    world.looks()
    world.holdings["USDT"] += D("0.000001")
    world.looks()
    world.answer(1, "adopt")
    assert world.floor.cash() == world.holdings["USDT"]


def test_a_position_that_is_kept_apart_is_adopted_at_the_size_that_was_shown() -> None:
    world = World(MarketType.SWAP)
    world.positions = [PositionSeen(BTC, D(1), D(100))]
    world.looks()
    world.positions = [PositionSeen(BTC, D("1.5"), D(100))]
    world.looks()
    assert world.floor.do("reconcile", "1", "adopt").state is REJECTED
    assert world.floor.held() is None
    world.answer(1, "adopt")
    assert world.floor.position().quantity == D("1.5")


ANN: dict[str, Any] = {"author": "1", "chat": "1"}
BEN: dict[str, Any] = {"author": "2", "chat": "2"}


def test_what_one_person_has_looked_at_lets_no_other_one_answer_for_it(world: World) -> None:
    world.holdings["BTC"] = D("0.6")
    world.looks()
    assert "0.6" in world.floor.do("reconcile", "1", **ANN).text
    state, text = world.floor.do("reconcile", "1", "adopt", **BEN)
    assert state is REJECTED
    assert "0.5 was shown" in text
    assert world.floor.held() is None
    assert world.floor.kinds.count("difference") == 2, "all are told the new size"
    assert world.floor.do("reconcile", "1", "adopt", **BEN).state is ReplyState.APPLIED
    assert world.floor.position().quantity == D("0.6")


def test_what_a_person_has_looked_at_lets_that_person_answer_anywhere(world: World) -> None:
    world.holdings["BTC"] = D("0.6")
    world.looks()
    world.floor.do("reconcile", **ANN)
    world.looks()
    world.floor.restart()
    world.connect()
    world.looks()
    said = world.floor.do("reconcile", "1", "adopt", author="1", chat="-100")
    assert said.state is ReplyState.APPLIED
    assert world.floor.position().quantity == D("0.6")


def test_what_was_shown_in_a_chat_was_shown_to_all_in_it(world: World) -> None:
    world.holdings["BTC"] = D("0.6")
    world.looks()
    world.floor.do("reconcile", "1", author="1", chat="-100")
    said = world.floor.do("reconcile", "1", "adopt", author="2", chat="-100")
    assert said.state is ReplyState.APPLIED


def test_what_counts_is_what_a_person_has_looked_at_last(world: World) -> None:
    world.holdings["BTC"] = D("0.6")
    world.looks()
    world.floor.do("reconcile", "1", **ANN)
    world.holdings["BTC"] = D("0.5")
    world.looks()
    assert world.floor.do("reconcile", "1", "adopt", **ANN).state is REJECTED
    assert world.floor.do("reconcile", "1", "adopt", **ANN).state is ReplyState.APPLIED


def test_an_answer_from_before_a_person_looked_is_about_what_was_shown_before(
    world: World,
) -> None:
    world.holdings["BTC"] = D("0.6")
    world.looks()
    world.floor.wall += 60
    world.floor.do("reconcile", "1", **ANN)
    assert world.floor.do("reconcile", "1", "adopt", age_s=5.0, **ANN).state is REJECTED


def test_an_answer_of_which_nobody_knows_what_it_has_in_it_is_kept_over_a_restart(
    world: World,
) -> None:
    world.floor.restart()
    world.holdings["BTC"] = D("2.5")
    world.connect()
    world.answer(1, "adopt")
    assert world.floor.position().quantity == D("0.5"), "what was shown, and is not yet another"
    world.floor.restart()
    world.connect()
    world.looks()
    assert "2 BTC more" in " ".join(world.floor.told("difference")[-1].split())
