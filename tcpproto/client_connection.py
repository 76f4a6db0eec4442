"""The client's end of a conversation: it greets, proves the secret, and is welcomed."""

from __future__ import annotations

from dataclasses import replace

from tcpproto.authentication import CLIENT_ROLE, SERVER_ROLE, is_proof, make_proof
from tcpproto.connection import (
    Connection,
    ConnectionEvent,
    Opened,
    check_version,
    parse_version,
)
from tcpproto.errors import RemoteProtocolError
from tcpproto.greetings import Challenge, Hello, Proof, Welcome
from tcpproto.messages import TAGS_DOWN, TAGS_UP, Message
from tcpproto.states import CLIENT_TABLE, State, Trigger
from tcpproto.timing import Limits, Now


class ClientConnection(Connection):
    """Speak first: `hello` is sent at once; Opened comes with the server's welcome."""

    _table = CLIENT_TABLE
    _tags_inbound = TAGS_DOWN | {"ack"}
    _tags_forbidden = TAGS_UP

    def __init__(self, hello: Hello, secret: str | None, limits: Limits, now: Now) -> None:
        """Greet; with a secret the hello must carry a nonce that was never used before."""
        super().__init__(limits, now)
        if (secret is None) != (hello.nonce is None):
            raise ValueError("a nonce goes with a secret, and only with one")
        self._hello = hello
        self._secret = secret
        self._advance(Trigger.HELLO)
        self._push(hello.to_message(now.wall))

    def _receive_greeting(self, message: Message, now: Now, events: list[ConnectionEvent]) -> None:
        if message.tag == "hello":
            self._receive_challenge(Challenge.parse(message), now)
        elif message.tag == "welcome":
            check_version(parse_version(message))
            self._receive_welcome(Welcome.parse(message), events)
        else:
            raise RemoteProtocolError(
                "handshake", f"a frame with tag {message.tag!r} before the welcome"
            )

    def _receive_challenge(self, challenge: Challenge, now: Now) -> None:
        if self._secret is None or self.state is not State.GREETED:
            raise RemoteProtocolError("handshake", "a challenge that was not asked for")
        if not is_proof(challenge.proof, self._secret, SERVER_ROLE, self._hello, challenge.nonce):
            raise RemoteProtocolError("secret", "the server does not hold this link secret")
        self._advance(Trigger.CHALLENGE)
        proof = make_proof(self._secret, CLIENT_ROLE, self._hello, challenge.nonce)
        self._push(Proof(proof).to_message(now.wall))

    def _receive_welcome(self, welcome: Welcome, events: list[ConnectionEvent]) -> None:
        if self._secret is not None and self.state is not State.PROVING:
            raise RemoteProtocolError(
                "secret", "the server has no link secret; set the same one on both sides"
            )
        self._advance(Trigger.WELCOME)
        # More than was given out cannot be stored; believing it would lose what comes next.
        last_seq = min(welcome.last_seq, self._hello.last_seq)
        events.append(Opened(replace(welcome, last_seq=last_seq)))
