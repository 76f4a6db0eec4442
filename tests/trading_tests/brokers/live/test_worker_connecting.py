"""A worker and a venue that is away, refuses the key, or goes by another clock."""

from decimal import Decimal

import pytest

from tests.trading_tests.brokers.live.worker_desk import WorkerDesk, make_order
from tests.trading_tests.makers import BTC
from trading.brokers.venue import Abilities, FailureKind, KeyRights, VenuePosition
from trading.model.order import Side
from trading.model.order_states import OrderState
from trading.model.venue_news import AccountSeen, InstrumentsKnown, VenueConnected, VenueTrouble

MARGIN = Abilities(stops=True, brackets=True, positions=True, cash_moves=True, deadline_s=5.0)


@pytest.fixture
def desk() -> WorkerDesk:
    made = WorkerDesk()
    made.begin()
    return made


def test_a_start_tells_markets_abilities_and_all_of_the_account_in_this_order() -> None:
    desk = WorkerDesk(MARGIN)
    desk.venue.open_positions.append(VenuePosition(BTC, Decimal(-2), Decimal(100)))
    desk.begin()
    kinds = [InstrumentsKnown, VenueConnected, AccountSeen]
    assert [type(one) for one in desk.told] == kinds
    connected, seen = desk.told_of(VenueConnected)[0], desk.told_of(AccountSeen)[0]
    assert (connected.has_stops, connected.has_brackets) == (True, True)
    assert seen.number == 0
    assert seen.holdings == {"USDT": Decimal(10_000)}
    assert seen.positions is not None
    assert seen.positions[0].quantity == -2


def test_an_account_that_keeps_no_positions_shows_none(desk: WorkerDesk) -> None:
    assert desk.told_of(AccountSeen)[0].positions is None


def test_a_venue_that_cannot_be_connected_is_tried_for_ever_and_told_of_once() -> None:
    desk = WorkerDesk()
    desk.venue.script("connect", *[FailureKind.UNREACHABLE] * 6)
    desk.begin()
    assert [one.reason for one in desk.told_of(VenueTrouble)] == [
        "model cannot be connected: no connect",
        "",
    ]
    assert desk.venue.requests.count("connect") == 7


def test_before_it_is_connected_entries_are_refused_and_exits_wait() -> None:
    desk = WorkerDesk()
    desk.venue.script("connect", *[FailureKind.UNREACHABLE] * 5)
    desk.worker.begin(())
    desk.run(1)
    desk.submit(make_order("e1"), make_order("x1", side=Side.SELL, reduces=True))
    desk.run(30)
    assert desk.state("e1").note == "model cannot be connected: no connect"
    assert desk.venue.sent == ["x1"]


def test_an_exit_that_waited_a_minute_for_the_connection_is_told_as_refused() -> None:
    desk = WorkerDesk()
    desk.venue.script("connect", *[FailureKind.UNREACHABLE] * 50)
    desk.worker.begin(())
    desk.submit(make_order("x1", side=Side.SELL, reduces=True))
    desk.run(70)
    assert desk.state("x1").state is OrderState.REJECTED


@pytest.mark.parametrize(
    ("rights", "words"),
    [
        (KeyRights(can_withdraw=True), "the key can withdraw money: make one that cannot"),
        (KeyRights(can_trade=False), "the key may not trade: make one that may"),
    ],
)
def test_a_key_that_is_not_right_takes_no_entry_and_lets_exits_out(
    rights: KeyRights, words: str
) -> None:
    desk = WorkerDesk()
    desk.venue.rights = rights
    desk.begin()
    desk.submit(make_order("e1"), make_order("x1", side=Side.SELL, reduces=True))
    desk.run(600)
    assert desk.trouble == words
    assert desk.state("e1").note == words
    assert desk.venue.sent == ["x1"]


def test_a_key_that_the_venue_refuses_is_told_and_tried_again_slowly() -> None:
    desk = WorkerDesk()
    desk.venue.script("connect", FailureKind.KEY, FailureKind.KEY)
    desk.worker.begin(())
    desk.run(50)
    assert desk.trouble == "model refuses the key: no connect"
    assert desk.venue.requests.count("connect") == 1
    desk.run(100)
    assert desk.trouble == ""


def test_a_key_that_is_refused_later_is_told_until_it_works_again(desk: WorkerDesk) -> None:
    desk.venue.script("open", FailureKind.KEY)
    desk.run(200)
    assert desk.trouble == "model refuses the key: no open"
    desk.run(100)
    assert desk.trouble == ""


@pytest.mark.parametrize("skew_s", [-2.5, 2.5])
def test_clocks_that_are_apart_stop_entries_until_they_agree(skew_s: float) -> None:
    desk = WorkerDesk()
    desk.venue.skew_s = skew_s
    desk.begin()
    assert desk.trouble == "this machine's clock and the exchange's are 2.5 s apart"
    desk.submit(make_order())
    desk.run(5)
    assert desk.venue.sent == []
    desk.venue.skew_s = 0.0
    desk.run(40)
    assert desk.trouble == ""


def test_a_slow_answer_of_the_clock_is_no_skew() -> None:
    desk = WorkerDesk()
    desk.venue.trip_s = 4.0
    desk.begin()
    assert desk.trouble == ""


def test_the_breaker_opens_after_failures_and_closes_with_a_look_before_the_all_clear(
    desk: WorkerDesk,
) -> None:
    desk.submit(make_order())
    desk.run(5)
    desk.venue.is_down = True
    known = len(desk.told)
    desk.run(20)
    assert not desk.is_closed()
    assert desk.trouble == "model does not answer: no open"
    desk.venue.is_down = False
    desk.run(90)
    assert desk.is_closed()
    kinds = [type(one) for one in desk.told[known:]]
    assert kinds == [VenueTrouble, AccountSeen, VenueTrouble]
    assert desk.trouble == ""


def test_while_the_breaker_is_open_entries_are_refused_and_exits_go_out(
    desk: WorkerDesk,
) -> None:
    desk.venue.is_down = True
    desk.worker.ask(1)
    desk.run(10)
    assert not desk.is_closed()
    desk.submit(make_order("e1"), make_order("x1", side=Side.SELL, reduces=True))
    desk.run(1)
    assert desk.state("e1").note.startswith("model does not answer: ")
    assert desk.venue.sent == ["x1"]
    assert not desk.is_closed()


def test_a_venue_that_tells_no_open_orders_takes_no_entry_although_all_else_works(
    desk: WorkerDesk,
) -> None:
    desk.venue.script("open", *[FailureKind.BAD_ANSWER] * 99)
    desk.worker.ask(1)
    desk.run(20)
    assert desk.trouble.startswith("model does not")
    desk.submit(make_order())
    desk.run(1)
    assert desk.venue.sent == []
    desk.venue.calm("open")
    desk.run(120)
    assert desk.trouble == ""


def test_what_is_read_is_not_limited_by_a_clock_that_is_off() -> None:
    desk = WorkerDesk(MARGIN)
    desk.venue.skew_s = 7_200.0
    desk.begin()
    began_at = desk.venue.since["fills"]
    desk.run(3_600)
    assert desk.venue.since["fills"] == began_at


def test_a_clock_that_was_set_is_held_against_the_venues_at_once(desk: WorkerDesk) -> None:
    desk.run(10)
    asked = desk.venue.requests.count("time")
    desk.clock.set_wall(desk.clock.wall() - 3_600)
    desk.run(2)
    assert desk.venue.requests.count("time") == asked + 1
