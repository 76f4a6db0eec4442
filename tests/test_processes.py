"""Tests of the tests' own way to start programs."""

import signal
from pathlib import Path

import pytest

from tests.processes import Processes


def test_output_and_exit_code_are_kept(processes: Processes) -> None:
    done = processes.run("sh", "-c", "cat; echo bad >&2; exit 3", stdin="good\n")
    assert (done.stdout, done.stderr, done.returncode) == ("good\n", "bad\n", 3)


def test_a_line_can_be_waited_for(processes: Processes) -> None:
    process = processes.start("sh", "-c", "echo ready >&2; exec cat")
    assert process.wait_for("^rea") == "ready"
    assert process.stop() == -signal.SIGTERM


def test_waiting_for_a_line_of_an_ended_program_fails_at_once_and_shows_what_it_said(
    processes: Processes,
) -> None:
    process = processes.start("sh", "-c", "echo good bye >&2")
    with pytest.raises(AssertionError, match="good bye"):
        process.wait_for("^never$", timeout_s=30)


def test_a_process_left_by_an_ended_program_is_killed_and_reported(tmp_path: Path) -> None:
    processes = Processes(tmp_path)
    processes.run("sh", "-c", "setsid sh -c 'exec cat /dev/zero >/dev/null' & true")
    with pytest.raises(AssertionError, match="left running"):
        processes.close()
    assert processes.alive() == []


def test_programs_see_their_own_folder_and_no_settings_of_the_developer(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "private")
    done = processes.run("env")
    assert "private" not in done.stdout
    assert f"VAR_DIR={processes.var_dir}\n" in done.stdout
    assert "LINK_PORT=0\n" in done.stdout
