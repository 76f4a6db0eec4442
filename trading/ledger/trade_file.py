"""`trades.jsonl`: one line for each closed trade, in the order of their numbers.

The database is what counts: after a crash, a full disk or a restored backup the file is made to
agree with it again. Only ever used by one thread; every method may raise OSError.
"""

import errno
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from daemonkit.clock import Clock
from daemonkit.log_lines import timestamp_text
from trading.ledger.trade_lines import seq_of_line, trade_to_line
from trading.model.position import Trade

TRADES_NAME: Final = "trades.jsonl"
_TAIL_BYTES: Final = 16 * 1024


@dataclass(slots=True)
class _Found:
    """Say what stands in the file: where its good part ends, and which numbers are there."""

    seqs: set[int]
    good_size: int = 0
    is_beyond: bool = False


class TradeFile:
    """Append trades to the file, and bring it up to the database."""

    def __init__(
        self, folder: Path, read_trades: Callable[[int], Iterator[Trade]], clock: Clock
    ) -> None:
        self.path = folder / TRADES_NAME
        self._read_trades = read_trades
        self._clock = clock
        # After a failure: how much of the file is whole; the part of a line behind it is cut off.
        self._whole_size: int | None = None
        self._written = 0

    def append(self, trades: Iterable[Trade]) -> None:
        """Write trades behind the last one."""
        for trade in trades:
            self._write(trade_to_line(trade))
            self._written = max(self._written, trade.number)

    def complete(self) -> None:
        """Write what was committed and is not in the file yet."""
        self.append(self._read_trades(self._written))

    def repair(self, last_number: int) -> None:
        """Cut off a torn line, set lines aside that the database does not know, add the missing."""
        if self.path.exists() and not self.path.is_file():
            # A pipe without a reader would hold up the store for ever.
            raise OSError(errno.EINVAL, "found no regular file", str(self.path))
        if self._ends_with(last_number):
            self._written = last_number
            return
        found = self._scan(last_number)
        if found.is_beyond:
            self._keep_aside()
        if self.path.exists():
            os.truncate(self.path, found.good_size)
        first = min(found.seqs, default=1)
        # In their place would mean to write the file anew; readers go by `seq`.
        for trade in self._read_trades(first - 1):
            if trade.number not in found.seqs:
                self._write(trade_to_line(trade))
        self._written = last_number

    def _write(self, line: bytes) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC
        descriptor = os.open(self.path, flags, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            if self._whole_size is not None and self._whole_size < size:
                size = self._whole_size
                os.ftruncate(descriptor, size)
            self._whole_size = size
            written = os.pwrite(descriptor, line, size)
            if written != len(line):
                raise OSError(errno.ENOSPC, f"only {written} of {len(line)} bytes were written")
            self._whole_size = None
        finally:
            os.close(descriptor)

    def _ends_with(self, number: int) -> bool:
        """Tell by the last line alone whether nothing is to be done."""
        try:
            with self.path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - _TAIL_BYTES))
                tail = file.read()
        except FileNotFoundError:
            return number == 0
        lines = tail.splitlines(keepends=True)
        if not lines:
            return number == 0
        return seq_of_line(lines[-1]) == number

    def _scan(self, last_number: int) -> _Found:
        found, offset = _Found(set()), 0
        if not self.path.exists():
            return found
        with self.path.open("rb") as file:
            for line in file:
                offset += len(line)
                seq = seq_of_line(line)
                if seq is not None and seq > last_number:
                    found.is_beyond = True
                    return found
                if line.endswith(b"\n"):
                    found.good_size = offset
                if seq is not None:
                    found.seqs.add(seq)
        return found

    def _keep_aside(self) -> None:
        """Copy the whole file under another name: nothing that it says is lost."""
        stamp = timestamp_text(self._clock.wall()).replace(":", "").replace("-", "")
        aside = self.path.with_name(f"{TRADES_NAME}.before-restore-{stamp}")
        temporary = aside.with_name(f".{aside.name}.tmp")
        with self.path.open("rb") as source, temporary.open("wb") as target:
            os.fchmod(target.fileno(), 0o600)
            while block := source.read(1024 * 1024):
                target.write(block)
            target.flush()
            os.fsync(target.fileno())
        temporary.replace(aside)
