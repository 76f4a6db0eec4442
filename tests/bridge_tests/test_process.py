"""The telegram process as people and systemd meet it: input, output, signals, exit codes."""

import contextlib
import errno
import os
import pty
import signal
import socket
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import orjson
import pytest

from tests.bridge_tests.scripted_bot import MemoryOutbox, ScriptedBot
from tests.processes import Processes, RunningProcess
from tests.small_filesystem import mounted, read_only
from tests.waiting import wait_until

LAUNCH = "from telegram.main import main; main()"
TOKEN = "987654321:AAECanaryCanaryCanaryCanaryCanary"


def _arguments(*options: str) -> list[str]:
    return [sys.executable, "-c", LAUNCH, *options]


def _start(processes: Processes, *options: str, **env: str) -> RunningProcess:
    process = processes.start(*_arguments(*options), env=dict(env))
    process.wait_for("^ready$")
    return process


def _port(processes: Processes) -> int:
    return int((processes.var_dir / "telegram" / "link.port").read_text())


@pytest.fixture
def connect(processes: Processes) -> Iterator[Callable[..., ScriptedBot]]:
    """Connect bots to the bridge that runs in this test's folder."""
    with ExitStack() as stack:

        def make(name: str = "paper", outbox: MemoryOutbox | None = None) -> ScriptedBot:
            secret = (processes.var_dir / "link.secret").read_text().strip()
            bot = ScriptedBot(_port(processes), name, secret=secret, outbox=outbox)
            stack.callback(bot.stop)
            bot.wait_connected()
            return bot

        yield make


def test_piped_input_is_answered_line_by_line_and_the_end_of_it_ends_the_bridge(
    processes: Processes,
) -> None:
    process = processes.run(
        *_arguments("--console"), stdin="/ping\n\n/bots\nhello\n/getstatus\n/stop\n/nothing"
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
    process = _start(processes, "--console", "--json")
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
    first = _start(processes, "--console")
    bot = connect(outbox=outbox)
    for number in range(300):
        bot.raise_event(f"alert {number}")
    first.wait_for("alert 20$", stream="stdout")
    first.kill()
    bot.stop()
    (processes.var_dir / "telegram" / "link.port").unlink()
    second = _start(processes, "--console")
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
    first = _start(processes, "--console", "--config", str(config))
    connect().stop()
    wait_until(lambda: "away" in _bots(first), 10, "the bot is away")
    first.write("/stoptrading\n")
    first.close_stdin()
    assert first.wait() == 0
    assert first.stdout.splitlines()[-1].startswith("[unknown] /stoptrading — paper main PAPER: ")
    second = _start(processes, "--console")
    bot = connect()
    wait_until(lambda: bot.commands, 10, "the command")
    bot.reply(0, "applied", "off")
    second.wait_for(r"^\[applied\] /stoptrading — paper main PAPER: off$", stream="stdout")


def _bots(process: RunningProcess) -> str:
    process.write("/bots\n")
    return process.stdout


def test_without_a_bot_in_time_nothing_is_read_and_the_exit_is_1(processes: Processes) -> None:
    process = processes.run(*_arguments("--console", "--wait-for-bot", "0.2"), stdin="/ping\n")
    assert process.returncode == 1
    assert process.stdout == ""
    assert process.stderr.splitlines()[-1] == "error: no bot connected within 0.2 s"


def test_input_waits_for_a_bot(processes: Processes, connect: Callable[..., ScriptedBot]) -> None:
    process = processes.start(*_arguments("--console", "--wait-for-bot", "20"))
    process.write("/bots\n")
    process.wait_for("^ready$")
    connect()
    process.wait_for(r"^\[applied\] /bots — 1 of 1 bot connected$", stream="stdout")
    assert "● paper main PAPER" in process.stdout


def test_a_missing_token_says_how_to_get_one(processes: Processes) -> None:
    process = processes.run(*_arguments())
    assert process.returncode == 78
    assert "@BotFather" in process.stderr
    assert "./run_telegram.sh --console" in process.stderr
    last = process.stderr.splitlines()[-1]
    assert last.startswith("error: environment: TELEGRAM_BOT_TOKEN: found nothing, allowed")
    assert process.stdout == ""


def test_a_malformed_token_is_not_repeated(processes: Processes) -> None:
    process = processes.run(*_arguments(), env={"TELEGRAM_BOT_TOKEN": "my-very-own-token"})
    assert process.returncode == 78
    assert "my-very-own-token" not in process.stderr + process.stdout


def test_a_group_without_users_is_refused(processes: Processes) -> None:
    env = {"TELEGRAM_BOT_TOKEN": TOKEN, "TELEGRAM_CHAT_ID": "-100200300"}
    process = processes.run(*_arguments(), env=env)
    assert process.returncode == 78
    assert "TELEGRAM_USER_IDS" in process.stderr.splitlines()[-1]


def test_with_a_token_bots_are_served_and_events_kept_and_no_secret_shows(
    processes: Processes, connect: Callable[..., ScriptedBot], tmp_path: Path
) -> None:
    config = tmp_path / "telegram.yaml"
    config.write_text("log_level: DEBUG\n")
    process = _start(processes, "--config", str(config), TELEGRAM_BOT_TOKEN=TOKEN)
    # Telegram is away, which keeps nobody from being served.
    process.wait_for(r"telegram is away|telegram: away|away", stream="stderr")
    bot = connect()
    secret = (processes.var_dir / "link.secret").read_text().strip()
    bot.log(f"planted {TOKEN} and {secret}")
    bot.raise_event(f"kept, with {TOKEN}")
    wait_until(lambda: bot.acknowledged == 1, 10, "the acknowledgement")
    file = processes.var_dir / "telegram" / "logs" / "paper.log"
    wait_until(lambda: file.exists() and "planted" in file.read_text(), 10, "the log line")
    bot.stop()
    assert process.stop() == 0
    again = processes.run(*_arguments("--console"), stdin="/logs\n/health\n")
    assert "kept, with [secret]" in again.stdout
    assert "planted [secret] and [secret]" in again.stdout
    texts = [process.stdout, process.stderr, again.stdout, again.stderr]
    texts += [one.read_text() for one in (processes.var_dir / "telegram" / "logs").iterdir()]
    for text in texts:
        assert TOKEN not in text
        assert secret not in text


@pytest.mark.parametrize("options", [["--nonsense"], ["stop"], ["--wait-for-bot", "x"]])
def test_a_wrong_option_is_a_usage_error(processes: Processes, options: list[str]) -> None:
    process = processes.run(*_arguments(*options))
    assert process.returncode == 2
    assert process.stderr.splitlines()[-1].startswith("error: ")
    assert process.stdout == ""


def test_a_bad_configuration_is_one_line_and_78(processes: Processes, tmp_path: Path) -> None:
    config = tmp_path / "telegram.yaml"
    config.write_text("follow: {lines_mx: 3}\n")
    process = processes.run(*_arguments("--console", "--config", str(config)))
    assert process.returncode == 78
    last = process.stderr.splitlines()[-1]
    assert last.startswith(f"error: {config}: follow.lines_mx: found an unknown key")
    assert "lines_max" in last


def test_a_second_start_on_the_same_folder_is_refused(processes: Processes) -> None:
    first = _start(processes, "--console")
    second = processes.run(*_arguments("--console"))
    assert second.returncode == 78
    assert f"already in use by pid {first.pid}" in second.stderr.splitlines()[-1]
    first.write("/ping\n")
    first.wait_for("pong", stream="stdout")


def test_a_damaged_database_is_left_untouched_and_the_way_back_is_named(
    processes: Processes, tmp_path: Path
) -> None:
    processes.run(*_arguments("--console"), stdin="/ping\n")
    backup = tmp_path / "copy.db"
    made = processes.run(*_arguments("backup", str(backup)))
    assert made.returncode == 0
    database = processes.var_dir / "telegram" / "bridge.db"
    database.write_bytes(b"no database at all" * 100)
    before = database.read_bytes()
    refused = processes.run(*_arguments("--console"))
    assert refused.returncode == 78
    assert "./run_telegram.sh restore FILE" in refused.stderr.splitlines()[-1]
    assert database.read_bytes() == before
    restored = processes.run(*_arguments("restore", str(backup)))
    assert restored.returncode == 0
    assert processes.run(*_arguments("--console"), stdin="/ping\n").returncode == 0


def test_a_newer_database_is_refused(processes: Processes) -> None:
    processes.run(*_arguments("--console"), stdin="/ping\n")
    with contextlib.closing(
        sqlite3.connect(processes.var_dir / "telegram" / "bridge.db")
    ) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    process = processes.run(*_arguments("--console"))
    assert process.returncode == 78
    assert "newer" in process.stderr.splitlines()[-1]


def test_a_tree_that_cannot_be_written_is_78(processes: Processes, tmp_path: Path) -> None:
    with mounted(tmp_path / "ro") as folder, read_only(folder):
        process = processes.run(*_arguments("--console"), env={"VAR_DIR": str(folder / "var")})
    assert process.returncode == 78
    assert process.stderr.splitlines()[-1].startswith("error: ")


def test_a_port_in_use_is_waited_for_and_a_signal_ends_the_wait(processes: Processes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        process = processes.start(*_arguments("--console"), env={"LINK_PORT": port})
        process.wait_for("starts, files in")
        process.send_signal(signal.SIGTERM)
        assert process.wait(8) == 0
        assert "ready" not in process.stderr.splitlines()


@pytest.mark.long
def test_a_port_that_stays_in_use_is_one_line_and_1(processes: Processes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        process = processes.run(*_arguments("--console"), env={"LINK_PORT": port})
    assert process.returncode == 1
    last = process.stderr.splitlines()[-1]
    assert last == f"error: link: 127.0.0.1:{port} is in use by another process"


def test_systemd_is_told_when_it_is_ready_alive_and_stopping(
    processes: Processes, tmp_path: Path
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(10)
        env = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "1000000"}
        process = _start(processes, "--console", **env)
        assert listener.recv(1024) == b"READY=1"
        assert listener.recv(1024) == b"WATCHDOG=1"
        assert process.stop() == 0
        heard = [listener.recv(1024)]
        while heard[-1] == b"WATCHDOG=1":
            heard.append(listener.recv(1024))
        assert heard[-1] == b"STOPPING=1"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_says_goodbye_and_exits_0(
    processes: Processes, connect: Callable[..., ScriptedBot], number: signal.Signals
) -> None:
    process = _start(processes, "--console")
    bot = connect()
    process.send_signal(number)
    assert process.wait(10) == 0
    wait_until(lambda: bot.phases[-1] == "connecting", 5, "the goodbye")
    assert bot.client.state.detail != ""


def test_a_hangup_reloads_the_configuration_and_a_bad_one_is_refused(
    processes: Processes, tmp_path: Path
) -> None:
    config = tmp_path / "telegram.yaml"
    config.write_text("log_level: INFO\n")
    process = _start(processes, "--console", "--config", str(config))
    config.write_text("log_level: NONSENSE\n")
    process.send_signal(signal.SIGHUP)
    process.wait_for("configuration is refused.*NONSENSE")
    config.write_text("log_level: DEBUG\nstop_timeout_s: 9\n")
    process.send_signal(signal.SIGHUP)
    process.wait_for("needs a restart")
    process.wait_for("configuration is reloaded")
    process.write("/ping\n")
    process.wait_for("pong", stream="stdout")


def test_a_chat_that_nobody_reads_does_not_hurt_the_link(
    processes: Processes, connect: Callable[..., ScriptedBot]
) -> None:
    out, into = os.pipe()
    process = processes.start(
        "sh", "-c", f'exec "$@" >/proc/{os.getpid()}/fd/{into}', "sh", *_arguments("--console")
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
    process = processes.start("sh", "-c", command, "sh", *_arguments("--console"))
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


class Screen:
    """A terminal with a bridge on it."""

    def __init__(self, var_dir: Path) -> None:
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            environment = dict(os.environ, VAR_DIR=str(var_dir), LINK_PORT="0", TERM="xterm")
            os.execve(sys.executable, _arguments("--console"), environment)
        os.set_blocking(self.descriptor, False)
        self.text = ""
        self.code: int | None = None

    def read(self) -> str:
        try:
            while piece := os.read(self.descriptor, 65_536):
                self.text += piece.decode("utf-8", "replace")
        except BlockingIOError:
            pass
        except OSError as error:
            if error.errno != errno.EIO:  # the other end is closed
                raise
        return self.text

    def wait_for(self, text: str) -> None:
        try:
            wait_until(lambda: text in self.read(), 15, f"{text!r} on the screen")
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.text!r}") from None

    def type(self, text: str) -> None:
        os.write(self.descriptor, text.encode())

    def wait(self) -> int:
        """Wait for the end and return the exit code."""
        wait_until(self._has_ended, 15, "the end")
        assert self.code is not None
        return self.code

    def close(self) -> None:
        if self.code is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.descriptor)

    def _has_ended(self) -> bool:
        self.read()
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid:
            self.code = os.waitstatus_to_exitcode(status)
        return bool(pid)


@pytest.fixture
def screen(processes: Processes) -> Iterator[Screen]:
    made = Screen(processes.var_dir)
    yield made
    made.close()


def test_on_a_terminal_there_is_a_prompt_and_output_does_not_tear_what_is_typed(
    screen: Screen, connect: Callable[..., ScriptedBot]
) -> None:
    screen.wait_for("ready")
    screen.wait_for("> ")
    bot = connect()
    screen.type("/pi\t")
    screen.wait_for("/ping ")
    bot.raise_event("in between")
    screen.wait_for("in between\r\n> /ping ")
    assert "\r\x1b[K#1 paper info" in screen.text
    screen.type("\n")
    screen.wait_for("[applied] /ping — pong; 1 bot connected\r\n> ")
    screen.type("\x04")
    assert screen.wait() == 0
    assert "INFO" not in screen.text


def test_ctrl_c_leaves_the_terminal_at_the_beginning_of_a_line(screen: Screen) -> None:
    screen.wait_for("> ")
    screen.type("/half")
    screen.wait_for("> /half")
    screen.type("\x03")
    assert screen.wait() == 0
    assert screen.text.endswith("/half\r\n")


def _has_answers(screen: Screen, count: int) -> bool:
    text = screen.read()
    return text.count("[applied]") == count and text.endswith("\r\n> ")


def test_an_answer_brings_the_prompt_back_once(screen: Screen) -> None:
    screen.wait_for("> ")
    for number in range(1, 21):
        screen.type("/ping\n")
        wait_until(partial(_has_answers, screen, number), 15, "the answer and the prompt")
    assert "> > " not in screen.text
