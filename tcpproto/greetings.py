"""Greetings: what the frames of the handshake hold, and the goodbye."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Self

from tcpproto.messages import (
    ID_LEN_MAX,
    PROTOCOL_VERSION,
    Message,
    check_choice,
    check_object,
    check_seq,
    check_text,
    check_time,
)

BOT_NAME_LEN_MAX: Final = 32
_BYE_CODE_LEN_MAX: Final = 32
_BYE_TEXT_LEN_MAX: Final = 1024
# `telegram` is the bridge's own folder; `all` addresses every bot in a command.
RESERVED_NAMES: Final = frozenset({"telegram", "all"})
_BOT_NAME_CHARACTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_-")


def is_bot_name(name: str) -> bool:
    """Tell whether a name may belong to a bot: [a-z0-9_-]{1,32}, not `telegram` or `all`."""
    return (
        0 < len(name) <= BOT_NAME_LEN_MAX
        and _BOT_NAME_CHARACTERS.issuperset(name)
        and name not in RESERVED_NAMES
    )


@dataclass(frozen=True, slots=True)
class Hello:
    """Open a conversation: who the client is and how far its outbox has come.

    `nonce` is set by a client that has a link secret; `epoch` names one opening of the
    client's database and `last_seq` the last sequence number it gave out in it.
    """

    bot: str
    instance: str
    epoch: str
    last_seq: int
    software: str = ""
    nonce: str | None = None
    version: str = PROTOCOL_VERSION

    def to_message(self, timestamp: float) -> Message:
        """Return the frame's fields."""
        body = {
            "kind": "hello",
            "version": self.version,
            "bot": self.bot,
            "instance": self.instance,
            "epoch": self.epoch,
            "last_seq": self.last_seq,
            "software": self.software,
        }
        if self.nonce is not None:
            body["nonce"] = self.nonce
        return Message("hello", body, timestamp)

    @classmethod
    def parse(cls, message: Message) -> Self:
        """Read a client's hello."""
        body = check_object("message", message.message)
        nonce = body.get("nonce")
        return cls(
            bot=check_text("bot", body.get("bot"), BOT_NAME_LEN_MAX),
            instance=check_text("instance", body.get("instance"), ID_LEN_MAX),
            epoch=check_text("epoch", body.get("epoch"), ID_LEN_MAX),
            last_seq=check_seq("last_seq", body.get("last_seq")),
            software=check_text("software", body.get("software", ""), 128, empty_allowed=True),
            nonce=None if nonce is None else check_text("nonce", nonce, 128),
            version=check_text("version", body.get("version"), 16),
        )


@dataclass(frozen=True, slots=True)
class Challenge:
    """Answer a hello that carries a nonce: the server proves the secret and asks for the same."""

    nonce: str
    proof: str

    def to_message(self, timestamp: float) -> Message:
        """Return the frame's fields."""
        body = {"kind": "challenge", "nonce": self.nonce, "proof": self.proof}
        return Message("hello", body, timestamp)

    @classmethod
    def parse(cls, message: Message) -> Self:
        """Read a server's challenge."""
        body = check_object("message", message.message)
        check_choice("kind", body.get("kind"), frozenset({"challenge"}))
        return cls(
            nonce=check_text("nonce", body.get("nonce"), 128),
            proof=check_text("proof", body.get("proof"), 128),
        )


@dataclass(frozen=True, slots=True)
class Proof:
    """Answer a challenge: the client proves the secret too."""

    proof: str

    def to_message(self, timestamp: float) -> Message:
        """Return the frame's fields."""
        return Message("hello", {"kind": "proof", "proof": self.proof}, timestamp)

    @classmethod
    def parse(cls, message: Message) -> Self:
        """Read a client's proof."""
        body = check_object("message", message.message)
        check_choice("kind", body.get("kind"), frozenset({"proof"}))
        return cls(proof=check_text("proof", body.get("proof"), 128))


@dataclass(frozen=True, slots=True)
class Welcome:
    """Accept a hello; `last_seq` is the last one stored for the hello's bot and epoch."""

    last_seq: int
    software: str = ""
    version: str = PROTOCOL_VERSION

    def to_message(self, timestamp: float) -> Message:
        """Return the frame's fields."""
        body = {"version": self.version, "last_seq": self.last_seq, "software": self.software}
        return Message("welcome", body, timestamp)

    @classmethod
    def parse(cls, message: Message) -> Self:
        """Read a server's welcome."""
        body = check_object("message", message.message)
        return cls(
            last_seq=check_seq("last_seq", body.get("last_seq")),
            software=check_text("software", body.get("software", ""), 128, empty_allowed=True),
            version=check_text("version", body.get("version"), 16),
        )


@dataclass(frozen=True, slots=True)
class Bye:
    """Say why this side closes; `retry_after_s` asks the peer to stay away for a while."""

    code: str
    text: str
    retry_after_s: float | None = None

    def to_message(self, timestamp: float) -> Message:
        """Return the frame's fields."""
        # The reason may be anybody's words; a goodbye that is too long would not be read.
        body: dict[str, Any] = {
            "code": self.code[:_BYE_CODE_LEN_MAX],
            "text": self.text[:_BYE_TEXT_LEN_MAX],
        }
        if self.retry_after_s is not None:
            body["retry_after_s"] = self.retry_after_s
        return Message("bye", body, timestamp)

    @classmethod
    def parse(cls, message: Message) -> Self:
        """Read a goodbye."""
        body = check_object("message", message.message)
        retry_after_s = body.get("retry_after_s")
        return cls(
            code=check_text("code", body.get("code"), _BYE_CODE_LEN_MAX),
            text=check_text("text", body.get("text"), _BYE_TEXT_LEN_MAX, empty_allowed=True),
            retry_after_s=(
                None if retry_after_s is None else check_time("retry_after_s", retry_after_s)
            ),
        )
