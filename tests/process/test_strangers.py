"""Strangers: programs that are no bridge where a bot looks for one, and a bot with a taken name."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.process.installation import (
    PATIENCE_S,
    Installation,
    ask,
    assert_each_once,
    assert_no_traceback,
    wait_connected,
)
from tests.waiting import wait_until


@contextmanager
def stranger(answer: bytes | None) -> Iterator[int]:
    """Accept connections, say something at once and hang up; with None, say nothing for ever."""
    listener = socket.create_server(("127.0.0.1", 0))
    kept: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                sock, _address = listener.accept()
            except OSError:
                return
            kept.append(sock)
            if answer is not None:
                sock.sendall(answer)
                sock.shutdown(socket.SHUT_WR)

    thread = threading.Thread(target=serve, name="stranger")
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)
        for sock in (listener, *kept):
            sock.close()


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"HTTP/1.1 400 Bad Request\r\n\r\n", id="web server"),
        pytest.param(None, id="silence", marks=pytest.mark.long),
        pytest.param(b"", id="hangs up", marks=pytest.mark.long),
        pytest.param(b"\x00\x00\x00\x02{}", id="almost a frame", marks=pytest.mark.long),
    ],
)
def test_a_stranger_on_the_port_of_a_dead_bridge_is_left_for_the_bridge_that_comes_back(
    here: Installation, answer: bytes | None
) -> None:
    here.configure_bot("link: {reconnect_longest_s: 0.1, handshake_s: 0.3}\n")
    first = here.start_bridge()
    trading = here.start_trading("--alerts", "100000", "--interval", "0.01")
    here.wait_for_alerts(100_000, 10)
    first.kill()
    with stranger(answer) as port:
        # What a killed bridge leaves behind may lead anywhere by now.
        (here.bridge_folder / "link.port").write_text(f"{port}\n")
        trading.wait_for("link connecting: .")
        raised = len(here.outbox())
        wait_until(lambda: len(here.outbox()) > raised + 50, PATIENCE_S, "the engine goes on")
        second = here.start_bridge()
        here.wait_for_alerts(100_000, raised + 60)
    numbers = here.alerts(100_000)
    assert numbers == list(range(1, len(numbers) + 1))
    assert (trading.stop(), second.stop()) == (0, 0)
    assert_no_traceback(first, trading, second)
    log = (here.bot_folder / "logs" / "trading.log").read_text(encoding="utf-8")
    assert log.count(" link ") < 20, "changes are logged, and not each try"


def test_a_second_bot_with_the_same_name_is_refused_and_both_are_told(here: Installation) -> None:
    bridge, first = here.start_bridge(), here.start_trading()
    wait_connected(bridge)
    second = here.start_trading(
        VAR_DIR=str(here.folder / "elsewhere"),
        LINK_PORT=str(here.port),
        LINK_SECRET_FILE=str(here.var_dir / "link.secret"),
    )
    second.wait_for("link refused: a bot named 'paper' is already connected")
    first.wait_for("the bridge says: another process with the name 'paper' was refused")
    bridge.wait_for("refused paper from")
    assert ask(bridge, "/getstatus").startswith("[applied]")
    assert (second.stop(), first.stop(), bridge.stop()) == (0, 0, 0)
    kinds = {event.kind for event in here.events()}
    assert kinds == {"engine_started", "status_report", "engine_stopped"}
    assert len({event.epoch for event in here.events()}) == 1
    assert_each_once(here.events())
