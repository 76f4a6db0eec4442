"""Closed trades as a CSV file: the fields of trades.jsonl under a header, replaced in one step."""

import csv
import os
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final, TextIO

from daemonkit.files import file_error
from trading.ledger.trade_lines import FIELDS, trade_to_fields
from trading.model.position import Trade

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_AMOUNT: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def write_trades_csv(path: Path, trades: Iterable[Trade]) -> int:
    """Write the trades, one a row, and return how many; a failure leaves a file as it was."""
    try:
        if path.exists() and not path.is_file():
            # A device or a pipe, such as /dev/stdout: a file in its place would end it for all.
            with path.open("w", encoding="utf-8", newline="") as stream:
                return _write_rows(stream, trades)
        return _replace(path.resolve(), trades)
    except OSError as error:
        raise file_error(path, error) from error


def _replace(path: Path, trades: Iterable[Trade]) -> int:
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("w", encoding="utf-8", newline="") as file:
            count = _write_rows(file, trades)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink()
    return count


def _write_rows(file: TextIO, trades: Iterable[Trade]) -> int:
    writer, count = csv.writer(file), 0
    writer.writerow(FIELDS)
    for trade in trades:
        writer.writerow(_safe(value) for value in trade_to_fields(trade).values())
        count += 1
    return count


def _safe(value: object) -> object:
    """Keep a text of others, such as a reason, from being taken for a formula."""
    if not isinstance(value, str) or not value.startswith(_FORMULA) or _AMOUNT.fullmatch(value):
        return value
    return f"'{value}"
