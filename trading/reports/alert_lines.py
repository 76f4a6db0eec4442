"""How the text of an alert is laid out: a short first line that says it all, then details."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from trading.model.event import DurableEvent, Severity
from trading.reports.tables import COLUMNS, cut, labelled, wrapped

# The bridge indents every line but the first by two columns.
WIDTH: Final = COLUMNS - 2
_REASON_LINES_MAX: Final = 6


def make_alert(
    kind: str,
    severity: Severity,
    lines: Sequence[str],
    at: float,
    fields: Mapping[str, Any],
    key: str = "",
    *,
    is_vital: bool = False,
) -> DurableEvent:
    """Return an event whose lines fit a phone."""
    text = "\n".join([cut(lines[0]), *(cut(line, WIDTH) for line in lines[1:])])
    return DurableEvent(kind, severity, text, at, fields, key, is_vital)


def mode_text(is_paper: bool | None) -> str:
    """Return whether it is real money, or nothing where that is not known."""
    if is_paper is None:
        return ""
    return "PAPER" if is_paper else "LIVE"


def where_line(account: str, is_paper: bool | None) -> str:
    """Return whether it is real money, and the account's name."""
    return f"{mode_text(is_paper)} {account}".strip()


def where_fields(account: str, is_paper: bool | None) -> dict[str, Any]:
    """Return what names an account to programs."""
    return {"account": account, "mode": mode_text(is_paper) or None}


def row(label: str, value: str) -> list[str]:
    """Return a label and its value."""
    return labelled(label, value, width=WIDTH)


def reason_lines(reason: str) -> list[str]:
    """Return a reason over several lines, a long one shortened."""
    lines = wrapped(reason, width=WIDTH)
    if len(lines) <= _REASON_LINES_MAX:
        return lines
    return [*lines[: _REASON_LINES_MAX - 1], "…"]
