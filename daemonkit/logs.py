"""Logging of a process: every record redacted, written by one thread of its own, never raising.

A caller only queues its record, so a full disk or a stuck terminal never holds up the engine.
"""

import logging
import sys
import threading
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from daemonkit.errors import UnavailableError
from daemonkit.files import NO_ROOM, file_error, make_private_folder
from daemonkit.log_file import RotatingFile
from daemonkit.log_lines import RedactingFormatter, format_line, raw_message

if TYPE_CHECKING:
    import asyncio

__all__ = [
    "LogWriter",
    "RotatingFile",
    "StandardError",
    "flush_logs",
    "format_line",
    "freeze",
    "install_exception_hooks",
    "log_asyncio_exception",
    "setup_logging",
]

# These write URLs with tokens and whole frames at INFO and DEBUG, or, like alembic, name each of
# their plugins.
_NOISY = ("httpx", "httpcore", "hpack", "h2", "alembic")

_QUEUE_MAX = 10_000
_BATCH_MAX = 256
_FLUSH_TIMEOUT_S = 2.0

# Types whose values cannot change between the call and the moment the writer formats them.
_are_unchanging = frozenset((str, int, float, bool, bytes, Decimal, type(None))).issuperset

log = logging.getLogger("uncaught")


class Sink(Protocol):
    """Take whole lines; never raise."""

    lost_total: int

    def write(self, text: str, at: float) -> bool:
        """Write the lines; return False when they are lost."""
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


class StandardError:
    """Write lines to standard error, whatever state it is in."""

    def __init__(self) -> None:
        self.lost_total = 0

    def write(self, text: str, at: float) -> bool:  # noqa: ARG002 - a Sink is told the time
        """Write the lines; a closed or full standard error loses them and is counted."""
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except (OSError, ValueError, AttributeError):
            self.lost_total += text.count("\n")
            return False
        return True

    def close(self) -> None:
        """Leave standard error open: it belongs to the process."""


class LogWriter(logging.Handler):
    """Queue records for the thread `log-write`, which formats them into files and terminals."""

    def __init__(self, sinks: Sequence[Sink], queue_max: int = _QUEUE_MAX) -> None:
        super().__init__()
        self.setFormatter(RedactingFormatter())
        self.dropped_total = 0
        self._sinks = tuple(sinks)
        self._queue: SimpleQueue[logging.LogRecord | threading.Event | None] = SimpleQueue()
        self._queue_max = queue_max
        self._dropped_told = 0
        self._count_lock = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="log-write", daemon=True)
        self._thread.start()

    def handle(self, record: logging.LogRecord) -> bool:
        """Queue the record without waiting; a full queue drops it and counts it."""
        passed = self.filter(record)
        if not passed:
            return False
        if sys.version_info >= (3, 12) and isinstance(passed, logging.LogRecord):
            # A filter may put another record in its place.
            record = passed
        if self._closed or self._queue.qsize() >= self._queue_max:
            with self._count_lock:
                self.dropped_total += 1
            return False
        freeze(record)
        self._queue.put(record)
        return True

    @property
    def lost_total(self) -> int:
        """Return how many lines did not reach some place they should have."""
        return self.dropped_total + sum(sink.lost_total for sink in self._sinks)

    def emit(self, record: logging.LogRecord) -> None:
        """Queue the record; Handler asks for this method, handle() is what logging calls."""
        self.handle(record)

    def flush(self) -> None:
        """Wait, but not for ever, until everything queued so far is written."""
        if self._closed or threading.current_thread() is self._thread:
            return
        written = threading.Event()
        self._queue.put(written)
        written.wait(_FLUSH_TIMEOUT_S)

    def close(self) -> None:
        """Write what is queued, end the thread and close the files."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
            self._thread.join(_FLUSH_TIMEOUT_S)
        super().close()

    def _run(self) -> None:
        item: logging.LogRecord | threading.Event | None
        while (item := self._queue.get()) is not None:
            batch: list[logging.LogRecord] = []
            while isinstance(item, logging.LogRecord):
                batch.append(item)
                item = self._next_queued() if len(batch) < _BATCH_MAX else _NOTHING
            self._write_guarded(batch)
            if item is None:
                break
            item.set()
        for sink in self._sinks:
            sink.close()

    def _next_queued(self) -> logging.LogRecord | threading.Event | None:
        try:
            return self._queue.get_nowait()
        except Empty:
            return _NOTHING

    def _write_guarded(self, batch: Sequence[logging.LogRecord]) -> None:
        try:
            self._write(batch)
        except Exception:  # noqa: BLE001 - without this thread the process would be mute
            with self._count_lock:
                self.dropped_total += len(batch)

    def _write(self, batch: Sequence[logging.LogRecord]) -> None:
        if not batch:
            return
        at = batch[-1].created
        lines = [*self._dropped_notice(at), *(self.format(record) for record in batch)]
        text = "\n".join(lines) + "\n"
        for sink in self._sinks:
            sink.write(text, at)

    def _dropped_notice(self, at: float) -> list[str]:
        dropped = self.dropped_total - self._dropped_told
        if not dropped:
            return []
        self._dropped_told += dropped
        text = f"{dropped} log lines were dropped here: more came than could be written"
        return [format_line(at=at, level="WARNING", logger=__name__, text=text)]


# Stands for "nothing is queued right now"; setting it again and again has no effect.
_NOTHING = threading.Event()


def freeze(record: logging.LogRecord) -> None:
    """Make a record safe to format later on another thread: arguments that may change go now."""
    arguments = record.args or ()
    if (
        type(record.msg) is not str
        or type(arguments) is not tuple
        or not _are_unchanging(map(type, arguments))
    ):
        record.msg = raw_message(record)
        record.args = None


def setup_logging(
    *,
    level: str | int,
    file: Path | None,
    max_bytes: int = 10_000_000,
    backups: int = 5,
    stderr: bool = True,
) -> LogWriter:
    """Send all records of the process to the file and to standard error; may be called again.

    A file that this user may not write is a StateError; a full disk is not.
    """
    sinks: list[Sink] = []
    if file is not None:
        sinks.append(_opened_file(RotatingFile(file, max_bytes=max_bytes, backups=backups), file))
    if stderr:
        sinks.append(StandardError())
    writer = LogWriter(sinks)
    root = logging.getLogger()
    for handler in [each for each in root.handlers if isinstance(each, LogWriter)]:
        root.removeHandler(handler)
        handler.close()
    root.addHandler(writer)
    root.setLevel(level)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    install_exception_hooks()
    return writer


def _opened_file(sink: RotatingFile, path: Path) -> RotatingFile:
    try:
        make_private_folder(path.parent)
        sink.open()
    except UnavailableError:
        # No room even for the folder: the sink tries again at every line and counts.
        return sink
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise file_error(path, error) from error
    return sink


def flush_logs() -> None:
    """Wait, but not for ever, until every handler has written what it holds."""
    for handler in logging.getLogger().handlers:
        handler.flush()


def install_exception_hooks() -> None:
    """Send uncaught exceptions and warnings of all threads through the log and its redaction."""
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught
    sys.unraisablehook = _log_unraisable
    threading.excepthook = _log_thread_exception
    # Logging's own complaint about a bad call prints the raw arguments; our formatter says it.
    logging.raiseExceptions = False
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(RedactingFormatter())


def log_asyncio_exception(
    loop: "asyncio.AbstractEventLoop",  # noqa: ARG001 - asyncio calls it so
    context: dict[str, Any],
) -> None:
    """Log what asyncio caught; give it to loop.set_exception_handler()."""
    error = context.get("exception")
    log.error("asyncio: %s", context.get("message", "error"), exc_info=error)


def _log_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        log.critical("uncaught exception", exc_info=(kind, error, trace))


def _log_thread_exception(arguments: threading.ExceptHookArgs) -> None:
    if issubclass(arguments.exc_type, SystemExit):
        return
    error = arguments.exc_value or arguments.exc_type()
    name = arguments.thread.name if arguments.thread else "unknown"
    info = (arguments.exc_type, error, arguments.exc_traceback)
    log.critical("thread %s ended on an uncaught exception", name, exc_info=info)


def _log_unraisable(arguments: "sys.UnraisableHookArgs") -> None:
    error = arguments.exc_value or arguments.exc_type()
    info = (arguments.exc_type, error, arguments.exc_traceback)
    text = arguments.err_msg or "exception ignored in"
    log.error("%s %s", text, type(arguments.object).__name__, exc_info=info)
