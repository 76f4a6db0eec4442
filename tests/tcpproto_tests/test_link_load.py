"""Many peers, floods and slow readers: nobody waits for another, and memory stays bounded."""

import gc
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import psutil
import pytest

from tcpproto import Command, Log, PeerInfo
from tests.fakes.link_parties import PATIENCE_S, Bot, Ears, Links
from tests.fakes.proxy import Proxy
from tests.tcpproto_tests.raw_peer import RawPeer
from tests.waiting import wait_until

# The contract says one second; the machine may be busy with other tests.
ANSWER_MAX_S = 2.0
GROWTH_MAX_BYTES = 100 * 1024 * 1024


@dataclass
class CountingEars(Ears):
    """Count numbered lines, and check that each follows the one before."""

    lines: int = 0
    misplaced: list[str] = field(default_factory=list)
    pause_every: int = 0

    def on_log(self, peer: PeerInfo, log: Log) -> None:
        if log.text != f"line {self.lines}":
            self.misplaced.append(f"{peer.name}: {log.text}")
        self.lines += 1
        if self.pause_every and self.lines % self.pause_every == 0:
            threading.Event().wait(0.002)


def a_line(number: int) -> Log:
    return Log("INFO", "trading", 1_750_000_000.0, f"line {number}")


@contextmanager
def flooding(bot: Bot, lines_a_second: float) -> Iterator[list[int]]:
    """Send numbered lines at a rate, on a thread; the list counts them."""
    sent = [0]
    ending = threading.Event()

    def flood() -> None:
        started = time.monotonic()
        while not ending.is_set():
            if sent[0] < (time.monotonic() - started) * lines_a_second:
                assert bot.client.offer(a_line(sent[0]).to_message(1.0), wait_s=PATIENCE_S)
                sent[0] += 1
            else:
                ending.wait(0.001)

    thread = threading.Thread(target=flood, name="flood")
    thread.start()
    try:
        yield sent
    finally:
        ending.set()
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


def answer_s(bot: Bot, ears: Ears, number: int) -> float:
    """Return how long a command and its reply take."""
    started = time.monotonic()
    command = Command(f"command-{number}", "ping", (), "tg:1", "admin", "tg:1", 1.0, 2e9)
    assert ears.server.send("other", command.to_message(1.0))
    wait_until(lambda: len(ears.replies) > number, PATIENCE_S, "the reply")
    assert ears.replies[-1][1].reply_to == command.id
    assert len(bot.commands) == number + 1
    return time.monotonic() - started


def test_three_hundred_idle_peers_and_a_flood_delay_nobody(links: Links) -> None:
    ears = CountingEars()
    server, _ears = links.serve(ears=ears)
    with ExitStack() as stack:
        for number in range(300):
            peer = stack.enter_context(RawPeer(server.port))
            if number % 2:
                peer.greet(f"idle-{number}")
        noisy = links.join(server.port, name="noisy", instance="noisy")
        other = links.join(server.port, name="other", instance="other")
        noisy.wait_connected()
        other.wait_connected()
        wait_until(lambda: len(ears.connected) == 302, PATIENCE_S, "all are there")
        gc.collect()
        before = psutil.Process().memory_info().rss
        slowest_s, number = 0.0, 0
        with flooding(noisy, 20_000) as sent:
            until = time.monotonic() + 2.0
            while time.monotonic() < until:
                slowest_s = max(slowest_s, answer_s(other, ears, number))
                number += 1
                other.add_events(1)
            other.wait_acknowledged()
        growth = psutil.Process().memory_info().rss - before
        wait_until(lambda: ears.lines == sent[0], PATIENCE_S, "all lines are there")
    assert slowest_s < ANSWER_MAX_S
    assert growth < GROWTH_MAX_BYTES
    assert sent[0] > 20_000
    assert not ears.misplaced
    assert [event.seq for event in ears.events] == list(range(1, number + 1))


def send_burst(links: Links, count: int) -> None:
    ears = CountingEars(pause_every=5_000)
    server, _ears = links.serve(ears=ears)
    bot = links.join(server.port, bulk_frames_max=1_000)
    bot.wait_connected()
    bot.outbox.add(2_000)
    bot.client.wake_outbox()
    for number in range(count):
        assert bot.client.offer(a_line(number).to_message(1.0), wait_s=PATIENCE_S)
    wait_until(lambda: ears.lines == count, PATIENCE_S, "all lines are there")
    bot.wait_acknowledged()
    assert not ears.misplaced
    assert bot.client.frames_refused == 0
    assert [event.seq for event in ears.events] == list(range(1, 2_001))


def test_a_burst_from_a_blocking_producer_to_a_slow_reader_keeps_all_in_order(
    links: Links,
) -> None:
    send_burst(links, 200_000)


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_burst_of_two_million_keeps_all_in_order(links: Links) -> None:
    send_burst(links, 2_000_000)


def test_a_reader_that_stops_and_goes_loses_nothing(links: Links) -> None:
    ears = CountingEars()
    server, _ears = links.serve(ears=ears)
    with Proxy(lambda: server.port) as proxy:
        bot = links.join(proxy.port, bulk_frames_max=500)
        bot.wait_connected()
        for number in range(30_000):
            if number % 3_000 == 0:
                proxy.freeze()
                threading.Timer(0.02, proxy.thaw).start()
            assert bot.client.offer(a_line(number).to_message(1.0), wait_s=PATIENCE_S)
        wait_until(lambda: ears.lines == 30_000, PATIENCE_S, "all lines are there")
    assert not ears.misplaced
    assert len(ears.connected) == 1


def test_events_and_replies_do_not_wait_behind_a_flood_of_lines(links: Links) -> None:
    ears = CountingEars()
    server, _ears = links.serve(ears=ears)
    bot = links.join(server.port, name="other", instance="other")
    bot.wait_connected()
    with flooding(bot, 1e9):
        wait_until(lambda: ears.lines > 1_000, PATIENCE_S, "the flood runs")
        slowest_s = max(answer_s(bot, ears, number) for number in range(8))
        bot.add_events(50)
        bot.wait_acknowledged()
    assert slowest_s < ANSWER_MAX_S
    assert [event.seq for event in ears.events] == list(range(1, 51))


def test_a_bot_that_works_on_a_command_slowly_holds_back_only_itself(links: Links) -> None:
    server, ears = links.serve()
    busy = links.bot(server.port, name="busy", instance="busy")
    may_go_on = threading.Event()

    def work(_command: Command) -> None:
        assert may_go_on.wait(PATIENCE_S)

    busy.on_each_command = work
    links.start(busy)
    other = links.join(server.port, name="other", instance="other")
    busy.wait_connected()
    other.wait_connected()
    command = Command("slow", "ping", (), "tg:1", "admin", "tg:1", 1.0, 2e9)
    assert server.send("busy", command.to_message(1.0))
    wait_until(lambda: busy.commands, PATIENCE_S, "it is at work")
    assert max(answer_s(other, ears, number) for number in range(20)) < ANSWER_MAX_S
    # It can still speak while it does not listen.
    busy.add_events(5)
    wait_until(lambda: len(ears.events) == 5, PATIENCE_S, "its events")
    may_go_on.set()
    busy.wait_acknowledged()
