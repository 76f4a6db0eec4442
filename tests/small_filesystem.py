"""Real small file systems for tests of full and read-only disks.

Mounting needs rights that a developer's machine may not give; such tests are then skipped and say
so. Fill a folder with fill_up(), make it read-only with read_only().
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SIZE_BYTES = 2 * 1024 * 1024
_BLOCK = b"\xa5" * 4096
_FILLER = "filler"


@pytest.fixture
def small_filesystem(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 2 MiB for one test."""
    with mounted(tmp_path / "small") as folder:
        yield folder


@contextmanager
def mounted(folder: Path, size_bytes: int = SIZE_BYTES) -> Iterator[Path]:
    """Mount a file system of this size on the folder; skip the test where that is forbidden."""
    folder.mkdir(parents=True)
    options = f"size={size_bytes},mode=0700,uid={os.geteuid()},gid={os.getegid()}"
    failure = _run("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder))
    if failure:
        pytest.skip(f"mounting a small file system is not permitted here: {failure}")
    try:
        yield folder
    finally:
        # Lazy: a process that a failed test left behind must not keep the mount.
        failure = _run("umount", "--lazy", str(folder))
        assert not failure, failure


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Refuse all writing to a mounted file system for a while, even to root."""
    failure = _run("mount", "-o", "remount,ro", str(folder))
    assert not failure, failure
    try:
        yield
    finally:
        failure = _run("mount", "-o", "remount,rw", str(folder))
        assert not failure, failure


def fill_up(folder: Path, leave_bytes: int = 0) -> Path:
    """Write until nothing more fits, then give back this much; return the file that does it."""
    filler = folder / _FILLER
    with filler.open("wb", buffering=0) as file:
        while _fits(file.fileno()):
            pass
        file.truncate(max(0, file.tell() - leave_bytes))
    return filler


def _fits(descriptor: int) -> bool:
    try:
        return os.write(descriptor, _BLOCK) == len(_BLOCK)
    except OSError:
        return False


def _run(*command: str) -> str:
    """Return what went wrong, or nothing."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    except FileNotFoundError as error:
        return str(error)
    return "" if done.returncode == 0 else (done.stderr.strip() or "it failed").splitlines()[0]
