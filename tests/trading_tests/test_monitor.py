"""The monitor: it warns of changes of state and trusts only the engine's own beat."""

import logging
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from daemonkit.clock import ManualClock, SystemClock
from daemonkit.notify import Notifier
from trading.monitor import Monitor, MonitorLimits, Sample, find_warnings

WELL = Sample(
    engine_silence_s=0.1,
    memory_bytes=60_000_000,
    threads=8,
    disk_free_bytes=10**10,
    dead_threads=(),
)
LIMITS = MonitorLimits()


@pytest.mark.parametrize(
    ("sample", "subject"),
    [
        (replace(WELL, engine_silence_s=2.1), "engine"),
        (replace(WELL, memory_bytes=3 * 10**9), "memory"),
        (replace(WELL, disk_free_bytes=10), "disk"),
        (replace(WELL, dead_threads=("feed-replay",)), "threads"),
    ],
)
def test_each_figure_out_of_order_has_its_warning(sample: Sample, subject: str) -> None:
    assert list(find_warnings(sample, LIMITS)) == [subject]
    assert not find_warnings(WELL, LIMITS)


class Rig:
    """A monitor whose engine beats when the test says so."""

    def __init__(
        self, folder: Path, environ: dict[str, str], limits: MonitorLimits = LIMITS
    ) -> None:
        self.clock = ManualClock(monotonic=100.0)
        self.beat = 100.0
        self.dead: list[str] = []
        self.told: list[tuple[str, str]] = []
        self.monitor = Monitor(
            limits,
            clock=self.clock,
            notifier=Notifier(environ, self.clock),
            folder=folder,
            engine_beat=lambda: self.beat,
            dead_threads=lambda: self.dead,
            tell=lambda what, text: self.told.append((what, text)),
        )


def test_a_change_of_state_is_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig(tmp_path, {})
    caplog.set_level(logging.INFO)
    for _ in range(3):
        rig.clock.advance(2.5)
        rig.monitor.look()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "stands still for 2.5 s" in caplog.text
    rig.beat = rig.clock.monotonic()
    rig.monitor.look()
    assert caplog.records[-1].getMessage() == "engine: in order again"


def test_the_watchdog_is_fed_only_while_the_engine_beats(tmp_path: Path) -> None:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(path)
        systemd.settimeout(0.2)
        rig = Rig(tmp_path, {"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "1000000"})
        rig.monitor.look()
        assert systemd.recv(100) == b"WATCHDOG=1"
        rig.clock.advance(2.5)
        rig.monitor.look()
        with pytest.raises(TimeoutError):
            systemd.recv(100)
        rig.beat = rig.clock.monotonic()
        rig.monitor.look()
        assert systemd.recv(100) == b"WATCHDOG=1"


def test_the_watchdog_is_fed_although_a_figure_cannot_be_had(tmp_path: Path) -> None:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(path)
        systemd.settimeout(0.2)
        environ = {"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "1000000"}
        rig = Rig(tmp_path / "gone", environ)
        with pytest.raises(FileNotFoundError):
            rig.monitor.look()
        assert systemd.recv(100) == b"WATCHDOG=1"


def test_the_watchdog_is_fed_in_time_however_seldom_the_figures_are_taken(tmp_path: Path) -> None:
    path = str(tmp_path / "notify")
    clock = SystemClock()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(path)
        systemd.settimeout(10)
        monitor = Monitor(
            MonitorLimits(interval_s=3_600.0),
            clock=clock,
            notifier=Notifier({"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "400000"}, clock),
            folder=tmp_path,
            engine_beat=clock.monotonic,
            dead_threads=lambda: (),
            tell=lambda _what, _text: None,
        )
        monitor.start()
        for _ in range(3):
            assert systemd.recv(100) == b"WATCHDOG=1"
        monitor.stop(5)


def test_a_dead_feed_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig(tmp_path, {})
    rig.dead = ["feed-replay"]
    sample = rig.monitor.look()
    assert sample.dead_threads == ("feed-replay",)
    assert sample.memory_bytes > 0
    assert "ended early: feed-replay" in caplog.text


@pytest.mark.parametrize(
    ("limits", "what", "words"),
    [
        (MonitorLimits(memory_bytes=1), "memory", "more than 0 MiB: a strategy"),
        (MonitorLimits(disk_free_bytes=2**62), "disk", "of disk are free"),
    ],
)
def test_what_runs_short_is_told_once_to_people_too(
    tmp_path: Path, limits: MonitorLimits, what: str, words: str
) -> None:
    rig = Rig(tmp_path, {}, limits)
    for _ in range(3):
        rig.monitor.look()
    ((told, text),) = rig.told
    assert told == what
    assert words in text


def test_what_the_engine_or_its_thread_cannot_tell_is_logged_alone(tmp_path: Path) -> None:
    rig = Rig(tmp_path, {})
    rig.dead = ["feed-replay"]
    rig.clock.advance(2.5)
    rig.monitor.look()
    assert rig.told == []
