"""Connection: one conversation, as rules over bytes. No socket, no clock, no thread.

Bytes and the present time go in; events come out, and `data_to_send` gives the bytes that the
rules want sent (handshake, heartbeats, goodbye). The shells in `client` and `server` own the
sockets; the two ends of a conversation are in `client_connection` and `server_connection`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Final

from tcpproto.errors import RemoteProtocolError
from tcpproto.frames import FrameDecoder
from tcpproto.greetings import Bye, Hello, Welcome
from tcpproto.messages import (
    PROTOCOL_VERSION,
    Message,
    check_object,
    check_text,
    encode_message,
    parse_message,
)
from tcpproto.states import State, Table, Trigger, next_state
from tcpproto.timing import Limits, Now

_GREETINGS: Final = frozenset({"hello", "welcome"})


@dataclass(frozen=True, slots=True)
class Identified:
    """Tell the server's shell that a peer has proved who it is: accept or refuse it."""

    hello: Hello


@dataclass(frozen=True, slots=True)
class Opened:
    """Tell the client's shell that the server has accepted it."""

    welcome: Welcome


@dataclass(frozen=True, slots=True)
class BecameLegacy:
    """Tell the server's shell that this is a three-field peer."""


@dataclass(frozen=True, slots=True)
class Noticed:
    """Carry a remark of the other side, for the log."""

    text: str


@dataclass(frozen=True, slots=True)
class Closed:
    """Tell that the conversation is over; `is_clean` when a side said goodbye on purpose."""

    code: str
    text: str
    is_clean: bool
    retry_after_s: float | None = None


ConnectionEvent = Message | Identified | Opened | BecameLegacy | Noticed | Closed


class Connection(ABC):
    """Hold what both ends share: framing, state, heartbeats, closing."""

    _table: Table
    _tags_inbound: frozenset[str]

    def __init__(self, limits: Limits, now: Now) -> None:
        self.limits = limits
        self.state = State.NEW
        self.rtt_s: float | None = None
        self.unknown_tags = 0
        self._decoder = FrameDecoder(limits.frame_len_max)
        self._out: list[bytes] = []
        self.has_data_to_send = False
        self._opened_at = now.monotonic
        self._heard_at = now.monotonic
        self._pinged_at = now.monotonic
        self._ping_number = 0

    @property
    def is_open(self) -> bool:
        """Tell whether application messages may flow."""
        return self.state is State.OPEN

    @property
    def is_closed(self) -> bool:
        """Tell whether the conversation is over."""
        return self.state is State.CLOSED

    def receive_data(self, data: bytes, now: Now) -> list[ConnectionEvent]:
        """Take bytes from the peer and return what they mean; a fault closes, never raises."""
        if self.is_closed:
            return []
        self._heard_at = now.monotonic
        events: list[ConnectionEvent] = []
        inbound = self._tags_inbound
        try:
            for payload in self._decoder.feed(data):
                message = parse_message(payload)
                state = self.state
                if state is State.OPEN and message.tag in inbound:
                    events.append(message)
                elif state is not State.CLOSED:
                    self._receive_other(message, now, events)
        except RemoteProtocolError as error:
            hint = "; the peer speaks TLS, this side does not" if _is_tls(data) else ""
            events.append(self.fail(error.code, error.text + hint, now))
        return events

    def receive_end(self) -> list[ConnectionEvent]:
        """Note that the peer has closed its side of the stream."""
        if self.state is State.CLOSED:
            return []
        where = "" if self._decoder.is_between_frames else " in the middle of a frame"
        self._advance(Trigger.CLOSE)
        return [Closed("cut", f"the connection was cut{where}", is_clean=False)]

    def data_to_send(self) -> bytes:
        """Return and forget the bytes that the rules want sent."""
        data = b"".join(self._out)
        self._out.clear()
        self.has_data_to_send = False
        return data

    def poll(self, now: Now) -> list[ConnectionEvent]:
        """Let time pass: send a ping when due, give up a silent peer."""
        if self.state is State.OPEN:
            return self._poll_open(now)
        if self.state in (State.CLOSED, State.LEGACY):
            return []
        if now.monotonic - self._opened_at >= self.limits.handshake_s:
            text = f"no handshake within {self.limits.handshake_s:g} s"
            return [self.fail("handshake_timeout", text, now)]
        return []

    def close(self, bye: Bye, now: Now) -> Closed:
        """Say goodbye on purpose."""
        self._say_bye(bye, now)
        return Closed(bye.code, bye.text, is_clean=True, retry_after_s=bye.retry_after_s)

    def fail(self, code: str, text: str, now: Now) -> Closed:
        """Close because the peer broke a rule; it is told which."""
        self._say_bye(Bye(code, text[:1000]), now)
        return Closed(code, text, is_clean=False)

    def notify(self, text: str, now: Now) -> None:
        """Send the peer a remark for its log, on a ping that it would answer anyway."""
        if self.is_open:  # a three-field peer knows no ping
            self._ping(now, {"notice": text[:1000]})

    def _say_bye(self, bye: Bye, now: Now) -> None:
        if self.is_closed:
            return
        speaks = self.state is not State.LEGACY
        self._advance(Trigger.CLOSE)
        if speaks:
            self._push(bye.to_message(now.wall))

    def _poll_open(self, now: Now) -> list[ConnectionEvent]:
        silent_s = now.monotonic - self._heard_at
        if silent_s >= self.limits.dead_after_s:
            text = f"nothing heard for {silent_s:.0f} s"
            return [self.fail("heartbeat_timeout", text, now)]
        if now.monotonic - self._pinged_at >= self.limits.heartbeat_s:
            self._ping(now, {})
        return []

    def _ping(self, now: Now, body: dict[str, str]) -> None:
        self._ping_number += 1
        self._pinged_at = now.monotonic
        self._push(Message("ping", body, now.wall, id=str(self._ping_number)))

    def _receive_other(self, message: Message, now: Now, events: list[ConnectionEvent]) -> None:
        """Handle what is not an application message of an open connection."""
        if message.tag == "bye" and self.state is not State.LEGACY:
            bye = Bye.parse(message)
            self._advance(Trigger.CLOSE)
            events.append(Closed(bye.code, _one_line(bye.text), True, bye.retry_after_s))
        elif self.state is not State.OPEN:
            self._receive_greeting(message, now, events)
        elif message.tag == "ping":
            self._receive_ping(message, now, events)
        elif message.tag == "pong":
            if message.reply_to == str(self._ping_number):
                self.rtt_s = now.monotonic - self._pinged_at
        elif message.tag in _GREETINGS or message.tag in self._tags_forbidden:
            raise RemoteProtocolError(
                "wrong_direction", f"a frame with tag {message.tag!r}, which is not yours to send"
            )
        else:
            self.unknown_tags += 1

    def _receive_ping(self, message: Message, now: Now, events: list[ConnectionEvent]) -> None:
        self._push(Message("pong", {}, now.wall, reply_to=message.id))
        body = message.message
        if type(body) is dict and type(body.get("notice")) is str:
            events.append(Noticed(_one_line(body["notice"][:1000])))

    @property
    @abstractmethod
    def _tags_forbidden(self) -> frozenset[str]:
        """Return the application tags that only the other end may send."""

    @abstractmethod
    def _receive_greeting(self, message: Message, now: Now, events: list[ConnectionEvent]) -> None:
        """Handle a frame before the connection is open."""

    def _advance(self, trigger: Trigger) -> None:
        self.state = next_state(self._table, self.state, trigger)

    def _push(self, message: Message) -> None:
        self._out.append(encode_message(message))
        self.has_data_to_send = True


def parse_version(message: Message) -> str:
    """Read the version of a hello or welcome before the rest of it."""
    body = check_object("message", message.message)
    return check_text("version", body.get("version"), 16)


def check_version(version: str) -> None:
    """Refuse another major version in words; a minor one may differ."""
    ours = PROTOCOL_VERSION.partition(".")[0]
    theirs = version.partition(".")[0]
    if theirs != ours:
        raise RemoteProtocolError(
            "version",
            f"protocol {version[:16]} is not spoken here, only {ours}.x: "
            "run the same version of Tradebridge on both sides",
        )


def _is_tls(data: bytes) -> bool:
    """Tell whether bytes that made no frame begin like a TLS handshake or alert."""
    return data[:2] in (b"\x16\x03", b"\x15\x03")


def _one_line(text: str) -> str:
    """Join the lines of a peer's words, which must not look like more lines of our log."""
    return " ".join(filter(None, text.splitlines()))
