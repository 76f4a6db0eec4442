"""A log file that rotates by size and never stands in its writer's way.

A disk that is full or gone costs lines, never an exception; the lines lost are counted and said
in the file itself as soon as it can be written again.
"""

import os
from contextlib import suppress
from pathlib import Path

from daemonkit.log_lines import format_line

_CHECK_EVERY_S = 1.0


class RotatingFile:
    """Append text to a file, moving it to `.1`, `.2` … when it grows; for one thread at a time."""

    def __init__(self, path: Path, *, max_bytes: int, backups: int) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._backups = backups
        self._descriptor = -1
        self._size = 0
        self._torn = False
        self._looked_at = 0.0
        self._lost = 0
        self._reason = ""
        self.lost_total = 0

    def write(self, text: str, at: float) -> bool:
        """Append whole lines written at this time; say in the file what was lost before them."""
        data = text.encode("utf-8", "backslashreplace")
        try:
            self._make_ready(len(data), at)
            self._append((self._notice(at).encode() if self._lost else b"") + data)
        except OSError as error:
            self._lose(text.count("\n"), error)
            return False
        self._lost = 0
        return True

    def close(self) -> None:
        """Close the file; a later write opens it again."""
        if self._descriptor >= 0:
            with suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = -1

    def _make_ready(self, size: int, at: float) -> None:
        # Someone may have moved or deleted the file (logrotate, rm): look once a second.
        if self._descriptor >= 0 and not 0 <= at - self._looked_at < _CHECK_EVERY_S:
            self._looked_at = at
            if self._is_moved():
                self.close()
        if self._descriptor < 0:
            self._open()
        if self._size and self._size + size > self._max_bytes:
            self._rotate()

    def _open(self) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        self._descriptor = os.open(self._path, flags, 0o640)
        self._size = os.fstat(self._descriptor).st_size

    def _is_moved(self) -> bool:
        try:
            there, ours = self._path.stat(), os.fstat(self._descriptor)
        except OSError:
            return True
        self._size = ours.st_size
        return (there.st_dev, there.st_ino) != (ours.st_dev, ours.st_ino)

    def _rotate(self) -> None:
        """Make room; when the folder refuses, the file may grow to twice its size, then no more."""
        try:
            self._shift_backups()
        except OSError:
            if self._size >= 2 * self._max_bytes:
                raise
            return
        self.close()
        self._open()

    def _shift_backups(self) -> None:
        names = [self._path, *(self._backup(n) for n in range(1, self._backups + 1))]
        for older, newer in zip(reversed(names), reversed(names[:-1]), strict=False):
            if newer.exists():
                newer.replace(older)
        if not self._backups:
            self._path.unlink(missing_ok=True)

    def _backup(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")

    def _append(self, data: bytes) -> None:
        if self._torn:
            data = b"\n" + data
        written = os.write(self._descriptor, data)
        self._size += written
        if written < len(data):
            self._torn = True
            # The rest did not fit; asking again names the reason.
            written = os.write(self._descriptor, data[written:])
            self._size += written
            raise OSError("only a part of the line was written")
        self._torn = False

    def _lose(self, lines: int, error: OSError) -> None:
        self._lost += lines
        self.lost_total += lines
        self._reason = error.strerror or str(error)
        if self._descriptor >= 0 and not self._torn:
            self.close()

    def _notice(self, at: float) -> str:
        text = f"{self._lost} log lines were lost here: {self._reason}"
        return format_line(at=at, level="WARNING", logger=__name__, text=text) + "\n"
