"""A feed on its thread: history first, its end told, a live one tried again."""

import threading
from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import Any

import pytest

from daemonkit.clock import ManualClock
from tests.trading_tests.makers import NOW, make_bar, make_instrument, make_tick
from tests.waiting import wait_until
from trading.engine.events import FeedEnded, FeedFailed, FeedStarted, HistoryLoaded
from trading.engine.inbox import Inbox
from trading.feed_runner import HISTORY_CHUNK_LEN, FeedRetry, FeedRunner
from trading.market.errors import SourceError
from trading.market.feed import Publish
from trading.model.instrument import Instrument
from trading.model.market import Bar, Tick
from trading.model.venue_news import InstrumentsKnown


class ScriptedFeed:
    """Play what the test wants."""

    def __init__(self, play: Callable[[Publish, threading.Event], None], *, lossless: bool) -> None:
        self.symbols = ("BTC/USDT",)
        self.lossless = lossless
        self.description = "scripted"
        self.ticks_show_ranges = True
        self.instruments: Mapping[str, Instrument] = {}
        self._play = play

    def history(self, stop: threading.Event | None = None) -> Iterable[Bar]:
        assert stop is not None
        return (make_bar(start=NOW + 60 * number) for number in range(HISTORY_CHUNK_LEN + 1))

    def run(self, publish: Publish, stop: threading.Event) -> None:
        self._play(publish, stop)


def run_feed(
    play: Callable[[Publish, threading.Event], None],
    *,
    lossless: bool,
    clock: ManualClock | None = None,
    instruments: Mapping[str, Instrument] | None = None,
) -> tuple[FeedRunner, Inbox]:
    inbox, feed = Inbox(), ScriptedFeed(play, lossless=lossless)
    feed.instruments = instruments or {}
    runner = FeedRunner(
        "scripted",
        feed,
        inbox,
        clock=clock or ManualClock(NOW),
        rng=Random(1),
        retry=FeedRetry(first_s=0.01, longest_s=0.02),
    )
    runner.start()
    return runner, inbox


def drain(inbox: Inbox) -> list[Any]:
    taken: list[Any] = []
    while batch := list(inbox.take_round(0.0)):
        taken += batch
    return taken


def test_history_comes_first_and_the_end_last() -> None:
    runner, inbox = run_feed(lambda publish, _: publish(make_tick()), lossless=True)
    assert runner.join(5)
    events = drain(inbox)
    assert [type(event) for event in events] == [
        HistoryLoaded,
        HistoryLoaded,
        FeedStarted,
        Tick,
        FeedEnded,
    ]
    assert len(events[0].bars) + len(events[1].bars) == HISTORY_CHUNK_LEN + 1
    assert runner.is_over
    assert not runner.is_dead


def test_the_steps_that_a_feed_knows_come_before_its_first_price() -> None:
    known = {"BTC/USDT": make_instrument()}
    runner, inbox = run_feed(
        lambda publish, _: publish(make_tick()), lossless=False, instruments=known
    )
    assert runner.join(5)
    events = drain(inbox)
    (told,) = [event for event in events if isinstance(event, InstrumentsKnown)]
    assert told.instruments == known
    kinds = [type(event) for event in events]
    assert kinds.index(InstrumentsKnown) < kinds.index(Tick)


def test_a_lossless_feed_that_breaks_is_given_up() -> None:
    def break_down(_publish: Publish, _stop: threading.Event) -> None:
        raise OSError("bad file")

    runner, inbox = run_feed(break_down, lossless=True)
    assert runner.join(5)
    (failure,) = [event for event in drain(inbox) if isinstance(event, FeedFailed)]
    assert failure.retry_in_s is None
    assert failure.reason == "OSError: bad file"


def test_a_source_that_cannot_be_reached_is_told_in_its_own_words(
    caplog: pytest.LogCaptureFixture,
) -> None:
    tries: list[int] = []

    def break_once(publish: Publish, _stop: threading.Event) -> None:
        tries.append(1)
        if len(tries) < 2:
            raise SourceError("kraken: maintenance")
        publish(make_tick())

    runner, inbox = run_feed(break_once, lossless=False)
    assert runner.join(5)
    (failure,) = [event for event in drain(inbox) if isinstance(event, FeedFailed)]
    assert failure.reason == "kraken: maintenance"
    assert failure.retry_in_s is not None
    assert 0.005 <= failure.retry_in_s <= 0.01
    assert "Traceback" not in caplog.text


def test_a_live_feed_that_breaks_is_tried_again_ever_more_slowly_until_it_works() -> None:
    tries: list[int] = []

    def break_twice(publish: Publish, _stop: threading.Event) -> None:
        tries.append(1)
        if len(tries) < 4:
            raise OSError("gone")
        publish(make_tick())

    runner, inbox = run_feed(break_twice, lossless=False)
    assert runner.join(5)
    events = drain(inbox)
    rests = [event.retry_in_s or 0.0 for event in events if isinstance(event, FeedFailed)]
    for rest, bound in zip(rests, (0.01, 0.02, 0.02), strict=True):
        assert bound / 2 <= rest <= bound
    assert len(set(rests)) == 3, "by chance, so that not all bots come back at once"
    assert type(events[-1]) is FeedEnded


def test_a_live_feed_that_worked_for_long_is_tried_again_as_quickly_as_at_first() -> None:
    clock = ManualClock(NOW)
    tries: list[int] = []

    def break_down(publish: Publish, _stop: threading.Event) -> None:
        tries.append(1)
        if len(tries) == 4:
            clock.advance(3_600.0)
        if len(tries) < 6:
            raise OSError("gone")
        publish(make_tick())

    runner, inbox = run_feed(break_down, lossless=False, clock=clock)
    assert runner.join(5)
    rests = [event.retry_in_s or 0.0 for event in drain(inbox) if isinstance(event, FeedFailed)]
    for rest, bound in zip(rests, (0.01, 0.02, 0.02, 0.01, 0.02), strict=True):
        assert bound / 2 <= rest <= bound


def test_a_feed_that_is_asked_to_stop_tells_no_end() -> None:
    runner, inbox = run_feed(lambda _, stop: assert_set(stop.wait(10)), lossless=True)
    wait_until(lambda: inbox.market_len == 3, 5, "it runs")
    runner.ask_to_stop()
    assert runner.join(5)
    assert FeedEnded not in [type(event) for event in drain(inbox)]


def assert_set(is_set: bool) -> None:
    assert is_set
