"""What a worker does around orders: connecting, looking, polling, and what it says of trouble."""

from decimal import Decimal
from functools import partial

import pytest

from tests.trading_tests.brokers.live.worker_desk import WorkerDesk, make_order
from tests.trading_tests.makers import BTC
from trading.brokers.live.moment import Moment
from trading.brokers.live.settings import RequestBudget, RequestKind
from trading.brokers.venue import Abilities, FailureKind, KeyRights, VenueOrderState, VenuePosition
from trading.model.order import OrderType, Side
from trading.model.order_states import OrderState
from trading.model.report import OrderFilled
from trading.model.venue_news import (
    AccountSeen,
    CashMoved,
    InstrumentsKnown,
    VenueConnected,
    VenueTrouble,
)

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


def test_nothing_is_polled_without_orders(desk: WorkerDesk) -> None:
    known = len(desk.venue.requests)
    desk.run(170)
    assert [one for one in desk.venue.requests[known:] if one != "time"] == []


def test_open_orders_are_polled_quickly_at_first_and_then_steadily(desk: WorkerDesk) -> None:
    desk.submit(make_order())
    desk.run(2)
    quick = desk.venue.requests.count("open")
    desk.run(20)
    assert quick >= 5
    assert 9 <= desk.venue.requests.count("open") - quick <= 11


def test_all_of_the_account_is_looked_at_every_few_minutes(desk: WorkerDesk) -> None:
    desk.run(400)
    assert len(desk.told_of(AccountSeen)) == 3


def test_a_wish_is_answered_by_a_look_that_began_after_it(desk: WorkerDesk) -> None:
    desk.venue.during("open", lambda: desk.worker.ask(2))
    desk.worker.ask(1)
    desk.run(5)
    assert [one.number for one in desk.told_of(AccountSeen)] == [0, 1, 2]
    first, second = desk.told_of(AccountSeen)[1:]
    assert second.at > first.at


def test_a_fill_during_a_look_is_told_before_a_look_that_knows_it(desk: WorkerDesk) -> None:
    desk.submit(make_order())
    desk.run(5)
    desk.venue.during("holdings", lambda: desk.venue.fill("o1", "1"))
    desk.worker.ask(1)
    seen = desk.run_until(AccountSeen)
    assert seen.holdings["BTC"] == 1
    assert seen.orders == []
    assert isinstance(desk.told[-2], OrderFilled)


def test_a_fill_that_another_read_tells_during_a_look_has_it_done_again(
    desk: WorkerDesk,
) -> None:
    desk.submit(make_order("o1"), make_order("o2"))
    desk.run(5)
    desk.worker.ask(1)
    while desk.venue.requests[-1] != "holdings":
        desk.clock.advance(desk.worker.step())
    desk.venue.fill("o1", "1")
    # As when a look-up shows that some are missing.
    desk.worker._tracker._steps.need_fills(Moment(desk.clock.monotonic(), desk.clock.wall()))
    assert desk.run_until(AccountSeen).holdings["BTC"] == 1


def test_a_look_while_an_order_is_placed_is_done_again(desk: WorkerDesk) -> None:
    desk.venue.during("holdings", lambda: desk.submit(make_order()))
    desk.worker.ask(1)
    seen = desk.run_until(AccountSeen)
    assert [one.order_id for one in seen.orders] == ["o1"]


def test_a_look_waits_for_the_end_of_an_order_that_its_list_lacks(desk: WorkerDesk) -> None:
    desk.submit(make_order())
    desk.run(5)
    desk.venue.end("o1", VenueOrderState.CANCELLED)
    desk.worker.ask(1)
    seen = desk.run_until(AccountSeen)
    assert seen.orders == []
    assert desk.story() == ["accepted", "cancelled"]


def test_an_order_of_somebody_else_is_shown_and_can_be_cancelled_by_the_venues_id(
    desk: WorkerDesk,
) -> None:
    desk.venue.take(make_order(""))
    desk.worker.ask(1)
    seen = desk.run_until(AccountSeen)
    assert [(one.order_id, one.venue_id) for one in seen.orders] == [("", "v1")]
    desk.worker.cancel("main", "v1")
    desk.run(5)
    assert desk.venue.orders["v1"].state is VenueOrderState.CANCELLED
    desk.worker.ask(2)
    assert desk.run_until(AccountSeen).orders == []


def test_money_that_came_is_told_once_and_before_the_look_that_counts_it() -> None:
    desk = WorkerDesk(MARGIN)
    desk.begin()
    desk.venue.book("500")
    desk.worker.ask(1)
    seen = desk.run_until(AccountSeen)
    desk.worker.ask(2)
    desk.run(5)
    assert [one.amount for one in desk.told_of(CashMoved)] == [Decimal(500)]
    assert desk.told.index(desk.told_of(CashMoved)[0]) < desk.told.index(seen)
    assert seen.holdings["USDT"] == 10_500


@pytest.mark.parametrize(("age_s", "looks"), [(1_800.0, 1), (0.0, 2)])
def test_only_money_that_came_during_a_look_has_it_done_again(age_s: float, looks: int) -> None:
    desk = WorkerDesk(MARGIN)
    desk.venue.book("500")
    desk.clock.advance(age_s)
    desk.begin()
    desk.run(5)
    assert len(desk.told_of(CashMoved)) == len(desk.told_of(AccountSeen)) == 1
    assert desk.venue.requests.count("holdings") == looks


def test_a_read_that_raises_in_the_adapter_is_tried_again(desk: WorkerDesk) -> None:
    desk.venue.script("holdings", "bug")
    desk.worker.ask(1)
    assert desk.run_until(AccountSeen).number == 1


def test_reads_keep_to_the_budget_and_orders_do_not_wait_for_it() -> None:
    budget = RequestBudget(per_s=0.5, burst=6, weights={RequestKind.FILLS: 2.0})
    desk = WorkerDesk(budget=budget)
    desk.begin()
    desk.submit(make_order())
    began_at = desk.clock.monotonic()
    desk.worker.step()
    assert desk.venue.sent == ["o1"]
    assert desk.clock.monotonic() - began_at < 0.1
    known = len(desk.venue.requests)
    desk.run(100)
    assert len(desk.venue.requests) - known <= 50


def test_many_positions_are_left_within_seconds(desk: WorkerDesk) -> None:
    desk.venue.trip_s = 0.02
    resting = [f"r{number}" for number in range(30)]
    for order_id in resting:
        desk.submit(make_order(order_id))
        desk.run(1)
    desk.run(30)
    exits = [make_order(f"x{n}", kind=OrderType.MARKET, reduces=True) for n in range(20)]
    for order_id in resting:
        desk.cancel(order_id)
    desk.submit(*exits)
    desk.run(3)
    assert all(desk.is_ended(order_id) for order_id in resting)
    assert all(desk.is_ended(order.id) for order in exits)
    desk.worker.ask(1)
    began_at = desk.clock.monotonic()
    assert desk.run_until(AccountSeen).orders == []
    assert desk.clock.monotonic() - began_at < 1


def test_polls_leave_enough_of_a_small_budget_for_what_somebody_waits_for() -> None:
    weights = {RequestKind.ORDER: 0.0, RequestKind.FILLS: 2.0, RequestKind.FIND: 2.0}
    desk = WorkerDesk(budget=RequestBudget(per_s=0.33, burst=15.0, weights=weights))
    desk.begin()
    desk.submit(make_order("resting"))
    desk.run(120)
    desk.submit(make_order("o1", kind=OrderType.MARKET))
    desk.run(1)
    assert desk.state("o1").state is OrderState.FILLED
    desk.cancel("resting")
    desk.run(1)
    assert desk.state("resting").state is OrderState.CANCELLED


def test_a_pause_that_the_venue_asks_for_holds_for_exits_too_and_then_they_go(
    desk: WorkerDesk,
) -> None:
    desk.venue.retry_after_s = 8.0
    desk.venue.script("submit", "busy")
    desk.submit(make_order("e1"))
    desk.run(0.1)
    desk.submit(make_order("x1", side=Side.SELL, reduces=True), make_order("e2"))
    desk.run(7)
    assert desk.venue.sent == ["e1"]
    assert desk.state("e2").note.startswith("waited")
    desk.run(3)
    assert desk.venue.sent == ["e1", "x1"]


def test_after_a_restart_what_may_have_been_sent_is_looked_up_and_not_sent(
    desk: WorkerDesk,
) -> None:
    desk.submit(make_order("o1"), make_order("o2"))
    desk.worker.step()
    assert desk.venue.sent == ["o1"]
    desk.restart()
    desk.run(60)
    assert desk.venue.sent == ["o1"]
    assert desk.state("o1").state is OrderState.WORKING
    assert desk.state("o2").note == "never reached the exchange"


def test_what_was_filled_while_the_bot_was_down_is_told(desk: WorkerDesk) -> None:
    desk.submit(make_order("o1", quantity="3"), make_order("o2"))
    desk.run(5)
    desk.venue.fill("o1", "1")
    desk.run(5)
    desk.venue.fill("o1", "2")
    desk.venue.end("o2", VenueOrderState.CANCELLED)
    desk.clock.advance(86_400)
    desk.restart()
    desk.run(60)
    assert desk.state("o1").state is OrderState.FILLED
    assert desk.state("o2").state is OrderState.CANCELLED


def test_a_cancel_that_was_wanted_before_a_restart_is_asked_for(desk: WorkerDesk) -> None:
    desk.submit(make_order())
    desk.run(5)
    desk.cancel()
    desk.restart()
    desk.run(10)
    assert desk.state().state is OrderState.CANCELLED


def test_a_stop_refuses_entries_sends_exits_and_ends(desk: WorkerDesk) -> None:
    desk.submit(make_order("e1"), make_order("x1", side=Side.SELL, reduces=True))
    desk.worker.ask_to_stop(5.0)
    desk.run(1)
    assert desk.venue.sent == ["x1"]
    assert desk.state("e1").note == "stopped before it was sent"
    assert desk.venue.is_closed
    desk.submit(make_order("e2"))
    assert desk.state("e2").note == "stopped before it was sent"


def test_an_exit_that_cannot_be_sent_before_the_limit_of_a_stop_is_told(
    desk: WorkerDesk,
) -> None:
    desk.venue.script("submit", *["busy"] * 50)
    desk.submit(make_order("x1", side=Side.SELL, reduces=True))
    desk.run(1)
    desk.worker.ask_to_stop(3.0)
    desk.run(10)
    assert desk.story("x1") == ["rejected"]
    assert desk.venue.is_closed


def test_an_order_without_an_answer_at_a_stop_stays_as_it_is(desk: WorkerDesk) -> None:
    desk.venue.script("submit", "dropped")
    desk.submit(make_order(kind=OrderType.MARKET))
    desk.worker.step()
    desk.worker.ask_to_stop(3.0)
    desk.run(10)
    assert desk.story() == ["lost"]


def test_while_an_order_rests_for_days_the_days_are_not_read_again_and_again() -> None:
    desk = WorkerDesk(MARGIN, poll_s=120.0, fills_s=120.0)
    desk.begin()
    desk.submit(make_order())
    desk.run(8 * 3_600)
    for read, late_h in (("fills", 1), ("cash", 6)):
        back_s = desk.clock.wall() - desk.venue.since[read]
        assert late_h * 3_600 <= back_s < late_h * 3_600 + 900, read


def test_what_is_read_is_not_limited_by_a_clock_that_is_off() -> None:
    desk = WorkerDesk(MARGIN)
    desk.venue.skew_s = 7_200.0
    desk.begin()
    began_at = desk.venue.since["fills"]
    desk.run(3_600)
    assert desk.venue.since["fills"] == began_at


def test_an_execution_that_a_venue_shows_hours_late_is_found_by_its_order() -> None:
    desk = WorkerDesk(MARGIN, poll_s=60.0, fills_s=60.0)
    desk.begin()
    desk.submit(make_order())
    desk.run(10)
    desk.venue.fill("o1", "0.4")
    late = desk.venue.executions.pop()
    desk.run(3 * 3_600)
    desk.venue.executions.append(late)
    desk.run(130)
    assert desk.state().filled == Decimal("0.4")


def test_a_clock_that_was_set_is_held_against_the_venues_at_once(desk: WorkerDesk) -> None:
    desk.run(10)
    asked = desk.venue.requests.count("time")
    desk.clock.set_wall(desk.clock.wall() - 3_600)
    desk.run(2)
    assert desk.venue.requests.count("time") == asked + 1


def test_an_order_waits_for_one_request_of_a_read_and_not_for_all_of_them() -> None:
    desk = WorkerDesk(budget=RequestBudget(per_s=1_000.0, burst=1_000.0))
    desk.venue.gives_way = desk.worker.orders_wait
    desk.begin()
    desk.venue.trip_s, desk.venue.parts = 8.0, 20
    desk.venue.during("open", lambda: desk.submit(make_order("x1", reduces=True)))
    desk.worker.ask(7)
    asked_at = desk.clock.monotonic()
    while not desk.venue.sent:
        desk.clock.advance(desk.worker.step())
    assert desk.clock.monotonic() - asked_at <= 3 * 8.0, "one read, and its own way"
    assert desk.run_until(AccountSeen, 3_000.0).number == 7
    assert not desk.trouble, "nothing is wrong with a venue that gave way"


def test_orders_without_end_do_not_keep_a_read_from_its_end() -> None:
    desk = WorkerDesk(budget=RequestBudget(per_s=1_000.0, burst=1_000.0))
    desk.venue.gives_way = desk.worker.orders_wait
    desk.begin()
    desk.venue.parts = 3
    for number in range(300):
        one_more = make_order(f"x{number}", reduces=True)
        desk.venue.during("fills", partial(desk.submit, one_more))
    desk.submit(make_order(kind=OrderType.MARKET))
    desk.run(5)
    assert desk.state().state is OrderState.FILLED


def test_reads_that_are_too_many_rest_ever_longer_and_keep_no_exit_back(desk: WorkerDesk) -> None:
    desk.submit(make_order("r1"))
    desk.run(5)
    for read in ("open", "fills", "find", "holdings", "time"):
        desk.venue.script(read, *[FailureKind.BUSY] * 100)
    for number in range(10):
        desk.run(30)
        desk.submit(make_order(f"x{number}", side=Side.SELL, kind=OrderType.MARKET, reduces=True))
        desk.run(1)
        assert desk.venue.sent[-1] == f"x{number}"
    assert len(desk.venue.requests) < 60
