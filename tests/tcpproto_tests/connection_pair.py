"""Joins the two ends of a conversation through a network that lives in memory.

Bytes wait on a `Wire` until they are delivered, in pieces of any size, or are lost when it is cut.
Time stands still until `pass_time`.
"""

from collections.abc import Callable, Iterable
from typing import Final, TypeVar

from daemonkit.clock import ManualClock
from tcpproto.client_connection import ClientConnection
from tcpproto.connection import Closed, Connection, ConnectionEvent, Identified
from tcpproto.greetings import Hello
from tcpproto.messages import Message, encode_message
from tcpproto.server_connection import ServerConnection
from tcpproto.timing import Limits, read_clock

Kind = TypeVar("Kind")

HELLO: Final = Hello(bot="paper", instance="instance-1", epoch="epoch-1", last_seq=7)
NONCE: Final = "c" * 64
SERVER_NONCE: Final = "5" * 64
SETTLE_ROUNDS_MAX: Final = 1_000


class Wire:
    """Carry bytes in one direction, and keep all that was ever put on it."""

    def __init__(self) -> None:
        self.waiting = bytearray()
        self.history = bytearray()
        self.is_held = False

    def put(self, data: bytes) -> None:
        self.waiting += data
        self.history += data

    def take(self, count: int) -> bytes:
        data = bytes(self.waiting[:count])
        del self.waiting[:count]
        return data

    def drop(self) -> None:
        self.waiting.clear()


class ConnectionPair:
    """Hold a client's and a server's connection, and what each has heard."""

    def __init__(
        self,
        *,
        hello: Hello = HELLO,
        client_secret: str | None = None,
        server_secret: str | None = None,
        limits: Limits | None = None,
        stored_seq: int = 0,
        pieces: Iterable[int] = (),
        make_nonce: Callable[[], str] = lambda: SERVER_NONCE,
        is_accepting: bool = True,
    ) -> None:
        self.clock = ManualClock(wall=1_750_000_000.0, monotonic=1_000.0)
        self.limits = limits or Limits()
        self.up, self.down = Wire(), Wire()
        self.client_events: list[ConnectionEvent] = []
        self.server_events: list[ConnectionEvent] = []
        self._pieces = list(pieces)
        self._stored_seq = stored_seq
        self._is_accepting = is_accepting
        now = read_clock(self.clock)
        self.client = ClientConnection(hello, client_secret, self.limits, now)
        self.server = ServerConnection(server_secret, make_nonce, self.limits, now)
        self._collect()

    def send_up(self, *messages: Message) -> None:
        """Let the client's shell send application messages."""
        for message in messages:
            self.up.put(encode_message(message))

    def send_down(self, *messages: Message) -> None:
        """Let the server's shell send application messages."""
        for message in messages:
            self.down.put(encode_message(message))

    def settle(self) -> "ConnectionPair":
        """Deliver everything, in the pieces that were asked for, until nothing moves."""
        for _ in range(SETTLE_ROUNDS_MAX):
            if not (self.deliver_up() or self.deliver_down()):
                return self
        raise AssertionError("the two ends never stop talking")

    def deliver_up(self, count: int | None = None) -> bool:
        """Bring bytes to the server; False if there were none."""
        return self._deliver(self.up, self.server, self.server_events, count)

    def deliver_down(self, count: int | None = None) -> bool:
        """Bring bytes to the client; False if there were none."""
        return self._deliver(self.down, self.client, self.client_events, count)

    def pass_time(self, seconds: float, step_s: float = 0.25) -> None:
        """Let time pass in steps, as the shells do; bytes move unless a wire is held."""
        left_s = seconds
        while left_s > 1e-9:
            self.clock.advance(min(step_s, left_s))
            left_s -= step_s
            now = read_clock(self.clock)
            self.server_events += self.server.poll(now)
            self.client_events += self.client.poll(now)
            self._collect()
            self.settle()

    def cut(self) -> None:
        """Lose what is on the way and end both streams."""
        self.up.drop()
        self.down.drop()
        self.server_events += self.server.receive_end()
        self.client_events += self.client.receive_end()

    def heard_by_server(self, kind: type[Kind]) -> list[Kind]:
        """Return what the server has heard of one kind of event."""
        return [event for event in self.server_events if isinstance(event, kind)]

    def heard_by_client(self, kind: type[Kind]) -> list[Kind]:
        """Return what the client has heard of one kind of event."""
        return [event for event in self.client_events if isinstance(event, kind)]

    @property
    def client_closed(self) -> Closed:
        """Return the one way in which it ended for the client."""
        (closed,) = self.heard_by_client(Closed)
        return closed

    @property
    def server_closed(self) -> Closed:
        """Return the one way in which it ended for the server."""
        (closed,) = self.heard_by_server(Closed)
        return closed

    def _deliver(
        self, wire: Wire, end: Connection, events: list[ConnectionEvent], count: int | None
    ) -> bool:
        if wire.is_held or not wire.waiting:
            return False
        left = len(wire.waiting) if count is None else count
        while left > 0 and wire.waiting:
            size = min(left, self._pieces.pop(0) if self._pieces else left)
            left -= size
            heard = end.receive_data(wire.take(size), read_clock(self.clock))
            events += heard
            self._decide(heard)
            self._collect()
        return True

    def _decide(self, heard: list[ConnectionEvent]) -> None:
        if self._is_accepting and any(isinstance(event, Identified) for event in heard):
            self.server.accept(self._stored_seq, "bridge 1", read_clock(self.clock))

    def _collect(self) -> None:
        self.up.put(self.client.data_to_send())
        self.down.put(self.server.data_to_send())


def open_pair(**options: object) -> ConnectionPair:
    """Return a pair whose handshake without a secret is done."""
    pair = ConnectionPair(**options).settle()  # type: ignore[arg-type]
    assert pair.client.is_open
    assert pair.server.is_open
    return pair
