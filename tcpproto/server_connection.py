"""The server's end of a conversation: it tells bots from three-field peers and checks proofs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tcpproto.authentication import CLIENT_ROLE, SERVER_ROLE, is_proof, make_proof
from tcpproto.connection import (
    BecameLegacy,
    Connection,
    ConnectionEvent,
    Identified,
    check_version,
    parse_version,
)
from tcpproto.errors import LocalProtocolError, RemoteProtocolError
from tcpproto.greetings import Challenge, Hello, Proof, Welcome, is_bot_name
from tcpproto.messages import TAGS_DOWN, TAGS_UP, Message
from tcpproto.states import SERVER_TABLE, State, Trigger
from tcpproto.timing import Limits, Now

GREETING_LEN_MAX: Final = 16 * 1024


class ServerConnection(Connection):
    """Wait for a hello; after Identified the shell calls `accept` or `close`."""

    _table = SERVER_TABLE
    _tags_inbound = TAGS_UP
    _tags_forbidden = TAGS_DOWN

    def __init__(
        self,
        secret: str | None,
        make_nonce: Callable[[], str],
        limits: Limits,
        now: Now,
        *,
        legacy_allowed: bool = True,
    ) -> None:
        super().__init__(limits, now)
        self._secret = secret
        self._make_nonce = make_nonce
        self._legacy_allowed = legacy_allowed and secret is None
        if not self._legacy_allowed:
            # A stranger does not make us hold much: a first frame can only be a greeting here.
            self._decoder.frame_len_max = min(GREETING_LEN_MAX, limits.frame_len_max)
        self._hello: Hello | None = None
        self._server_nonce = ""

    @property
    def bot(self) -> str:
        """Return the bot name that was given, or an empty one."""
        return "" if self._hello is None else self._hello.bot

    def accept(self, last_seq: int, software: str, now: Now) -> None:
        """Welcome the identified peer, saying how much of its epoch is stored."""
        self._advance(Trigger.WELCOME)
        self._decoder.frame_len_max = self.limits.frame_len_max
        self._push(Welcome(last_seq, software).to_message(now.wall))

    def poll(self, now: Now) -> list[ConnectionEvent]:
        """Let time pass; a peer that says nothing at all is a three-field peer."""
        is_silent = self.state is State.NEW and self._decoder.is_between_frames
        waited_s = now.monotonic - self._opened_at
        if is_silent and self._legacy_allowed and waited_s >= self.limits.legacy_silence_s:
            self._advance(Trigger.SILENCE)
            return [BecameLegacy()]
        return super().poll(now)

    def _receive_greeting(self, message: Message, now: Now, events: list[ConnectionEvent]) -> None:
        if message.tag == "hello" and self.state is State.PROVING:
            self._receive_proof(Proof.parse(message), events)
        elif message.tag == "hello" and self.state in (State.NEW, State.LEGACY):
            # The version first: the rest of another major version's hello may look different.
            check_version(parse_version(message))
            self._receive_hello(Hello.parse(message), now, events)
        elif self.state is State.NEW and self._legacy_allowed:
            self._advance(Trigger.OTHER_FRAME)
            events.append(BecameLegacy())
            self._receive_legacy(message, events)
        elif self.state is State.LEGACY:
            self._receive_legacy(message, events)
        else:
            raise self._not_a_greeting(message)

    def _receive_legacy(self, message: Message, events: list[ConnectionEvent]) -> None:
        if message.tag == "message":
            events.append(message)
        else:
            self.unknown_tags += 1

    def _not_a_greeting(self, message: Message) -> RemoteProtocolError:
        if self.state is State.NEW:
            need = "a link secret" if self._secret is not None else "a hello"
            return RemoteProtocolError(
                "secret", f"the first frame has tag {message.tag!r}; this bridge asks for {need}"
            )
        return RemoteProtocolError(
            "handshake", f"a frame with tag {message.tag!r} before the welcome"
        )

    def _receive_hello(self, hello: Hello, now: Now, events: list[ConnectionEvent]) -> None:
        if not is_bot_name(hello.bot):
            raise RemoteProtocolError(
                "bot_name", f"bot name {hello.bot!r}, allowed [a-z0-9_-]{{1,32}}, not 'telegram'"
            )
        self._hello = hello
        if self._secret is None:
            self._advance(Trigger.HELLO)
            events.append(Identified(hello))
            return
        if hello.nonce is None:
            raise RemoteProtocolError(
                "secret", "this bridge asks for a link secret; give the bot the same link.secret"
            )
        self._advance(Trigger.CHALLENGE)
        self._server_nonce = self._make_nonce()
        proof = make_proof(self._secret, SERVER_ROLE, hello, self._server_nonce)
        self._push(Challenge(self._server_nonce, proof).to_message(now.wall))

    def _receive_proof(self, proof: Proof, events: list[ConnectionEvent]) -> None:
        if self._secret is None or self._hello is None:
            raise LocalProtocolError("handshake", "a proof without a challenge")
        if not is_proof(proof.proof, self._secret, CLIENT_ROLE, self._hello, self._server_nonce):
            raise RemoteProtocolError("secret", "wrong link secret")
        self._advance(Trigger.PROOF)
        events.append(Identified(self._hello))
