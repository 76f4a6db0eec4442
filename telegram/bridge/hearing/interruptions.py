"""What is said at a start about things that an earlier process had begun and not ended.

A row is closed only when its word has been shown: the next process may end before that, too.
"""

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Protocol

from daemonkit.printable import one_line
from telegram.bridge.hearing.gate import is_reading
from telegram.bridge.hearing.journal import InboundJournal
from telegram.bridge.messenger import Place, read_place
from telegram.bridge.receipts import OUTCOMES
from telegram.bridge.records import CommandRecord
from telegram.bridge.store.inbound import InboundRow

_ROWS_MAX = 10
_LINE_LENGTH_MAX = 80


def _nothing() -> None:
    return None


class Tell(Protocol):
    """Show a text in a place, however long the messenger is away."""

    def __call__(
        self, place: Place, text: str, on_shown: Callable[[], None] = _nothing, /
    ) -> object:
        """Call back when it is shown."""
        ...


@dataclass(slots=True)
class Interrupted:
    """Hold what is to be told, which of it is under way, and the commands that came of any."""

    rows: list[InboundRow] = field(default_factory=list)
    under_way: set[int] = field(default_factory=set)
    commands: list[str] = field(default_factory=list)


def sort_out(
    rows: Sequence[InboundRow], find: Callable[[InboundRow], CommandRecord | None]
) -> Interrupted:
    """Tell what is unknown from what a command has come of; that one is told of once."""
    found = Interrupted()
    for row in rows:
        record = find(row)
        if record is None:
            found.rows.append(row)
        elif record.id not in found.commands:
            found.commands.append(record.id)
            if record.state not in OUTCOMES:
                found.rows.append(row)
                found.under_way.add(row.update_id)
    return found


def tell_interrupted(
    journal: InboundJournal,
    find: Callable[[InboundRow], CommandRecord | None],
    *,
    show_again: Callable[[str], None],
    tell: Tell,
) -> None:
    """Say what was begun and not ended; none of it is done again."""
    rows = journal.read_open()
    found = sort_out(rows, find)
    for command_id in found.commands:
        # Where it stands was perhaps not shown any more.
        show_again(command_id)
    closed = [row for row in rows if row not in found.rows]
    for chat, text in interruption_texts(found.rows, found.under_way).items():
        told = [row for row in found.rows if row.chat == chat]
        place = read_place(chat)
        if place is None:
            closed += told
        else:
            tell(place, text, partial(journal.note_interrupted, told))
    journal.note_interrupted(closed)
    journal.flush()


def interruption_texts(
    rows: Sequence[InboundRow], under_way: Container[int] = ()
) -> dict[str, str]:
    """Return one message for each chat, by its name; what is under way has a receipt."""
    by_chat: dict[str, list[InboundRow]] = {}
    for row in rows:
        by_chat.setdefault(row.chat, []).append(row)
    return {chat: _text_of(found, under_way) for chat, found in by_chat.items()}


def _text_of(rows: Sequence[InboundRow], under_way: Container[int]) -> str:
    at = f"interrupted at {_time_text(max(row.received_at for row in rows))}"
    if all(row.update_id in under_way for row in rows):
        lines = [f"{at}; what was under way goes on, its receipt tells how it ends:"]
    elif all(_only_looks(row) for row in rows):
        lines = [f"{at} before it was answered, send it again:"]
    else:
        lines = [f"{at}, result unknown, check /orders; nothing is done again:"]
    lines += [_line_of(row, under_way) for row in rows[:_ROWS_MAX]]
    if len(rows) > _ROWS_MAX:
        lines.append(f"  … {len(rows) - _ROWS_MAX} more")
    return "\n".join(lines)


def _only_looks(row: InboundRow) -> bool:
    return row.pressed is None and row.text.startswith("/") and is_reading(row.text)


def _line_of(row: InboundRow, under_way: Container[int]) -> str:
    line = f"  {one_line(row.text, _LINE_LENGTH_MAX)}"
    return f"{line} (goes on, see its receipt)" if row.update_id in under_way else line


def _time_text(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M UTC")
