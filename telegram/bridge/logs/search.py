"""The last lines of a log file that match, read from its end; bounded in bytes and lines."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

READ_BYTES_MAX = 2 * 1024 * 1024
LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}

_HEAD = re.compile(r"(?:\d{4}-\d\d-\d\dT[\d:.]+Z|unknown-time) (\S+) ")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Hold which lines are asked for."""

    count: int = 20
    level: str = "DEBUG"
    text: str = ""


def find_lines(path: Path, wanted: Wanted) -> list[str]:
    """Return the last records of a log file, and of the one before it, that match."""
    found: list[str] = []
    for file in (path, path.with_name(f"{path.name}.1")):
        missing = wanted.count - len(found)
        if missing > 0:
            found = [*_matching(_records(_read_end(file)), wanted)[-missing:], *found]
    return found


def _matching(records: Sequence[str], wanted: Wanted) -> list[str]:
    least, text = level_number(wanted.level), wanted.text.lower()
    return [record for record in records if _level_of(record) >= least and text in record.lower()]


def level_number(level: str) -> int:
    """Return the number of a level by its name; a name that nobody knows counts as INFO."""
    return LEVELS.get(level.upper(), LEVELS["INFO"])


def _level_of(record: str) -> int:
    head = _HEAD.match(record)
    return level_number(head[1]) if head else LEVELS["INFO"]


def _records(text: str) -> list[str]:
    """Join each line with the indented ones that continue it."""
    records: list[str] = []
    for line in text.split("\n"):
        if _HEAD.match(line):
            records.append(line)
        elif records and line:
            records[-1] += f"\n{line}"
    return records


def _read_end(path: Path) -> str:
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - READ_BYTES_MAX))
            return file.read(READ_BYTES_MAX).decode("utf-8", "replace")
    except OSError:
        return ""
