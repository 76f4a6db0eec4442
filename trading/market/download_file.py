"""The file of a download: collected beside it, page by page, and put in its place once whole.

A process that is killed at any moment leaves the pages that were told to be kept: the state names
how many bytes count, and what is behind them is cut off by the next start.
"""

import fcntl
import gzip
import importlib
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self

import orjson

from daemonkit.errors import (
    ConfigurationError,
    DaemonError,
    ExitCode,
    StateError,
    UnavailableError,
)
from daemonkit.files import file_error, sync_folder, write_atomically
from trading.market.columns import ORDER_OF_CANDLES
from trading.market.past_candles import Gap
from trading.model.market import Bar

HEADER: Final = (",".join(ORDER_OF_CANDLES) + "\n").encode()
FORMATS: Final = (".csv", ".csv.gz", ".parquet")


class FileThereError(DaemonError):
    """Say that a file would be written over which nobody said may be."""

    exit_code = ExitCode.USAGE


@dataclass(frozen=True, slots=True)
class DownloadJob:
    """Name what is downloaded; another job does not go on with the same file."""

    exchange: str
    symbol: str
    interval_s: int
    start: float


@dataclass(frozen=True, slots=True)
class DownloadState:
    """Hold how far a download is; `next_start` is None before its first page."""

    size: int = len(HEADER)
    candles: int = 0
    next_start: float | None = None
    gaps: tuple[Gap, ...] = ()


class DownloadFile:
    """Keep the pages of one download until they are all there; used in a `with` block."""

    def __init__(self, target: Path, job: DownloadJob) -> None:
        self.target = target
        self.state = DownloadState()
        self._job = job
        self._part = target.with_name(f"{target.name}.part")
        self._notes = target.with_name(f"{target.name}.part.json")
        self._stream: BinaryIO | None = None

    def __enter__(self) -> Self:
        try:
            self._stream = self._part.open("a+b")
            self._lock(self._stream)
            self._go_on(self._stream)
        except BaseException as error:
            self._close()
            if isinstance(error, OSError):
                raise file_error(self._part, error) from error
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    @property
    def is_resumed(self) -> bool:
        """Tell whether an earlier start has brought something."""
        return self.state.next_start is not None

    def append(self, bars: Iterable[Bar], next_start: float, gaps: Sequence[Gap]) -> None:
        """Keep a page, durably, before the next one is asked for."""
        stream = self._opened()
        rows = [_row(bar) for bar in bars]
        try:
            stream.write(b"".join(rows))
            stream.flush()
            os.fsync(stream.fileno())
            size = stream.tell()
            candles = self.state.candles + len(rows)
            self.state = DownloadState(size, candles, next_start, tuple(gaps))
            self._note()
        except OSError as error:
            raise file_error(self._part, error) from error

    def finish(self) -> None:
        """Put the whole file in its place."""
        self._opened()
        made = self.target.with_name(f".{self.target.name}.tmp")
        try:
            if self.target.name.endswith(".csv"):
                self._part.replace(self.target)
            else:
                _convert(self._part, made, self.target)
                made.replace(self.target)
                self._part.unlink()
            self._notes.unlink()
            sync_folder(self.target.parent)
        except OSError as error:
            raise file_error(self.target, error) from error
        finally:
            with suppress(OSError):
                made.unlink()

    def _go_on(self, stream: BinaryIO) -> None:
        """Go on behind what is kept, or begin."""
        kept = _load_state(self._notes, self._job)
        if kept is not None and os.fstat(stream.fileno()).st_size >= kept.size:
            stream.truncate(kept.size)
            self.state = kept
        else:
            stream.truncate(0)
            stream.write(HEADER)
            stream.flush()
            self._note()
        stream.seek(0, os.SEEK_END)

    def _note(self) -> None:
        notes = {"job": asdict(self._job), "state": asdict(self.state)}
        write_atomically(self._notes, orjson.dumps(notes))

    def _lock(self, stream: BinaryIO) -> None:
        try:
            fcntl.flock(stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UnavailableError(f"{self.target}: another download writes it now") from None

    def _opened(self) -> BinaryIO:
        assert self._stream is not None, "used in a with block"
        return self._stream

    def _close(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None


def check_target(target: Path, *, replaces: bool) -> None:
    """Refuse a file that could not be written at the end; with `replaces` begin from nothing."""
    if not target.name.endswith(FORMATS):
        allowed = f"a file named *{', *'.join(FORMATS)}"
        raise ConfigurationError(target, "", target.name, allowed)
    if target.name.endswith(".parquet"):
        _arrow(target)
    part = target.with_name(f"{target.name}.part")
    notes = target.with_name(f"{target.name}.part.json")
    if replaces:
        for old in (notes, part):
            old.unlink(missing_ok=True)
    elif target.exists() and not notes.exists():
        raise FileThereError(f"{target}: is there already; --replace makes it anew")


def _load_state(notes: Path, job: DownloadJob) -> DownloadState | None:
    try:
        known: Mapping[str, Any] = orjson.loads(notes.read_bytes())
        kept = DownloadJob(**known["job"])
        state = dict(known["state"])
        state["gaps"] = tuple(Gap(**gap) for gap in state["gaps"])
        found = DownloadState(**state)
    except FileNotFoundError:
        return None
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        raise StateError(f"{notes}: cannot be read; --replace begins anew") from None
    if kept != job:
        raise StateError(
            f"{notes}: found a download of {kept.symbol} from {kept.exchange}, every "
            f"{kept.interval_s} s from {kept.start:.0f} on; allowed the same, or --replace"
        )
    return found


def _row(bar: Bar) -> bytes:
    values = (bar.open, bar.high, bar.low, bar.close, bar.volume)
    return f"{bar.start:.0f},{','.join(repr(one) for one in values)}\n".encode()


def _convert(part: Path, made: Path, target: Path) -> None:
    if target.name.endswith(".gz"):
        with part.open("rb") as source, gzip.open(made, "wb") as packed:
            shutil.copyfileobj(source, packed)
    else:
        csv, parquet = _arrow(target)
        with csv.open_csv(part) as source, parquet.ParquetWriter(made, source.schema) as writer:
            for batch in source:
                writer.write_batch(batch)
    with made.open("rb") as file:
        os.fsync(file.fileno())


def _arrow(target: Path) -> tuple[Any, Any]:
    try:
        return importlib.import_module("pyarrow.csv"), importlib.import_module("pyarrow.parquet")
    except ImportError:
        allowed = "csv or csv.gz, and with the research extra (pyarrow) parquet"
        raise ConfigurationError(target, "format", "parquet", allowed) from None
