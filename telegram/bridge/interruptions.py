"""What is said at a start about things that an earlier process had begun and not ended."""

from collections.abc import Sequence
from datetime import UTC, datetime

from daemonkit.printable import one_line
from telegram.bridge.store.inbound import InboundRow

_ROWS_MAX = 10
_LINE_LENGTH_MAX = 80


def interruption_texts(rows: Sequence[InboundRow]) -> dict[str, str]:
    """Return one message for each chat, by its name."""
    by_chat: dict[str, list[InboundRow]] = {}
    for row in rows:
        by_chat.setdefault(row.chat, []).append(row)
    return {chat: _text_of(found) for chat, found in by_chat.items()}


def _text_of(rows: Sequence[InboundRow]) -> str:
    at = max(row.received_at for row in rows)
    lines = [
        f"interrupted at {_time_text(at)}, result unknown, check /orders; nothing is done again:"
    ]
    lines += [f"  {one_line(row.text, _LINE_LENGTH_MAX)}" for row in rows[:_ROWS_MAX]]
    if len(rows) > _ROWS_MAX:
        lines.append(f"  … {len(rows) - _ROWS_MAX} more")
    return "\n".join(lines)


def _time_text(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M UTC")
