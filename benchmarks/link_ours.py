"""The project's own link in the comparison: the real client and server, heartbeats on."""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from random import Random

from benchmarks.link_rivals import PAYLOAD, RoundTrips
from daemonkit.clock import SystemClock
from daemonkit.interpreter import SWITCH_INTERVAL_S
from tcpproto import (
    ClientSettings,
    Command,
    Event,
    Identity,
    LinkClient,
    LinkServer,
    LinkState,
    Log,
    OutboxRow,
    PeerInfo,
    Reply,
    ReplyState,
    ServerSettings,
    Status,
    Text,
)
from tcpproto.greetings import Hello

SECRET = "a benchmark is no place for a real secret"
BULK_WAIT_S = 30.0


class NoOutbox:
    """An outbox that is always empty."""

    def read_after(self, row_id: int, limit: int) -> Sequence[OutboxRow]:
        """Return nothing."""
        return ()


class FarEnd:
    """The bot's end: answers commands, and floods when asked to."""

    def __init__(self, port: int) -> None:
        self._clock = SystemClock()
        self.client = LinkClient(
            ClientSettings(lambda: ("127.0.0.1", port), secret=SECRET),
            Identity("bench", "instance", "epoch", "benchmark"),
            NoOutbox(),
            self,
            last_seq=lambda: 0,
            clock=self._clock,
            rng=Random(1),
        )

    def on_command(self, command: Command) -> None:
        """Answer a command; `logs N` floods from a thread of its own, as a strategy would."""
        if command.verb == "logs":
            flood = threading.Thread(target=self._flood, args=(int(command.args[0]),))
            flood.start()
            return
        reply = Reply(command.id, ReplyState.APPLIED, PAYLOAD[:80])
        self.client.send(reply.to_message(time.time()))

    def on_ack(self, epoch: str, seq: int) -> None:
        """Take an acknowledgement."""

    def on_state(self, state: LinkState) -> None:
        """Take a change of the link."""

    def _flood(self, count: int) -> None:
        text = Text(PAYLOAD)
        for _ in range(count):
            self.client.offer(text.to_message(time.time()), wait_s=BULK_WAIT_S)


def serve_ours(pipe: Connection) -> None:
    """Run the bot's end until the pipe says stop."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    far = FarEnd(pipe.recv())
    far.client.start()
    pipe.poll(None)
    far.client.stop("done", 2.0)


class OurLink:
    """The bridge's end."""

    def __init__(self, slow_every: int = 0) -> None:
        self._course = RoundTrips(self._ask)
        self._done: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._connected = threading.Event()
        self._expected = 0
        self._slow_every = slow_every
        self.received = 0
        self.server = LinkServer(
            ServerSettings("127.0.0.1", 0, secret=SECRET), self, clock=SystemClock()
        )
        self.server.start()

    def wait_connected(self) -> None:
        """Wait for the bot."""
        if not self._connected.wait(20):
            raise TimeoutError("the far end did not connect within 20 s")

    def round_trips(self, count: int) -> list[float]:
        """Return the seconds that each of `count` commands took to its reply, typed and checked."""
        return self._course.run(count)

    def _ask(self) -> None:
        now = time.time()
        command = Command("id", "ping", (), "console:bench", "admin", "console", now, now + 30)
        self.server.send("bench", command.to_message(now))

    def receive_flood(self, count: int) -> None:
        """Ask for a flood and take it."""
        self.received, self._expected = 0, count
        now = time.time()
        command = Command("id", "logs", (str(count),), "bench", "admin", "bench", now, now + 30)
        self.server.send("bench", command.to_message(now))
        self._done.get(timeout=300)

    def close(self) -> None:
        """Stop serving."""
        self.server.stop("done", 2.0)

    def on_hello(self, hello: Hello) -> int:
        """Know no earlier events."""
        return 0

    def on_connected(self, peer: PeerInfo) -> None:
        """Let the measurement begin."""
        self._connected.set()

    def on_disconnected(self, peer: PeerInfo, reason: str, clean: bool) -> None:
        """Note a lost bot."""
        self._connected.clear()

    def on_refused(self, name: str, address: str, code: str, text: str) -> None:
        """Fail loudly: the benchmark's own bot must be let in."""
        raise RuntimeError(f"refused: {text}")

    def on_event(self, peer: PeerInfo, event: Event) -> None:
        """Take an event at once."""
        self.server.ack(peer.name, event.epoch, event.seq)

    def on_reply(self, peer: PeerInfo, reply: Reply) -> None:
        """Note the end of a round trip."""
        self._course.answer()

    def on_log(self, peer: PeerInfo, log: Log) -> None:
        """Take a log line."""

    def on_status(self, peer: PeerInfo, status: Status) -> None:
        """Take a status."""

    def on_text(self, peer: PeerInfo, text: str) -> None:
        """Count a text."""
        self.received += 1
        if self._slow_every and self.received % self._slow_every == 0:
            time.sleep(0.001)
        if self.received == self._expected:
            self._done.put(self.received)
