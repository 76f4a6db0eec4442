"""One process per folder: a lock that the kernel drops when its holder dies, however it dies."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from daemonkit.errors import StateError, UnavailableError
from daemonkit.files import file_error, make_private_folder
from daemonkit.reserve import ReserveFile

_TRIES_MAX = 16


class FolderLock:
    """Hold a folder for this process through its pid file.

    On a full disk the holder, and no process that is refused, gives the folder's reserve back.
    """

    def __init__(self, path: Path, reserve: ReserveFile | None = None) -> None:
        self._path = path
        self._reserve = reserve
        self._descriptor = -1

    def acquire(self) -> None:
        """Take the folder and write the pid; name the other process when it is taken."""
        if self._descriptor >= 0:
            raise RuntimeError("the folder is already held")
        make_private_folder(self._path.parent)
        try:
            descriptor = self._open_locked()
            if self._reserve is not None:
                self._reserve.make_start_possible()
            self._write_pid(descriptor)
        except BlockingIOError as error:
            raise StateError(
                f"{self._path.parent}: already in use by {self._holder()}, allowed one process"
            ) from error
        except OSError as error:
            raise file_error(self._path, error) from error
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the folder back; harmless when it is not held."""
        if self._descriptor < 0:
            return
        # Deleted while still locked: a starter that opened it before notices and opens anew.
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
        os.close(self._descriptor)
        self._descriptor = -1

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def _open_locked(self) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        for _ in range(_TRIES_MAX):
            descriptor = os.open(self._path, flags, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if self._is_current(descriptor):
                    return descriptor
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)
        raise UnavailableError(f"{self._path}: keeps being replaced by another process")

    def _is_current(self, descriptor: int) -> bool:
        """Tell whether the locked file is still the one at the path; its last holder deletes it."""
        try:
            there, ours = self._path.stat(follow_symlinks=False), os.fstat(descriptor)
        except FileNotFoundError:
            return False
        return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)

    def _write_pid(self, descriptor: int) -> None:
        try:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        except OSError:
            os.close(descriptor)
            raise

    def _holder(self) -> str:
        with suppress(OSError, ValueError):
            return f"pid {int(self._path.read_text(encoding='ascii')[:20])}"
        return "another process"
