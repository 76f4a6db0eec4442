"""What the server is told at its start, and whom it tells what it hears."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import Final, Protocol

from tcpproto.greetings import Hello
from tcpproto.payloads import Event, Log, Reply, Status
from tcpproto.server_peer import PeerInfo
from tcpproto.timing import Limits

PEERS_MAX: Final = 1024
NAME_TAKEN_RETRY_S: Final = 30.0
BIND_RETRY_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Hold where to listen and what to ask of peers."""

    host: str
    port: int
    secret: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = None
    limits: Limits = field(default_factory=Limits)
    software: str = ""
    peers_max: int = PEERS_MAX
    name_taken_retry_s: float = NAME_TAKEN_RETRY_S
    bind_retry_s: float = BIND_RETRY_S


class ServerCallbacks(Protocol):
    """Take what comes up the link; all are called on the thread `tcp-server` and never block."""

    def on_hello(self, hello: Hello) -> int:
        """Return the last stored sequence number of the hello's bot and epoch."""
        ...

    def on_connected(self, peer: PeerInfo) -> None:
        """Note that a peer is there and may be sent commands."""
        ...

    def on_disconnected(self, peer: PeerInfo, reason: str, clean: bool) -> None:
        """Note that a peer is gone; `clean` when it or we said goodbye on purpose."""
        ...

    def on_refused(self, name: str, address: str, code: str, text: str) -> None:
        """Note that a peer was turned away; the name is empty if it had not given one."""
        ...

    def on_event(self, peer: PeerInfo, event: Event) -> None:
        """Take a durable event; `LinkServer.ack` once it is stored."""
        ...

    def on_reply(self, peer: PeerInfo, reply: Reply) -> None:
        """Take the answer to a command."""
        ...

    def on_log(self, peer: PeerInfo, log: Log) -> None:
        """Take a log line."""
        ...

    def on_status(self, peer: PeerInfo, status: Status) -> None:
        """Take a status; the latest wins."""
        ...

    def on_text(self, peer: PeerInfo, text: str) -> None:
        """Take a line for the chat."""
        ...
