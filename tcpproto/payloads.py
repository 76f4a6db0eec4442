"""Payloads: what the `message` field of each tag holds, as typed values.

Each class turns itself into a Message and parses one, raising RemoteProtocolError on a bad shape.
Fields that a newer minor version adds are ignored. They are named tuples, which are as frozen as a
dataclass and made at a third of its price: one is made for every frame. The frames of the
handshake and of the heartbeat belong to the connection: see `greetings`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, NamedTuple, Self

from tcpproto.errors import LocalProtocolError, RemoteProtocolError
from tcpproto.frames import FRAME_LEN_MAX
from tcpproto.messages import (
    ID_LEN_MAX,
    Message,
    check_choice,
    check_list,
    check_object,
    check_present,
    check_text,
    check_texts,
    check_time,
    encode_payload,
    new_tuple,
    parse_message,
)

TEXT_LEN_MAX: Final = 512 * 1024
LINE_LEN_MAX: Final = 64 * 1024
LEVEL_LEN_MAX: Final = 16
LOGGER_LEN_MAX: Final = 256
ARGUMENTS_MAX: Final = 32
ARGUMENT_LEN_MAX: Final = 256
ACCOUNT_LEN_MAX: Final = 32
SEVERITIES: Final = frozenset({"info", "notice", "warning", "critical"})
ROLES: Final = frozenset({"viewer", "trader", "admin"})


NO_FIELDS: Final[Mapping[str, Any]] = MappingProxyType({})


class ReplyState(StrEnum):
    """Name how far a command has come; all but `accepted` are final outcomes."""

    ACCEPTED = "accepted"
    APPLIED = "applied"
    REJECTED = "rejected"
    EXPIRED = "expired"
    UNKNOWN = "unknown"

    @property
    def is_final(self) -> bool:
        """Tell whether a command in this state never changes again at the engine."""
        return self is not ReplyState.ACCEPTED


_COMMAND_TEXTS: Final = (("verb", 32), ("author", 128), ("chat", 128))
_EVENT_TEXTS: Final = (("epoch", ID_LEN_MAX), ("kind", 64))
_REPLY_STATES: Final = {str(state): state for state in ReplyState}
_REPLY_STATE_NAMES: Final = frozenset(_REPLY_STATES)


def _clip(text: str, len_max: int) -> str:
    """Shorten what the peer would refuse: losing the end beats losing the connection."""
    return text if len(text) <= len_max else text[: len_max - 1] + "…"


class Ack(NamedTuple):
    """Say that every event of an epoch up to `seq` is stored."""

    epoch: str
    seq: int

    def to_message(self, timestamp: float) -> Message:
        """Return the frame's fields."""
        return Message("ack", {"epoch": self.epoch}, timestamp, seq=self.seq)

    @classmethod
    def parse(cls, message: Message) -> Self:
        """Read an acknowledgement."""
        body = check_object("message", message.message)
        return cls(
            epoch=check_text("epoch", body.get("epoch"), ID_LEN_MAX),
            seq=check_present("seq", message.seq),
        )


class Command(NamedTuple):
    """Ask the engine for one act; times are seconds since the epoch.

    Without an `account` the engine knows which is meant; `confirmed` says that a person was asked
    whether they are sure, and was.
    """

    id: str
    verb: str
    args: tuple[str, ...]
    author: str
    role: str
    chat: str
    issued_at: float
    expires_at: float
    account: str = ""
    confirmed: bool = False

    def to_message(self, timestamp: float) -> Message:
        """Return the frame's fields."""
        body: dict[str, Any] = {
            "verb": self.verb,
            "args": list(self.args),
            "author": self.author,
            "role": self.role,
            "chat": self.chat,
            "issued_at": self.issued_at,
        }
        if self.account:
            body["account"] = self.account
        if self.confirmed:
            body["confirmed"] = True
        fields = ("command", body, timestamp, self.id, None, None, self.expires_at)
        return new_tuple(Message, fields)

    @classmethod
    def parse(cls, message: Message) -> Self:
        """Read a command; it needs an id and an expiry, whoever sends it."""
        body = check_object("message", message.message)
        args = check_list("args", body.get("args", []), ARGUMENTS_MAX)
        verb, author, chat = check_texts(body, _COMMAND_TEXTS)
        for arg in args:
            check_text("args", arg, ARGUMENT_LEN_MAX, empty_allowed=True)
        fields = (
            message.id or check_present("id", message.id),
            verb,
            tuple(args),
            author,
            check_choice("role", body.get("role"), ROLES),
            chat,
            check_time("issued_at", body.get("issued_at")),
            message.expires_at or check_present("expires_at", message.expires_at),
            check_text("account", body.get("account") or "", ACCOUNT_LEN_MAX, empty_allowed=True),
            body.get("confirmed") is True,
        )
        return new_tuple(cls, fields)


class Reply(NamedTuple):
    """Answer a command; `repeat` marks the first outcome of an id that came again."""

    reply_to: str
    state: ReplyState
    text: str
    fields: Mapping[str, Any] = NO_FIELDS
    repeat: bool = False

    def to_message(self, timestamp: float) -> Message:
        """Return the frame's fields."""
        body = {
            "kind": "progress" if self.state is ReplyState.ACCEPTED else "outcome",
            "state": self.state,
            "text": _clip(self.text, TEXT_LEN_MAX),
            "fields": {} if self.fields is NO_FIELDS else self.fields,
            "repeat": self.repeat,
        }
        return new_tuple(Message, ("reply", body, timestamp, None, None, self.reply_to, None))

    @classmethod
    def parse(cls, message: Message) -> Self:
        """Read a reply."""
        body = check_object("message", message.message)
        fields = (
            message.reply_to or check_present("reply_to", message.reply_to),
            _REPLY_STATES[check_choice("state", body.get("state"), _REPLY_STATE_NAMES)],
            check_text("text", body.get("text"), TEXT_LEN_MAX, empty_allowed=True),
            check_object("fields", body.get("fields", {})),
            body.get("repeat") is True,
        )
        return new_tuple(cls, fields)


class Event(NamedTuple):
    """Report something that must not be lost; unique by (bot, epoch, seq)."""

    epoch: str
    seq: int
    kind: str
    severity: str
    text: str
    at: float
    fields: Mapping[str, Any] = NO_FIELDS

    def to_message(self, timestamp: float) -> Message:
        """Return the frame's fields."""
        body = {
            "epoch": self.epoch,
            "kind": self.kind,
            "severity": self.severity,
            "fields": {} if self.fields is NO_FIELDS else self.fields,
            "text": _clip(self.text, TEXT_LEN_MAX),
            "at": self.at,
        }
        return new_tuple(Message, ("event", body, timestamp, None, self.seq, None, None))

    @classmethod
    def parse(cls, message: Message) -> Self:
        """Read an event."""
        body = check_object("message", message.message)
        epoch, kind = check_texts(body, _EVENT_TEXTS)
        return cls(
            epoch=epoch,
            seq=check_present("seq", message.seq),
            kind=kind,
            severity=check_choice("severity", body.get("severity"), SEVERITIES),
            text=check_text("text", body.get("text"), TEXT_LEN_MAX, empty_allowed=True),
            at=check_time("at", body.get("at")),
            fields=check_object("fields", body.get("fields", {})),
        )


def encode_event(event: Event, timestamp: float) -> bytes:
    """Encode an event once, for an outbox that keeps the bytes until they are acknowledged.

    LocalProtocolError for one that the bridge would not take: it would be refused and sent again
    at every reconnect, for ever, and nothing behind it would arrive.
    """
    body = encode_payload(event.to_message(timestamp))
    if len(body) > FRAME_LEN_MAX or event.seq < 1:
        raise LocalProtocolError("event", f"event {event.seq} of {len(body)} bytes cannot be sent")
    try:
        Event.parse(parse_message(body))
    except RemoteProtocolError as error:
        raise LocalProtocolError(error.code, f"event {event.seq}: {error.text}") from None
    return body


class Log(NamedTuple):
    """Forward one log line, best effort."""

    level: str
    logger: str
    at: float
    text: str

    def to_message(self, timestamp: float) -> Message:
        """Return the frame's fields."""
        body = {
            "level": self.level[:LEVEL_LEN_MAX],
            "logger": self.logger[:LOGGER_LEN_MAX],
            "at": self.at,
            "text": _clip(self.text, LINE_LEN_MAX),
        }
        return Message("log", body, timestamp)

    @classmethod
    def parse(cls, message: Message) -> Self:
        """Read a log line."""
        body = check_object("message", message.message)
        return cls(
            level=check_text("level", body.get("level"), LEVEL_LEN_MAX),
            logger=check_text("logger", body.get("logger"), LOGGER_LEN_MAX, empty_allowed=True),
            at=check_time("at", body.get("at")),
            text=check_text("text", body.get("text"), LINE_LEN_MAX, empty_allowed=True),
        )


class Status(NamedTuple):
    """Show the present state; only the latest one counts."""

    kind: str
    text: str
    fields: Mapping[str, Any] = NO_FIELDS

    def to_message(self, timestamp: float) -> Message:
        """Return the frame's fields."""
        text = _clip(self.text, TEXT_LEN_MAX)
        body = {
            "kind": self.kind,
            "fields": {} if self.fields is NO_FIELDS else self.fields,
            "text": text,
        }
        return Message("status", body, timestamp)

    @classmethod
    def parse(cls, message: Message) -> Self:
        """Read a status."""
        body = check_object("message", message.message)
        return cls(
            kind=check_text("kind", body.get("kind"), 64),
            text=check_text("text", body.get("text"), TEXT_LEN_MAX, empty_allowed=True),
            fields=check_object("fields", body.get("fields", {})),
        )


class Text(NamedTuple):
    """Carry a line for the chat as it is; three-field peers send nothing else."""

    text: str

    def to_message(self, timestamp: float) -> Message:
        """Return the frame's fields."""
        text = self.text
        if len(text) > TEXT_LEN_MAX:
            text = _clip(text, TEXT_LEN_MAX)
        return new_tuple(Message, ("message", text, timestamp, None, None, None, None))

    @classmethod
    def parse(cls, message: Message) -> Self:
        """Read a chat text, either a plain string or an object with a ready `text`."""
        return cls(parse_text(message))


def parse_text(message: Message) -> str:
    """Read a chat text as it is, without the value around it."""
    body = message.message
    if type(body) is str and len(body) <= TEXT_LEN_MAX:
        return body
    if type(body) is dict:
        body = body.get("text")
    return check_text("message", body, TEXT_LEN_MAX, empty_allowed=True)
