"""What a phone has been shown of the durable events: their lines in messages and in files."""

import re
from dataclasses import dataclass

from tests.fakes.bot_api.messages import Message
from tests.fakes.bot_api.phone import Phone

_LINE = re.compile(r"#(\d+) (\S+) (\w+)(?: \(([^)]*)\))?: (.*)")
_REPEATED = "perhaps shown before"
_SUMMARY = "all alerts follow"


@dataclass(frozen=True)
class Line:
    """One event as it was shown, by its first line."""

    id: int
    bot: str
    text: str
    is_marked: bool


def lines_of(message: Message) -> list[Line]:
    """Return the events in one message, or in its file."""
    text = message.text if message.document is None else message.document.decode()
    found = [match for line in text.splitlines() if (match := _LINE.fullmatch(line))]
    return [Line(int(one[1]), one[2], one[5], _REPEATED in (one[4] or "")) for one in found]


def shown(phone: Phone) -> list[list[Line]]:
    """Return the events of every message that has some, oldest first."""
    return [lines for message in phone.bot_messages if (lines := lines_of(message))]


def has_shown(phone: Phone, text: str) -> bool:
    """Tell whether an event with exactly this text has arrived."""
    return any(line.text == text for lines in shown(phone) for line in lines)


def summaries(phone: Phone) -> list[str]:
    """Return what was said of outages."""
    return [text for text in phone.texts if _SUMMARY in text]


def first_shown(phone: Phone) -> list[Line]:
    """Return all events by when they were shown for the first time."""
    firsts: dict[int, Line] = {}
    for lines in shown(phone):
        for line in lines:
            firsts.setdefault(line.id, line)
    return list(firsts.values())


def count_repeats(phone: Phone) -> int:
    """Count the messages that came a second time; fail unless each did so whole, and marked."""
    repeats, latest = 0, list[int]()
    for lines in shown(phone):
        ids = [line.id for line in lines]
        if latest and ids[0] <= latest[-1]:
            assert ids == latest, f"not repeated whole: {ids} after {latest}"
            assert all(line.is_marked for line in lines), f"not marked: {lines}"
            repeats += 1
        latest = ids
    return repeats
