"""Buttons under an event that asks something of a person: each is a command, ready to be sent.

What a bot tells may be anything: what is not understood has no buttons, and its text says what
can be typed. Whoever presses is asked and checked as if they had typed it.
"""

from typing import Any, Final

import orjson

from tcpproto.vocabulary import CommandError, parse_line
from telegram.bridge.chat import Button, Buttons
from telegram.bridge.records import StoredEvent

# The kinds of which the store gives the fields.
ASKING_KINDS: Final = frozenset({"difference"})
_LABELS: Final = {"adopt": "Adopt", "close": "Close", "ignore": "Ignore"}
_VERB: Final = "reconcile"
# What the messenger carries in a button.
_DATA_BYTES_MAX: Final = 64


def buttons_of(event: StoredEvent) -> Buttons:
    """Return the buttons of an event, or none."""
    if event.kind not in ASKING_KINDS:
        return ()
    fields = _read(event.fields)
    number, choices = fields.get("number"), fields.get("choices")
    if not isinstance(number, int) or isinstance(number, bool) or not isinstance(choices, list):
        return ()
    row = [
        Button(label, line)
        for choice, label in _LABELS.items()
        if choice in choices and command_of(line := f"/{_VERB} {number} {choice} @{event.bot}")
    ]
    return (row,) if row else ()


def command_of(data: str) -> str | None:
    """Return the command that a pressed button means; None for a button of a question."""
    if not data.startswith(f"/{_VERB} ") or len(data.encode()) > _DATA_BYTES_MAX:
        return None
    try:
        command = parse_line(data)
    except CommandError:
        return None
    # An app may press what was never there: nothing but an answer goes this way.
    return data if command.verb == _VERB and len(command.args) > 1 else None


def _read(fields: str) -> dict[str, Any]:
    try:
        found = orjson.loads(fields)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
