"""Make text safe to show: what would move a cursor, reorder or hide text becomes an escape.

Used for log lines, error lines, the console and chat text of foreign origin.
"""

import re

# Everything a terminal or an editor acts on instead of showing it: C0, DEL and C1 controls,
# soft hyphen, bidirectional overrides, zero-width and invisible characters, line and
# paragraph separators, lone surrogates, non-characters, annotation and tag characters.
# Newline and tab stay: the caller decides what to do with lines.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad"
    "\u0600-\u0605\u061c\u06dd\u070f\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164"
    "\ud800-\udfff\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U000110bd\U000110cd\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def printable(text: str) -> str:
    """Return the text with every control character but newline and tab as a visible escape."""
    # isprintable() is a single C loop, and nearly every line passes it.
    return text if text.isprintable() else _HIDDEN.sub(_escape, text)


def one_line(text: str, length_max: int = 2000) -> str:
    """Return the text as one bounded, visible line; line breaks become single spaces."""
    line = printable(" ".join(text.replace("\r\n", "\n").split("\n")).replace("\t", " ")).strip()
    return line if len(line) <= length_max else line[: length_max - 1] + "…"
