"""Both ends of the link over real sockets on loopback, with callbacks that remember everything."""

import random
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Final

from daemonkit.clock import SystemClock
from tcpproto import (
    ClientSettings,
    Command,
    Event,
    Identity,
    Limits,
    LinkClient,
    LinkServer,
    LinkState,
    Log,
    PeerInfo,
    Reply,
    ReplyState,
    ServerSettings,
    Status,
)
from tcpproto.greetings import Hello
from tests.fakes.memory_outbox import MemoryOutbox
from tests.waiting import wait_until

# A test never waits for the limits of production, and its machine may be slow.
QUICK: Final = Limits(handshake_s=1.0, legacy_silence_s=0.3, heartbeat_s=0.2, dead_after_s=1.5)
PATIENCE_S: Final = 20.0


@dataclass
class Ears:
    """Take what comes up the link (ServerCallbacks); store events once and acknowledge them."""

    server: LinkServer = field(init=False)
    stored: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    connected: list[PeerInfo] = field(default_factory=list)
    disconnected: list[tuple[PeerInfo, str, bool]] = field(default_factory=list)
    refused: list[tuple[str, str, str, str]] = field(default_factory=list)
    hellos: list[Hello] = field(default_factory=list)
    replies: list[tuple[str, Reply]] = field(default_factory=list)
    logs: list[tuple[str, Log]] = field(default_factory=list)
    statuses: list[tuple[str, Status]] = field(default_factory=list)
    texts: list[tuple[str, str]] = field(default_factory=list)
    threads: set[str] = field(default_factory=set)
    ports: list[int] = field(default_factory=list)
    repeats: int = 0
    is_acknowledging: bool = True
    fault: Callable[[str], None] = lambda _name: None

    def on_hello(self, hello: Hello) -> int:
        self._note("hello")
        self.hellos.append(hello)
        return max(self.stored.get((hello.bot, hello.epoch), [0]))

    def on_connected(self, peer: PeerInfo) -> None:
        self.connected.append(peer)
        self._note("connected")

    def on_disconnected(self, peer: PeerInfo, reason: str, clean: bool) -> None:
        self.disconnected.append((peer, reason, clean))
        self._note("disconnected")

    def on_refused(self, name: str, address: str, code: str, text: str) -> None:
        self.refused.append((name, address, code, text))
        self._note("refused")

    def on_event(self, peer: PeerInfo, event: Event) -> None:
        self._note("event")
        stored = self.stored.setdefault((peer.name, event.epoch), [])
        if not stored or event.seq > stored[-1]:
            stored.append(event.seq)
            self.events.append(event)
        else:
            self.repeats += 1
        if self.is_acknowledging:
            self.server.ack(peer.name, event.epoch, stored[-1])

    def on_reply(self, peer: PeerInfo, reply: Reply) -> None:
        self._note("reply")
        self.replies.append((peer.name, reply))

    def on_log(self, peer: PeerInfo, log: Log) -> None:
        self.logs.append((peer.name, log))
        self._note("log")

    def on_status(self, peer: PeerInfo, status: Status) -> None:
        self.statuses.append((peer.name, status))
        self._note("status")

    def on_text(self, peer: PeerInfo, text: str) -> None:
        self.texts.append((peer.name, text))
        self._note("text")

    def _note(self, name: str) -> None:
        self.threads.add(threading.current_thread().name)
        self.fault(name)


class Bot:
    """A trading process's end: a client, its outbox, and what it was told."""

    def __init__(
        self,
        port: Callable[[], int],
        *,
        name: str = "paper",
        instance: str = "instance-1",
        host: str = "127.0.0.1",
        secret: str | None = None,
        tls: ssl.SSLContext | None = None,
        limits: Limits | None = None,
        backoff_cap_s: float = 0.02,
        bulk_frames_max: int = 10_000,
        outbox: MemoryOutbox | None = None,
    ) -> None:
        self.outbox = outbox or MemoryOutbox(f"epoch-of-{instance}")
        self.commands: list[Command] = []
        self.states: list[LinkState] = []
        self.threads: set[str] = set()
        self.on_each_command: Callable[[Command], None] = self.reply
        self.on_each_state: Callable[[LinkState], None] = lambda _state: None
        self.is_known: Callable[[], bool] = lambda: True
        self.clock = SystemClock()
        self.client = LinkClient(
            ClientSettings(
                address=lambda: (host, port()),
                secret=secret,
                tls=tls,
                limits=limits or Limits(),
                bulk_frames_max=bulk_frames_max,
                backoff_cap_s=backoff_cap_s,
            ),
            Identity(name, instance, self.outbox.epoch, "test 1"),
            self.outbox,
            self,
            last_seq=lambda: self.outbox.last_seq,
            clock=self.clock,
            rng=random.Random(1),
        )

    @property
    def state(self) -> LinkState:
        return self.client.state

    def on_command(self, command: Command) -> None:
        self.threads.add(threading.current_thread().name)
        self.commands.append(command)
        self.on_each_command(command)

    def reply(self, command: Command) -> None:
        reply = Reply(command.id, ReplyState.APPLIED, f"did {command.verb}")
        self.client.send(reply.to_message(self.clock.wall()))

    def on_ack(self, epoch: str, seq: int) -> None:
        self.threads.add(threading.current_thread().name)
        self.outbox.acknowledge(epoch, seq)

    def on_state(self, state: LinkState) -> None:
        self.states.append(state)
        self.on_each_state(state)

    def add_events(self, count: int) -> None:
        self.outbox.add(count)
        self.client.wake_outbox()

    def wait_connected(self) -> None:
        """Wait until both ends know: the welcome may arrive before the server has taken note."""
        wait_until(
            lambda: self.state.phase == "connected" and self.is_known(),
            PATIENCE_S,
            "the bot is connected",
        )

    def wait_acknowledged(self) -> None:
        assert self.outbox.wait_empty(PATIENCE_S), "not all events are acknowledged"


def link_threads() -> list[str]:
    """Return the names of the link's threads that are alive."""
    return [
        thread.name
        for thread in threading.enumerate()
        if thread.name.startswith(("tcp-", "proxy-"))
    ]


class Links:
    """Start servers and bots, and stop them all at the end."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._ears: list[Ears] = []
        self.port = 0

    def serve(
        self,
        port: int = 0,
        *,
        ears: Ears | None = None,
        settings: ServerSettings | None = None,
        **changes: object,
    ) -> tuple[LinkServer, Ears]:
        """Start a server."""
        ears = ears or Ears()
        settings = settings or ServerSettings("127.0.0.1", port, software="bridge 1")
        server = LinkServer(
            replace(settings, **changes),  # type: ignore[arg-type]
            ears,
            clock=SystemClock(),
        )
        ears.server = server
        self._ears.append(ears)
        self._stack.callback(server.stop, "the test is over", 5.0)
        server.start()
        self.port = server.port
        ears.ports.append(server.port)
        return server, ears

    def join(self, port: int | Callable[[], int], **options: object) -> Bot:
        """Start a bot."""
        return self.start(self.bot(port, **options))

    def start(self, bot: Bot) -> Bot:
        """Start a bot that was built before."""
        bot.client.start()
        self._stack.callback(bot.client.stop, "the test is over", 2.0)
        return bot

    def bot(self, port: int | Callable[[], int], **options: object) -> Bot:
        """Build a bot that is not started."""
        ask = port if callable(port) else lambda: port
        bot = Bot(ask, **options)  # type: ignore[arg-type]
        bot.is_known = lambda: self._is_known(bot.client._identity.instance)
        return bot

    def _is_known(self, instance: str) -> bool:
        if not self._ears:
            return True  # the test has a server of its own
        return any(
            peer in ears.connected
            for ears in self._ears
            for peer in ears.server.peers()
            if peer.instance == instance
        )

    def close(self) -> None:
        """Stop everything, the last one first."""
        self._stack.close()


@contextmanager
def running_links() -> Iterator[Links]:
    """Give a place to start links in; fail if a thread is left."""
    links = Links()
    try:
        yield links
    finally:
        links.close()
    wait_until(lambda: not link_threads(), 3.0, f"no thread is left: {link_threads()}")
