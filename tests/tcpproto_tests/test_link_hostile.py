"""Strangers, rude peers and faulty callbacks: whatever one does, the others are served."""

import logging
import os
import resource
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tcpproto import Command, Event, LinkServer, Log, Reply, ReplyState, Status, Text
from tcpproto.frames import encode_frame
from tcpproto.messages import encode_message
from tcpproto.payloads import encode_event
from tcpproto.server_peer import OUT_BYTES_MAX
from tests.fakes.link_parties import PATIENCE_S, QUICK, Bot, Ears, Links
from tests.tcpproto_tests.frames_of import OVERSIZE, frame, json_frame, three_fields
from tests.tcpproto_tests.raw_peer import RawPeer
from tests.waiting import wait_until


def a_command(number: int = 1) -> Command:
    return Command(f"command-{number}", "ping", (), "tg:1", "admin", "tg:1", 1.0, 2e9)


def is_served(bot: Bot, ears: Ears, port_name: str = "paper") -> bool:
    """Tell whether a bot still gets commands and answers them."""
    heard = len(ears.replies)
    assert ears.server.send(port_name, a_command(heard).to_message(1.0))
    wait_until(lambda: len(ears.replies) > heard, PATIENCE_S, "the reply")
    return bot.state.reconnects == 1


def count_waiting(server: LinkServer, name: str) -> int:
    """Return how many bytes wait for a peer that reads too slowly."""
    peer = server._conversations.find(name)
    assert peer is not None
    return len(peer.backlog)


RESET = struct.pack("ii", 1, 0)
RUBBISH = {
    "http": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "http post": b"POST /webhook HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
    "ssh": b"SSH-2.0-OpenSSH_9.6\r\n",
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + os.urandom(64),
    "oversize": OVERSIZE,
    "zero": b"\x00\x00\x00\x00",
    "random": bytes(range(255, 0, -1)) * 20,
    "no json": frame(b"hello"),
    "not utf-8": frame(b'{"tag":"\xff"}'),
    "array": frame(b"[]"),
    "deep": frame(b"[" * 100_000),
    "nan": frame(b'{"tag":"log","message":"x","timestamp":NaN}'),
    "no tag": json_frame(message="x", timestamp=1),
    "hello of nothing": json_frame(tag="hello", message={}, timestamp=1),
    "bye": json_frame(tag="bye", message={"code": 1}, timestamp=1),
}


@pytest.mark.parametrize("secret", [None, "secret"], ids=["open", "secret"])
@pytest.mark.parametrize("rubbish", RUBBISH.values(), ids=RUBBISH)
def test_rubbish_is_refused_in_words_and_harms_nobody(
    links: Links, rubbish: bytes, secret: str | None
) -> None:
    server, ears = links.serve(secret=secret)
    bot = links.join(server.port, secret=secret)
    bot.wait_connected()
    with RawPeer(server.port) as stranger:
        stranger.say(rubbish)
        stranger.wait_end()
    ((name, _address, code, text),) = ears.refused
    assert name == ""
    assert code
    assert text
    assert is_served(bot, ears)


def test_rubbish_from_a_bot_that_was_welcome_ends_its_connection_only(links: Links) -> None:
    server, ears = links.serve()
    bot = links.join(server.port)
    bot.wait_connected()
    bad = {
        "not_json": frame(b"{"),
        "frame_length": OVERSIZE,
        "wrong_direction": json_frame(tag="command", message={}, timestamp=1),
        "bad_field": json_frame(tag="log", message={"level": 1}, timestamp=1),
        "missing_field": json_frame(tag="log", message={}),
    }
    for number, (code, rubbish) in enumerate(bad.items()):
        with RawPeer(server.port) as rude:
            rude.greet(f"rude-{number}")
            rude.wait_frame("welcome")
            rude.say(rubbish)
            assert rude.wait_frame("bye")["message"]["code"] == code
            rude.wait_end()
    wait_until(lambda: len(ears.disconnected) == len(bad), PATIENCE_S, "all are gone")
    assert not ears.refused
    assert not [clean for _peer, _reason, clean in ears.disconnected if clean]
    assert is_served(bot, ears)


@pytest.mark.parametrize("secret", [None, "secret"], ids=["open", "secret"])
@pytest.mark.parametrize("rubbish", [*RUBBISH.values(), b""], ids=[*RUBBISH, "nothing"])
def test_a_bot_at_a_rude_server_stays_alive_and_finds_the_right_one(
    links: Links, rubbish: bytes, secret: str | None
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as rude:
        rude.settimeout(PATIENCE_S)
        ports = [rude.getsockname()[1]]
        bot = links.join(lambda: ports[-1], secret=secret)
        sock, _address = rude.accept()
        with sock:
            sock.sendall(rubbish)
            sock.shutdown(socket.SHUT_WR)
            wait_until(lambda: bot.state.detail, PATIENCE_S, "a reason")
        server, ears = links.serve(secret=secret)
        ports.append(server.port)
    bot.add_events(3)
    bot.wait_acknowledged()
    assert len(ears.events) == 3


def test_a_peer_that_does_not_wait_for_its_welcome_is_refused_in_words(
    links: Links, caplog: pytest.LogCaptureFixture
) -> None:
    server, ears = links.serve()
    with RawPeer(server.port) as settled, RawPeer(server.port) as hasty:
        settled.greet("paper", instance="one")
        settled.wait_frame("welcome")
        hello = {"version": "1.0", "bot": "paper", "instance": "one", "epoch": "e", "last_seq": 0}
        hasty.say(
            json_frame(tag="hello", message=hello, timestamp=1)
            + json_frame(tag="log", message={}, timestamp=1)
        )
        assert hasty.wait_frame("bye")["message"]["code"] == "handshake"
        assert [peer.epoch for peer in server.peers()] == ["epoch-of-paper"]
    assert ears.refused[0][0] == "paper"
    assert ears.refused[0][2] == "handshake"
    assert "fault" not in caplog.text


def test_port_scanners_come_and_go_without_a_word(links: Links) -> None:
    server, ears = links.serve()
    bot = links.join(server.port)
    bot.wait_connected()
    for number in range(200):
        with RawPeer(server.port) as scanner:
            if number % 2:
                scanner.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    assert is_served(bot, ears)
    wait_until(lambda: len(server._sockets.by_fd) == 1, PATIENCE_S, "all are gone")
    assert not ears.refused
    assert len(ears.connected) == 1


def test_a_peer_that_reads_nothing_is_bounded_and_others_are_served(links: Links) -> None:
    server, ears = links.serve()
    bot = links.join(server.port)
    bot.wait_connected()
    with RawPeer(server.port, receive_buffer=4096) as deaf:
        deaf.greet("deaf")
        wait_until(lambda: len(ears.connected) == 2, PATIENCE_S, "it is there")
        big = Log("INFO", "x", 1.0, "x" * 60_000).to_message(1.0)
        taken = 0
        while server.send("deaf", big):
            taken += 60_000
        assert taken < OUT_BYTES_MAX + 8 * 1024 * 1024
        assert count_waiting(server, "deaf") <= OUT_BYTES_MAX
        assert not server.send("deaf", big)
        assert is_served(bot, ears)
        assert [peer.name for peer in server.peers()] == ["paper", "deaf"]


def test_a_peer_that_reads_late_gets_everything_whole_and_a_goodbye_behind_it(
    links: Links,
) -> None:
    server, ears = links.serve()
    with RawPeer(server.port, receive_buffer=65_536) as slow:
        slow.greet("slow")
        wait_until(lambda: ears.connected, PATIENCE_S, "it is there")
        sent = 0
        while count_waiting(server, "slow") < 100_000:
            line = Log("INFO", "x", 1.0, f"{sent} " * 9_000)
            assert server.send("slow", line.to_message(1.0))
            sent += 1
        slow.say(OVERSIZE)
        wait_until(lambda: ears.disconnected, PATIENCE_S, "the server closes")
        slow.wait_end()
    frames = slow.frames_heard()
    texts = [found["message"]["text"] for found in frames if found["tag"] == "log"]
    assert texts == [f"{number} " * 9_000 for number in range(sent)]
    assert frames[-1]["message"]["code"] == "frame_length"


def test_a_peer_that_reads_nothing_and_pings_on_and_on_stays_bounded(links: Links) -> None:
    server, ears = links.serve()
    with RawPeer(server.port, receive_buffer=4096) as deaf:
        deaf.greet("deaf")
        wait_until(lambda: ears.connected, PATIENCE_S, "it is there")
        ping = json_frame(tag="ping", message={}, timestamp=1, id="x" * 128)
        for _ in range(60):
            deaf.say(ping * 1_000)
        assert count_waiting(server, "deaf") <= OUT_BYTES_MAX


def test_an_acknowledgement_that_finds_no_room_is_not_lost_in_silence(links: Links) -> None:
    """Without it the bot would wait for ever: it sends only so much unacknowledged."""
    server, ears = links.serve()
    ears.is_acknowledging = False
    with RawPeer(server.port, receive_buffer=4096) as slow:
        slow.greet("slow")
        wait_until(lambda: ears.connected, PATIENCE_S, "it is there")
        event = Event("epoch-of-slow", 1, "alert", "info", "text", 1.0)
        slow.say(encode_frame(encode_event(event, 1.0)))
        wait_until(lambda: ears.events, PATIENCE_S, "the event")
        for size in (60_000, 100, 1):
            while server.send("slow", Log("INFO", "x", 1.0, "x" * size).to_message(1.0)):
                pass
        assert not server.ack("slow", "epoch-of-slow", 1)
        wait_until(lambda: ears.disconnected, PATIENCE_S, "the connection is given up")
    assert "reads nothing" in ears.disconnected[0][1]


def test_events_without_end_and_without_acknowledgement_are_refused(links: Links) -> None:
    server, ears = links.serve()
    ears.is_acknowledging = False
    bodies = [
        encode_event(Event("epoch-of-rude", seq, "alert", "info", "", 1.0), 1.0)
        for seq in range(1, 8_300)
    ]
    with RawPeer(server.port) as rude:
        rude.greet("rude")
        rude.wait_frame("welcome")
        rude.say(b"".join(map(encode_frame, bodies)))
        assert rude.wait_frame("bye")["message"]["code"] == "window"
    assert len(ears.events) == 8_192


def test_more_peers_than_allowed_are_turned_away_and_told_of_once(links: Links) -> None:
    server, ears = links.serve(peers_max=3)
    peers = [RawPeer(server.port) for _ in range(6)]
    try:
        for number, peer in enumerate(peers[:3]):
            peer.greet(f"bot-{number}")
            peer.wait_frame("welcome")
        for peer in peers[3:]:
            peer.wait_end()
        wait_until(lambda: len(server.peers()) == 3, PATIENCE_S, "three are there")
        ((_name, _address, code, text),) = ears.refused
        assert (code, text) == ("peers_max", "3 peers are connected already, no more are taken")
        peers[0].sock.close()
        wait_until(lambda: len(server.peers()) == 2, PATIENCE_S, "there is room")
        peers[0] = RawPeer(server.port)
        peers[0].greet("late")
        peers[0].wait_frame("welcome")
    finally:
        for peer in peers:
            peer.sock.close()


@pytest.fixture
def few_files() -> Iterator[None]:
    """Let this process open only a few more files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_without_file_descriptors_the_server_waits_and_goes_on(
    links: Links, few_files: None, caplog: pytest.LogCaptureFixture
) -> None:
    server, ears = links.serve()
    bot = links.join(server.port)
    bot.wait_connected()
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    waiting = [socket.socket() for _ in range(3)]
    free = os.open("/dev/null", os.O_RDONLY)
    os.close(free)
    with caplog.at_level(logging.WARNING):
        resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
        for sock in waiting:
            sock.connect(("127.0.0.1", server.port))
        wait_until(lambda: "cannot accept" in caplog.text, PATIENCE_S, "it is told")
        assert is_served(bot, ears)
        assert is_served(bot, ears)
        assert caplog.text.count("cannot accept") == 1
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    for sock in waiting:
        sock.sendall(three_fields("message", "let me in"))
    wait_until(lambda: len(ears.texts) == 3, PATIENCE_S, "all are served")
    for sock in waiting:
        sock.close()


def frames_of_a_bot() -> list[bytes]:
    event = Event("epoch-of-other", 1, "alert", "info", "text", 1.0)
    reply = Reply("id", ReplyState.APPLIED, "text").to_message(1.0)
    return [
        encode_frame(encode_event(event, 1.0)),
        encode_message(Log("INFO", "trading", 1.0, "text").to_message(1.0)),
        encode_message(Text("text").to_message(1.0)),
        encode_message(Status("engine", "text").to_message(1.0)),
        encode_message(reply),
    ]


@pytest.mark.parametrize(
    "name", ["hello", "connected", "disconnected", "event", "log", "reply", "status", "text"]
)
def test_a_fault_in_a_callback_ends_at_most_that_connection(
    links: Links, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    server, ears = links.serve(limits=QUICK)
    bot = links.join(server.port)
    bot.wait_connected()

    def fail(called: str) -> None:
        if called == name and len(ears.connected) > 1:
            raise RuntimeError("planted")

    ears.fault = fail
    with RawPeer(server.port) as silent, RawPeer(server.port) as peer:
        wait_until(lambda: len(ears.connected) == 3, PATIENCE_S, "both are taken for legacy")
        with suppress(OSError):  # the fault may have ended them already
            peer.greet("other")
            wait_until(lambda: peer.frames() or peer.is_ended, PATIENCE_S, "an answer")
            for frame_of_it in frames_of_a_bot():
                peer.say(frame_of_it)
        if name != "disconnected":
            wait_until(lambda: "planted" in caplog.text, PATIENCE_S, "the fault")
        with suppress(OSError):
            silent.say(OVERSIZE)
        silent.wait_end()
        with suppress(OSError):
            peer.say(OVERSIZE)
        peer.wait_end()
    ears.fault = lambda _name: None
    assert "planted" in caplog.text
    wait_until(lambda: len(server._sockets.by_fd) == 1, PATIENCE_S, "the others are gone")
    assert is_served(bot, ears)


@pytest.mark.parametrize("name", ["connected", "disconnected", "refused"])
def test_a_fault_in_a_callback_that_time_brings_ends_no_server(links: Links, name: str) -> None:
    server, ears = links.serve(limits=QUICK)
    bot = links.join(server.port, limits=QUICK)
    bot.wait_connected()
    faults: list[str] = []

    def fail(called: str) -> None:
        if called == name and called not in faults:
            faults.append(called)
            raise RuntimeError("planted")

    ears.fault = fail
    # Silence makes one peer a three-field peer and, half-way in a frame, refuses the other; a
    # bot that answers no ping is given up.
    with (
        RawPeer(server.port) as silent,
        RawPeer(server.port) as stalled,
        RawPeer(server.port) as dead,
    ):
        stalled.say(b"\x00")
        dead.greet("dead")
        wait_until(lambda: faults, PATIENCE_S, "the fault")
        stalled.wait_end()
        dead.wait_end()
        silent.sock.close()
    assert is_served(bot, ears)


def test_a_fault_in_a_callback_at_the_end_still_frees_everything(links: Links) -> None:
    server, ears = links.serve()
    bots = [links.join(server.port, name=f"bot-{n}", instance=f"i{n}") for n in range(3)]
    for bot in bots:
        bot.wait_connected()

    def fail(_called: str) -> None:
        raise RuntimeError("planted")

    ears.fault = fail
    server.stop("going away", 2.0)
    assert not server._thread.is_alive()
    for bot in bots:
        wait_until(lambda b=bot: b.states[1:], PATIENCE_S, "the bot is told")  # type: ignore[misc]
        assert bot.states[1].detail == "going away"
