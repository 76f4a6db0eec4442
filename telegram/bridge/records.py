"""What the bridge keeps: a command with its outcome, an event with its #id, a bot that was seen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tcpproto.vocabulary import ParsedCommand, Role
from telegram.bridge.receipts import State


@dataclass(frozen=True, slots=True)
class CommandRecord:
    """Hold one command to one bot and how far it has come.

    `account` is what the line named, or nothing; `confirmed` says that its author was asked,
    `receipt_owed` that its message in the chat does not say the outcome yet.
    """

    id: str
    bot: str
    verb: str
    args: tuple[str, ...]
    author: str
    role: Role
    chat: str
    issued_at: float
    expires_at: float
    state: State = State.QUEUED
    text: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)
    message_id: int | None = None
    sent_at: float | None = None
    finished_at: float | None = None
    account: str = ""
    confirmed: bool = False
    receipt_owed: bool = False

    @property
    def line(self) -> str:
        """Return the command as a person writes it."""
        return ParsedCommand(self.verb, self.args).line


@dataclass(frozen=True, slots=True)
class NewEvent:
    """Hold an event of a bot that is not stored yet."""

    bot: str
    epoch: str
    seq: int
    kind: str
    severity: str
    fields: Mapping[str, Any]
    text: str
    raised_at: float


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """Hold an event with the id that every chat shows; its fields as JSON, where it asks."""

    id: int
    bot: str
    kind: str
    severity: str
    text: str
    raised_at: float
    fields: str = "{}"


@dataclass(frozen=True, slots=True)
class SeenBot:
    """Hold what is remembered of a bot while it is away."""

    name: str
    software: str
    seen_at: float
    status_at: float | None = None
    status_text: str = ""
    status_fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FollowSetting:
    """Hold which log lines a chat wants to see as they come, and until when."""

    chat: str
    level: str
    bot: str | None = None
    until: float | None = None
