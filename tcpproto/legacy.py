"""Three-field peers of seed 003: what a command looks like to them."""

from __future__ import annotations

from tcpproto.messages import Message
from tcpproto.payloads import Command
from tcpproto.vocabulary import legacy_text


def to_legacy(message: Message) -> Message | None:
    """Turn a command into the three fields that a peer of seed 003 reads."""
    if message.tag != "command":
        return None
    command = Command.parse(message)
    text = legacy_text(command.verb, command.args)
    return None if text is None else Message("command", text, message.timestamp)
