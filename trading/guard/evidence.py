"""What a run that froze leaves behind for the next one, and how that one reads it.

`frozen.json` names the instance; `logs/frozen.trace` holds the stacks, also those that the C code
of faulthandler writes when systemd's watchdog or a fault of a library ends the process.
"""

import faulthandler
import json
import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Self

from daemonkit.files import NO_ROOM, file_error, make_private_folder, write_atomically
from daemonkit.printable import one_line
from trading.guard.running_mark import MEMORY, MarkLeft, read_mark, remove_mark
from trading.strategies.calls import FrozenCall

log = logging.getLogger(__name__)

FROZEN_NAME: Final = "frozen.json"
TRACE_NAME: Final = "frozen.trace"
LAST_TRACE_NAME: Final = "frozen.last.trace"
_HEAD_LENGTH: Final = 200
_ABORTED: Final = "Fatal Python error: Aborted"


class StackTrace:
    """Own the file that takes the stacks of all threads, whatever state the process is in."""

    def __init__(self, path: Path) -> None:
        self._path = path
        # A bare descriptor, and open for good: C code writes to it as the process dies.
        self._descriptor = _open_private(path)

    @classmethod
    def make(cls, folder: Path) -> Self:
        """Make the file of a bot's folder and have fatal signals write into it."""
        make_private_folder(folder / "logs")
        trace = cls(folder / "logs" / TRACE_NAME)
        faulthandler.enable(trace._descriptor, all_threads=True)
        return trace

    def write(self) -> None:
        """Write the stacks of all threads as they are."""
        faulthandler.dump_traceback(self._descriptor, all_threads=True)

    def exit_within(self, seconds: float) -> None:
        """End the process after that time by C code alone, should no Python run any more."""
        faulthandler.dump_traceback_later(seconds, exit=True, file=self._descriptor)

    def close(self) -> None:
        """Take the file away: this run ends as it should."""
        if self._descriptor < 0:
            return
        faulthandler.disable()
        os.close(self._descriptor)
        self._descriptor = -1
        self._path.unlink(missing_ok=True)


def _open_private(path: Path) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(path, flags, 0o600)
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise file_error(path, error) from error
        # A full disk is no reason not to start: the stacks of a freeze are what is lost.
        log.warning("%s: cannot be made, the stacks of a freeze would be lost: %s", path, error)
        return os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)


def write_frozen(folder: Path, frozen: FrozenCall) -> None:
    """Keep durably what froze, until forget_frozen()."""
    data = {"instance": frozen.instance, "cause": frozen.cause, "at": frozen.at}
    write_atomically(folder / FROZEN_NAME, json.dumps(data).encode() + b"\n")


def take_frozen(folder: Path, memory: Path = MEMORY) -> FrozenCall | None:
    """Return what the last run froze in, if it did; the same again until forget_frozen().

    To be called at the start, before the mark and the trace of this run are made.
    """
    frozen = _read_frozen(folder / FROZEN_NAME)
    if frozen is None:
        frozen = _judge(folder, read_mark(folder, memory))
        if frozen is not None and not _has_written(folder, frozen):
            return frozen
    remove_mark(folder, memory)
    _keep_trace(folder / "logs")
    return frozen


def forget_frozen(folder: Path) -> None:
    """Let go of the evidence: what it led to is committed."""
    (folder / FROZEN_NAME).unlink(missing_ok=True)


def _has_written(folder: Path, frozen: FrozenCall) -> bool:
    try:
        write_frozen(folder, frozen)
    except OSError as error:
        # A full disk is no reason not to start: what was found holds for this run.
        log.warning("%s: what froze cannot be written down: %s", folder, error)
        return False
    return True


def _read_frozen(path: Path) -> FrozenCall | None:
    try:
        data: dict[str, Any] = json.loads(path.read_bytes())
        return FrozenCall(str(data["instance"]), str(data["cause"]), float(data["at"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        log.warning("%s: cannot be read and is passed over: %s", path, error)
        return None


def _judge(folder: Path, left: MarkLeft | None) -> FrozenCall | None:
    """Return what a run that could not write frozen.json itself was doing, by its other traces."""
    path = folder / "logs" / TRACE_NAME
    head, at = "", 0.0
    with suppress(OSError), path.open("rb") as file:
        head = one_line(file.readline(_HEAD_LENGTH).decode("utf-8", "replace"), _HEAD_LENGTH)
        at = path.stat().st_mtime
    instance = "" if left is None else left.instance
    if left is not None and left.is_frozen:
        return FrozenCall(instance, "it stood still and was ended by its guard", at)
    if head.startswith(_ABORTED):
        return FrozenCall(instance, "it stood still and was aborted by the watchdog", at)
    return FrozenCall(instance, f"it crashed: {head}", at) if head else None


def _keep_trace(logs: Path) -> None:
    """Keep the stacks of the last freeze beside the logs, for people."""
    path = logs / TRACE_NAME
    with suppress(OSError):
        if path.stat().st_size:
            log.error("the last run left the stacks of its threads in %s", logs / LAST_TRACE_NAME)
            path.replace(logs / LAST_TRACE_NAME)
