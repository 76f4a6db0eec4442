"""Files that are written whole or not at all, and private ones that nobody else may read."""

import errno
import os
import stat
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from daemonkit.errors import ConfigurationError, DaemonError, StateError, UnavailableError

_PRIVATE_SIZE_MAX = 65_536
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_NOT_ALLOWED = (errno.EACCES, errno.EPERM, errno.EROFS)


def file_error(path: Path, error: OSError) -> DaemonError:
    """Return what a failed file operation means for the process, in words."""
    reason = error.strerror or str(error)
    if error.errno in NO_ROOM:
        return UnavailableError(f"{path}: no room is left on the disk ({reason})")
    if error.errno in _NOT_ALLOWED:
        return StateError(
            f"{path}: found no permission to use it ({reason}), allowed a place "
            "that this user may write"
        )
    return StateError(f"{path}: cannot be used: {reason}")


def make_private_folder(path: Path) -> None:
    """Make the folder and its parents, open to this user only; check that it can be written."""
    try:
        for folder in reversed([path, *path.parents]):
            if not folder.exists():
                folder.mkdir(mode=0o700, exist_ok=True)
        _check_folder(path)
    except OSError as error:
        raise file_error(path, error) from error


def _check_folder(path: Path) -> None:
    code = 0
    if not path.is_dir():
        code = errno.ENOTDIR
    elif not os.access(path, os.W_OK | os.X_OK):
        # access() knows of read-only file systems, which the permission bits do not show.
        code = errno.EROFS if os.statvfs(path).f_flag & os.ST_RDONLY else errno.EACCES
    if code:
        raise OSError(code, os.strerror(code))


def write_atomically(path: Path, data: bytes, mode: int = 0o600, *, durable: bool = True) -> None:
    """Replace the file in one step; readers see the old bytes or the new ones, never a mixture.

    An OSError leaves the old file. Without `durable` a loss of power may bring it back.
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            os.fchmod(file.fileno(), mode)
            _flush(file.fileno(), durable=durable)
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
    if durable:
        sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Make renames inside the folder survive a loss of power."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _flush(descriptor: int, *, durable: bool) -> None:
    if durable:
        os.fsync(descriptor)


def create_private_once(path: Path, make: Callable[[], bytes]) -> bytes:
    """Return the bytes of a private file, making it first if there is none.

    Of two processes that make it at once exactly one wins, and both return the winner's bytes.
    """
    try:
        return read_private(path)
    except FileNotFoundError:
        pass
    make_private_folder(path.parent)
    try:
        _publish(path, make())
    except FileExistsError:
        # Another process was faster: its value is the one.
        return read_private(path)
    except OSError as error:
        raise file_error(path, error) from error
    return read_private(path)


def _publish(path: Path, data: bytes) -> None:
    """Put a complete file at the path unless there is one; a link, unlike a rename, refuses."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            _flush(file.fileno(), durable=True)
        os.link(name, path)
    finally:
        Path(name).unlink()
    sync_folder(path.parent)


def read_private(path: Path) -> bytes:
    """Return the bytes of a file that only this user can read; refuse links and open permissions.

    A missing file is a FileNotFoundError, for the caller to decide.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise ConfigurationError(path, found="a symbolic link", allowed="a file") from error
        raise ConfigurationError(
            path, found=error.strerror or "", allowed="a readable file"
        ) from error
    try:
        _check_private(path, os.fstat(descriptor))
        data = os.read(descriptor, _PRIVATE_SIZE_MAX + 1)
    finally:
        os.close(descriptor)
    if not data.strip():
        raise ConfigurationError(path, found="an empty file", allowed="a secret")
    if len(data) > _PRIVATE_SIZE_MAX:
        raise ConfigurationError(path, found="a large file", allowed="a secret of at most 64 KiB")
    return data


def _check_private(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise ConfigurationError(path, found="a folder or a device", allowed="a regular file")
    if status.st_mode & 0o077:
        raise ConfigurationError(
            path,
            key="permissions",
            found=f"{stat.S_IMODE(status.st_mode):04o}",
            allowed="0600",
            hint=f"chmod 600 {path}",
        )
