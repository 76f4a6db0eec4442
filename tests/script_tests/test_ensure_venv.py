"""scripts/ensure-venv: makes the environment once, whoever asks, and says what is wrong.

The locks here are empty or cannot be had, so that no test needs the network.
"""

import os
import shutil
import signal
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import ROOT, Processes, RunningProcess, clean_environment
from tests.waiting import wait_until

SCRIPT = ROOT / "scripts" / "ensure-venv"
UNFINISHED = "tradebridge-unfinished"
EMPTY_LOCK = "# nothing is needed\n"


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "small.txt"
    path.write_text(EMPTY_LOCK)
    return path


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    return tmp_path / "environment"


@pytest.fixture(scope="session")
def finished_venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make one environment for all tests that need one that is there already."""
    folder = tmp_path_factory.mktemp("finished")
    lock = folder / "small.txt"
    lock.write_text(EMPTY_LOCK)
    environment = clean_environment(folder) | {"VENV": str(folder / "environment")}
    subprocess.run([SCRIPT, lock], env=environment, check=True, capture_output=True)
    return folder / "environment"


@pytest.fixture
def made_venv(finished_venv: Path, venv: Path) -> Path:
    """Copy the finished environment to where `venv` is."""
    return shutil.copytree(finished_venv, venv, symlinks=True)


def _ensure(processes: Processes, lock: Path, venv: Path, **env: str) -> RunningProcess:
    return processes.run(SCRIPT, lock, env={"VENV": str(venv)} | env)


def _is_usable(venv: Path) -> bool:
    done = subprocess.run([venv / "bin" / "python3", "-m", "pip", "--version"], check=False)
    return done.returncode == 0


def _fake_python(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def _path_without_python(folder: Path) -> str:
    """Link the tools that the script needs, and no Python, into a folder for PATH."""
    folder.mkdir(exist_ok=True)
    for tool in (
        "bash",
        "dirname",
        "readlink",
        "cmp",
        "mkdir",
        "flock",
        "ls",
        "touch",
        "env",
        "sh",
    ):
        found = shutil.which(tool)
        assert found is not None
        (folder / tool).symlink_to(found)
    return str(folder)


def test_a_missing_environment_is_made_and_said_on_standard_error_only(
    processes: Processes, lock: Path, venv: Path
) -> None:
    done = _ensure(processes, lock, venv)
    assert done.returncode == 0, done.describe()
    assert done.stdout == ""
    assert done.stderr == f"setting up {venv} (first start, about a minute)…\n"
    assert _is_usable(venv)


def test_the_second_time_nothing_happens_and_nothing_is_said(
    processes: Processes, lock: Path, made_venv: Path
) -> None:
    changed_at = made_venv.stat().st_mtime_ns
    again = _ensure(processes, lock, made_venv)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert made_venv.stat().st_mtime_ns == changed_at


def test_a_changed_lock_is_installed_into_the_same_environment(
    processes: Processes, lock: Path, made_venv: Path
) -> None:
    (made_venv / "mine").touch()
    lock.write_text("# still nothing\n")
    done = _ensure(processes, lock, made_venv)
    assert done.returncode == 0, done.describe()
    assert done.stderr == f"updating {made_venv}…\n"
    assert (made_venv / "mine").exists()
    assert (made_venv / "tradebridge-locks" / "small.txt").read_text() == lock.read_text()


def test_two_starts_at_once_make_one_environment(
    processes: Processes, lock: Path, venv: Path
) -> None:
    started = [processes.start(SCRIPT, lock, env={"VENV": str(venv)}) for _ in range(2)]
    assert [process.wait(60) for process in started] == [0, 0]
    said = "".join(process.stderr for process in started)
    assert said.count("setting up") == 1
    assert _is_usable(venv)


def _start_and_wait_for_half(processes: Processes, lock: Path, venv: Path) -> RunningProcess:
    process = processes.start(SCRIPT, lock, env={"VENV": str(venv)})
    wait_until((venv / "bin" / "python3").is_symlink, 20, "the environment is half made")
    return process


@pytest.mark.parametrize(
    "with_children",
    [
        pytest.param(True, id="everything"),
        pytest.param(False, id="the script only", marks=pytest.mark.long),
    ],
)
def test_a_start_killed_in_the_middle_is_made_good_by_the_next(
    processes: Processes, lock: Path, venv: Path, *, with_children: bool
) -> None:
    first = _start_and_wait_for_half(processes, lock, venv)
    first.kill()
    if with_children:
        processes.kill_all()
    assert (venv / UNFINISHED).exists()
    done = _ensure(processes, lock, venv)
    assert done.returncode == 0, done.describe()
    assert "setting up" in done.stderr
    assert _is_usable(venv)
    assert not (venv / UNFINISHED).exists()


def test_a_stop_signal_ends_the_set_up_with_everything_it_started(
    processes: Processes, lock: Path, venv: Path
) -> None:
    first = _start_and_wait_for_half(processes, lock, venv)
    assert first.stop() == -signal.SIGTERM
    wait_until(lambda: not processes.alive(), 10, "nothing runs on")


@pytest.mark.long
def test_an_environment_whose_python_is_gone_is_made_again(
    processes: Processes, lock: Path, made_venv: Path
) -> None:
    python = made_venv / "bin" / "python3"
    python.unlink()
    python.symlink_to("/nowhere/python3")
    done = _ensure(processes, lock, made_venv)
    assert done.returncode == 0, done.describe()
    assert "setting up" in done.stderr
    assert _is_usable(made_venv)


def test_a_folder_with_other_files_is_left_alone(
    processes: Processes, lock: Path, venv: Path
) -> None:
    venv.mkdir()
    (venv / "diary.txt").write_text("dear diary")
    done = _ensure(processes, lock, venv)
    assert done.returncode == 78
    assert done.stderr == f"error: {venv}: holds other files than a virtual environment\n"
    assert [path.name for path in venv.iterdir()] == ["diary.txt"]


def test_a_relative_name_is_meant_from_where_the_caller_stands(
    processes: Processes, lock: Path, made_venv: Path, tmp_path: Path
) -> None:
    done = processes.run(SCRIPT, lock.name, env={"VENV": made_venv.name}, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_machine_without_python_is_told_what_is_needed(
    processes: Processes, lock: Path, venv: Path, tmp_path: Path
) -> None:
    done = _ensure(processes, lock, venv, PATH=_path_without_python(tmp_path / "tools"))
    assert done.returncode == 78
    assert done.stderr == "error: python3: found none, allowed 3.11 to 3.13\n"


def test_a_python_that_is_too_old_is_named_with_its_version(
    processes: Processes, lock: Path, venv: Path, tmp_path: Path
) -> None:
    tools = tmp_path / "tools"
    path = _path_without_python(tools)
    _fake_python(tools, "python3.13", "exit 127")
    _fake_python(tools, "python3", "echo 3.9")
    done = _ensure(processes, lock, venv, PATH=path)
    assert done.returncode == 78
    assert done.stderr == "error: python3: found Python 3.9, allowed 3.11 to 3.13\n"


def test_a_python_without_ensurepip_is_told_what_to_install(
    processes: Processes, lock: Path, venv: Path, tmp_path: Path
) -> None:
    tools = tmp_path / "tools"
    path = _path_without_python(tools)
    _fake_python(tools, "python3", 'case "$*" in *version*) echo 3.12 ;; *) exit 1 ;; esac')
    done = _ensure(processes, lock, venv, PATH=path)
    assert done.returncode == 78
    assert "python3: its module ensurepip is missing" in done.stderr


def test_what_cannot_be_installed_is_one_line_and_tried_again_next_time(
    processes: Processes, lock: Path, made_venv: Path, tmp_path: Path
) -> None:
    wanted = f"./{tmp_path.name}-1.0-py3-none-any.whl --hash=sha256:{'0' * 64}"
    lock.write_text(f"{wanted}\n")
    done = _ensure(processes, lock, made_venv)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"error: {made_venv}: ")
    lock.write_text("# nothing\n")
    assert _ensure(processes, lock, made_venv).returncode == 0


def test_without_a_network_the_line_says_so(
    processes: Processes, lock: Path, made_venv: Path
) -> None:
    lock.write_text(f"six==1.17.0 --hash=sha256:{'0' * 64}\n")
    unreachable = {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_RETRIES": "1",
        "PIP_NO_CACHE_DIR": "1",
    }
    done = _ensure(processes, lock, made_venv, **unreachable)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        f"error: {made_venv}: the package index cannot be reached; "
        "check the network and start again"
    )


@pytest.fixture
def read_only_checkout(tmp_path: Path) -> Iterator[Path]:
    """Copy the scripts and make the copy read-only, for root too."""
    checkout = tmp_path / "checkout"
    for name in ("scripts", "requirements"):
        shutil.copytree(ROOT / name, checkout / name)
    shutil.copy2(ROOT / "run_trading.sh", checkout)
    if os.geteuid() != 0:
        checkout.chmod(stat.S_IRUSR | stat.S_IXUSR)
        yield checkout
        checkout.chmod(stat.S_IRWXU)
        return
    bind = subprocess.run(["mount", "--bind", checkout, checkout], check=False)
    if bind.returncode != 0:
        pytest.skip("this root may not mount, so no folder is read-only for it")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", checkout], check=True)
        yield checkout
    finally:
        subprocess.run(["umount", checkout], check=True)


def test_a_read_only_checkout_without_an_environment_is_a_configuration_error(
    processes: Processes, read_only_checkout: Path
) -> None:
    done = processes.run(read_only_checkout / "run_trading.sh", env={"VENV": None})
    assert done.returncode == 78
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: .venv: cannot be set up here: ")
    assert line.endswith("; VENV=path names another folder")
