"""The inbox: order, bounds, back-pressure and fairness between its lanes."""

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpproto import Command
from tests.trading_tests.makers import NOW, make_bar, make_command, make_tick
from tests.waiting import wait_until
from trading.engine.events import FeedEnded, StopRequested
from trading.engine.inbox import MARKET_ROUND_LEN, Backlog, Inbox, InboxLimits
from trading.model.market import Bar, Tick


def take_all(inbox: Inbox) -> list[Any]:
    taken: list[Any] = []
    while batch := list(inbox.take_round(0.0)):
        taken += batch
    return taken


def on_thread(target: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=target, daemon=True)
    thread.start()
    return thread


def test_an_empty_inbox_gives_nothing_after_the_timeout() -> None:
    assert not list(Inbox().take_round(0.01))


def test_notices_come_before_market_data_and_that_before_a_command() -> None:
    inbox = Inbox()
    inbox.put_command(make_command())
    inbox.publisher(lossless=True)(make_tick())
    inbox.put_notice(StopRequested("bye", NOW))
    kinds = [type(item) for item in inbox.take_round(0.0)]
    assert kinds == [StopRequested, Tick, Command]


def test_a_flood_of_commands_lets_all_market_data_pass_between_two_of_them() -> None:
    inbox = Inbox()
    publish = inbox.publisher(lossless=True)
    for number in range(256):
        inbox.put_command(make_command(command_id=str(number)))
    for _ in range(100):
        for _ in range(5):
            publish(make_tick())
        kinds = [type(item) for item in inbox.take_round(0.0)]
        assert kinds == [Tick] * 5 + [Command]


def test_a_flood_of_market_data_lets_a_command_pass_each_round() -> None:
    inbox = Inbox()
    publish = inbox.publisher(lossless=True)
    for _ in range(3 * MARKET_ROUND_LEN):
        publish(make_tick())
    inbox.put_command(make_command())
    kinds = [type(item) for item in inbox.take_round(0.0)]
    assert kinds == [Tick] * MARKET_ROUND_LEN + [Command]


def test_commands_stay_where_they_are_while_the_engine_wants_none() -> None:
    inbox = Inbox()
    inbox.put_command(make_command())
    assert not list(inbox.take_round(0.0, wants_commands=lambda: False))
    assert len(list(inbox.take_round(0.0))) == 1


def test_a_full_command_lane_holds_its_sender_until_it_is_half_empty() -> None:
    inbox = Inbox(InboxLimits(command_len_max=4))
    sent: list[bool] = []

    def send_ten() -> None:
        sent.extend(inbox.put_command(make_command(command_id=str(number))) for number in range(10))

    thread = on_thread(send_ten)
    wait_until(lambda: inbox.command_len == 4, 5, "the lane is full")
    taken: list[str] = []
    while len(taken) < 10:
        taken += [item.id for item in inbox.take_round(0.1) if isinstance(item, Command)]
        assert inbox.command_len <= 4
    thread.join(5)
    assert taken == [str(number) for number in range(10)]
    assert all(sent)


def test_a_full_lossless_feed_waits_and_loses_nothing() -> None:
    inbox = Inbox(InboxLimits(market_len_max=10))
    publish = inbox.publisher(lossless=True)
    thread = on_thread(lambda: [publish(make_tick(float(number))) for number in range(1_000)])
    taken: list[float] = []
    while len(taken) < 1_000:
        taken += [item.price for item in inbox.take_round(1.0) if isinstance(item, Tick)]
        assert inbox.market_len <= 10
    thread.join(5)
    assert taken == [float(number) for number in range(1_000)]
    assert inbox.ticks_conflated == 0


def test_a_live_feed_never_waits_and_keeps_the_latest_tick_of_each_symbol() -> None:
    inbox = Inbox(InboxLimits(market_len_max=10))
    publish = inbox.publisher(lossless=False)
    for number in range(1_000):
        for symbol in ("A/B", "C/D"):
            publish(make_tick(float(number), symbol=symbol))
    ticks = take_all(inbox)
    assert len(ticks) == 12
    assert [(tick.symbol, tick.price) for tick in ticks[-2:]] == [("A/B", 999.0), ("C/D", 999.0)]
    assert inbox.ticks_conflated == 2_000 - 12


def test_candles_of_a_live_feed_are_never_merged() -> None:
    inbox = Inbox(InboxLimits(market_len_max=10))
    publish = inbox.publisher(lossless=False)
    for number in range(10):
        publish(make_tick(float(number)))
    for number in range(3):
        publish(make_bar(float(number), start=NOW + 60 * number))
        publish(make_tick(100.0 + number))
        publish(make_tick(200.0 + number))
    tail = take_all(inbox)[10:]
    prices = [item.close if isinstance(item, Bar) else item.price for item in tail]
    assert prices == [0.0, 200.0, 1.0, 201.0, 2.0, 202.0]


def test_what_a_feed_says_about_itself_keeps_its_place() -> None:
    for lossless in (True, False):
        inbox = Inbox(InboxLimits(market_len_max=4))
        publish = inbox.publisher(lossless=lossless)
        for number in range(3 if lossless else 6):
            publish(make_tick(float(number)))
        inbox.put_feed_event(FeedEnded("replay", NOW), lossless=lossless)
        if not lossless:
            publish(make_tick(9.0))
        kinds = [type(item) for item in take_all(inbox)]
        assert kinds[3 if lossless else 5] is FeedEnded
        assert kinds.count(Tick) == (3 if lossless else 6)


def test_a_closed_inbox_lets_everyone_go() -> None:
    inbox = Inbox(InboxLimits(market_len_max=1, command_len_max=1))
    publish = inbox.publisher(lossless=True)
    answers: list[bool] = []
    feed = on_thread(lambda: [publish(make_tick()) for _ in range(3)])
    link = on_thread(lambda: answers.extend(inbox.put_command(make_command()) for _ in range(3)))
    wait_until(lambda: inbox.market_len and inbox.command_len, 5, "both lanes are full")
    inbox.close()
    feed.join(5)
    link.join(5)
    assert not feed.is_alive()
    assert not link.is_alive()
    assert answers[-1] is False


WAKERS: list[Callable[[Inbox], object]] = [
    lambda inbox: inbox.put_command(make_command()),
    lambda inbox: inbox.put_notice(StopRequested("bye", NOW)),
    lambda inbox: inbox.publisher(lossless=True)(make_tick()),
    lambda inbox: inbox.publisher(lossless=False)(make_tick()),
    lambda inbox: inbox.put_feed_event(FeedEnded("x", NOW), lossless=True),
]


@pytest.mark.parametrize("wake", WAKERS)
def test_a_sleeping_engine_is_woken_by_each_lane(wake: Callable[[Inbox], object]) -> None:
    inbox = Inbox()
    taken: list[Any] = []
    thread = on_thread(lambda: taken.extend(inbox.take_round(30.0)))
    wait_until(lambda: inbox._is_asleep, 5, "it sleeps")
    wake(inbox)
    thread.join(5)
    assert len(taken) == 1


def feed_on_thread(inbox: Inbox) -> threading.Thread:
    """Have a feed publish a price to an engine that sleeps, and give way."""
    publish = inbox.publisher(lossless=False)
    wait_until(lambda: inbox._is_asleep, 5, "the engine sleeps")

    def feed() -> None:
        publish(make_tick())
        inbox.give_way()

    return on_thread(feed)


class SteppedEngine:
    """Take events on a thread, and think about each until it may go on."""

    def __init__(self, inbox: Inbox, think: Callable[[], object] = lambda: None) -> None:
        self._inbox, self._think = inbox, think
        self.may_go_on = threading.Semaphore(0)
        self.taken = 0
        on_thread(self._run)

    def _run(self) -> None:
        while self.taken < 2:
            for _ in self._inbox.take_round(30.0):
                self.taken += 1
                self.may_go_on.acquire()
                self._think()


def test_a_feed_that_woke_the_engine_waits_until_it_rests_again() -> None:
    inbox = Inbox(InboxLimits(give_way_s=30.0))
    engine = SteppedEngine(inbox)
    feed = feed_on_thread(inbox)
    wait_until(lambda: engine.taken, 5, "the engine thinks")
    feed.join(0.05)
    assert feed.is_alive()
    engine.may_go_on.release()
    feed.join(5)
    assert not feed.is_alive()


def test_a_feed_waits_longer_when_an_order_came_of_its_price() -> None:
    inbox = Inbox(InboxLimits(give_way_s=30.0))
    engine = SteppedEngine(inbox, inbox.note_order)
    feed = feed_on_thread(inbox)
    wait_until(lambda: engine.taken, 5, "the engine thinks")
    engine.may_go_on.release()
    wait_until(lambda: inbox._is_asleep, 5, "the engine sleeps")
    feed.join(0.05)
    assert feed.is_alive()
    inbox._is_at_rest.set()
    feed.join(5)


def test_a_feed_gives_way_for_a_moment_at_most() -> None:
    inbox = Inbox(InboxLimits(give_way_s=0.01))
    engine = SteppedEngine(inbox)
    feed = feed_on_thread(inbox)
    wait_until(lambda: engine.taken, 5, "the engine thinks")
    feed.join(5)
    assert not feed.is_alive()


def test_a_feed_does_not_wait_for_an_engine_that_it_did_not_wake() -> None:
    inbox = Inbox(InboxLimits(give_way_s=30.0))
    publish = inbox.publisher(lossless=False)
    publish(make_tick())
    inbox.give_way()
    assert inbox.market_len == 1


def test_many_senders_lose_nothing_and_keep_their_own_order() -> None:
    inbox = Inbox(InboxLimits(market_len_max=50))
    publish = inbox.publisher(lossless=True)

    def send(symbol: str) -> None:
        for number in range(2_000):
            publish(make_tick(float(number), symbol=symbol))

    threads = [on_thread(partial(send, name)) for name in ("A", "B", "C")]
    seen: dict[str, list[float]] = {"A": [], "B": [], "C": []}
    while sum(map(len, seen.values())) < 6_000:
        for item in inbox.take_round(1.0):
            assert isinstance(item, Tick)
            seen[item.symbol].append(item.price)
    for thread in threads:
        thread.join(5)
    assert all(prices == [float(number) for number in range(2_000)] for prices in seen.values())


market_events = st.lists(
    st.tuples(st.sampled_from("ABC"), st.sampled_from(["tick", "bar"]), st.integers(0, 9)),
    max_size=80,
)


@given(market_events)
def test_a_backlog_keeps_order_every_candle_and_the_last_tick(
    steps: list[tuple[str, str, int]],
) -> None:
    backlog = Backlog()
    merged = 0
    for place, (symbol, kind, _) in enumerate(steps):
        make = make_tick if kind == "tick" else make_bar
        merged += backlog.add(make(float(place), symbol=symbol))
    left = backlog.take_all()
    assert len(left) == len(steps) - merged
    assert not len(backlog)
    for symbol in "ABC":
        mine = [event for event in left if isinstance(event, Tick | Bar) and event.symbol == symbol]
        places = [event.price if isinstance(event, Tick) else event.close for event in mine]
        assert places == sorted(places)
        wanted = [float(place) for place, step in enumerate(steps) if step[0] == symbol]
        bars = [float(place) for place, step in enumerate(steps) if step[:2] == (symbol, "bar")]
        assert set(bars) <= set(places) <= set(wanted)
        assert wanted[-1:] == places[-1:]
