"""A real trading process: ready, signals, restarts, locks and exit codes."""

import os
import signal
import stat
import sys
from pathlib import Path
from random import Random

import psutil
import pytest

from tests.processes import Processes
from tests.small_filesystem import small_filesystem
from tests.trading_tests.process.bot import Bot, last_error
from tests.waiting import wait_until

__all__ = ["small_filesystem"]


def test_it_starts_says_ready_and_stops_clean_on_a_signal(bot: Bot) -> None:
    process = bot.start()
    pid = (bot.folder / "bot.pid").read_text(encoding="ascii")
    assert int(pid) == process.pid
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 0
    assert not (bot.folder / "bot.pid").exists()
    saved, events = bot.saved()
    assert saved["run.clean_stop"] == "yes"
    kinds = [event.kind for event in events]
    assert kinds == ["engine_started", "status_report", "engine_stopped"]
    assert "stopped" in (bot.folder / "logs" / "trading.log").read_text(encoding="utf-8")


def test_nothing_it_writes_can_be_read_by_others(bot: Bot) -> None:
    assert bot.start().stop() == 0
    for path in [bot.folder, *bot.folder.glob("state*"), bot.folder.parent / "link.secret"]:
        assert not path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO), path


def test_a_stop_at_any_moment_ends_in_time_with_a_clean_exit(bot: Bot) -> None:
    bot.start().stop()
    random = Random(2)
    for _ in range(6):
        process = bot.launch()
        wait_until(lambda: is_catching(process.pid), 10, "it catches signals")  # noqa: B023
        psutil.Process(process.pid)  # it lives
        process_wait(process.pid, random.uniform(0, 1.2))
        assert process.stop(10) == 0, process.describe()
    _, events = bot.saved()
    assert {event.severity for event in events} <= {"info", "notice"}


def is_catching(pid: int) -> bool:
    """Tell whether a process has its own handler for SIGTERM."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(line.split()[1], 16) >> (signal.SIGTERM - 1) & 1)


def process_wait(pid: int, seconds: float) -> None:
    """Let a process run on for a while of its own processor time, or to its end."""
    process = psutil.Process(pid)
    before = process.cpu_times()

    def has_worked() -> bool:
        times = process.cpu_times()
        return times.user + times.system - before.user - before.system >= seconds

    try:
        wait_until(has_worked, 2, "it works")
    except (AssertionError, psutil.NoSuchProcess):
        return  # it rests, or it is gone: as good a moment as any


def test_a_second_signal_hastens_a_stop_that_takes_long(bot: Bot, small_filesystem: Path) -> None:
    bot.configure("stop_timeout_s: 60\n")
    process = bot.start(VAR_DIR=str(small_filesystem))
    (small_filesystem / "filler").write_bytes(b"")
    fill(small_filesystem)
    process.send_signal(signal.SIGTERM)
    process.wait_for("stopping: asked to stop")
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 1
    assert "not everything could be stored" in last_error(process)


def fill(folder: Path) -> None:
    """Take all room there is."""
    with (folder / "filler").open("wb", buffering=0) as file:
        try:
            while os.write(file.fileno(), b"x" * 4096):
                pass
        except OSError:
            return


def test_a_second_start_on_the_same_folder_exits_78(bot: Bot) -> None:
    first = bot.start()
    second = bot.launch()
    assert second.wait() == 78
    assert f"already in use by pid {first.pid}" in last_error(second)
    assert first.stop() == 0


def test_a_reload_refuses_what_a_start_would_refuse(bot: Bot) -> None:
    process = bot.start()
    bot.configure("dry_run: false\n")
    process.send_signal(signal.SIGHUP)
    process.wait_for("the new configuration is refused, the old one stays: .*trades no real money")
    assert process.stop() == 0


def test_a_reload_applies_what_it_can_and_says_the_rest(bot: Bot) -> None:
    process = bot.start()
    bot.configure("log_level: debug\nfeed: {kind: synthetic, seed: 7}\n")
    process.send_signal(signal.SIGHUP)
    process.wait_for(r"applied=\('log_level',\) waiting=\('feed',\)")
    bot.configure("log_level: loud\n")
    process.send_signal(signal.SIGHUP)
    process.wait_for("refused, the old one stays.*log_level: found 'LOUD'")
    assert process.stop() == 0
    kinds = [event.kind for event in bot.saved()[1]]
    assert kinds == [
        "engine_started",
        "configuration_reloaded",
        "reload_refused",
        "status_report",
        "engine_stopped",
    ]


def test_a_bad_configuration_exits_78_with_one_line(bot: Bot) -> None:
    bot.configure("status_intervall_s: 2\n")
    process = bot.launch()
    assert process.wait() == 78
    assert process.stderr.splitlines() == [last_error(process)]
    assert "status_intervall_s: found an unknown key, allowed status_interval_s" in last_error(
        process
    )


def test_a_damaged_database_exits_78_untouched_and_names_the_way_back(bot: Bot) -> None:
    bot.start().stop()
    rubbish = b"once a database" * 9_000
    (bot.folder / "state.db").write_bytes(rubbish)
    process = bot.launch()
    assert process.wait() == 78
    assert "python -m trading restore" in last_error(process)
    assert (bot.folder / "state.db").read_bytes() == rubbish


def test_a_paper_database_of_another_exchange_exits_78(bot: Bot) -> None:
    bot.start().stop()
    (bot.bot_dir / "config.yaml").write_text(
        "exchange: kraken\nfeed: {kind: synthetic}\n", encoding="utf-8"
    )
    process = bot.launch()
    assert process.wait() == 78
    assert "account main: found exchange paper, allowed kraken" in last_error(process)


@pytest.mark.parametrize("arguments", [["--alerts", "-1"], ["--interval", "x"], ["--nonsense"]])
def test_wrong_use_exits_2(bot: Bot, arguments: list[str]) -> None:
    process = bot.launch(*arguments)
    assert process.wait() == 2
    assert not process.stdout


def test_kills_at_random_moments_lose_no_number_and_repeat_none(bot: Bot) -> None:
    random = Random(1)
    arguments = ("--alerts", "1000000", "--interval", "0.0005")
    for _ in range(5):
        process = bot.start(*arguments)
        process_wait(process.pid, random.uniform(0.05, 0.25))
        process.kill()
        saved, events = bot.saved()
        numbers = [event.fields["number"] for event in events if event.kind == "alert"]
        assert numbers == list(range(1, len(numbers) + 1))
        assert saved.get("alert_series.1000000", "0") == str(len(numbers))
    assert len(numbers) > 50
    broken_off = [event.fields["after_break"] for event in events if event.kind == "engine_started"]
    assert broken_off == [False, True, True, True, True]


def test_a_full_disk_is_survived_while_running(bot: Bot, small_filesystem: Path) -> None:
    bot.configure("store: {reserve_bytes: 65536, reserve_check_s: 0.1, retry_longest_s: 0.1}\n")
    process = bot.start("--alerts", "3000", "--interval", "0.001", VAR_DIR=str(small_filesystem))
    wait_until((small_filesystem / "paper" / "state.reserve").exists, 5, "the reserve is there")
    fill(small_filesystem)
    process.wait_for("state.db is not written: disk full")
    (small_filesystem / "filler").unlink()
    process.wait_for("state.db is written again after .* nothing was lost")
    assert process.stop() == 0


def test_a_tree_that_cannot_be_written_exits_78(
    bot: Bot, processes: Processes, small_filesystem: Path
) -> None:
    from tests.small_filesystem import read_only  # noqa: PLC0415 - beside its only use

    with read_only(small_filesystem):
        process = bot.launch(VAR_DIR=str(small_filesystem / "var"))
        assert process.wait() == 78
        assert str(small_filesystem) in last_error(process)


def test_no_heavy_library_is_loaded_that_is_not_used(processes: Processes) -> None:
    code = (
        "import sys, trading.cli; "
        "print([name for name in ('ccxt', 'alembic', 'sqlalchemy.orm', 'numpy') "
        "if name in sys.modules])"
    )
    process = processes.run(sys.executable, "-c", code)
    assert process.stdout.strip() == "[]"
