"""Parquet and feather files, batch by batch. The only place that needs the research extra."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from daemonkit.errors import ConfigurationError
from trading.market.errors import FeedError, shown
from trading.market.table import Cell, Row, Table

BATCH_ROWS = 4096
_PLACE = "columns"


@contextmanager
def open_parquet_table(file: Path) -> Iterator[Table]:
    """Open a .parquet file."""
    pyarrow, parquet = _module(file, "pyarrow"), _module(file, "pyarrow.parquet")
    with _faults(file, pyarrow):
        source = parquet.ParquetFile(file)
    with source:
        batches = source.iter_batches(batch_size=BATCH_ROWS, use_threads=False)
        yield _table(file, pyarrow, source.schema_arrow.names, batches)


@contextmanager
def open_feather_table(file: Path) -> Iterator[Table]:
    """Open a .feather file (version 2, which is the Arrow file format)."""
    pyarrow, ipc = _module(file, "pyarrow"), _module(file, "pyarrow.ipc")
    # Not memory-mapped: a file that shrinks while it is mapped kills the process.
    with pyarrow.OSFile(str(file)) as raw:
        with _faults(file, pyarrow):
            source = ipc.open_file(raw)
        batches = (source.get_batch(index) for index in range(source.num_record_batches))
        yield _table(file, pyarrow, source.schema.names, batches)


def _module(file: Path, name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise ConfigurationError(
            file,
            "format",
            file.suffix.lower().removeprefix("."),
            "csv or csv.gz, and with the research extra (pyarrow) parquet or feather",
        ) from None


@contextmanager
def _faults(file: Path, pyarrow: Any) -> Iterator[None]:
    """Tell errors of the library as those of the file."""
    try:
        yield
    except (pyarrow.ArrowException, OSError) as error:
        kind = file.suffix.lower().removeprefix(".")
        allowed = f"an undamaged {kind} file"
        raise FeedError(file, "file", shown(str(error)), allowed) from error


def _table(file: Path, pyarrow: Any, names: list[str], batches: Iterator[Any]) -> Table:
    columns = tuple(name.strip().lower() for name in names)
    return Table(file, columns, _rows(file, pyarrow, batches), "row", _PLACE)


def _rows(file: Path, pyarrow: Any, batches: Iterator[Any]) -> Iterator[Row]:
    number = 0
    while True:
        with _faults(file, pyarrow):
            batch = next(batches, None)
        if batch is None:
            return
        # Only some rows at a time become objects: a feather batch is as long as its writer liked.
        for start in range(0, batch.num_rows, BATCH_ROWS):
            with _faults(file, pyarrow):
                part = batch.slice(start, BATCH_ROWS)
                cells = [_cells(pyarrow, column) for column in part.columns]
            for row in zip(*cells, strict=True):
                number += 1
                yield number, row


def _cells(pyarrow: Any, column: Any) -> list[Cell]:
    """Make values of a column; times become microseconds since the epoch."""
    types, kind = pyarrow.types, column.type
    if types.is_timestamp(kind) or types.is_date(kind):
        column = column.cast(pyarrow.timestamp("us"), safe=False).cast(pyarrow.int64())
    elif not (
        types.is_integer(kind)
        or types.is_floating(kind)
        or types.is_decimal(kind)
        or types.is_string(kind)
        or types.is_large_string(kind)
    ):
        return [f"a value of type {kind}"] * len(column)
    cells: list[Cell] = column.to_pylist()
    return cells
