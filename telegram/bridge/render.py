"""How things look in a chat: receipts, events, ages. Texts in, texts out; nothing else."""

from collections.abc import Iterable
from datetime import UTC, datetime
from textwrap import wrap
from typing import Final

from daemonkit.printable import one_line, printable
from daemonkit.secrets import redact
from telegram.bridge.receipts import State
from telegram.bridge.records import CommandRecord, StoredEvent

# What a phone shows of a fixed width in one line.
COLUMNS: Final = 34
# What is said of a text that is sent again as nobody knows whether it has arrived.
PERHAPS_SHOWN: Final = "perhaps shown before"
# An event that is shown later than this after it happened says when that was.
LATE_AFTER_S = 60.0


def clean(text: str) -> str:
    """Return text fit for a chat: no secret, no control character, no trailing space."""
    return printable(redact(text)).rstrip()


def fitted(lines: Iterable[str]) -> list[str]:
    """Return lines no wider than a phone: a wide one goes on below, further in."""
    found: list[str] = []
    for line in lines:
        if len(line) <= COLUMNS:
            found.append(line)
            continue
        margin = " " * (len(line) - len(line.lstrip()))
        found += wrap(
            line, COLUMNS, subsequent_indent=f"{margin}  ", break_on_hyphens=False, tabsize=1
        )
    return found


def continued(text: str) -> str:
    """Indent all lines but the first: none may pass for a message or a receipt of its own."""
    return text.replace("\n", "\n  ")


def receipt_line(state: State, line: str, text: str) -> str:
    """Return the one line that a command ends with."""
    text = one_line(text)
    return f"[{state}] {line} — {text}" if text else f"[{state}] {line}"


def receipt(state: State, line: str, text: str, body: str = "") -> str:
    """Return a whole receipt: what there is to show, then the line."""
    ending = receipt_line(state, line, text)
    return f"{body.rstrip()}\n{ending}" if body.strip() else ending


def command_receipt(record: CommandRecord, label: str) -> str:
    """Return the receipt of a command to a bot; it names bot, account and LIVE or PAPER."""
    text = record.text.strip()
    if not text and record.state is State.SENT:
        text = "waiting for its answer"
    if "\n" in text:
        return receipt(record.state, record.line, label, text)
    return receipt(record.state, record.line, f"{label}: {text}" if text else label)


def event_text(event: StoredEvent, now: float, *, is_repeat: bool = False) -> str:
    """Return an event with its #id, bot and severity."""
    marks = []
    if now - event.raised_at >= LATE_AFTER_S:
        marks.append(f"at {utc_text(event.raised_at)}")
    if is_repeat:
        marks.append(PERHAPS_SHOWN)
    mark = f" ({', '.join(marks)})" if marks else ""
    text = event.text.strip() or event.kind
    return f"#{event.id} {event.bot} {event.severity}{mark}: {continued(text)}"


def utc_text(at: float) -> str:
    """Return a moment to the second; a peer may have sent any number."""
    try:
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    except (OverflowError, ValueError, OSError):
        return "unknown time"


def age_text(seconds: float) -> str:
    """Return a duration in its two largest units, such as `3h 05m`."""
    whole = max(0, int(seconds))
    days, hours, minutes = whole // 86_400, whole // 3_600 % 24, whole // 60 % 60
    if days:
        return f"{days}d {hours}h"
    if hours:
        return f"{hours}h {minutes:02}m"
    return f"{minutes}m {whole % 60:02}s" if minutes else f"{whole}s"


def rtt_text(rtt_s: float | None) -> str:
    """Return a round trip in milliseconds, or a dash before the first heartbeat."""
    return "-" if rtt_s is None else f"{rtt_s * 1000:.1f} ms"


def plural(count: int, noun: str) -> str:
    """Return a count with its noun, such as `1 bot` or `2 bots`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
