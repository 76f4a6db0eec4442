"""Bridges that behave as a test wants: a well-meaning one, and one that reads nothing."""

import socket
import struct
import threading
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import orjson

from daemonkit.clock import SystemClock
from tcpproto import Command, Event, LinkServer, Log, PeerInfo, Reply, ServerSettings, Status
from tcpproto.greetings import Hello
from tcpproto.server_peer import Peer
from tcpproto.timing import read_clock
from tests.process.installation import PATIENCE_S
from tests.waiting import wait_until

# A bot that finds this bridge: its port is in the environment, and no secret is asked.
NO_SECRET = {"LINK_SECRET_FILE": ""}


class ScriptedBridge:
    """Serve bots on the real server, remember what they say, send what the test says."""

    def __init__(self, port: int = 0) -> None:
        self.last_seqs: dict[tuple[str, str], int] = {}
        self.events: list[Event] = []
        self.replies: list[Reply] = []
        self.statuses: list[Status] = []
        self.logs: list[Log] = []
        self.texts: list[str] = []
        self.connections: list[PeerInfo] = []
        self.endings: list[tuple[str, bool]] = []
        self.refusals: list[tuple[str, str, str, str]] = []
        self._clock = SystemClock()
        self._peer: PeerInfo | None = None
        settings = ServerSettings("127.0.0.1", port, software="scripted")
        self.server = LinkServer(settings, self, clock=self._clock)
        self.server.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.server.stop("the test is over", 2.0)

    @property
    def environment(self) -> dict[str, str]:
        """What a bot needs to find this bridge."""
        return {"LINK_PORT": str(self.server.port), **NO_SECRET}

    def wait_connected(self, times: int = 1) -> None:
        """Wait until the bot has come so many times and is there."""
        wait_until(
            lambda: len(self.connections) >= times and self._peer is not None,
            PATIENCE_S,
            f"the bot's connection number {times}; refused: {self.refusals}",
        )

    def command(self, verb: str = "getstatus", *args: str, **changes: Any) -> Command:
        """Make a command that is in order, but for the changes."""
        now = self._clock.wall()
        made = Command(
            id=str(uuid4()),
            verb=verb,
            args=args,
            author="test",
            role="admin",
            chat="test",
            issued_at=now,
            expires_at=now + 20,
        )
        return made._replace(**changes)

    def remark(self, text: str) -> None:
        """Send the bot a remark for its log."""
        peer = self._bot_socket()
        peer.connection.notify(text, read_clock(self._clock))
        assert peer.write(peer.connection.data_to_send())

    def send_raw(self, data: bytes) -> None:
        """Put bytes on the bot's connection, whatever they mean."""
        assert self._bot_socket().write(data)

    def send(self, command: Command) -> bool:
        """Send a command to the bot."""
        return self.server.send("paper", command.to_message(self._clock.wall()))

    def replies_to(self, command: Command) -> list[Reply]:
        """Return the answers to one command so far."""
        return [reply for reply in tuple(self.replies) if reply.reply_to == command.id]

    def buy(self, symbol: str, quantity: str) -> None:
        """Buy once it can be done: before its first price there is nothing to buy at."""
        wait_until(
            lambda: (
                self.ask(self.command("buy", symbol, quantity, confirmed=True)).state == "applied"
            ),
            PATIENCE_S,
            "something is bought",
        )

    def ask(self, command: Command) -> Reply:
        """Send a command and wait for the next answer to it."""
        before = len(self.replies_to(command))
        wait_until(lambda: self.send(command), PATIENCE_S, "the command is sent")
        wait_until(
            lambda: len(self.replies_to(command)) > before, PATIENCE_S, f"an answer to {command}"
        )
        return self.replies_to(command)[before]

    def on_hello(self, hello: Hello) -> int:
        return self.last_seqs.get((hello.bot, hello.epoch), 0)

    def on_connected(self, peer: PeerInfo) -> None:
        self._peer = peer
        self.connections.append(peer)

    def on_disconnected(self, peer: PeerInfo, reason: str, clean: bool) -> None:
        if self._peer is peer:
            self._peer = None
        self.endings.append((reason, clean))

    def on_refused(self, name: str, address: str, code: str, text: str) -> None:
        self.refusals.append((name, address, code, text))

    def on_event(self, peer: PeerInfo, event: Event) -> None:
        key = (peer.name, event.epoch)
        if event.seq > self.last_seqs.get(key, 0):
            self.last_seqs[key] = event.seq
            self.events.append(event)
        self.server.ack(peer.name, event.epoch, event.seq)

    def on_reply(self, peer: PeerInfo, reply: Reply) -> None:
        assert peer.name == "paper"
        self.replies.append(reply)

    def on_log(self, peer: PeerInfo, log: Log) -> None:
        assert peer.name == "paper"
        self.logs.append(log)

    def on_status(self, peer: PeerInfo, status: Status) -> None:
        assert peer.name == "paper"
        self.statuses.append(status)

    def on_text(self, peer: PeerInfo, text: str) -> None:
        assert peer.name == "paper"
        self.texts.append(text)

    def _bot_socket(self) -> Peer:
        peer = self.server._conversations.find("paper")
        assert peer is not None, "the bot is not there"
        return peer


class DeafBridge:
    """Welcome whoever comes, then read nothing more and answer nothing."""

    def __init__(self, port: int = 0) -> None:
        self._listener = socket.create_server(("127.0.0.1", port))
        # Small buffers fill at once.
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.port = int(self._listener.getsockname()[1])
        self.welcomed = threading.Event()
        self._sockets: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, name="deaf-bridge")
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self._listener.close()
        for each in self._sockets:
            each.close()

    @property
    def environment(self) -> dict[str, str]:
        """What a bot needs to find this bridge."""
        return {"LINK_PORT": str(self.port), **NO_SECRET}

    def _serve(self) -> None:
        while True:
            try:
                sock, _address = self._listener.accept()
            except OSError:
                return
            self._sockets.append(sock)
            (length,) = struct.unpack(">I", sock.recv(4, socket.MSG_WAITALL))
            sock.recv(length, socket.MSG_WAITALL)
            sock.sendall(json_frame("welcome", {"version": "1.0", "last_seq": 0, "software": ""}))
            self.welcomed.set()


def json_frame(tag: str, message: Any, **fields: Any) -> bytes:
    """Return the bytes of one frame, whatever is in it."""
    payload = orjson.dumps({"tag": tag, "message": message, "timestamp": 1} | fields)
    return struct.pack(">I", len(payload)) + payload
