"""Layout for a phone: lines of at most 34 columns, texts of a bounded number of lines."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

COLUMNS: Final = 34
LINES_MAX: Final = 60
LABEL_WIDTH: Final = 9

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class View:
    """Hold an answer: a text for people and the same figures for programs."""

    text: str
    fields: Mapping[str, Any] = field(default_factory=dict)


def cut(text: str, width: int = COLUMNS) -> str:
    """Return one line, shortened if it is too wide."""
    line = " ".join(text.split("\n"))
    return line if len(line) <= width else line[: width - 1] + "…"


def labelled(label: str, value: str, *, width: int = COLUMNS) -> list[str]:
    """Return a label and its value in one line, or in several where they do not fit."""
    head = f"{label:<{LABEL_WIDTH - 1}} "
    if len(head) + len(value) <= width:
        return [head + value]
    return [cut(label, width), *wrapped(value, indent=1, width=width)]


def spread(left: str, right: str) -> list[str]:
    """Return two texts at both ends of one line, or under each other where they do not fit."""
    room = COLUMNS - len(right) - 1
    if len(left) <= room:
        return [f"{left:<{room}} {right}"]
    return [cut(left), cut(f" {right}")]


def wrapped(text: str, *, indent: int = 0, width: int = COLUMNS) -> list[str]:
    """Return a text broken between words, or within a word that is wider than a line."""
    room = width - indent
    lines: list[str] = []
    line = ""
    for word in _pieces(text, room):
        if line and len(line) + 1 + len(word) > room:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    if line:
        lines.append(line)
    return [" " * indent + one for one in lines]


def shortened(text: str, lines_max: int, *, indent: int = 0, width: int = COLUMNS) -> list[str]:
    """Return a text over so many lines at most, and show where it was cut."""
    lines = wrapped(text, indent=indent, width=width)
    if len(lines) <= lines_max:
        return lines
    return [*lines[: lines_max - 1], cut(f"{lines[lines_max - 1]}…", width)]


def limited(
    items: Sequence[Item], draw: Callable[[Item], Sequence[str]], lines_max: int, what: str
) -> list[str]:
    """Return the blocks of lines that fit as whole ones, and say how many more there are.

    What does not fit is not drawn: a status is made every second, on the engine's thread.
    """
    lines: list[str] = []
    for index, item in enumerate(items):
        block = draw(item)
        is_last = index == len(items) - 1
        if len(lines) + len(block) + (0 if is_last else 1) > lines_max:
            return [*lines, cut(f"… {len(items) - index:,} more {what}")]
        lines.extend(block)
    return lines


def page(*sections: Iterable[str], lines_max: int = LINES_MAX) -> str:
    """Return one text of all sections, bounded in both directions."""
    lines = [cut(line) for section in sections for line in section]
    if len(lines) > lines_max:
        lines = [*lines[: lines_max - 1], f"… {len(lines) - lines_max + 1:,} more lines"]
    return "\n".join(lines)


def _pieces(text: str, room: int) -> Iterable[str]:
    for word in text.split():
        for start in range(0, len(word), room):
            yield word[start : start + room]
