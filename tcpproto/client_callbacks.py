"""What the client is told at its start, and whom it tells what it hears."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from tcpproto.payloads import Command
from tcpproto.timing import Limits


@dataclass(frozen=True, slots=True)
class Identity:
    """Name this client: bot, process start, opening of its database, software version."""

    bot: str
    instance: str
    epoch: str
    software: str


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """Hold where the bridge is and how to speak to it.

    `address` is asked at every try, so that a port chosen late is found; OSError means not yet.
    """

    address: Callable[[], tuple[str, int]]
    secret: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = None
    limits: Limits = field(default_factory=Limits)
    bulk_frames_max: int = 10_000
    backoff_cap_s: float = 10.0


@dataclass(frozen=True, slots=True)
class LinkState:
    """Say how the link is: connecting, connected, refused or stopped."""

    phase: str
    since: float
    detail: str = ""
    rtt_s: float | None = None
    reconnects: int = 0


class ClientCallbacks(Protocol):
    """Take what comes down the link; all are called on the thread `tcp-recv`."""

    def on_command(self, command: Command) -> None:
        """Take a command; blocking here is back-pressure on the bridge."""
        ...

    def on_ack(self, epoch: str, seq: int) -> None:
        """Note that the bridge has stored an epoch up to `seq`."""
        ...

    def on_state(self, state: LinkState) -> None:
        """Note that the link has changed its phase."""
        ...
