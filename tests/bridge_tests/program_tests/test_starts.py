"""The telegram process as it starts: what it refuses, in which words, with which exit code."""

import contextlib
import signal
import socket
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bridge_tests.program_tests.programs import TOKEN, arguments_of, start_bridge
from tests.bridge_tests.scripted_bot import ScriptedBot
from tests.processes import Processes
from tests.small_filesystem import mounted, read_only
from tests.waiting import wait_until


def test_a_missing_token_says_how_to_get_one(processes: Processes) -> None:
    process = processes.run(*arguments_of())
    assert process.returncode == 78
    assert "@BotFather" in process.stderr
    assert "./run_telegram.sh --console" in process.stderr
    last = process.stderr.splitlines()[-1]
    assert last.startswith("error: environment: TELEGRAM_BOT_TOKEN: found nothing, allowed")
    assert process.stdout == ""


def test_a_malformed_token_is_not_repeated(processes: Processes) -> None:
    process = processes.run(*arguments_of(), env={"TELEGRAM_BOT_TOKEN": "my-very-own-token"})
    assert process.returncode == 78
    assert "my-very-own-token" not in process.stderr + process.stdout


def test_a_group_without_users_is_refused(processes: Processes) -> None:
    env = {"TELEGRAM_BOT_TOKEN": TOKEN, "TELEGRAM_CHAT_ID": "-100200300"}
    process = processes.run(*arguments_of(), env=env)
    assert process.returncode == 78
    assert "TELEGRAM_USER_IDS" in process.stderr.splitlines()[-1]


def test_with_a_token_bots_are_served_and_events_kept_and_no_secret_shows(
    processes: Processes, connect: Callable[..., ScriptedBot], tmp_path: Path
) -> None:
    config = tmp_path / "telegram.yaml"
    config.write_text("log_level: DEBUG\n")
    process = start_bridge(processes, "--config", str(config), TELEGRAM_BOT_TOKEN=TOKEN)
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
    again = processes.run(*arguments_of("--console"), stdin="/logs\n/health\n")
    assert "kept, with [secret]" in again.stdout
    assert "planted [secret] and [secret]" in again.stdout
    texts = [process.stdout, process.stderr, again.stdout, again.stderr]
    texts += [one.read_text() for one in (processes.var_dir / "telegram" / "logs").iterdir()]
    for text in texts:
        assert TOKEN not in text
        assert secret not in text


@pytest.mark.parametrize("options", [["--nonsense"], ["stop"], ["--wait-for-bot", "x"]])
def test_a_wrong_option_is_a_usage_error(processes: Processes, options: list[str]) -> None:
    process = processes.run(*arguments_of(*options))
    assert process.returncode == 2
    assert process.stderr.splitlines()[-1].startswith("error: ")
    assert process.stdout == ""


def test_a_bad_configuration_is_one_line_and_78(processes: Processes, tmp_path: Path) -> None:
    config = tmp_path / "telegram.yaml"
    config.write_text("follow: {lines_mx: 3}\n")
    process = processes.run(*arguments_of("--console", "--config", str(config)))
    assert process.returncode == 78
    last = process.stderr.splitlines()[-1]
    assert last.startswith(f"error: {config}: follow.lines_mx: found an unknown key")
    assert "lines_max" in last


def test_a_second_start_on_the_same_folder_is_refused(processes: Processes) -> None:
    first = start_bridge(processes, "--console")
    second = processes.run(*arguments_of("--console"))
    assert second.returncode == 78
    assert f"already in use by pid {first.pid}" in second.stderr.splitlines()[-1]
    first.write("/ping\n")
    first.wait_for("pong", stream="stdout")


def test_a_damaged_database_is_left_untouched_and_the_way_back_is_named(
    processes: Processes, tmp_path: Path
) -> None:
    processes.run(*arguments_of("--console"), stdin="/ping\n")
    backup = tmp_path / "copy.db"
    made = processes.run(*arguments_of("backup", str(backup)))
    assert made.returncode == 0
    database = processes.var_dir / "telegram" / "bridge.db"
    database.write_bytes(b"no database at all" * 100)
    before = database.read_bytes()
    refused = processes.run(*arguments_of("--console"))
    assert refused.returncode == 78
    assert "./run_telegram.sh restore FILE" in refused.stderr.splitlines()[-1]
    assert database.read_bytes() == before
    restored = processes.run(*arguments_of("restore", str(backup)))
    assert restored.returncode == 0
    assert processes.run(*arguments_of("--console"), stdin="/ping\n").returncode == 0


def test_a_newer_database_is_refused(processes: Processes) -> None:
    processes.run(*arguments_of("--console"), stdin="/ping\n")
    with contextlib.closing(
        sqlite3.connect(processes.var_dir / "telegram" / "bridge.db")
    ) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    process = processes.run(*arguments_of("--console"))
    assert process.returncode == 78
    assert "newer" in process.stderr.splitlines()[-1]


def test_a_tree_that_cannot_be_written_is_78(processes: Processes, tmp_path: Path) -> None:
    with mounted(tmp_path / "ro") as folder, read_only(folder):
        process = processes.run(*arguments_of("--console"), env={"VAR_DIR": str(folder / "var")})
    assert process.returncode == 78
    assert process.stderr.splitlines()[-1].startswith("error: ")


def test_a_port_in_use_is_waited_for_and_a_signal_ends_the_wait(processes: Processes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        process = processes.start(*arguments_of("--console"), env={"LINK_PORT": port})
        process.wait_for("starts, files in")
        process.send_signal(signal.SIGTERM)
        assert process.wait(8) == 0
        assert "ready" not in process.stderr.splitlines()


@pytest.mark.long
def test_a_port_that_stays_in_use_is_one_line_and_1(processes: Processes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        process = processes.run(*arguments_of("--console"), env={"LINK_PORT": port})
    assert process.returncode == 1
    last = process.stderr.splitlines()[-1]
    assert last == f"error: link: 127.0.0.1:{port} is in use by another process"
