"""docs/protocol.md: its example is true to the byte, its program works, its tables are complete."""

import ast
import hashlib
import hmac
import queue
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from daemonkit.clock import SystemClock
from tcpproto import Command, Event, LinkServer, Log, PeerInfo, Reply, ServerSettings, Status
from tcpproto.authentication import CLIENT_ROLE, SERVER_ROLE, make_proof
from tcpproto.client_connection import ClientConnection
from tcpproto.connection import Closed, Identified, Opened
from tcpproto.frames import FRAME_LEN_MAX, FrameDecoder
from tcpproto.greetings import Bye, Challenge, Hello
from tcpproto.messages import TAGS_BOTH, TAGS_DOWN, TAGS_UP, Message, encode_message, parse_message
from tcpproto.outbox import WINDOW_ROWS
from tcpproto.payloads import Ack
from tcpproto.server_callbacks import PEERS_MAX
from tcpproto.server_connection import ServerConnection
from tcpproto.server_conversations import EVENTS_UNACKNOWLEDGED_MAX
from tcpproto.server_peer import OUT_BYTES_MAX
from tcpproto.timing import Limits, Now
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
SECRET = "correct horse battery staple"
STARTED_AT = 1_750_000_000.0


class Line(NamedTuple):
    """Be one frame of the example."""

    speaker: str
    data: bytes
    message: Message


def block(language: str) -> str:
    """Return what stands in the only fenced block of a kind."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", DOCUMENT, re.DOTALL | re.MULTILINE)
    return str(found)


def example() -> list[Line]:
    lines = []
    for text in block("frames").splitlines():
        speaker, length, payload = text.split(" ", 2)
        data = bytes.fromhex(length) + payload.encode()
        lines.append(Line(speaker, data, parse_message(payload.encode())))
    return lines


def at(seconds: float) -> Now:
    return Now(STARTED_AT + seconds, seconds)


def test_every_frame_of_the_example_is_whole_and_has_its_length() -> None:
    lines = example()
    for line in lines:
        assert FrameDecoder().feed(line.data) == [line.data[4:]]
    assert {line.message.tag for line in lines} == (TAGS_UP | TAGS_DOWN | TAGS_BOTH) - {"message"}


def test_example_opens_as_two_connections_do() -> None:
    lines = iter(example())
    first, challenge = next(lines), next(lines)
    hello = Hello.parse(first.message)
    server_nonce = Challenge.parse(challenge.message).nonce
    client = ClientConnection(hello, SECRET, Limits(), at(0))
    server = ServerConnection(SECRET, lambda: server_nonce, Limits(), at(0))

    assert client.data_to_send() == first.data
    assert server.receive_data(first.data, at(0)) == []
    assert server.data_to_send() == challenge.data
    assert client.receive_data(challenge.data, at(0)) == []
    proof = next(lines)
    assert client.data_to_send() == proof.data
    assert server.receive_data(proof.data, at(0)) == [Identified(hello)]
    server.accept(40, "tradebridge 0.1.0", at(0))
    welcome = next(lines)
    assert server.data_to_send() == welcome.data
    (opened,) = client.receive_data(welcome.data, at(0))
    assert isinstance(opened, Opened)

    for line in lines:
        now = at(line.message.timestamp - STARTED_AT)
        if line.message.tag == "ping":
            client.poll(now)
            assert client.data_to_send() == line.data
        elif line.message.tag == "pong":
            assert server.data_to_send() == line.data
        receiver = server if line.speaker == "client" else client
        heard = receiver.receive_data(line.data, now)
        if line.message.tag == "bye":
            assert heard == [Closed("stopping", "asked to stop", is_clean=True)]
        else:
            assert heard == ([] if line.message.tag in {"ping", "pong"} else [line.message])
    assert client.rtt_s == 0.0


def test_example_holds_payloads_as_they_are_written() -> None:
    parsers: dict[str, Callable[[Message], Any]] = {
        "event": Event.parse,
        "status": Status.parse,
        "ack": Ack.parse,
        "command": Command.parse,
        "reply": Reply.parse,
        "log": Log.parse,
        "bye": Bye.parse,
    }
    for line in example():
        parse = parsers.get(line.message.tag)
        if parse is not None:
            written = parse(line.message).to_message(line.message.timestamp)
            assert encode_message(written) == line.data


def test_transcript_of_the_proof_is_true() -> None:

    lines = example()
    hello = Hello.parse(lines[0].message)
    nonce = lines[1].message.message["nonce"]
    transcript = bytes.fromhex(block("transcript"))
    assert len(transcript) == 270
    proof = hmac.new(SECRET.encode(), transcript, hashlib.sha256).hexdigest()
    assert proof == lines[1].message.message["proof"]
    assert proof == make_proof(SECRET, SERVER_ROLE, hello, nonce)
    mirrored = transcript.replace(b"server", b"client", 1)
    assert (
        hmac.new(SECRET.encode(), mirrored, hashlib.sha256).hexdigest()
        == lines[2].message.message["proof"]
        == make_proof(SECRET, CLIENT_ROLE, hello, nonce)
    )


def test_bytes_on_the_wire_are_the_heartbeat_of_the_example() -> None:
    (ping,) = (line for line in example() if line.message.tag == "ping")
    assert bytes.fromhex(block("wire")) == ping.data


class Bridge:
    """Record what a real server hears; the document's client sends nothing but replies."""

    def __init__(self) -> None:
        self.connected: queue.SimpleQueue[PeerInfo] = queue.SimpleQueue()
        self.replies: queue.SimpleQueue[Reply] = queue.SimpleQueue()
        self.refused: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.goodbyes: queue.SimpleQueue[bool] = queue.SimpleQueue()

    def on_hello(self, *_args: object, **_names: object) -> int:
        return 0

    def on_connected(self, peer: PeerInfo) -> None:
        self.connected.put(peer)

    def on_disconnected(self, peer: PeerInfo, reason: str, clean: bool) -> None:
        self.goodbyes.put(clean and bool(peer.name) and bool(reason))

    def on_refused(self, name: str, address: str, code: str, text: str) -> None:
        self.refused.put(code if address and text and name in ("", "example") else "")

    def on_reply(self, peer: PeerInfo, reply: Reply) -> None:
        assert peer.name == "example"
        self.replies.put(reply)

    def _refuse(self, *_args: object, **_names: object) -> None:
        raise AssertionError("the example sends neither events nor logs, status or text")

    on_event = on_log = on_status = on_text = _refuse


@contextmanager
def serving(bridge: Bridge, secret: str | None) -> Iterator[LinkServer]:
    """Run a real server until the end of the block."""
    settings = ServerSettings("127.0.0.1", 0, secret, limits=Limits(heartbeat_s=0.05))
    server = LinkServer(settings, bridge, clock=SystemClock())
    server.start()
    try:
        yield server
    finally:
        server.stop("the test is over", 2.0)


def connect(server: LinkServer) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=10)


@pytest.fixture
def program() -> dict[str, Any]:
    """Give the functions of the document's client."""
    names: dict[str, Any] = {}
    exec(compile(block("python"), "docs/protocol.md", "exec"), names)
    return names


@pytest.mark.parametrize("secret", [SECRET, None])
def test_program_of_the_document_speaks_with_a_real_bridge(
    program: dict[str, Any], secret: str | None
) -> None:
    bridge = Bridge()
    handled: list[tuple[str, list[str]]] = []

    def handle(verb: str, args: list[str]) -> tuple[str, str]:
        handled.append((verb, args))
        return "applied", "done"

    with ExitStack() as stack:
        server = stack.enter_context(serving(bridge, secret))
        sock = connect(server)
        epoch = program["greet"](sock, "example", secret)
        thread = threading.Thread(target=program["run"], args=(sock, handle))
        thread.start()
        peer = bridge.connected.get(timeout=5)
        assert (peer.name, peer.epoch, peer.legacy) == ("example", epoch, False)
        wait_until(lambda: server.rtt_s("example"), 5, "an answered heartbeat")
        command = Command("c-1", "buy", ("BTC/USDT",), "tg:1", "trader", "tg:1", 1.0, 31.0)
        assert server.send("example", command.to_message(1.0))
        reply = bridge.replies.get(timeout=5)
        assert (reply.reply_to, reply.state, reply.text) == ("c-1", "applied", "done")
        assert handled == [("buy", ["BTC/USDT"])]
    # The server's goodbye ends the program.
    thread.join(5)
    assert not thread.is_alive()
    sock.close()
    assert bridge.goodbyes.get(timeout=5)


def test_program_of_the_document_is_refused_with_another_secret(program: dict[str, Any]) -> None:
    bridge = Bridge()
    with serving(bridge, SECRET) as server:
        with connect(server) as sock, pytest.raises(ConnectionError, match="not our bridge"):
            program["greet"](sock, "example", "another secret")
        with connect(server) as sock, pytest.raises(ConnectionError, match="a link secret"):
            program["greet"](sock, "example")
    assert bridge.connected.empty()
    assert {bridge.refused.get(timeout=5), bridge.refused.get(timeout=5)} == {"cut", "secret"}


def test_program_of_the_document_refuses_a_bridge_without_its_secret(
    program: dict[str, Any],
) -> None:
    with (
        serving(Bridge(), None) as server,
        connect(server) as sock,
        pytest.raises(ConnectionError, match="the bridge has no secret"),
    ):
        program["greet"](sock, "example", SECRET)


def test_program_of_the_document_needs_the_standard_library_only(program: dict[str, Any]) -> None:
    assert program["socket"] is socket
    tree = ast.parse(block("python"))
    imported = {
        name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names
    }
    assert imported <= {"hashlib", "hmac", "json", "os", "socket", "struct", "time", "uuid"}


def said_codes() -> Iterator[str]:
    """Give the codes that tcpproto puts into a goodbye."""
    for path in (ROOT / "tcpproto").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            code = node.args[0]
            if name in {"RemoteProtocolError", "Bye", "fail"} and isinstance(code, ast.Constant):
                yield str(code.value)


def test_document_lists_every_code_of_a_goodbye() -> None:
    table = DOCUMENT.partition("## Closing")[2].partition("## Three-field")[0]
    listed = set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))
    assert listed == {"bad_field", *said_codes()}


def test_document_lists_every_tag_and_no_other() -> None:
    table = DOCUMENT.partition("## Tags")[2].partition("## Opening")[0]
    rows = [line for line in table.splitlines() if line.startswith("| `")]
    listed = {tag for row in rows for tag in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert listed == TAGS_UP | TAGS_DOWN | TAGS_BOTH


def test_document_tells_the_limits_of_the_code() -> None:
    limits = Limits()
    told = DOCUMENT.partition("## Heartbeats and limits")[2].partition("## Durable")[0]
    assert f"| silence before a `ping` is due | {limits.heartbeat_s:g} s |" in told
    assert f"| silence until the peer is dead | {limits.dead_after_s:g} s |" in told
    assert f"| opening | {limits.handshake_s:g} s |" in told
    assert f"| first frame of a peer | {limits.legacy_silence_s:g} s |" in told
    assert f"client: {WINDOW_ROWS:,}" in told
    assert f"server: {EVENTS_UNACKNOWLEDGED_MAX:,}" in told
    assert f"| connected peers | {PEERS_MAX:,} |" in told
    assert f"{OUT_BYTES_MAX // 2**20} MiB" in told
    assert f"1 to {FRAME_LEN_MAX:,}" in DOCUMENT


def test_document_lists_every_kind_of_event_that_the_engine_raises() -> None:
    told = DOCUMENT.partition("## Durable events")[2].partition("## Status")[0]
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "trading").rglob("*.py")]
    raised = {"trading_started", "trading_stopped"}
    for source in sources:
        raised |= set(re.findall(r'(?:DurableEvent|make_alert)\(\s*(?:kind=)?"(\w+)"', source))
        for pair in re.findall(r'\bkind = "(\w+)" if .+ else "(\w+)"', source):
            raised |= set(pair)
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", told, re.MULTILINE)
    listed = [kind for row in rows for kind in re.findall(r"\w+", row)]
    assert raised == set(listed)
    assert len(listed) == len(set(listed))
