"""The engine thread: it hands effects on in order, holds commands back, and never waits."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from daemonkit.clock import Clock, ManualClock, SystemClock
from tcpproto import Command, Reply, ReplyState, Status
from tests.trading_tests.makers import (
    NOW,
    make_command,
    make_core,
    make_health,
    make_tick,
    make_trader,
)
from tests.waiting import wait_until
from trading.engine.core import EngineCore
from trading.engine.effects import CommittedEffect, Effect, RecordOutcome, SaveState
from trading.engine.engine import FRESH_S, REST_S, RESTED_S_MAX, EngineThread
from trading.engine.events import (
    EngineEvent,
    StopRequested,
    StoreFault,
    StoreTrouble,
    UncheckedCommand,
)
from trading.engine.inbox import Inbox
from trading.model.market import Tick


class RecordingStore:
    """Take units and keep them; be behind when told so."""

    def __init__(self) -> None:
        self.units: list[Sequence[CommittedEffect]] = []
        self.views: list[Mapping[str, Any]] = []
        self.is_behind = False

    def show(self, view: Mapping[str, Any]) -> None:
        self.views.append(view)

    def submit(self, unit: Sequence[CommittedEffect]) -> None:
        self.units.append(unit)

    def outcomes(self) -> list[str]:
        effects = [effect for unit in self.units for effect in unit]
        return [one.outcome.command_id for one in effects if isinstance(one, RecordOutcome)]


class RecordingOutlet:
    """Keep what is said."""

    def __init__(self) -> None:
        self.replies: list[Reply] = []
        self.statuses: list[Status] = []
        self.texts: list[str] = []

    def answer_now(self, reply: Reply) -> None:
        self.replies.append(reply)

    def show(self, status: Status) -> None:
        self.statuses.append(status)

    def say(self, text: str) -> None:
        self.texts.append(text)


class Rig:
    """One engine thread with everything around it in plain sight."""

    def __init__(self, core: EngineCore, clock: Clock | None = None) -> None:
        self.inbox = Inbox()
        self.store = RecordingStore()
        self.outlet = RecordingOutlet()
        self.ends: list[Exception | None] = []
        self.clock = clock or SystemClock()
        self.engine = EngineThread(
            core,
            self.inbox,
            clock=self.clock,
            store=self.store,
            outlet=self.outlet,
            sample_health=lambda: make_health(self.clock.wall()),
            on_end=self.ends.append,
        )

    def command(self, command_id: str) -> Command:
        at = self.clock.wall()
        return make_command(command_id=command_id, issued_at=at, expires_at=at + 60)

    @property
    def ticks_handled(self) -> int:
        statuses = self.outlet.statuses
        return int(statuses[-1].fields["ticks_handled"]) if statuses else 0

    def stop(self) -> None:
        self.inbox.put_notice(StopRequested("bye", NOW))
        assert self.engine.join(5)


@pytest.fixture
def rig() -> Iterator[Rig]:
    rig = Rig(make_core(status_interval_s=0.05))
    rig.engine.start()
    yield rig
    rig.inbox.put_notice(StopRequested("test over", NOW))
    rig.engine.join(5)


def test_it_starts_publishes_its_status_again_and_again_and_ends_when_asked(rig: Rig) -> None:
    wait_until(lambda: len(rig.outlet.statuses) >= 3, 5, "three statuses")
    rig.stop()
    assert rig.ends == [None]
    assert rig.outlet.statuses[-1].fields["state"] == "STOPPED"
    assert len(rig.store.units) == 2


def test_commands_are_answered_in_order_by_way_of_the_store(rig: Rig) -> None:
    for number in range(300):
        rig.inbox.put_command(rig.command(str(number)))
    wait_until(lambda: len(rig.store.outcomes()) == 300, 5, "all outcomes")
    assert rig.store.outcomes() == [str(number) for number in range(300)]
    assert not rig.outlet.replies


def test_the_first_command_is_answered_with_the_present_state_of_the_link() -> None:
    rig = Rig(make_core(status_interval_s=3600))
    rig.engine.start()
    rig.inbox.put_command(rig.command("early")._replace(verb="getstatus"))
    wait_until(rig.store.outcomes, 5, "the outcome")
    effects = [effect for unit in rig.store.units for effect in unit]
    (recorded,) = [one for one in effects if isinstance(one, RecordOutcome)]
    assert f"link     {make_health(NOW).link}" in recorded.outcome.text
    # Of the start alone: who waits for an answer does not wait for a status as well.
    assert len(rig.outlet.statuses) == 1
    rig.stop()


def test_a_command_waits_for_one_commit_not_also_for_that_of_the_look_before_it() -> None:
    rig = Rig(make_core(status_interval_s=3600))
    rig.engine.start()
    rig.inbox.publisher(lossless=True)(make_tick())
    rig.inbox.put_command(rig.command("only"))
    wait_until(rig.store.outcomes, 5, "the outcome")
    kinds = [[type(one) for one in unit] for unit in rig.store.units]
    # The market's time, which each look notes.
    assert [SaveState, RecordOutcome] in kinds
    rig.stop()


def test_commands_wait_while_the_store_is_behind_and_market_data_does_not(rig: Rig) -> None:
    rig.store.is_behind = True
    rig.inbox.put_command(rig.command("held"))
    publish = rig.inbox.publisher(lossless=True)
    for number in range(1_000):
        publish(make_tick(float(number)))
    wait_until(lambda: rig.ticks_handled == 1_000, 5, "all ticks")
    assert not rig.store.outcomes()
    rig.store.is_behind = False
    wait_until(rig.store.outcomes, 5, "the outcome")


def test_a_command_that_the_store_could_not_look_up_is_answered_as_one_of_unknown_history(
    rig: Rig,
) -> None:
    raising = rig.command("raising")._replace(verb="starttrading")
    rig.inbox.put_command(UncheckedCommand(raising))
    rig.inbox.put_command(UncheckedCommand(rig.command("reading")))
    wait_until(lambda: len(rig.store.outcomes()) == 2, 5, "both outcomes")
    effects = [effect for unit in rig.store.units for effect in unit]
    states = [one.outcome.state for one in effects if isinstance(one, RecordOutcome)]
    assert states == [ReplyState.UNKNOWN, ReplyState.APPLIED]


def test_what_trading_is_like_is_shown_again_and_again(rig: Rig) -> None:
    wait_until(lambda: len(rig.store.views) >= 2, 5, "two views")
    assert rig.store.views[-1]["trading_pair"] == ""


def test_trouble_of_the_store_is_said_at_once(rig: Rig) -> None:
    rig.inbox.put_notice(StoreFault(StoreTrouble.FULL, "no space", NOW))
    wait_until(lambda: rig.outlet.texts, 5, "the text")
    rig.inbox.put_command(rig.command("r"))
    wait_until(lambda: rig.outlet.replies, 5, "the reply")
    assert not rig.store.outcomes()


def test_the_heartbeat_moves_while_nothing_happens(rig: Rig) -> None:
    before = rig.engine.beat
    wait_until(lambda: rig.engine.beat > before, 5, "a beat")


def test_a_core_that_raises_ends_the_engine_and_is_reported() -> None:
    class BrokenCore(EngineCore):
        def process(self, event: EngineEvent) -> Sequence[Effect]:
            if isinstance(event, Tick):
                raise ZeroDivisionError(event.symbol)
            return super().process(event)

    rig = Rig(BrokenCore(make_core()._settings, {}, make_trader()))
    rig.engine.start()
    rig.inbox.publisher(lossless=True)(make_tick())
    assert rig.engine.join(5)
    assert [type(end) for end in rig.ends] == [ZeroDivisionError]
    assert rig.inbox.put_command(make_command()) is False


def test_a_flood_of_commands_keeps_no_market_event_waiting(rig: Rig) -> None:
    stop = threading.Event()

    def flood() -> None:
        number = 0
        while not stop.is_set():
            rig.inbox.put_command(rig.command(str(number)))
            number += 1

    threading.Thread(target=flood, daemon=True).start()
    publish = rig.inbox.publisher(lossless=True)
    try:
        for number in range(5_000):
            publish(make_tick(float(number)))
        wait_until(lambda: rig.ticks_handled == 5_000, 10, "all ticks")
    finally:
        stop.set()


class DecidingCore(EngineCore):
    """Decide something at each price, and have news because of it."""

    is_changed = False

    @property
    def has_news(self) -> bool:
        return self.is_changed

    def process(self, event: EngineEvent) -> Sequence[Effect]:
        self.is_changed = isinstance(event, Tick)
        return [SaveState("order", "decided")] if self.is_changed else super().process(event)


def decide(rig: Rig) -> None:
    """Have something decided, and wait until it is on its way to the disk."""
    before = len(rig.store.units)
    rig.inbox.publisher(lossless=True)(make_tick())
    wait_until(lambda: len(rig.store.units) > before, 5, "the decision")


def test_what_was_decided_goes_its_way_before_a_picture_of_it_is_made() -> None:
    clock = ManualClock(NOW, 100.0)
    settings = make_core(status_interval_s=3600)._settings
    rig = Rig(DecidingCore(settings, {}, make_trader()), clock)
    rig.engine.start()
    for _ in range(3):
        decide(rig)
    assert len(rig.outlet.statuses) == 1  # of the start
    clock.advance(REST_S)
    wait_until(lambda: len(rig.outlet.statuses) == 2, 5, "a picture")
    clock.advance(FRESH_S)
    for _ in range(2 * round(RESTED_S_MAX / REST_S) + 2):
        clock.advance(REST_S / 2)
        decide(rig)
    wait_until(lambda: len(rig.outlet.statuses) == 3, 5, "a picture although nothing rests")
    rig.stop()
