"""Bots for tests: one on the real link client that does as it is told, and a three-field peer."""

import socket
import struct
from collections.abc import Callable, Mapping, Sequence
from random import Random
from ssl import SSLContext

import orjson

from daemonkit.clock import SystemClock
from tcpproto import (
    ClientSettings,
    Command,
    Event,
    Identity,
    LinkClient,
    LinkState,
    Log,
    OutboxRow,
    Reply,
    ReplyState,
    Status,
    Text,
    encode_event,
)
from tests.waiting import wait_until


class MemoryOutbox:
    """Durable rows, kept in memory until acknowledged."""

    def __init__(self, epoch: str) -> None:
        self.epoch = epoch
        self.seq = 0
        # Without it acknowledgements are lost, and all rows stay.
        self.hears = True
        self.rows: list[OutboxRow] = []

    def add(
        self,
        text: str,
        severity: str = "info",
        *,
        at: float = 1_790_000_000.0,
        kind: str = "test",
        fields: Mapping[str, object] | None = None,
    ) -> int:
        self.seq += 1
        event = Event(self.epoch, self.seq, kind, severity, text, at, dict(fields or {}))
        self.rows.append(OutboxRow(self.seq, self.epoch, self.seq, encode_event(event, at)))
        return self.seq

    def read_after(self, row_id: int, limit: int) -> Sequence[OutboxRow]:
        return [row for row in tuple(self.rows) if row.row_id > row_id][:limit]

    def acknowledge(self, seq: int) -> None:
        # In place: a row that another thread adds meanwhile would be in the old list only.
        while self.hears and self.rows and self.rows[0].seq <= seq:
            del self.rows[0]


class ScriptedBot:
    """A bot that takes commands into a list and answers when the test says so."""

    def __init__(
        self,
        port: int,
        name: str = "paper",
        *,
        secret: str | None = None,
        tls: SSLContext | None = None,
        outbox: MemoryOutbox | None = None,
        mode: str | None = "PAPER",
    ) -> None:
        self.name = name
        self.outbox = outbox or MemoryOutbox(f"epoch-of-{name}")
        self.commands: list[Command] = []
        self.on_arrival: Callable[[], None] | None = None
        self.acknowledged = 0
        self.phases: list[str] = []
        settings = ClientSettings(
            address=lambda: ("127.0.0.1", port), secret=secret, tls=tls, backoff_cap_s=0.05
        )
        identity = Identity(name, f"instance-of-{name}", self.outbox.epoch, "test 1")
        self.client = LinkClient(
            settings,
            identity,
            self.outbox,
            self,
            last_seq=lambda: self.outbox.seq,
            clock=SystemClock(),
            rng=Random(1),
        )
        if mode is not None:
            self.show({"mode": mode, "outbox_rows": 0})
        self.client.start()

    def on_command(self, command: Command) -> None:
        self.commands.append(command)
        if self.on_arrival is not None:
            self.on_arrival()

    def on_ack(self, epoch: str, seq: int) -> None:
        if epoch == self.outbox.epoch:
            self.acknowledged = max(self.acknowledged, seq)
            self.outbox.acknowledge(seq)

    def on_state(self, state: LinkState) -> None:
        self.phases.append(state.phase)

    def show(self, fields: dict[str, object], text: str = "all well") -> None:
        """Send a status."""
        self.client.set_status(Status("engine", text, fields).to_message(0.0))

    def reply(self, number: int, state: str, text: str = "", *, repeat: bool = False) -> None:
        """Answer the command that came as this number."""
        reply = Reply(self.commands[number].id, ReplyState(state), text, {}, repeat)
        assert self.client.send(reply.to_message(0.0))

    def raise_event(
        self,
        text: str,
        severity: str = "info",
        *,
        kind: str = "test",
        fields: Mapping[str, object] | None = None,
    ) -> int:
        """Put an event into the outbox."""
        seq = self.outbox.add(text, severity, kind=kind, fields=fields)
        self.client.wake_outbox()
        return seq

    def log(self, text: str, level: str = "INFO", logger: str = "test") -> None:
        """Forward a log line."""
        assert self.client.offer(Log(level, logger, 1_790_000_000.0, text).to_message(0.0), 1.0)

    def text(self, text: str) -> None:
        """Send a text for the chat."""
        assert self.client.send(Text(text).to_message(0.0))

    def wait_connected(self) -> None:
        """Wait until the bridge has welcomed it."""
        wait_until(lambda: self.client.state.phase == "connected", 8.0, f"{self.name} is welcomed")

    def stop(self) -> None:
        """Say goodbye."""
        self.client.stop("the test says so", 1.0)


class ThreeFieldPeer:
    """A peer of seed 003: a socket, a length, three fields."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), 5.0)

    def send(self, text: str) -> None:
        """Send a line for the chat."""
        payload = orjson.dumps({"tag": "message", "message": text, "timestamp": 1_790_000_000})
        self._socket.sendall(struct.pack(">I", len(payload)) + payload)

    def receive(self) -> dict[str, object]:
        """Read one frame."""
        (length,) = struct.unpack(">I", self._read(4))
        frame: dict[str, object] = orjson.loads(self._read(length))
        return frame

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _read(self, length: int) -> bytes:
        data = b""
        while len(data) < length:
            piece = self._socket.recv(length - len(data))
            assert piece, "the bridge hung up"
            data += piece
        return data
