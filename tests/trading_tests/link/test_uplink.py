"""The uplink with a real bridge end: commands down; answers, events, status and lines up."""

import threading
from collections.abc import Iterator
from pathlib import Path
from random import Random
from uuid import uuid4

import pytest

from daemonkit.clock import SystemClock
from tcpproto import ClientSettings, Command, Identity, Log, OutboxReader, ReplyState, Status
from tests.trading_tests.link.bridge_end import BridgeEnd
from tests.trading_tests.makers import NOW, make_command, make_event
from tests.trading_tests.store.rig import StoreRig, store_rig
from tests.waiting import wait_until
from trading.engine.effects import RaiseEvent, RecordOutcome
from trading.engine.events import UncheckedCommand
from trading.link.uplink import Outcomes, Uplink
from trading.model.outcome import CommandOutcome
from trading.store.database import StateDatabase


class Commands:
    """Take commands as the engine's inbox does."""

    def __init__(self) -> None:
        self.taken: list[Command] = []
        self.unchecked: list[Command] = []
        self.is_open = True
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def take(self, command: Command | UncheckedCommand) -> bool:
        self.may_go_on.wait(10)
        if self.is_open:
            if isinstance(command, UncheckedCommand):
                self.unchecked.append(command.command)
            else:
                self.taken.append(command)
        return self.is_open


def build_uplink(
    rig: StoreRig, bridge: BridgeEnd, commands: Commands, committed: object = None
) -> Uplink:
    clock = SystemClock()
    return Uplink(
        ClientSettings(address=lambda: bridge.address),
        Identity("paper", str(uuid4()), rig.epoch, "test"),
        committed=committed or rig.database,  # type: ignore[arg-type]
        take_command=commands.take,
        acknowledge=rig.store.acknowledge,
        last_seq=lambda: rig.store.health.last_seq,
        clock=clock,
        rng=Random(1),
    )


@pytest.fixture
def bridge() -> Iterator[BridgeEnd]:
    bridge = BridgeEnd()
    yield bridge
    bridge.server.stop("test over", 2)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[StoreRig]:
    with store_rig(tmp_path) as rig:
        yield rig


@pytest.fixture
def commands() -> Commands:
    return Commands()


@pytest.fixture
def uplink(rig: StoreRig, bridge: BridgeEnd, commands: Commands) -> Iterator[Uplink]:
    uplink = build_uplink(rig, bridge, commands)
    rig.seen.wake_outbox = uplink.wake_outbox  # type: ignore[method-assign]
    uplink.start()
    wait_until(lambda: uplink.state.phase == "connected" and bridge.peers, 5, "connected")
    yield uplink
    uplink.stop("test over", 2)


def test_a_new_command_goes_to_the_engine_and_a_known_one_is_answered_from_the_store(
    uplink: Uplink, rig: StoreRig, bridge: BridgeEnd, commands: Commands
) -> None:
    known = CommandOutcome("old", "getstatus", "42", ReplyState.APPLIED, "as before", NOW)
    rig.store.submit([RecordOutcome(known, announce=False)])
    rig.settle()
    bridge.send(make_command(command_id="old"))
    bridge.send(make_command(command_id="new"))
    wait_until(lambda: commands.taken, 5, "the new command")
    assert [command.id for command in commands.taken] == ["new"]
    wait_until(lambda: bridge.replies, 5, "the repeat")
    assert bridge.replies == [known.to_reply(repeat=True)]


def test_events_from_before_and_after_the_connection_arrive_and_are_deleted(
    rig: StoreRig, bridge: BridgeEnd, commands: Commands
) -> None:
    for number in range(50):
        rig.store.submit([RaiseEvent(make_event(str(number)))])
    rig.settle()
    uplink = build_uplink(rig, bridge, commands)
    rig.seen.wake_outbox = uplink.wake_outbox  # type: ignore[method-assign]
    uplink.start()
    wait_until(lambda: len(bridge.events) == 50, 5, "the early ones")
    for number in range(50, 100):
        rig.store.submit([RaiseEvent(make_event(str(number)))])
    wait_until(lambda: len(bridge.events) == 100, 5, "the late ones")
    wait_until(lambda: rig.store.health.outbox_rows == 0, 5, "all deleted")
    uplink.stop("bye", 2)
    assert [event.text for event in bridge.events] == [str(number) for number in range(100)]
    assert bridge.ended_cleanly() == [True]


def test_status_lines_and_texts_arrive(uplink: Uplink, bridge: BridgeEnd) -> None:
    uplink.show(Status("engine", "all well"))
    uplink.say("look here")
    assert uplink.forward(Log("INFO", "x", NOW, "a line"), 1.0)
    wait_until(lambda: bridge.statuses and bridge.texts and bridge.logs, 5, "all three")
    assert bridge.statuses[-1].text == "all well"
    assert bridge.texts == ["look here"]
    assert bridge.logs[0].text == "a line"


def test_without_a_bridge_everything_is_dropped_at_once_and_nothing_waits(
    rig: StoreRig, commands: Commands
) -> None:
    gone = BridgeEnd()
    gone.server.stop("away", 2)
    uplink = build_uplink(rig, gone, commands)
    uplink._client._settings = ClientSettings(address=nowhere)
    uplink.start()
    assert not uplink.forward(Log("INFO", "x", NOW, "a line"), 5.0)
    uplink.say("nobody")
    uplink.stop("bye", 1)
    assert uplink.state.phase == "stopped"


def nowhere() -> tuple[str, int]:
    raise OSError("no port yet")


def test_an_engine_that_takes_no_command_slows_the_link_and_loses_none(
    uplink: Uplink, bridge: BridgeEnd, commands: Commands
) -> None:
    commands.may_go_on.clear()
    for number in range(100):
        assert bridge.send(make_command(command_id=str(number)))
    commands.may_go_on.set()
    wait_until(lambda: len(commands.taken) == 100, 5, "all commands")
    assert [command.id for command in commands.taken] == [str(number) for number in range(100)]


def test_what_reduces_risk_expires_by_the_clock_of_the_bridge_that_sent_it(
    uplink: Uplink, bridge: BridgeEnd, commands: Commands
) -> None:
    assert uplink.is_alive
    now = SystemClock.wall()
    issued_at, expires_at = now - 600, now - 300

    def send(verb: str, *args: str, at: float = issued_at) -> None:
        command = make_command(
            verb, *args, command_id=verb, issued_at=issued_at, expires_at=expires_at
        )
        bridge.server.send("paper", command.to_message(at))

    send("stoptrading")
    send("sell", "BTC/USDT")
    send("buy", "BTC/USDT")
    send("nonsense")
    send("flatten", at=now)
    wait_until(lambda: len(commands.taken) == 5, 5, "all commands")
    left_s = {one.verb: one.expires_at - now for one in commands.taken}
    assert [left_s[verb] for verb in ("stoptrading", "sell")] == pytest.approx([300.0] * 2, abs=5)
    assert {left_s[verb] for verb in ("buy", "nonsense", "flatten")} == {-300.0}
    assert {one.issued_at for one in commands.taken} == {issued_at}


def test_a_command_to_an_engine_that_stops_is_left_unanswered(
    uplink: Uplink, bridge: BridgeEnd, commands: Commands
) -> None:
    commands.is_open = False
    bridge.send(make_command())
    commands.is_open = True
    bridge.send(make_command(command_id="c2"))
    wait_until(lambda: commands.taken, 5, "the next command")
    assert not bridge.replies


@pytest.mark.parametrize(
    ("text", "fields"),
    [("\x01" * 400_000, {}), ("done", {"rows": ["x" * 1_000] * 2_000})],
    ids=["long text", "many fields"],
)
def test_an_answer_that_no_frame_can_hold_is_shortened_and_not_withheld(
    uplink: Uplink, rig: StoreRig, bridge: BridgeEnd, text: str, fields: dict[str, object]
) -> None:
    rig.seen.answer = uplink.answer  # type: ignore[method-assign]
    big = CommandOutcome("big", "getstatus", "42", ReplyState.APPLIED, text, NOW, fields)
    rig.store.submit([RecordOutcome(big)])
    wait_until(lambda: bridge.replies, 5, "the answer")
    bridge.send(make_command(command_id="big"))
    wait_until(lambda: len(bridge.replies) == 2, 5, "the repeat")
    first, again = bridge.replies
    assert (first.reply_to, first.state, first.text[:4]) == ("big", ReplyState.APPLIED, text[:4])
    assert first.fields == {"fields_left_out": True}
    assert again == first._replace(repeat=True)
    assert rig.store.is_alive
    assert uplink.state.reconnects == 1


class Unreadable:
    """Stand for a database that cannot be read any more."""

    def __init__(self, database: StateDatabase) -> None:
        self.outbox: OutboxReader = database.outbox
        self.outcomes: Outcomes = self

    def find(self, command_id: str) -> CommandOutcome | None:
        raise OSError(f"cannot read {command_id}")


def test_a_command_that_cannot_be_looked_up_goes_to_the_engine_as_one_that_is_unchecked(
    rig: StoreRig, bridge: BridgeEnd, commands: Commands
) -> None:
    uplink = build_uplink(rig, bridge, commands, Unreadable(rig.database))
    uplink.start()
    wait_until(lambda: uplink.state.phase == "connected" and bridge.peers, 5, "connected")
    bridge.send(make_command())
    wait_until(lambda: commands.unchecked, 5, "the command")
    uplink.stop("bye", 2)
    assert [command.id for command in commands.unchecked] == ["c1"]
    assert not commands.taken
    assert not bridge.replies
