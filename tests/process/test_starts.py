"""Starts that meet something: a taken port or folder, a damaged database, a tree nobody may write.

The rule is one exit code, one line that says what to do, and nothing touched.
"""

import os
import re
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.process.installation import (
    PATIENCE_S,
    Installation,
    ask,
    assert_no_traceback,
    last_error,
    outcome_lines,
    wait_connected,
)
from tests.processes import ROOT, RunningProcess
from tests.small_filesystem import mounted, read_only
from tests.waiting import wait_until

BOTH = pytest.mark.parametrize("program", ["trading", "telegram"])


def launch(here: Installation, program: str, **env: str) -> RunningProcess:
    return here.launch_trading(**env) if program == "trading" else here.launch_bridge(**env)


def database_of(here: Installation, program: str) -> Path:
    return here.state_db if program == "trading" else here.bridge_db


def test_a_second_start_on_the_same_folders_is_refused_and_the_first_goes_on(
    here: Installation,
) -> None:
    bridge, trading = here.start_bridge(), here.start_trading()
    wait_connected(bridge)
    for first, program in ((bridge, "telegram"), (trading, "trading")):
        second = launch(here, program)
        assert second.wait() == 78, second.describe()
        assert f"already in use by pid {first.pid}" in last_error(second)
        assert_no_traceback(second)
    assert ask(bridge, "/getstatus").startswith("[applied]")


def test_two_first_starts_at_once_make_one_secret_and_one_of_each_wins(
    here: Installation,
) -> None:
    started = [launch(here, program) for program in ("trading", "telegram") * 2]
    wait_until(
        lambda: sum(one.returncode is not None for one in started) == 2,
        PATIENCE_S,
        "two are refused",
    )
    refused = [one for one in started if one.returncode is not None]
    assert [one.returncode for one in refused] == [78, 78]
    assert all("already in use by" in last_error(one) for one in refused)
    (trading,) = (one for one in started[::2] if one.returncode is None)
    (bridge,) = (one for one in started[1::2] if one.returncode is None)
    wait_connected(bridge)
    assert_no_traceback(*started)
    assert (trading.stop(), bridge.stop()) == (0, 0)


def test_a_port_that_becomes_free_in_time_is_taken(here: Installation) -> None:
    taken = socket.create_server(("127.0.0.1", 0))
    port = str(taken.getsockname()[1])
    bridge = here.launch_bridge(LINK_PORT=port)
    bridge.wait_for("bridge .* starts")
    taken.close()
    bridge.wait_for("^ready$")
    trading = here.start_trading(LINK_PORT=port)
    wait_connected(bridge)
    assert (trading.stop(), bridge.stop()) == (0, 0)


@pytest.mark.long
def test_a_port_that_stays_taken_is_one_line_after_ten_seconds(here: Installation) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        bridge = here.launch_bridge(LINK_PORT=port)
        assert bridge.wait(25) == 1, bridge.describe()
    assert last_error(bridge) == f"error: link: 127.0.0.1:{port} is in use by another process"
    assert_no_traceback(bridge)


def damage_garbage(content: bytes) -> bytes:
    return b"no database at all" * 500


def damage_empty(content: bytes) -> bytes:
    return b""


def damage_half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def damage_pages(content: bytes) -> bytes:
    """Keep the head, so that only a look inside can tell."""
    page = int.from_bytes(content[16:18], "big")
    return content[:page] + b"\xff" * (len(content) - page)


@pytest.mark.parametrize("program", ["trading", pytest.param("telegram", marks=pytest.mark.long)])
@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(damage_garbage, marks=pytest.mark.long),
        pytest.param(damage_empty, marks=pytest.mark.long),
        pytest.param(damage_half, marks=pytest.mark.long),
        damage_pages,
    ],
)
def test_a_damaged_database_is_left_alone_and_the_command_that_is_named_brings_it_back(
    here: Installation, program: str, damage: Callable[[bytes], bytes]
) -> None:
    first = launch(here, program)
    first.wait_for("^ready$")
    assert first.stop() == 0
    database = database_of(here, program)
    backup = here.folder / "my backup.db"
    if program == "trading":
        done = here.trading_command("backup", here.bot_dir, "--to", backup)
    else:
        done = here.bridge_command("backup", backup)
    assert done.returncode == 0, done.describe()
    damaged = damage(database.read_bytes())
    database.write_bytes(damaged)
    refused = launch(here, program)
    assert refused.wait() == 78, refused.describe()
    assert_no_traceback(refused)
    assert database.read_bytes() == damaged
    assert str(database) in last_error(refused)
    command = re.search(r"restore a backup: (.*)$", last_error(refused))
    assert command, refused.describe()
    words = re.sub(r"\b(BACKUP|FILE)$", '"$BACKUP"', command[1])
    path = f"{Path(sys.prefix) / 'bin'}:{os.environ['PATH']}"
    restored = here.processes.run("sh", "-c", words, env={"BACKUP": str(backup), "PATH": path})
    assert restored.returncode == 0, restored.describe()
    again = launch(here, program)
    again.wait_for("^ready$")
    assert again.stop() == 0
    kept = [one for one in database.parent.iterdir() if ".before-restore-" in one.name]
    assert [one.read_bytes() for one in kept if one.suffix != "-wal"] == [damaged]


@pytest.mark.long
def test_a_database_of_the_other_program_is_not_taken_for_ones_own(here: Installation) -> None:
    here.start_bridge().stop()
    here.start_trading().stop()
    state, bridge = here.state_db.read_bytes(), here.bridge_db.read_bytes()
    here.state_db.write_bytes(bridge)
    here.bridge_db.write_bytes(state)
    for program in ("trading", "telegram"):
        process = launch(here, program)
        assert process.wait() == 78, process.describe()
        assert "another application" in last_error(process)
    assert (here.state_db.read_bytes(), here.bridge_db.read_bytes()) == (bridge, state)


@pytest.fixture
def read_only_checkout(tmp_path: Path) -> Iterator[Path]:
    """Copy what runs, with a link to this environment, to a file system that nobody may write."""
    with mounted(tmp_path / "checkout", 64 * 2**20) as checkout:
        for name in ("trading", "telegram", "tcpproto", "daemonkit", "scripts", "requirements"):
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, checkout / name, ignore=ignore)
        for script in ROOT.glob("run_*.sh"):
            shutil.copy2(script, checkout)
        (checkout / ".venv").symlink_to(sys.prefix)
        with read_only(checkout):
            yield checkout


def test_a_read_only_checkout_with_an_environment_works_with_its_files_elsewhere(
    here: Installation, read_only_checkout: Path
) -> None:
    demo = here.processes.run(
        read_only_checkout / "run_demo.sh",
        env={"VENV": None},
        stdin="/getstatus\n",
        timeout_s=PATIENCE_S,
    )
    assert demo.returncode == 0, demo.describe()
    assert outcome_lines(demo) == ["[applied] /getstatus — paper main PAPER"]


@BOTH
def test_a_read_only_checkout_with_its_files_inside_is_a_matter_of_configuration(
    here: Installation, read_only_checkout: Path, program: str
) -> None:
    script = read_only_checkout / f"run_{program}.sh"
    arguments = [here.bot_dir] if program == "trading" else ["--console"]
    process = here.processes.run(script, *arguments, env={"VENV": None, "VAR_DIR": None})
    assert process.returncode == 78, process.describe()
    assert str(read_only_checkout / "var") in last_error(process)
    assert_no_traceback(process)
