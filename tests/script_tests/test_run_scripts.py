"""What the run scripts start, seen by a Python that only says how it was called."""

import shutil
from pathlib import Path

import pytest

from tests.processes import ROOT, Processes

_TALKATIVE_PYTHON = """#!/bin/bash
printf '%s\\n' "cwd $PWD" "first on PATH ${PATH%%:*}" "VAR_DIR ${VAR_DIR:-}"
printf 'argument %s\\n' "$@"
"""


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    """Make an environment that counts as up to date and holds the talkative Python only."""
    venv = tmp_path / "environment"
    shutil.copytree(ROOT / "requirements", venv / "tradebridge-locks")
    python = venv / "bin" / "python3"
    python.parent.mkdir()
    python.write_text(_TALKATIVE_PYTHON)
    python.chmod(0o755)
    return venv


def _said(
    processes: Processes, venv: Path, script: str, *arguments: str, cwd: Path, **env: str
) -> list[str]:
    done = processes.run(ROOT / script, *arguments, cwd=cwd, env={"VENV": str(venv)} | env)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


@pytest.mark.parametrize("process", ["trading", "telegram"])
def test_a_process_is_started_by_its_literal_command_from_the_root(
    processes: Processes, venv: Path, tmp_path: Path, process: str
) -> None:
    said = _said(processes, venv, f"run_{process}.sh", cwd=tmp_path)
    assert said[:2] == [f"cwd {ROOT}", f"first on PATH {venv}/bin"]
    assert said[3:] == ["argument -c", f"argument from {process}.main import main; main()"]


def test_paths_are_meant_from_where_the_caller_stands(
    processes: Processes, venv: Path, tmp_path: Path
) -> None:
    def last_arguments(script: str, *arguments: str) -> list[str]:
        said = _said(processes, venv, script, *arguments, cwd=tmp_path, VAR_DIR="state")
        assert f"VAR_DIR {tmp_path}/state" in said
        return [line.removeprefix("argument ") for line in said if "argument" in line][2:]

    assert last_arguments("run_trading.sh", "mine", "--x") == [f"{tmp_path}/mine", "--x"]
    assert last_arguments("run_trading.sh", "/mine") == ["/mine"]
    assert last_arguments("run_trading.sh", "--x") == ["--x"]
    config = ["--config", f"{tmp_path}/a b.yaml"]
    assert last_arguments("run_telegram.sh", "--console", "--config", "a b.yaml") == [
        "--console",
        *config,
    ]
    assert last_arguments("run_telegram.sh", "--config=c") == [f"--config={tmp_path}/c"]
    assert last_arguments("run_telegram.sh", "--config") == ["--config"]
    for action in ("backup", "restore"):
        assert last_arguments("run_telegram.sh", action, "a b.db") == [action, f"{tmp_path}/a b.db"]
    both = last_arguments("run_telegram.sh", "--config", "backup", "backup", "copy.db")
    assert both == ["--config", f"{tmp_path}/backup", "backup", f"{tmp_path}/copy.db"]


def test_a_link_to_a_script_starts_it_too(processes: Processes, venv: Path, tmp_path: Path) -> None:
    (tmp_path / "trade").symlink_to(ROOT / "run_trading.sh")
    done = processes.run("./trade", cwd=tmp_path, env={"VENV": str(venv)})
    assert done.stdout.splitlines()[0] == f"cwd {ROOT}"


def test_arguments_for_the_tests_go_to_pytest(
    processes: Processes, venv: Path, tmp_path: Path
) -> None:
    said = _said(processes, venv, "run_tests.sh", "--all", "-k", "a or b", cwd=tmp_path)
    assert said[3:5] == ["argument -m", "argument pytest"]
    # Behind those of the script, so that they win.
    assert said[-3:] == ["argument --all", "argument -k", "argument a or b"]
