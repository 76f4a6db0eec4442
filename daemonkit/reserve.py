"""Room on the disk that is kept for the worst day: given back when the disk is full."""

import logging
import os
import shutil
from contextlib import suppress
from pathlib import Path

log = logging.getLogger(__name__)

_BLOCK = 512
# What a start writes before it can do anything about a full disk: a pid, logs, SQLite's memory.
_START_ROOM_BYTES = 1024 * 1024


class ReserveFile:
    """Keep a file of real blocks; deleting it makes room to write down what must be written."""

    def __init__(self, path: Path, size_bytes: int = 16 * 1024 * 1024) -> None:
        self._path = path
        self._size_bytes = size_bytes

    @property
    def is_present(self) -> bool:
        """Tell whether the whole reserve is on the disk; one of no bytes always is."""
        if not self._size_bytes:
            return True
        try:
            status = self._path.stat(follow_symlinks=False)
        except OSError:
            return False
        return status.st_size >= self._size_bytes <= status.st_blocks * _BLOCK

    def ensure(self) -> bool:
        """Put the reserve on the disk if it is not there; return False when there is no room."""
        if self.is_present:
            return True
        try:
            self._allocate()
        except OSError as error:
            # A part of a reserve is only less room for everything else.
            self.release()
            log.warning("reserve file %s not made: %s", self._path, error.strerror)
            return False
        return True

    def make_start_possible(self) -> None:
        """Give the room back if the disk is so full that a process could not even start."""
        with suppress(OSError):
            if shutil.disk_usage(self._path.parent).free < _START_ROOM_BYTES:
                self.release()

    def release(self) -> bool:
        """Give the room back; return False when there was none to give."""
        with suppress(OSError):
            self._path.unlink()
            return True
        return False

    def _allocate(self) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self._path, flags, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, self._size_bytes)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
