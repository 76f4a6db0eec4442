"""Chat texts as the small HTML that a messenger on a phone shows, in pages that fit a message.

The words stay what they are: without its tags a page reads as the plain text did. Tables become
one <pre>, the first line of an alert and the state of a receipt bold, and everything is escaped.
Lines are cut into pages before they become HTML, so no page can end within a tag.
"""

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import groupby
from typing import Final

# A message holds 4,096 UTF-16 units; the rest is room for a mark such as "perhaps a repeat".
PAGE_UNITS_MAX: Final = 3_500
COLUMNS: Final = 34

_RECEIPT = re.compile(r"\[(?:queued|sent|accepted|applied|rejected|expired|unknown)\] ")
_ALERT = re.compile(r"#\d+ \S+ (?:info|notice|warning|critical)\b")
_LOG_LINE = re.compile(r"(?:\d{4}-\d\d-\d\dT|unknown-time )")
_ALIGNED = re.compile(r"^ |\S {2,}\S")


class Style(Enum):
    """Name how a line looks."""

    PLAIN = "plain"
    BOLD = "bold"
    RECEIPT = "receipt"
    TABLE = "table"


@dataclass(frozen=True, slots=True)
class HtmlPage:
    """Hold one message: its HTML, and the same words without any, for when that is refused."""

    html: str
    plain: str


@dataclass(frozen=True, slots=True)
class _Line:
    style: Style
    text: str


def html_pages(text: str, units_max: int = PAGE_UNITS_MAX) -> list[HtmlPage]:
    """Return a plain chat text as one page or several, each within the bound."""
    lines = [
        _Line(line.style, part)
        for line in _styled(text.split("\n"))
        for part in _parts(line.text, units_max)
    ]
    return [_page(group) for group in _packed(lines, units_max)]


def to_html(text: str) -> str:
    """Return a plain chat text as HTML in one piece, however long."""
    return _page(_styled(text.split("\n"))).html


def units(text: str) -> int:
    """Return the length of a text as the messenger counts it: in UTF-16 units."""
    return len(text) + sum(one > "\uffff" for one in text)


def _styled(lines: Sequence[str]) -> list[_Line]:
    if _ALERT.match(lines[0]):
        return [_Line(Style.BOLD, lines[0]), *_block(lines[1:])]
    if _RECEIPT.match(lines[-1]):
        return [*_block(lines[:-1]), _Line(Style.RECEIPT, lines[-1])]
    return _block(lines)


def _block(lines: Sequence[str]) -> list[_Line]:
    style = Style.TABLE if _is_table(lines) else Style.PLAIN
    return [_Line(style, line) for line in lines]


def _is_table(lines: Sequence[str]) -> bool:
    """Tell whether lines are laid out for a fixed width: narrow and aligned, or from a log."""
    if lines and _LOG_LINE.match(lines[0]):
        return True
    inner = [line.removeprefix("  ") for line in lines]
    is_narrow = all(len(line) <= COLUMNS for line in inner)
    return len(lines) > 1 and is_narrow and any(_ALIGNED.search(line) for line in inner)


def _parts(line: str, units_max: int) -> Iterator[str]:
    """Cut a line that is longer than a page, never within a character."""
    if units(line) <= units_max:
        yield line
        return
    part: list[str] = []
    room = units_max
    for one in line:
        size = units(one)
        if size > room:
            yield "".join(part)
            part, room = [], units_max
        part.append(one)
        room -= size
    yield "".join(part)


def _packed(lines: Sequence[_Line], units_max: int) -> Iterator[list[_Line]]:
    group: list[_Line] = []
    used = 0
    for line in lines:
        size = units(line.text) + 1
        if group and used + size > units_max + 1:
            yield group
            group, used = [], 0
        group.append(line)
        used += size
    if group:
        yield group


def _page(lines: Sequence[_Line]) -> HtmlPage:
    blocks = [
        _html_of(style, [one.text for one in group])
        for style, group in groupby(lines, key=lambda one: one.style)
    ]
    return HtmlPage("\n".join(blocks), "\n".join(one.text for one in lines))


def _html_of(style: Style, lines: Sequence[str]) -> str:
    if style is Style.RECEIPT:
        return "\n".join(_receipt_html(line) for line in lines)
    text = html.escape("\n".join(lines), quote=False)
    if not text.strip():
        return text
    if style is Style.TABLE:
        return f"<pre>{text}</pre>"
    return f"<b>{text}</b>" if style is Style.BOLD else text


def _receipt_html(line: str) -> str:
    head, dash, rest = line.partition(" — ")
    return f"<b>{html.escape(head, quote=False)}</b>{dash}{html.escape(rest, quote=False)}"
