"""Commands that must not be carried out, sent to a real bot, and what the bot keeps of them.

Each gets the outcome it deserves, once; the database shows that nothing else was done.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product

import orjson
import pytest

from tcpproto import ReplyState
from tests.process.installation import (
    Installation,
    StoredCommand,
    ask,
    assert_no_traceback,
    query,
    wait_connected,
)
from tests.process.scripted_bridge import NO_SECRET, ScriptedBridge, json_frame
from tests.processes import RunningProcess, running_processes
from tests.tcpproto_tests.raw_peer import RawPeer
from tests.waiting import wait_until

HOUR_S = 3_600.0
_MOVED_BY_THE_MARKET = ("market.", "capital.", "trading.day", "trading.limits")


@pytest.fixture
def bridge() -> Iterator[ScriptedBridge]:
    with ScriptedBridge() as made:
        yield made


@pytest.fixture
def trading(here: Installation, bridge: ScriptedBridge) -> RunningProcess:
    """A bot that is connected to the scripted bridge."""
    process = here.start_trading(**bridge.environment)
    bridge.wait_connected()
    return process


@dataclass
class Pair:
    """A bot and the bridge it is connected to."""

    here: Installation
    bridge: ScriptedBridge


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """One pair for all tests that leave it as it was."""
    folder = tmp_path_factory.mktemp("pair")
    with contextmanager(running_processes)(folder) as processes, ScriptedBridge() as bridge:
        here = Installation(processes, folder)
        here.start_trading(**bridge.environment)
        bridge.wait_connected()
        yield Pair(here, bridge)


def state_values(here: Installation) -> list[tuple[str, str]]:
    """Return what the bot would go on with after a restart, but for what the market moves."""
    rows = query(here.state_db, "SELECT key, value FROM state_value ORDER BY key")
    return [row for row in rows if not row[0].startswith(_MOVED_BY_THE_MARKET)]


def kept(here: Installation, command_id: str) -> list[StoredCommand]:
    """Return the outcomes that are kept for one command."""
    return [one for one in here.outcomes() if one.id == command_id]


def test_a_repeated_command_is_done_once_and_answered_alike_also_after_a_kill(
    here: Installation, bridge: ScriptedBridge, trading: RunningProcess
) -> None:
    command = bridge.command()
    first = bridge.ask(command)
    assert (first.state, first.repeat) == (ReplyState.APPLIED, False)
    again = bridge.ask(command)
    assert again == first._replace(repeat=True)
    trading.kill()
    second = here.start_trading(**bridge.environment)
    bridge.wait_connected(times=2)
    after = bridge.ask(command)
    assert (after.state, after.text, after.repeat) == (first.state, first.text, True)
    assert len(kept(here, command.id)) == 1
    assert second.stop() == 0


def test_a_hundred_copies_of_a_command_at_once_are_one_command(
    here: Installation, bridge: ScriptedBridge, trading: RunningProcess
) -> None:
    command = bridge.command()
    for _ in range(100):
        assert bridge.send(command)
    wait_until(lambda: len(bridge.replies_to(command)) == 100, 20, "an answer to each")
    replies = bridge.replies_to(command)
    assert sum(not reply.repeat for reply in replies) == 1
    assert {(reply.state, reply.text) for reply in replies} == {(replies[0].state, replies[0].text)}
    assert len(kept(here, command.id)) == 1
    status = bridge.ask(bridge.command()).text
    assert "\ncommands 2\n" in status, "the copies were not counted"


def test_a_command_at_the_wrong_time_is_not_carried_out(pair: Pair) -> None:
    here, bridge = pair.here, pair.bridge
    now = bridge.command().issued_at
    for command, words in [
        (bridge.command(expires_at=now - 1), "s ago; nothing was done"),
        (
            bridge.command(issued_at=now + HOUR_S, expires_at=now + HOUR_S + 20),
            "in the future, the clocks differ; nothing was done",
        ),
        (bridge.command(issued_at=now - HOUR_S), "s old, at most 600 s are allowed"),
    ]:
        reply = bridge.ask(command)
        assert (reply.state, reply.repeat) == (ReplyState.EXPIRED, False)
        assert words in reply.text
        assert [one.state for one in kept(here, command.id)] == ["expired"]
        # Not even in time does it get another chance.
        fresh = bridge.command()
        late = bridge.ask(command._replace(issued_at=fresh.issued_at, expires_at=fresh.expires_at))
        assert (late.state, late.repeat) == (ReplyState.EXPIRED, True)


def test_a_stale_order_to_buy_never_runs_but_one_to_stop_may_have_waited(pair: Pair) -> None:
    bridge = pair.bridge
    now = bridge.command().issued_at
    buy = bridge.command("buy", "BTC/USDT", issued_at=now - 31)
    stop = bridge.command("stoptrading", issued_at=now - 20 * HOUR_S)
    assert bridge.ask(buy).state == ReplyState.EXPIRED
    assert bridge.ask(stop).state != ReplyState.EXPIRED


def test_a_viewer_changes_nothing(pair: Pair) -> None:
    here, bridge = pair.here, pair.bridge
    before = state_values(here)
    for verb in ("starttrading", "stoptrading", "buy", "flatten", "mode"):
        reply = bridge.ask(bridge.command(verb, role="viewer"))
        assert reply.state == ReplyState.REJECTED
        assert "viewer is not enough" in reply.text
    assert state_values(here) == before


ABSURD: tuple[tuple[str, ...], ...] = (
    ("x" * 256,),
    ("x",) * 32,
    ("\x1b[2J\x00\r\n",),
    ("-1e999",),
    ("../../etc/passwd", "'; DROP TABLE outcome; --"),
    ("ＢＴＣ/ＵＳＤＴ",),
    ("",),
)


def test_absurd_arguments_are_rejected_in_words_that_can_be_shown(pair: Pair) -> None:
    here, bridge = pair.here, pair.bridge
    before = state_values(here)
    for verb, args in product(("buy", "getstatus"), ABSURD):
        command = bridge.command(verb, *args)
        reply = bridge.ask(command)
        assert reply.state == ReplyState.REJECTED
        assert reply.text.replace("\n", "").isprintable()
        assert len(reply.text) < 1_000
        assert [one.state for one in kept(here, command.id)] == ["rejected"]
    assert state_values(here) == before


def test_an_unknown_verb_is_rejected(pair: Pair) -> None:
    bridge = pair.bridge
    for verb in ("nonsense", "help", "\x1b[31mred", "x" * 32):
        reply = bridge.ask(bridge.command(verb))
        assert reply.state == ReplyState.REJECTED
        assert reply.text.isprintable()


def test_frames_that_are_no_commands_end_the_connection_and_nothing_else(
    here: Installation, bridge: ScriptedBridge, trading: RunningProcess
) -> None:
    sound = bridge.command()
    wire = orjson.loads(orjson.dumps(sound.to_message(0.0)._asdict()))
    body = wire["message"]
    frames = [
        json_frame("command", body | {"args": ["x" * 1_000_000]}, id="1", expires_at=2e9),
        json_frame("command", body | {"args": ["x"] * 1_000}, id="2", expires_at=2e9),
        json_frame("command", body | {"args": "BTC/USDT"}, id="3", expires_at=2e9),
        json_frame("command", body | {"role": "root"}, id="4", expires_at=2e9),
        json_frame("command", body | {"verb": ["buy"]}, id="5", expires_at=2e9),
        json_frame("command", body, expires_at=2e9),
        json_frame("command", body, id="7"),
        json_frame("command", body, id="x" * 1_000, expires_at=2e9),
        json_frame("command", "starttrading"),
        b"\x7f\xff\xff\xff" + b"{" * 100,
        b"\x00\x00\x00\x05nonon",
    ]
    before = state_values(here)
    for number, frame in enumerate(frames, 1):
        bridge.send_raw(frame)
        wait_until(lambda: len(bridge.endings) == number, 20, f"frame {number} ends it")  # noqa: B023
        bridge.wait_connected(times=number + 1)
    assert bridge.ask(sound).state == ReplyState.APPLIED
    assert [one.id for one in here.outcomes()] == [sound.id]
    assert state_values(here) == before
    assert trading.stop() == 0
    assert_no_traceback(trading)


def test_a_bot_that_sends_commands_upwards_is_shut_out_and_nobody_obeys(
    here: Installation,
) -> None:
    bridge = here.start_bridge(**NO_SECRET)
    trading = here.start_trading(**NO_SECRET)
    wait_connected(bridge)
    before = state_values(here)
    with RawPeer(here.port) as peer:
        peer.greet("rogue")
        peer.wait_frame("welcome")
        body = {"verb": "stoptrading", "args": [], "author": "me", "role": "admin", "chat": "c"}
        command = json_frame("command", body | {"issued_at": 1.0}, id="1", expires_at=2e9)
        peer.say(command)
        assert peer.wait_frame("bye")["message"]["code"] == "wrong_direction"
        peer.wait_end()
    assert here.commands() == []
    assert here.outcomes() == []
    assert state_values(here) == before
    assert "1 bot connected" in ask(bridge, "/ping")
    assert ask(bridge, "/getstatus").startswith("[applied]")
    for process in (trading, bridge):
        assert process.stop() == 0
    assert_no_traceback(trading, bridge)


def test_a_bot_cannot_answer_for_another(here: Installation) -> None:
    bridge = here.start_bridge(**NO_SECRET)
    trading = here.start_trading(**NO_SECRET)
    wait_connected(bridge)
    trading.send_signal(signal.SIGSTOP)
    bridge.write("/getstatus @paper\n")
    wait_until(here.commands, 20, "the command is sent")
    (command,) = here.commands()
    with RawPeer(here.port) as peer:
        peer.greet("rogue")
        peer.wait_frame("welcome")
        answer = {"state": "applied", "text": "surely done", "fields": {}, "repeat": False}
        peer.say(json_frame("reply", answer, reply_to=command.id))
        bridge.wait_for("rogue answers .*, which was not asked of it")
    trading.send_signal(signal.SIGCONT)
    bridge.wait_for(r"^\[applied\] /getstatus — paper", stream="stdout")
    assert "surely done" not in bridge.stdout
