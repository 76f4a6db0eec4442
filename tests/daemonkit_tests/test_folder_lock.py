import os
import signal
from pathlib import Path
from subprocess import Popen

import pytest

from daemonkit.errors import StateError, UnavailableError
from daemonkit.folder_lock import FolderLock
from daemonkit.reserve import ReserveFile
from tests.daemonkit_tests.programs import start_program
from tests.small_filesystem import fill_up, read_only

HOLDER = """
import sys
from pathlib import Path
from daemonkit.folder_lock import FolderLock
lock = FolderLock(Path(sys.argv[1]))
lock.acquire()
print("held", flush=True)
sys.stdin.readline()
lock.release()
"""


def start_holder(path: Path) -> "Popen[str]":
    program = start_program(HOLDER, str(path))
    assert program.stdout is not None
    assert program.stdout.readline() == "held\n"
    return program


def test_a_second_process_is_refused_and_told_the_first_one_s_pid(tmp_path: Path) -> None:
    path = tmp_path / "paper" / "bot.pid"
    holder = start_holder(path)
    try:
        with pytest.raises(StateError) as caught:
            FolderLock(path).acquire()
        assert str(caught.value) == (
            f"{path.parent}: already in use by pid {holder.pid}, allowed one process"
        )
        assert path.read_text() == f"{holder.pid}\n"
    finally:
        holder.communicate("\n", timeout=20)
    assert not path.exists()


def test_a_killed_holder_leaves_a_file_that_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "bot.pid"
    holder = start_holder(path)
    holder.send_signal(signal.SIGKILL)
    holder.communicate(timeout=20)
    assert path.read_text() == f"{holder.pid}\n"
    with FolderLock(path):
        assert path.read_text() == f"{os.getpid()}\n"
    assert not path.exists()


def test_a_stale_file_of_any_content_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "bot.pid"
    path.write_text("999999999999\nand more")
    with FolderLock(path):
        assert path.read_text() == f"{os.getpid()}\n"


def test_a_holder_in_the_same_process_counts_too(tmp_path: Path) -> None:
    with FolderLock(tmp_path / "bot.pid") as lock:
        with pytest.raises(StateError, match=f"pid {os.getpid()}"):
            FolderLock(tmp_path / "bot.pid").acquire()
        with pytest.raises(RuntimeError):
            lock.acquire()
    lock.release()
    with lock:
        assert (tmp_path / "bot.pid").exists()


def test_a_holder_whose_file_was_deleted_does_not_let_others_hold_the_new_one_twice(
    tmp_path: Path,
) -> None:
    path = tmp_path / "bot.pid"
    with FolderLock(path):
        path.unlink()
        with FolderLock(path), pytest.raises(StateError):
            FolderLock(path).acquire()


def test_the_folder_is_made_for_this_user_only(tmp_path: Path) -> None:
    with FolderLock(tmp_path / "var" / "paper" / "bot.pid") as lock:
        assert lock is not None
        for folder in (tmp_path / "var", tmp_path / "var" / "paper"):
            assert folder.stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "var" / "paper").exists()


def test_a_link_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("keep")
    (tmp_path / "bot.pid").symlink_to("precious")
    with pytest.raises(StateError, match="symbolic links"):
        FolderLock(tmp_path / "bot.pid").acquire()
    assert (tmp_path / "precious").read_text() == "keep"


def test_a_read_only_folder_is_refused(small_filesystem: Path) -> None:
    with read_only(small_filesystem), pytest.raises(StateError, match="Read-only file system"):
        FolderLock(small_filesystem / "bot.pid").acquire()


def test_a_full_disk_may_be_better_later(small_filesystem: Path) -> None:
    filler = fill_up(small_filesystem)
    lock = FolderLock(small_filesystem / "bot.pid")
    with pytest.raises(UnavailableError, match="no room is left on the disk"):
        lock.acquire()
    filler.unlink()
    lock.acquire()
    lock.release()


def test_on_a_full_disk_the_reserve_makes_a_start_possible(small_filesystem: Path) -> None:
    reserve = ReserveFile(small_filesystem / "reserve", 1024 * 1024)
    assert reserve.ensure()
    fill_up(small_filesystem)
    with FolderLock(small_filesystem / "bot.pid", reserve):
        assert (small_filesystem / "bot.pid").read_text() == f"{os.getpid()}\n"
        assert not (small_filesystem / "reserve").exists()


def test_a_process_that_is_refused_leaves_the_reserve_of_the_holder(small_filesystem: Path) -> None:
    reserve = ReserveFile(small_filesystem / "reserve", 1024 * 1024)
    with FolderLock(small_filesystem / "bot.pid"):
        assert reserve.ensure()
        fill_up(small_filesystem)
        with pytest.raises(StateError, match="already in use"):
            FolderLock(small_filesystem / "bot.pid", reserve).acquire()
        assert (small_filesystem / "reserve").exists()
