"""Puts several lines into one message or one file. Each line stays whole, and in its place."""

from collections.abc import Callable, Sequence

from telegram.bridge.chat_outbox.posts import Attachment
from telegram.bridge.chat_outbox.splitting import (
    CAPTION_UNITS_MAX,
    ENTITIES_MAX,
    UNITS_BUDGET,
    UNITS_MAX,
    head,
    measure,
    split_html,
    split_plain,
    utf16_len,
)

# Turns a plain text into HTML that shows the same.
Dress = Callable[[str], str]

LINES_MAX = 20
PIECES_MAX = 3
SMALL_BUDGET = 1_500
# The head of a long text that is shown beside its file.
_HEAD_UNITS = 900


def fitting(lines: Sequence[str], budget: int = UNITS_BUDGET, lines_max: int = LINES_MAX) -> int:
    """Return how many of the first lines fit into one message; 0 when the first is too long."""
    used = 0
    for count, line in enumerate(lines[:lines_max]):
        used += utf16_len(line) + (1 if count else 0)
        if used > budget:
            return count
    return min(len(lines), lines_max)


def dressed(text: str, dress: Dress | None) -> str | None:
    """Return a text as HTML, or None where plain text is better or the only way."""
    if dress is None:
        return None
    html = dress(text)
    try:
        units, entities = measure(html)
    except ValueError:
        return None
    return html if units <= UNITS_MAX and entities <= ENTITIES_MAX else None


def pieces_of(text: str, *, is_small: bool = False) -> list[str]:
    """Cut a plain text into messages; pieces that show nothing are left out."""
    pieces = split_plain(text, SMALL_BUDGET if is_small else UNITS_BUDGET)
    return [piece for piece in pieces if piece.strip()] or ["—"]


def html_pieces_of(html: str) -> list[str] | None:
    """Cut HTML into messages; None for one whose tags do not match."""
    try:
        pieces = split_html(html)
    except ValueError:
        return None
    return pieces or None


def text_file(text: str, name: str) -> Attachment:
    """Return a text as a file."""
    return Attachment(text.encode("utf-8", "replace"), f"{name}.txt")


def caption_of(text: str) -> str:
    """Return the beginning of a text, for the file that has all of it."""
    if utf16_len(text) <= CAPTION_UNITS_MAX:
        return text.strip() or "—"
    return head(text, _HEAD_UNITS).rstrip() + "… (all of it in the file)"
