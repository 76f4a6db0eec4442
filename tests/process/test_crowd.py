"""A crowd at the bridge: hundreds of idle peers, and one that floods it with log lines."""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psutil

from daemonkit.clock import SystemClock
from tests.bridge_tests.scripted_bot import ScriptedBot
from tests.process.installation import (
    PATIENCE_S,
    Installation,
    ask,
    assert_no_traceback,
)
from tests.process.scripted_bridge import NO_SECRET, json_frame
from tests.waiting import wait_until

PEERS = 300
LINES_PER_S = 20_000
SECONDS = 3
BLOCK_LINES = 500
# "Within a second", and as much again for a machine that does other things too.
ANSWER_LIMIT_S = 2.0
GROWTH_MAX_BYTES = 32 * 2**20
# Idle means idle: no heartbeat falls into the test.
SETTINGS = "link: {heartbeat_s: 300, dead_after_s: 600}\n"
_DROPPED = re.compile(r"… ([\d,]+) lines dropped")


def _greeting(name: str) -> bytes:
    hello = {
        "kind": "hello",
        "version": "1.0",
        "bot": name,
        "instance": f"instance-of-{name}",
        "epoch": f"epoch-of-{name}",
        "last_seq": 0,
    }
    return json_frame("hello", hello)


def _join(stack: ExitStack, port: int, name: str) -> socket.socket:
    """Connect a peer that says who it is and then nothing more; without a name, nothing at all."""
    peer = stack.enter_context(socket.create_connection(("127.0.0.1", port), 10))
    if name:
        peer.sendall(_greeting(name))
        # Nothing may be sent before the welcome.
        assert b'"welcome"' in peer.recv(65_536)
    return peer


def _lines(first: int, count: int) -> bytes:
    return b"".join(
        json_frame(
            "log",
            {"level": "INFO", "logger": "flood", "at": 1.0, "text": f"line {number} " + "x" * 80},
        )
        for number in range(first, first + count)
    )


@contextmanager
def flooding(peer: socket.socket, blocks: list[bytes], lines_per_s: float) -> Iterator[None]:
    """Send blocks of log lines at a pace, on a thread."""
    is_over = threading.Event()
    pause_s = BLOCK_LINES / lines_per_s

    def flood() -> None:
        clock = SystemClock()
        began = clock.monotonic()
        for number, block in enumerate(blocks):
            is_over.wait(max(0.0, began + number * pause_s - clock.monotonic()))
            peer.sendall(block)

    thread = threading.Thread(target=flood, name="flood")
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join(PATIENCE_S)


def _count_lines(here: Installation, bot: str) -> tuple[int, int]:
    """Return how many lines of a bot were written to its files, and how many were dropped."""
    written = dropped = 0
    for file in here.bridge_folder.glob(f"logs/{bot}.log*"):
        try:
            text = file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return 0, 0  # rotated since it was listed: the next look counts it
        written += text.count(" flood: line ")
        dropped += sum(int(found.replace(",", "")) for found in _DROPPED.findall(text))
    return written, dropped


def _all_lines(here: Installation, bot: str, count: int) -> None:
    """Wait until every line is accounted for: written, or dropped and counted."""
    wait_until(
        lambda: sum(_count_lines(here, bot)) >= count,
        PATIENCE_S,
        f"{count} lines written or counted as dropped",
    )
    assert sum(_count_lines(here, bot)) == count


def test_a_crowd_and_a_flood_of_log_lines_delay_nobody_and_fill_no_memory(
    here: Installation,
) -> None:
    here.configure_bridge(f"{SETTINGS}logs: {{file_max_bytes: 1000000, file_backups: 100}}\n")
    bridge = here.start_bridge(**NO_SECRET)
    clock = SystemClock()
    total = SECONDS * LINES_PER_S
    blocks = [_lines(first, BLOCK_LINES) for first in range(0, total, BLOCK_LINES)]
    with ExitStack() as stack:
        for number in range(PEERS):
            _join(stack, here.port, f"idle-{number}" if number % 3 else "")
        flooder = _join(stack, here.port, "flooder")
        calm = ScriptedBot(here.port, "calm")
        stack.callback(calm.stop)
        calm.on_arrival = lambda: calm.reply(-1, "applied", "calm as ever")
        # A silent peer is taken for a three-field one after a second.
        wait_until(
            lambda: ask(bridge, "/ping").endswith(f" {PEERS + 2} bots connected"),
            PATIENCE_S,
            "all are there",
        )
        process = psutil.Process(bridge.pid)
        before = process.memory_info().rss
        took_s, sizes = [], []
        stack.enter_context(flooding(flooder, blocks, LINES_PER_S))
        for done in range(0, total, total // 10):
            wait_until(
                lambda: sum(_count_lines(here, "flooder")) >= done,  # noqa: B023 - used at once
                PATIENCE_S,
                f"{done} lines",
            )
            for line in ("/ping", "/getstatus @calm"):
                began = clock.monotonic()
                assert ask(bridge, line).startswith("[applied]")
                took_s.append(clock.monotonic() - began)
                sizes.append(process.memory_info().rss)
        _all_lines(here, "flooder", total)
    assert max(took_s) < ANSWER_LIMIT_S
    assert max(sizes) - before < GROWTH_MAX_BYTES
    assert len(list(here.bridge_folder.glob("logs/flooder.log.*"))) >= 5
    assert bridge.stop() == 0
    assert_no_traceback(bridge)


def test_log_lines_that_come_faster_than_they_can_be_written_are_dropped_and_counted(
    here: Installation,
) -> None:
    limits = "file_max_bytes: 100000, file_backups: 1000, queue_lines_max: 50"
    here.configure_bridge(f"{SETTINGS}logs: {{{limits}}}\n")
    bridge = here.start_bridge(**NO_SECRET)
    total = 20_000
    blocks = [_lines(first, BLOCK_LINES) for first in range(0, total, BLOCK_LINES)]
    with (
        ExitStack() as stack,
        flooding(_join(stack, here.port, "flooder"), blocks, lines_per_s=1e9),
    ):
        _all_lines(here, "flooder", total)
        bridge.write("/health\n")
        _, dropped = _count_lines(here, "flooder")
        assert dropped > 0
        bridge.wait_for(rf"^  logs     {dropped:,} lines dropped$", stream="stdout")
    assert bridge.stop() == 0
    assert_no_traceback(bridge)
