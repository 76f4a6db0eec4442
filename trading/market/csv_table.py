"""Comma-separated files, plain or gzip, line by line: a file of any size takes little memory."""

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain
from pathlib import Path

from trading.market.columns import names_of_first_row
from trading.market.errors import FeedError, shown
from trading.market.table import Table

LINE_LENGTH_MAX = 4096
BLANK_LINES_MAX = 1000
BUFFER_BYTES = 1 << 16
_GZIP_MAGIC = b"\x1f\x8b"


@contextmanager
def open_csv_table(file: Path) -> Iterator[Table]:
    """Open a .csv or .csv.gz file; its first line is a header or a row in a known order."""
    with ExitStack() as stack:
        raw = stack.enter_context(file.open("rb"))
        rows = _rows(file, _decompressed(file, raw, stack))
        first = next(rows, None)
        if first is None:
            raise FeedError(file, "line 1", "nothing", "a header and rows of market data")
        number, cells = first
        place = f"line {number}"
        columns = names_of_first_row(file, place, cells)
        if columns is None:
            columns = tuple(cell.strip().lower() for cell in cells)
            yield Table(file, columns, rows, "line", place)
        else:
            yield Table(file, columns, chain((first,), rows), "line", place)


def _decompressed(file: Path, raw: io.BufferedReader, stack: ExitStack) -> io.BufferedReader:
    is_gzip = raw.peek(2).startswith(_GZIP_MAGIC)
    if file.suffix.lower() != ".gz":
        if is_gzip:
            raise FeedError(file, "line 1", "gzip data", "text; gzip in a file named .csv.gz")
        return raw
    if not is_gzip:
        raise FeedError(file, "line 1", "no gzip data", "gzip; text in a file named .csv")
    unpacked = stack.enter_context(gzip.GzipFile(fileobj=raw))
    # GzipFile.readline is Python code; a buffer around it reads lines twice as fast.
    return stack.enter_context(io.BufferedReader(unpacked, BUFFER_BYTES))


def _rows(file: Path, stream: io.BufferedReader) -> Iterator[tuple[int, list[str]]]:
    number = blank = 0
    while line := _read_line(file, number + 1, stream):
        number += 1
        blank = blank + 1 if line.isspace() else 0
        # Nobody is asked whether to stop while lines are skipped.
        if blank > BLANK_LINES_MAX:
            allowed = f"at most {BLANK_LINES_MAX} in a row"
            raise FeedError(file, f"line {number}", "more blank lines", allowed)
        if blank:
            continue
        text = _decoded(file, number, line)
        yield number, text.split(",") if '"' not in text else _quoted(file, number, text)


def _read_line(file: Path, number: int, stream: io.BufferedReader) -> bytes:
    place = f"line {number}"
    try:
        line = stream.readline(LINE_LENGTH_MAX + 1)
    except EOFError:
        raise FeedError(file, place, "the end of a cut-off gzip file", "a whole file") from None
    except (zlib.error, gzip.BadGzipFile) as error:
        raise FeedError(file, place, shown(str(error)), "undamaged gzip data") from None
    except OSError as error:
        raise FeedError(file, place, str(error), "a file that can be read") from error
    if len(line) > LINE_LENGTH_MAX:
        raise FeedError(file, place, "a longer line", f"at most {LINE_LENGTH_MAX} bytes")
    return line


def _decoded(file: Path, number: int, line: bytes) -> str:
    try:
        text = line.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError:
        raise FeedError(file, f"line {number}", "binary data", "UTF-8 text") from None
    if "\0" in text:
        raise FeedError(file, f"line {number}", "binary data", "UTF-8 text")
    return text.rstrip("\r\n")


def _quoted(file: Path, number: int, text: str) -> list[str]:
    try:
        return next(csv.reader((text,), strict=True))
    except csv.Error as error:
        raise FeedError(file, f"line {number}", str(error), "comma-separated cells") from None
