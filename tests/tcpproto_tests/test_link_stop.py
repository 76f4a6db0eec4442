"""Ends: in time, with a goodbye, with no thread left, wherever a conversation stands."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tcpproto import Command, Limits, LinkServer, LinkState, Log, ServerSettings
from tests.fakes.link_parties import PATIENCE_S, Bot, Links, link_threads
from tests.fakes.proxy import Proxy
from tests.tcpproto_tests.raw_peer import RawPeer
from tests.waiting import wait_until

# A deadline of the contract, asserted with slack for a busy machine.
SLACK_S = 2.0


def own_threads() -> list[str]:
    return [name for name in link_threads() if not name.startswith("proxy-")]


@contextmanager
def ends_within(timeout_s: float) -> Iterator[None]:
    started = time.monotonic()
    yield
    assert time.monotonic() - started < timeout_s + SLACK_S


@pytest.fixture
def deaf_port() -> Iterator[int]:
    """Give a port on which connecting hangs: its queue is full and nobody accepts."""
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for filler in (first, second):
            filler.setblocking(False)
            with pytest.raises(BlockingIOError):
                filler.connect(listener.getsockname())
        yield listener.getsockname()[1]


def test_a_bot_says_goodbye_and_leaves_no_thread(links: Links) -> None:
    server, ears = links.serve()
    bot = links.join(server.port)
    bot.wait_connected()
    with ends_within(2.0):
        bot.client.stop("asked to stop", 2.0)
    wait_until(lambda: ears.disconnected, PATIENCE_S, "the server knows")
    assert ears.disconnected[0][1:] == ("asked to stop", True)
    assert own_threads() == ["tcp-server"]
    assert (bot.state.phase, bot.state.detail) == ("stopped", "asked to stop")


def test_a_bot_sends_everything_before_it_says_goodbye(links: Links) -> None:
    server, ears = links.serve()
    bot = links.join(server.port)
    bot.wait_connected()
    bot.outbox.add(2_500)
    bot.client.wake_outbox()
    for number in range(5_000):
        bot.client.offer(Log("INFO", "trading", 1.0, f"line {number}").to_message(1.0), wait_s=5)
    bot.client.stop("asked to stop", 10.0)
    wait_until(lambda: ears.disconnected, PATIENCE_S, "the server knows")
    assert len(ears.events) == 2_500
    assert not bot.outbox.rows
    assert len(ears.logs) == 5_000
    assert ears.disconnected[0][2]


def test_a_goodbye_is_said_however_busy_the_writer_is(links: Links) -> None:
    server, ears = links.serve()
    for number in range(30):
        bot = links.join(server.port, instance=f"i{number}")
        bot.wait_connected()
        bot.outbox.add(1)
        bot.client.wake_outbox()
        bot.client.stop("asked to stop", 5.0)
        wait_until(lambda n=number: len(ears.disconnected) > n, PATIENCE_S, "the server knows")  # type: ignore[misc]
    assert {clean for _peer, _reason, clean in ears.disconnected} == {True}


def test_a_bot_that_is_still_connecting_stops_in_time(links: Links, deaf_port: int) -> None:
    bot = links.join(deaf_port)
    with ends_within(1.0):
        bot.client.stop("asked to stop", 1.0)
    wait_until(lambda: not own_threads(), SLACK_S, "no thread is left")
    assert bot.state.phase == "stopped"


def test_a_bot_that_hangs_in_connecting_gives_up_and_says_so(links: Links, deaf_port: int) -> None:
    bot = links.join(deaf_port, limits=Limits(handshake_s=0.5))
    wait_until(lambda: "no answer within 0.5 s" in bot.state.detail, PATIENCE_S, "the reason")


def test_a_bot_that_is_stopped_while_it_asks_for_the_address_never_talks(links: Links) -> None:
    server, ears = links.serve()
    asked, may_answer = threading.Event(), threading.Event()

    def port() -> int:
        asked.set()
        assert may_answer.wait(PATIENCE_S)
        return server.port

    bot = links.join(port)
    assert asked.wait(PATIENCE_S)
    bot.client.stop("asked to stop", 0.2)
    may_answer.set()
    wait_until(lambda: own_threads() == ["tcp-server"], PATIENCE_S, "the bot's threads end")
    assert not ears.connected
    assert bot.state.phase == "stopped"


def test_a_bot_that_is_shaking_hands_stops_in_time(links: Links) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        bot = links.join(listener.getsockname()[1])
        listener.settimeout(PATIENCE_S)
        sock, _address = listener.accept()
        with sock, ends_within(1.0):
            assert sock.recv(4)
            bot.client.stop("asked to stop", 1.0)
    wait_until(lambda: not own_threads(), SLACK_S, "no thread is left")


def test_a_bot_whose_server_is_frozen_stops_in_time(links: Links) -> None:
    server, _ears = links.serve()
    with Proxy(lambda: server.port) as proxy:
        bot = links.join(proxy.port)
        bot.wait_connected()
        proxy.freeze()
        bot.add_events(100)
        line = Log("INFO", "flood", 1.0, "x" * 60_000).to_message(1.0)
        while bot.client.offer(line, wait_s=0.3):
            pass
        with ends_within(1.0):
            bot.client.stop("asked to stop", 1.0)
        wait_until(lambda: own_threads() == ["tcp-server"], SLACK_S, "no thread is left")
    assert len(bot.outbox.rows) == 100


def test_a_bot_that_was_refused_and_waits_stops_in_time(links: Links) -> None:
    server, _ears = links.serve()
    first = links.join(server.port, instance="one")
    first.wait_connected()
    second = links.join(server.port, instance="two")
    wait_until(lambda: second.state.phase == "refused", PATIENCE_S, "the refusal")
    with ends_within(0.5):
        second.client.stop("asked to stop", 0.5)


def test_stopping_what_never_started_or_has_stopped_does_nothing(links: Links) -> None:
    bot = links.bot(1)
    bot.client.stop("never started", 0.1)
    assert bot.state.phase == "stopped"
    server, ears = links.serve()
    bot = links.join(server.port)
    for _ in range(2):
        bot.client.stop("twice", 1.0)
        server.stop("twice", 1.0)
    assert len(ears.connected) == len(ears.disconnected)

    LinkServer(ServerSettings("127.0.0.1", 0), ears, clock=bot.clock).stop("never started", 0.1)


def test_a_fault_in_a_callback_of_the_bot_does_not_end_its_link(links: Links) -> None:
    server, ears = links.serve()

    def fail(_state: LinkState) -> None:
        raise RuntimeError("planted")

    bot = links.bot(server.port)
    bot.on_each_state = fail
    links.start(bot)
    bot.add_events(3)
    bot.wait_acknowledged()
    server.stop("restart", 2.0)
    links.serve(ears.ports[-1], ears=ears)
    bot.add_events(3)
    bot.wait_acknowledged()


@pytest.mark.parametrize("name", ["on_command", "on_ack"])
def test_what_a_bot_chokes_on_does_not_cost_the_connection(
    links: Links, name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    server, ears = links.serve()
    bot = links.join(server.port)
    bot.wait_connected()

    def fail(*_args: object) -> None:
        raise RuntimeError("planted")

    with monkeypatch.context() as patch:
        patch.setattr(bot, name, fail)
        bot.add_events(3)
        server.send("paper", a_command("one").to_message(1.0))
        wait_until(lambda: "planted" in caplog.text, PATIENCE_S, "the fault")
    bot.add_events(3)
    server.send("paper", a_command("two").to_message(1.0))
    wait_until(
        lambda: "two" in [reply.reply_to for _, reply in ears.replies], PATIENCE_S, "a reply"
    )
    bot.wait_acknowledged()
    assert len(ears.connected) == 1


def a_command(command_id: str) -> Command:
    return Command(command_id, "ping", (), "tg:1", "admin", "tg:1", 1.0, 2e9)


def test_a_server_says_goodbye_to_all_and_leaves_no_thread(links: Links) -> None:
    server, ears = links.serve()
    bots = [links.join(server.port, name=f"bot-{n}", instance=f"i{n}") for n in range(5)]
    for bot in bots:
        bot.wait_connected()
    with ends_within(2.0):
        server.stop("going away", 2.0)
    for bot in bots:
        wait_until(lambda b=bot: b.states[1:], PATIENCE_S, "the bot is told")  # type: ignore[misc]
        assert (bot.states[1].phase, bot.states[1].detail) == ("connecting", "going away")
    assert "tcp-server" not in link_threads()
    assert [clean for _peer, _reason, clean in ears.disconnected] == [True] * 5


def test_a_server_says_goodbye_even_to_a_bot_that_floods_it(links: Links) -> None:
    server, _ears = links.serve()
    bot = links.join(server.port, backoff_cap_s=10.0)
    bot.wait_connected()
    line = Log("INFO", "flood", 1.0, "x" * 1_000).to_message(1.0)
    ending = threading.Event()

    def flood(bot: Bot) -> None:
        while not ending.is_set():
            bot.client.offer(line, wait_s=0.1)

    flooding = threading.Thread(target=flood, args=(bot,))
    flooding.start()
    try:
        server.stop("going away", 5.0)
        wait_until(lambda: bot.states[1:], PATIENCE_S, "the bot is told")
    finally:
        ending.set()
        flooding.join(PATIENCE_S)
    assert bot.states[1].detail == "going away"


def test_a_server_with_a_frozen_peer_stops_in_time(links: Links) -> None:
    server, ears = links.serve()
    with RawPeer(server.port, receive_buffer=4096) as frozen:
        frozen.greet("frozen")
        wait_until(lambda: ears.connected, PATIENCE_S, "it is there")
        line = Log("INFO", "x", 1.0, "x" * 60_000).to_message(1.0)
        while server.send("frozen", line):
            pass
        with ends_within(2.0):
            server.stop("going away", 2.0)
        assert "tcp-server" not in link_threads()


def test_a_port_in_use_is_tried_again_and_then_an_error(links: Links) -> None:
    first, _ears = links.serve()
    with ends_within(0.5), pytest.raises(OSError, match="in use"):
        links.serve(first.port, bind_retry_s=0.5)


def test_waiting_for_a_port_ends_when_asked(links: Links) -> None:
    first, ears = links.serve()
    stop = threading.Event()
    stop.set()
    second = LinkServer(ServerSettings("127.0.0.1", first.port), ears, clock=Bot(int).clock)
    with ends_within(0.5), pytest.raises(OSError, match="in use"):
        second.start(stop)


def test_a_port_that_becomes_free_is_taken(links: Links) -> None:
    first, _ears = links.serve()
    timer = threading.Timer(0.3, first.stop, ("frees the port", 1.0))
    timer.start()
    second, _ears = links.serve(first.port)
    timer.join()
    links.join(second.port).wait_connected()
