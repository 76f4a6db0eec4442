import os
import socket
from collections.abc import Iterator
from tempfile import TemporaryDirectory

import pytest

from daemonkit.clock import ManualClock
from daemonkit.notify import Notifier
from daemonkit.secrets import Secret


@pytest.fixture(params=["path", "abstract"])
def systemd(request: pytest.FixtureRequest) -> Iterator[tuple[str, socket.socket]]:
    with (
        TemporaryDirectory() as folder,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener,
    ):
        name = f"{folder}/notify" if request.param == "path" else f"@tradebridge{os.getpid()}"
        listener.bind(name.replace("@", "\0"))
        listener.settimeout(5)
        yield name, listener


def heard(listener: socket.socket) -> list[str]:
    listener.setblocking(False)
    texts = []
    try:
        while True:
            texts.append(listener.recv(4096).decode())
    except BlockingIOError:
        return texts


def test_systemd_hears_of_the_life_of_a_process(systemd: tuple[str, socket.socket]) -> None:
    name, listener = systemd
    clock = ManualClock(monotonic=12.5)
    notifier = Notifier({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "4000000"}, clock)
    secret = Secret("correct horse")
    notifier.status(f"connecting\nREADY=1 with {secret.reveal()}\x1b[2J")
    notifier.ready()
    notifier.reloading()
    notifier.stopping()
    assert heard(listener) == [
        "STATUS=connecting READY=1 with [secret]\\x1b[2J",
        "READY=1",
        "RELOADING=1\nMONOTONIC_USEC=12500000",
        "STOPPING=1",
    ]


def test_the_watchdog_is_fed_no_more_often_than_needed(systemd: tuple[str, socket.socket]) -> None:
    name, listener = systemd
    clock = ManualClock()
    notifier = Notifier({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "4000000"}, clock)
    assert notifier.watchdog_interval_s == 2.0
    for _ in range(40):
        notifier.watchdog()
        clock.advance(0.1)
    assert heard(listener) == ["WATCHDOG=1"] * 4


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"WATCHDOG_USEC": "0"},
        {"WATCHDOG_USEC": "soon"},
        {"WATCHDOG_USEC": "-1"},
        {"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"},
    ],
)
def test_a_watchdog_that_is_off_or_not_ours_is_not_fed(
    environ: dict[str, str], systemd: tuple[str, socket.socket]
) -> None:
    name, listener = systemd
    notifier = Notifier(environ | {"NOTIFY_SOCKET": name}, ManualClock())
    assert notifier.watchdog_interval_s is None
    notifier.watchdog()
    assert heard(listener) == []


def test_a_watchdog_for_this_pid_is_fed(systemd: tuple[str, socket.socket]) -> None:
    name, listener = systemd
    environ = {"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "1000000", "WATCHDOG_PID": str(os.getpid())}
    Notifier(environ, ManualClock()).watchdog()
    assert heard(listener) == ["WATCHDOG=1"]


@pytest.mark.parametrize(
    "name", ["", "relative", "/none/at/all", "@nobody\x00listens", "vsock:2:1", "/" * 500]
)
def test_nobody_listening_changes_nothing(name: str) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": name}, ManualClock())
    notifier.ready()
    notifier.status("x")
    notifier.stopping()


def test_a_listener_that_reads_nothing_holds_nobody_up(systemd: tuple[str, socket.socket]) -> None:
    name, listener = systemd
    notifier = Notifier({"NOTIFY_SOCKET": name}, ManualClock())
    for number in range(2000):
        notifier.status(f"line {number}")
    assert 0 < len(heard(listener)) < 2000


def test_readiness_is_one_line_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    Notifier({}, ManualClock()).announce_ready()
    assert capsys.readouterr() == ("", "ready\n")
