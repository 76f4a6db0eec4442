"""A bridge's end of the link that keeps everything in memory and acknowledges what it keeps."""

from dataclasses import dataclass, field

from daemonkit.clock import SystemClock
from tcpproto import (
    Command,
    Event,
    LinkServer,
    Log,
    PeerInfo,
    Reply,
    ServerSettings,
    Status,
)
from tcpproto.greetings import Hello
from tests.waiting import wait_until


@dataclass
class BridgeEnd:
    """Hold a started server and what came up to it."""

    events: list[Event] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    logs: list[Log] = field(default_factory=list)
    statuses: list[Status] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    goodbyes: list[tuple[str, bool]] = field(default_factory=list)
    peers: list[PeerInfo] = field(default_factory=list)
    is_acknowledging: bool = True

    def __post_init__(self) -> None:
        self.last_seqs: dict[tuple[str, str], int] = {}
        self.server = LinkServer(ServerSettings("127.0.0.1", 0), self, clock=SystemClock())
        self.server.start()

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", self.server.port

    def send(self, command: Command, bot: str = "paper") -> bool:
        return self.server.send(bot, command.to_message(command.issued_at))

    def ended_cleanly(self) -> list[bool]:
        """Wait for the end of a connection, the last thing that is heard; say how each went."""
        wait_until(lambda: self.goodbyes, 5, "the end of a connection")
        return [is_clean for _, is_clean in self.goodbyes]

    def on_hello(self, hello: Hello) -> int:
        return self.last_seqs.get((hello.bot, hello.epoch), 0)

    def on_connected(self, peer: PeerInfo) -> None:
        self.peers.append(peer)

    def on_disconnected(self, peer: PeerInfo, reason: str, clean: bool) -> None:
        self.peers.remove(peer)
        self.goodbyes.append((reason, clean))

    def on_refused(self, name: str, address: str, code: str, text: str) -> None:
        raise AssertionError(f"{name} at {address} was refused: {code} {text}")

    def on_event(self, peer: PeerInfo, event: Event) -> None:
        key = (peer.name, event.epoch)
        if event.seq > self.last_seqs.get(key, 0):
            self.last_seqs[key] = event.seq
            self.events.append(event)
        if self.is_acknowledging:
            self.server.ack(peer.name, event.epoch, event.seq)

    def on_reply(self, peer: PeerInfo, reply: Reply) -> None:
        assert peer.name
        self.replies.append(reply)

    def on_log(self, peer: PeerInfo, log: Log) -> None:
        assert peer.name
        self.logs.append(log)

    def on_status(self, peer: PeerInfo, status: Status) -> None:
        assert peer.name
        self.statuses.append(status)

    def on_text(self, peer: PeerInfo, text: str) -> None:
        assert peer.name
        self.texts.append(text)
