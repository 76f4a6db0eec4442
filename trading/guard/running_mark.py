"""The mark: which instance is being called, in memory that outlives the process.

The cells are mapped from a file in the memory of the machine where there is such a place: a page
of a file on a disk is written back now and then, and a store into it waits for that disk.
"""

import errno
import json
import mmap
import os
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from struct import Struct
from typing import Any, Final, Self

from daemonkit.files import file_error

MARK_NAME: Final = "running.mark"
MEMORY: Final = Path("/dev/shm")  # noqa: S108 - names are ours by owner and mode, see _open
_MAGIC: Final = b"TBMARK1\n"
# The number of the instance that is called, and 1 once the guard has given the process up.
_CELLS: Final = Struct("=II")
_NUMBER, _FROZEN = 0, 1
_SIZE_MAX: Final = 4_000_000


@dataclass(frozen=True, slots=True)
class MarkLeft:
    """Hold what a run left in its mark."""

    # "" when no instance was being called.
    instance: str
    is_frozen: bool


class RunningMark:
    """Own the mark of this run; instance n of `names` has the number n + 1."""

    def __init__(self, path: Path, memory: mmap.mmap, names: tuple[str, ...]) -> None:
        self._path = path
        self._memory = memory
        self._names = names
        self.cells = memoryview(memory)[: _CELLS.size].cast("I")

    @classmethod
    def make(cls, folder: Path, names: tuple[str, ...], memory: Path = MEMORY) -> Self:
        """Make the mark of a bot's folder anew, in `memory` if that takes it."""
        _sweep(memory)
        body = _MAGIC + json.dumps({"folder": str(folder.resolve()), "names": names}).encode()
        paths = _paths(folder, memory)
        for path in paths[:-1]:
            with suppress(OSError):
                return cls(path, _map(path, body), names)
        try:
            return cls(paths[-1], _map(paths[-1], body), names)
        except OSError as error:
            raise file_error(paths[-1], error) from error

    def name_of(self, number: int) -> str:
        """Return the id of an instance."""
        return self._names[number - 1] if 0 < number <= len(self._names) else f"number {number}"

    def give_up(self) -> None:
        """Leave word that this run froze; needs no room on any disk."""
        self.cells[_FROZEN] = 1

    def close(self) -> None:
        """Take the mark away: this run ends as it should."""
        # It stays mapped: an engine that did not end in time may still make a call.
        self._path.unlink(missing_ok=True)


def read_mark(folder: Path, memory: Path = MEMORY) -> MarkLeft | None:
    """Return what the last run left, or None when it left no mark that can be read."""
    for path in _paths(folder, memory):
        with suppress(OSError):
            if (left := _parse(_read(path))) is not None:
                return left
    return None


def remove_mark(folder: Path, memory: Path = MEMORY) -> None:
    """Take away what the last run left."""
    for path in _paths(folder, memory):
        with suppress(OSError):
            path.unlink()


def _paths(folder: Path, memory: Path) -> list[Path]:
    digest = sha256(str(folder.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:20]
    in_folder = folder / MARK_NAME
    return [memory / f"{_prefix()}{digest}.mark", in_folder] if memory.is_dir() else [in_folder]


def _prefix() -> str:
    return f"tradebridge-{os.geteuid()}-"


def _open(path: Path, flags: int) -> int:
    """Open a file that is this user's own and nobody else's, in a folder that is everybody's."""
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    status = os.fstat(descriptor)
    if status.st_uid != os.geteuid() or status.st_mode & 0o077:
        os.close(descriptor)
        raise PermissionError(f"{path}: is open to others")
    return descriptor


def _map(path: Path, body: bytes) -> mmap.mmap:
    descriptor = _open(path, os.O_RDWR | os.O_CREAT)
    try:
        # Written, not only sized: the pages exist from here on, and a store needs no room.
        os.ftruncate(descriptor, 0)
        data = _CELLS.pack(0, 0) + body
        if os.write(descriptor, data) != len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return mmap.mmap(descriptor, _CELLS.size)
    finally:
        os.close(descriptor)


def _read(path: Path) -> bytes:
    descriptor = _open(path, os.O_RDONLY)
    try:
        return os.read(descriptor, _SIZE_MAX)
    finally:
        os.close(descriptor)


def _parse(data: bytes) -> MarkLeft | None:
    table = _parse_table(data)
    if table is None:
        return None
    number, frozen = _CELLS.unpack_from(data)
    names = table["names"]
    return MarkLeft(str(names[number - 1]) if 0 < number <= len(names) else "", bool(frozen))


def _parse_table(data: bytes) -> dict[str, Any] | None:
    """Return the folder and the names that a mark belongs to, or None when it is damaged."""
    start = _CELLS.size + len(_MAGIC)
    if data[_CELLS.size : start] != _MAGIC:
        return None
    try:
        table = json.loads(data[start:])
        return {"folder": str(table["folder"]), "names": list(table["names"])}
    except (ValueError, TypeError, KeyError):
        return None


def _sweep(memory: Path) -> None:
    """Remove marks of folders that are gone: nobody else would, until the machine restarts."""
    with suppress(OSError):
        for path in memory.glob(f"{_prefix()}*.mark"):
            with suppress(OSError):
                table = _parse_table(_read(path))
                if table is not None and not Path(table["folder"]).exists():
                    path.unlink()
