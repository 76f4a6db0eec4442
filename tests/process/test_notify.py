"""What systemd hears of the real programs: ready, alive for as long as that is true, stopping."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.server import FakeBotApi
from tests.process.installation import Installation
from tests.process.own_strategies import make_checkout
from tests.process.phone_desk import start_bridge
from tests.waiting import wait_until

ALIVE, READY, STOPPING = b"WATCHDOG=1", b"READY=1", b"STOPPING=1"
WATCHDOG_S = 0.6
BLOCKER = """
import os
import time

from trading.strategies.base import Strategy


class Blocker(Strategy):
    def on_tick(self, tick):
        if os.path.exists("{marker}"):
            os.remove("{marker}")
            time.sleep(4)
"""


class Systemd:
    """The socket that systemd would listen on."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self.environment = {
            "NOTIFY_SOCKET": str(path),
            "WATCHDOG_USEC": str(int(WATCHDOG_S * 1e6)),
        }

    def hear(self, timeout_s: float = 20.0) -> bytes:
        """Return the next message; nothing when none comes in time."""
        self._socket.settimeout(timeout_s)
        try:
            return self._socket.recv(1_024)
        except TimeoutError:
            return b""

    def hear_until(self, wanted: bytes) -> list[bytes]:
        """Return the messages up to one, without it."""
        heard: list[bytes] = []
        while (message := self.hear()) != wanted:
            assert message, f"{wanted!r} does not come; heard {heard}"
            heard.append(message)
        return heard

    def is_starving(self) -> bool:
        """Tell whether the process would be ended: it was silent for longer than is allowed."""
        while self.hear(timeout_s=0.01):
            pass
        return self.hear(timeout_s=1.5 * WATCHDOG_S) == b""

    def close(self) -> None:
        """Hear no more."""
        self._socket.close()


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    systemd = Systemd(tmp_path / "notify")
    yield systemd
    systemd.close()


def test_a_bot_is_alive_while_its_engine_runs(here: Installation, systemd: Systemd) -> None:
    marker = here.folder / "block"
    script = make_checkout(here.folder / "checkout", blocker=BLOCKER.format(marker=marker))
    here.configure_bot("strategy: blocker\n")
    bot = here.processes.start(script, here.bot_dir, env=systemd.environment)
    systemd.hear_until(READY)
    assert [systemd.hear() for _ in range(3)] == [ALIVE] * 3
    marker.touch()
    bot.wait_for("the engine loop stands still")
    assert systemd.is_starving()
    assert systemd.hear() == ALIVE
    assert bot.stop() == 0
    assert set(systemd.hear_until(STOPPING)) <= {ALIVE}
    assert systemd.hear(timeout_s=0.01) == b""


def test_a_bridge_is_alive_while_its_polls_end(
    here: Installation, api: FakeBotApi, ann: Phone, systemd: Systemd
) -> None:
    here.configure_bridge(
        "telegram: {polling: {poll_s: 0.5, retry_max_s: 1}}\nwatchdog: {poll_silence_s: 2}\n"
    )
    bridge = start_bridge(here, api, **systemd.environment)
    systemd.hear_until(READY)
    ann.ask("/ping", "pong")
    hanging = api.faults.hang(method="getUpdates")
    bridge.wait_for("no poll has ended: systemd's watchdog is not fed")
    assert systemd.is_starving()
    hanging.clear()
    wait_until(lambda: systemd.hear(timeout_s=0.1) == ALIVE, 20, "a poll that ends")
    assert bridge.stop() == 0
    systemd.hear_until(STOPPING)
