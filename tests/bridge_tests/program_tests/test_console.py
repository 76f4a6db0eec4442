"""The console of the telegram process: piped input, JSON, a chat nobody reads, closed streams."""

import contextlib
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from tests.bridge_tests.program_tests.programs import arguments_of, start_bridge
from tests.bridge_tests.scripted_bot import MemoryOutbox, ScriptedBot
from tests.processes import Processes, RunningProcess
from tests.waiting import wait_until


def test_piped_input_is_answered_line_by_line_and_the_end_of_it_ends_the_bridge(
    processes: Processes,
) -> None:
    process = processes.run(
        *arguments_of("--console"), stdin="/ping\n\n/bots\nhello\n/getstatus\n/stop\n/nothing"
    )
    assert process.stdout.splitlines() == [
        "[applied] /ping — pong; 0 bots connected",
        "[applied] /bots — no bot has connected yet",
        "no question is open; commands begin with /, see /help",
        "[rejected] /getstatus — no bot is connected; nothing sent",
        "[rejected] /stoptrading — no bot is connected; nothing sent",
        "[rejected] /nothing — there is no command '/nothing'; try /help",
    ]
    assert process.returncode == 0
    telegram = processes.var_dir / "telegram"
    assert not (telegram / "link.port").exists()
    assert not (telegram / "lock").exists()
    assert "listening on" in (telegram / "logs" / "telegram.log").read_text()


def test_json_is_one_object_per_message_or_edit(
    processes: Processes, connect: Callable[..., ScriptedBot]
) -> None:
    process = start_bridge(processes, "--console", "--json")
    bot = connect()
    process.write("/flatten\nyes\n/ping\n")
    wait_until(lambda: bot.commands, 10, "the command")
    process.wait_for("sent", stream="stdout")
    bot.reply(0, "accepted", "closing")
    bot.reply(0, "applied", "flat\nall of it")
    process.wait_for("pong", stream="stdout")
    process.close_stdin()
    assert process.wait() == 0
    objects = [orjson.loads(line) for line in process.stdout.splitlines()]
    assert all(set(one) == {"message_id", "text", "buttons", "command_id"} for one in objects)
    question, *edits, ping = objects
    assert question["text"].startswith(
        "/flatten on paper main PAPER — are you sure?\n  closes every"
    )
    assert question["message_id"] == edits[0]["message_id"]
    assert len({one["message_id"] for one in edits}) == 1
    assert {one["command_id"] for one in edits} == {bot.commands[0].id}
    assert edits[0]["text"].startswith("[sent] /flatten — paper main PAPER")
    assert edits[-1]["text"] == "flat\nall of it\n[applied] /flatten — paper main PAPER"
    assert ping["text"] == "[applied] /ping — pong; 1 bot connected"
    assert ping["message_id"] == edits[0]["message_id"] + 1


def test_events_and_texts_appear_in_order_and_none_is_lost_over_a_kill(
    processes: Processes, connect: Callable[..., ScriptedBot]
) -> None:
    outbox = MemoryOutbox("epoch")
    first = start_bridge(processes, "--console")
    bot = connect(outbox=outbox)
    for number in range(300):
        bot.raise_event(f"alert {number}")
    first.wait_for("alert 20$", stream="stdout")
    first.kill()
    bot.stop()
    (processes.var_dir / "telegram" / "link.port").unlink()
    second = start_bridge(processes, "--console")
    connect(outbox=outbox).text("and a text")
    second.wait_for("alert 299$", stream="stdout")
    second.wait_for("^paper: and a text$", stream="stdout")
    second.stop()
    lines = [line for line in (first.stdout + second.stdout).splitlines() if "alert" in line]
    by_id = {int(line.split()[0][1:]): line.split("alert ")[1] for line in lines}
    assert list(by_id.items()) == [(number + 1, str(number)) for number in range(300)]
    assert len(lines) - 300 <= sum("perhaps shown before" in line for line in lines) <= 1


def test_what_waits_at_the_end_of_input_is_told_as_unknown_and_kept(
    processes: Processes, connect: Callable[..., ScriptedBot], tmp_path: Path
) -> None:
    config = tmp_path / "telegram.yaml"
    config.write_text("console: {outcome_wait_s: 0.1}\n")
    first = start_bridge(processes, "--console", "--config", str(config))
    connect().stop()
    wait_until(lambda: "away" in _bots(first), 10, "the bot is away")
    first.write("/stoptrading\n")
    first.close_stdin()
    assert first.wait() == 0
    assert first.stdout.splitlines()[-1].startswith("[unknown] /stoptrading — paper main PAPER: ")
    second = start_bridge(processes, "--console")
    bot = connect()
    wait_until(lambda: bot.commands, 10, "the command")
    bot.reply(0, "applied", "off")
    second.wait_for(r"^\[applied\] /stoptrading — paper main PAPER: off$", stream="stdout")


def _bots(process: RunningProcess) -> str:
    process.write("/bots\n")
    return process.stdout


def test_without_a_bot_in_time_nothing_is_read_and_the_exit_is_1(processes: Processes) -> None:
    process = processes.run(*arguments_of("--console", "--wait-for-bot", "0.2"), stdin="/ping\n")
    assert process.returncode == 1
    assert process.stdout == ""
    assert process.stderr.splitlines()[-1] == "error: no bot connected within 0.2 s"


def test_input_waits_for_a_bot(processes: Processes, connect: Callable[..., ScriptedBot]) -> None:
    process = processes.start(*arguments_of("--console", "--wait-for-bot", "20"))
    process.write("/bots\n")
    process.wait_for("^ready$")
    connect()
    process.wait_for(r"^\[applied\] /bots — 1 of 1 bot connected$", stream="stdout")
    assert "● paper main PAPER" in process.stdout


def test_a_chat_that_nobody_reads_does_not_hurt_the_link(
    processes: Processes, connect: Callable[..., ScriptedBot]
) -> None:
    out, into = os.pipe()
    process = processes.start(
        "sh", "-c", f'exec "$@" >/proc/{os.getpid()}/fd/{into}', "sh", *arguments_of("--console")
    )
    process.wait_for("^ready$")
    bot = connect()
    # Nobody reads: the pipe fills, and storing goes on.
    for number in range(200):
        bot.raise_event(f"{number} " + "x" * 1_000)
    wait_until(lambda: bot.acknowledged == 200, 10, "all acknowledged")
    os.close(out)
    os.close(into)
    process.wait_for("standard output is gone")
    bot.raise_event("still here")
    wait_until(lambda: bot.acknowledged == 201, 10, "the last acknowledged")
    assert process.stop() == 0


@pytest.mark.parametrize("stream", [0, 1, 2])
def test_a_closed_stream_becomes_no_other_file(
    processes: Processes, connect: Callable[..., ScriptedBot], stream: int
) -> None:
    command = f'exec "$@" {stream}>&-' if stream else 'exec "$@" 0<&-'
    process = processes.start("sh", "-c", command, "sh", *arguments_of("--console"))
    if stream == 0:
        assert process.wait() == 0
    else:
        port = processes.var_dir / "telegram" / "link.port"
        wait_until(port.exists, 20, "the port")
        bot = connect()
        bot.raise_event("something")
        wait_until(lambda: bot.acknowledged == 1, 10, "the acknowledgement")
        assert process.stop() == 0
    with contextlib.closing(
        sqlite3.connect(processes.var_dir / "telegram" / "bridge.db")
    ) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
