"""Guards of the shared import name `telegram` (docs/decisions/0001-telegram-import-name.md)."""

import subprocess
import sys
import tomllib
from importlib.machinery import PathFinder
from pathlib import Path

import pytest

import telegram
from scripts.generate_telegram_stub import STUB, library_file, render_stub
from tests.processes import ROOT, Processes

OURS = ROOT / "telegram"
NO_CODE = "-I", "-S"


def _module_names(folder: Path) -> set[str]:
    return {
        entry.stem for entry in folder.iterdir() if not entry.name.startswith(("__pycache__", "."))
    }


def _run(code: str, *, cwd: Path = ROOT, options: tuple[str, ...] = ()) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, *options, "-c", code],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return done.returncode, (done.stdout + done.stderr).strip()


def test_our_folder_adds_main_and_bridge_and_hides_nothing_of_the_library() -> None:
    ours = _module_names(OURS) - {"__init__"}
    assert ours == {"main", "bridge"}
    assert ours & _module_names(library_file().parent) == set()


def test_the_imported_package_is_the_library_itself() -> None:
    assert telegram.__spec__ is not None
    assert telegram.__spec__.origin == telegram.__file__ == str(library_file())
    assert telegram.__path__ == [str(library_file().parent), str(OURS)]


def test_the_literal_command_runs_from_the_root(processes: Processes) -> None:
    done = processes.run(
        "python3",
        "-c",
        "from telegram.main import main; main()",
        "--help",
        env={"PATH": str(Path(sys.executable).parent)},
    )
    assert done.returncode == 0, done.describe()
    assert "--console" in done.stdout


def test_the_stub_is_what_the_installed_library_gives() -> None:
    fresh = render_stub(library_file().read_text(encoding="utf-8"))
    assert STUB.read_text(encoding="utf-8") == fresh, "run scripts/generate_telegram_stub.py"


def test_no_wheel_can_carry_our_folder() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["tool"]["setuptools"] == {"packages": [], "py-modules": []}
    assert "scripts" not in project["project"]


def test_the_graft_leaves_none_of_its_own_names_behind() -> None:
    code = "import telegram; print(sorted(vars(telegram)))"
    _, grafted = _run(code)
    _, bare = _run(code, cwd=Path("/"))
    assert "Update" in bare
    assert grafted == bare


def test_without_the_library_the_import_fails_in_words() -> None:
    code = "import sys; sys.path.insert(0, ''); import telegram"
    status, output = _run(code, options=NO_CODE)
    assert status == 1
    assert "ModuleNotFoundError: python-telegram-bot is not installed" in output.splitlines()[-1]


def test_threads_that_import_at_once_all_get_the_whole_package() -> None:
    code = """
import threading
from concurrent.futures import ThreadPoolExecutor
barrier = threading.Barrier(8)
def use(_):
    barrier.wait()
    from telegram import Update
    from telegram.ext import Application
    return Update, Application
with ThreadPoolExecutor(8) as pool:
    assert len(set(pool.map(use, range(8)))) == 1
"""
    assert _run(code, options=("-W", "error")) == (0, "")


def test_a_reload_keeps_the_graft() -> None:
    code = "import importlib, telegram; importlib.reload(telegram); print(telegram.__file__)"
    assert _run(code) == (0, str(library_file()))


@pytest.mark.parametrize("name", ["telegram.main", "telegram.ext", "telegram.constants"])
def test_modules_of_both_are_found_below_the_one_name(name: str) -> None:
    assert PathFinder.find_spec(name, telegram.__path__) is not None
