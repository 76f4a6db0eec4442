"""Chat texts as the small HTML that a messenger on a phone shows.

The words stay what they are: without its tags the HTML reads as the plain text did. Tables become
one <pre>, the first line of an alert and the state of a receipt bold, and everything is escaped.
Whoever sends it cuts it where it is too long for a message.
"""

import html
import re
from collections.abc import Sequence

from telegram.bridge.receipts import State
from telegram.bridge.render import COLUMNS

_RECEIPT = re.compile(rf"\[(?:{'|'.join(State)})\] ")
_ALERT = re.compile(r"#\d+ \S+ (?:info|notice|warning|critical)\b")
_LOG_LINE = re.compile(r"(?:\d{4}-\d\d-\d\dT|unknown-time )")
_ALIGNED = re.compile(r"^ |\S {2,}\S")


def to_html(text: str) -> str:
    """Return a plain chat text as HTML."""
    lines = text.split("\n")
    if _ALERT.match(lines[0]):
        heads = [n for n, line in enumerate(lines) if _ALERT.match(line)]
        ends = [*heads[1:], len(lines)]
        return "\n".join(
            part
            for head, end in zip(heads, ends, strict=True)
            for part in (_bold(lines[head]), *_block(lines[head + 1 : end]))
        )
    if _RECEIPT.match(lines[-1]):
        head, dash, rest = lines[-1].partition(" — ")
        return "\n".join([*_block(lines[:-1]), f"{_bold(head)}{dash}{_escaped(rest)}"])
    return "\n".join(_block(lines))


def table_html(text: str) -> str:
    """Return a text as one table, whatever it looks like."""
    return f"<pre>{_escaped(text)}</pre>" if text.strip() else _escaped(text)


def _block(lines: Sequence[str]) -> list[str]:
    if not lines:
        return []
    text = "\n".join(lines)
    return [table_html(text) if _is_table(lines) else _escaped(text)]


def _is_table(lines: Sequence[str]) -> bool:
    """Tell whether lines are laid out for a fixed width: narrow and aligned, or from a log."""
    if _LOG_LINE.match(lines[0]):
        return True
    inner = [line.removeprefix("  ") for line in lines]
    is_narrow = all(len(line) <= COLUMNS for line in inner)
    return len(lines) > 1 and is_narrow and any(_ALIGNED.search(line) for line in inner)


def _bold(text: str) -> str:
    return f"<b>{_escaped(text)}</b>" if text.strip() else _escaped(text)


def _escaped(text: str) -> str:
    return html.escape(text, quote=False)
