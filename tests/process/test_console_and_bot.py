"""A person at the console, a real bot that comes and goes, and a bridge that dies in between."""

import signal
from random import Random

import orjson
import pytest

from tests.process.installation import (
    PATIENCE_S,
    Installation,
    ask,
    assert_no_traceback,
    outcome_lines,
    wait_connected,
)
from tests.processes import ROOT, RunningProcess
from tests.waiting import wait_until

# A queued command has no outcome; piped input waits for one only so long.
IMPATIENT = "console: {outcome_wait_s: 0.2}\n"


def test_while_a_bot_is_away_only_what_reduces_risk_waits_for_it(here: Installation) -> None:
    here.configure_bridge(IMPATIENT)
    bridge = here.start_bridge()
    trading = here.start_trading()
    wait_connected(bridge)
    assert trading.stop() == 0
    wait_connected(bridge, 0)
    for line in ("/getstatus", "/starttrading", "/startbuying BTC/USDT", "/buy BTC/USDT 1"):
        outcome = ask(bridge, line)
        assert outcome.startswith(f"[rejected] {line} — paper main PAPER: not connected for ")
        assert "; nothing sent" in outcome
    # Taken back before the bot returns: it never hears of it.
    bridge.write("/stoptrading\n")
    bridge.wait_for(r"^\[queued\] /stoptrading — paper main PAPER", stream="stdout")
    bridge.wait_for(r"^1\) Cancel$", stream="stdout")
    assert ask(bridge, "cancel") == (
        "[rejected] /stoptrading — paper main PAPER: cancelled; nothing sent"
    )
    bridge.write("/stopbuying BTC-USDT\n")
    bridge.wait_for(r"^\[queued\] /stopbuying BTC/USDT — paper main PAPER", stream="stdout")
    second = here.start_trading()
    bridge.wait_for(
        r"^\[applied\] /stopbuying BTC/USDT — paper main PAPER: buying is off for BTC/USDT$",
        stream="stdout",
    )
    (waited,) = here.outcomes()
    assert waited.verb == "stopbuying"
    assert [one.state for one in here.commands()] == ["rejected", "applied"]
    assert here.commands()[1].id == waited.id
    for process in (second, bridge):
        assert process.stop() == 0
    assert_no_traceback(bridge, trading, second)


def test_what_waits_for_a_bot_survives_a_kill_of_the_bridge(here: Installation) -> None:
    bridge, trading = here.start_bridge(), here.start_trading()
    wait_connected(bridge)
    assert trading.stop() == 0
    bridge.write("/stoptrading\n")
    wait_until(lambda: [one.state for one in here.commands()] == ["queued"], PATIENCE_S, "queued")
    bridge.kill()
    second = here.start_bridge()
    second.wait_for(r"^\[queued\] /stoptrading — ", stream="stdout")
    again = here.start_trading()
    second.wait_for(r"^\[applied\] /stoptrading — .*: trading is off", stream="stdout")
    assert len(here.outcomes()) == len(here.commands()) == 1
    assert here.outcomes()[0].id == here.commands()[0].id
    for process in (again, second):
        assert process.stop() == 0


@pytest.mark.long
def test_a_bridge_killed_before_the_answer_hears_it_after_its_restart(here: Installation) -> None:
    bridge, trading = here.start_bridge(), here.start_trading()
    wait_connected(bridge)
    trading.send_signal(signal.SIGSTOP)
    bridge.write("/getstatus\n")
    wait_until(lambda: [one.state for one in here.commands()] == ["sent"], PATIENCE_S, "sent")
    bridge.kill()
    second = here.start_bridge()
    trading.send_signal(signal.SIGCONT)
    check_resolved(here, second)
    for process in (trading, second):
        assert process.stop() == 0
    assert_no_traceback(bridge, trading, second)


def test_an_answer_that_was_lost_with_the_bridge_is_given_again_and_nothing_done_twice(
    here: Installation,
) -> None:
    bridge, trading = here.start_bridge(), here.start_trading()
    wait_connected(bridge)
    trading.send_signal(signal.SIGSTOP)
    bridge.write("/getstatus\n")
    wait_until(lambda: [one.state for one in here.commands()] == ["sent"], PATIENCE_S, "sent")
    bridge.send_signal(signal.SIGSTOP)
    trading.send_signal(signal.SIGCONT)
    wait_until(here.outcomes, PATIENCE_S, "the bot has answered")
    bridge.kill()
    second = here.start_bridge()
    check_resolved(here, second)
    assert "\ncommands 1\n" in second.stdout, "the answer is the first one"
    for process in (trading, second):
        assert process.stop() == 0
    assert_no_traceback(bridge, trading, second)


def check_resolved(here: Installation, bridge: RunningProcess) -> None:
    """The command has one outcome, at the bot and at the bridge, under the id it was given."""
    bridge.wait_for(r"^\[applied\] /getstatus — paper main PAPER$", stream="stdout")
    (command,), (outcome,) = here.commands(), here.outcomes()
    assert (command.id, command.state) == (outcome.id, "applied")
    assert len(outcome_lines(bridge)) == 1


@pytest.mark.long
def test_a_bot_killed_in_the_middle_of_a_command_answers_it_when_it_is_back(
    here: Installation,
) -> None:
    bridge, trading = here.start_bridge(), here.start_trading()
    wait_connected(bridge)
    trading.send_signal(signal.SIGSTOP)
    bridge.write("/getstatus\n")
    wait_until(lambda: [one.state for one in here.commands()] == ["sent"], PATIENCE_S, "sent")
    trading.kill()
    second = here.start_trading()
    bridge.wait_for(r"^\[applied\] /getstatus — paper main PAPER$", stream="stdout")
    assert len(here.outcomes()) == 1
    for process in (second, bridge):
        assert process.stop() == 0


def test_json_lines_are_whole_objects_whatever_happens(here: Installation) -> None:
    bridge = here.start_bridge("--json")
    trading = here.start_trading("--alerts", "200", "--interval", "0.001")
    here.wait_for_alerts(200, 200)
    for line in ("/ping", "/getstatus", "/bots", "/logs 5", "hello", "/instances", "/nothing"):
        bridge.write(line + "\n")
    bridge.write("/help buy\n/follow debug\n/version\n")
    bridge.wait_for(r"\[applied\] /version", stream="stdout")
    assert trading.stop() == 0
    bridge.wait_for("stopped: asked to stop", stream="stdout")
    bridge.close_stdin()
    assert bridge.wait() == 0, bridge.describe()
    objects = [orjson.loads(line) for line in bridge.stdout.splitlines()]
    assert {tuple(one) for one in objects} == {("message_id", "text", "buttons", "command_id")}
    ids = [one["message_id"] for one in objects]
    assert all(isinstance(one, int) and one > 0 for one in ids)
    told = {one["command_id"]: one["text"] for one in objects if one["command_id"]}
    endings = [text.splitlines()[-1].split(" — ")[0] for text in told.values()]
    assert endings == [
        "[applied] /ping",
        "[applied] /getstatus",
        "[applied] /bots",
        "[applied] /logs 5",
        "[rejected] /instances",
        "[rejected] /nothing",
        "[applied] /help buy",
        "[applied] /follow debug",
        "[applied] /version",
    ]
    assert sum("alert" in one["text"] for one in objects if not one["command_id"]) >= 200
    (status,) = here.outcomes()[:1]
    assert status.id in told


def test_rubbish_at_the_console_is_answered_and_passed_over(here: Installation) -> None:
    here.configure_bridge(IMPATIENT)
    rubbish = Random(7).randbytes(20_000) + b"\n/" + b"x" * 300_000 + b"\n\0\n/\xff\xfe\n/ping\n"
    (here.folder / "rubbish").write_bytes(rubbish)
    bridge = here.processes.run(
        *("sh", "-c", 'exec "$@" <"$RUBBISH"', "sh", ROOT / "run_telegram.sh"),
        *("--console", "--config", here.bridge_file),
        env={"RUBBISH": str(here.folder / "rubbish")},
        timeout_s=PATIENCE_S,
    )
    assert bridge.returncode == 0, bridge.describe()
    assert outcome_lines(bridge)[-1] == "[applied] /ping — pong; 0 bots connected"
    assert len(bridge.stdout) < 100_000
    assert bridge.stdout.replace("\n", "").isprintable()
    assert_no_traceback(bridge)
