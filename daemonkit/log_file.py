"""A log file that rotates by size and never stands in its writer's way.

A disk that is full or gone costs lines, never an exception; the lines lost are counted and said
in the file itself as soon as it can be written again.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from daemonkit.log_lines import format_line

_LOOK_EVERY_S = 1.0


class RotatingFile:
    """Append lines to a file, moving it to `.1`, `.2` … when it grows; for one thread at a time."""

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

    def open(self) -> None:
        """Open the file now; an OSError tells a start that it cannot be written."""
        if self._descriptor < 0:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            self._descriptor = os.open(self._path, flags, 0o640)
            self._size = os.fstat(self._descriptor).st_size

    def write(self, text: str, at: float) -> bool:
        """Append whole lines at this time; return False when some are lost. Never raises."""
        data = text.encode("utf-8", "backslashreplace")
        if self._lost and self._append(self._notice(at).encode(), at):
            return self._lose(data)
        self._lost = 0
        pieces = _split(data, self._max_bytes)
        rest = next((rest for piece in pieces if (rest := self._append(piece, at))), b"")
        return self._lose(rest + b"".join(pieces))

    def close(self) -> None:
        """Close the file; a later write opens it again."""
        if self._descriptor >= 0:
            with suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = -1

    def _append(self, data: bytes, at: float) -> bytes:
        """Write what can be written and return the rest."""
        try:
            self._make_ready(len(data), at)
            if self._torn:
                self._write(b"\n")
                self._torn = False
            while data:
                written = self._write(data)
                self._torn = data[written - 1 : written] != b"\n"
                data = data[written:]
        except OSError as error:
            self._reason = error.strerror or str(error)
        return data

    def _write(self, data: bytes) -> int:
        written = os.write(self._descriptor, data)
        self._size += written
        return written

    def _lose(self, rest: bytes) -> bool:
        """Count the lines that were not, or not wholly, written; say whether there were none."""
        lost = rest.count(b"\n")
        self._lost += lost
        self.lost_total += lost
        return not lost

    def _notice(self, at: float) -> str:
        text = f"{self._lost} log lines were lost here: {self._reason}"
        return format_line(at=at, level="WARNING", logger=__name__, text=text) + "\n"

    def _make_ready(self, size: int, at: float) -> None:
        # Someone may have moved or deleted the file (logrotate, rm): look once a second.
        if not 0 <= at - self._looked_at < _LOOK_EVERY_S:
            self._looked_at = at
            if self._is_moved():
                self.close()
        self.open()
        if self._size and self._size + size > self._max_bytes:
            self._rotate()

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
            self._shift()
        except OSError:
            if self._size >= 2 * self._max_bytes:
                raise
            return
        self.close()
        self._torn = False
        self.open()

    def _shift(self) -> None:
        """Move every file one name on; the last one is overwritten."""
        names = [self._path]
        names += [
            self._path.with_name(f"{self._path.name}.{number}")
            for number in range(1, self._backups + 1)
        ]
        for older, newer in zip(names[:0:-1], names[-2::-1], strict=True):
            with suppress(FileNotFoundError):
                newer.replace(older)
        if not self._backups:
            self._path.unlink(missing_ok=True)


def _split(data: bytes, len_max: int) -> Iterator[bytes]:
    """Yield whole lines, as many at a time as one file may hold; a longer line stands alone."""
    first = 0
    while len(data) - first > len_max:
        end = data.rfind(b"\n", first, first + len_max) + 1
        if not end:
            end = data.find(b"\n", first) + 1 or len(data)
        yield data[first:end]
        first = end
    if first < len(data):
        yield data[first:]
