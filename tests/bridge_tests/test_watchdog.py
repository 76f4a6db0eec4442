"""systemd's watchdog is fed by parts that work, and by polls that end, well or badly."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from daemonkit.clock import ManualClock
from daemonkit.notify import Notifier
from telegram.bridge.bot_api.state import BotState, Standing
from telegram.bridge.watchdog import Watchdog, poll_complaint

WATCHDOG_S = 150.0
POLLING = BotState(Standing.POLLING, 0.0)


@dataclass
class Poll:
    """A thread `poll` that is as the test says."""

    turned_at: float
    is_alive: bool = True
    state: BotState = POLLING
    last_poll_at: float | None = None


class Systemd:
    """What systemd hears, and whether it would still let the process live."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock(wall=1_790_000_000.0, monotonic=1_000.0)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.bind(str(folder / "notify"))
        environ = {
            "NOTIFY_SOCKET": str(folder / "notify"),
            "WATCHDOG_USEC": str(int(WATCHDOG_S * 1e6)),
        }
        self.watchdog = Watchdog(Notifier(environ, self.clock))

    def is_fed(self, poll: Poll, seconds: float) -> bool:
        """Let time pass with the loop turning, and tell whether it was fed at the end of it."""
        self.clock.advance(seconds)
        poll.turned_at = self.clock.monotonic()
        return self.hears()

    def hears(self) -> bool:
        self.watchdog.feed()
        try:
            return self._socket.recv(64) == b"WATCHDOG=1"
        except BlockingIOError:
            return False

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    systemd = Systemd(tmp_path)
    yield systemd
    systemd.close()


@pytest.fixture
def poll(systemd: Systemd) -> Poll:
    poll = Poll(systemd.clock.monotonic())
    systemd.watchdog.watch(poll_complaint(poll, systemd.clock))
    return poll


def test_polls_that_end_feed_it(systemd: Systemd, poll: Poll) -> None:
    for _ in range(5):
        poll.last_poll_at = systemd.clock.monotonic()
        assert systemd.is_fed(poll, 100.0)


def test_a_poll_that_never_ends_starves_it(systemd: Systemd, poll: Poll) -> None:
    poll.last_poll_at = systemd.clock.monotonic()
    assert systemd.is_fed(poll, 100.0)
    assert not systemd.is_fed(poll, 100.0)
    poll.last_poll_at = systemd.clock.monotonic()
    assert systemd.hears()


@pytest.mark.parametrize("standing", [Standing.AWAY, Standing.TOKEN_REFUSED, Standing.CONFLICT])
def test_a_messenger_that_is_away_or_refuses_is_no_reason_to_restart(
    systemd: Systemd, poll: Poll, standing: Standing
) -> None:
    poll.state = BotState(standing, 0.0)
    for _ in range(24):
        assert systemd.is_fed(poll, 3_600.0)


def test_a_loop_that_stands_still_starves_it(systemd: Systemd, poll: Poll) -> None:
    poll.state = BotState(Standing.AWAY, 0.0)
    systemd.clock.advance(31.0)
    assert not systemd.hears()


def test_a_thread_that_has_ended_starves_it(systemd: Systemd, poll: Poll) -> None:
    poll.is_alive = False
    assert not systemd.is_fed(poll, 1.0)
