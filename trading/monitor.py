"""The monitor thread: looks after threads, memory and disk, and feeds the watchdog.

It changes nothing; it logs changes of state, has people told of what runs short, and stops feeding
systemd's watchdog when the engine loop stands still.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from daemonkit.clock import Clock
from daemonkit.notify import Notifier

log = logging.getLogger(__name__)

# What ends a bot when it is used up, such as by a strategy that keeps all it has seen.
MEMORY: Final = "memory"
DISK: Final = "disk"


@dataclass(frozen=True, slots=True)
class MonitorLimits:
    """Hold when a figure is a reason to warn."""

    interval_s: float = 1.0
    engine_silence_s: float = 2.0
    memory_bytes: int = 2_000_000_000
    disk_free_bytes: int = 100_000_000


@dataclass(frozen=True, slots=True)
class Sample:
    """Hold the figures of one look."""

    engine_silence_s: float
    memory_bytes: int
    threads: int
    disk_free_bytes: int
    dead_threads: tuple[str, ...]


class Monitor:
    """Own the thread `monitor`."""

    def __init__(
        self,
        limits: MonitorLimits,
        *,
        clock: Clock,
        notifier: Notifier,
        folder: Path,
        engine_beat: Callable[[], float],
        dead_threads: Callable[[], Sequence[str]],
        tell: Callable[[str, str], None],
    ) -> None:
        self._limits = limits
        self._clock = clock
        self._notifier = notifier
        self._folder = folder
        self._engine_beat = engine_beat
        self._dead_threads = dead_threads
        self._tell = tell
        self._process = psutil.Process()
        self._warned: dict[str, str] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="monitor", daemon=True)
        self.sample: Sample | None = None

    def start(self) -> None:
        """Look from now on."""
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """Look no more."""
        self._stop.set()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        is_blind = False
        while not self._stop.is_set():
            try:
                self.look()
                is_blind = False
            except Exception:
                # The thread's boundary: a figure that cannot be had must not end the watching.
                if not is_blind:
                    log.exception("the monitor cannot look, and goes on trying")
                is_blind = True
            self._stop.wait(self._pause_s)

    def look(self) -> Sample:
        """Feed the watchdog if the engine runs, take all figures once, and warn of changes."""
        silence_s = self._clock.monotonic() - self._engine_beat()
        if silence_s <= self._limits.engine_silence_s:
            # Before the other figures: one that cannot be had says nothing about the engine.
            self._notifier.watchdog()
        self.sample = sample = Sample(
            engine_silence_s=silence_s,
            memory_bytes=self._process.memory_info().rss,
            threads=threading.active_count(),
            disk_free_bytes=psutil.disk_usage(str(self._folder)).free,
            dead_threads=tuple(self._dead_threads()),
        )
        self._tell_changes(find_warnings(sample, self._limits))
        return sample

    @property
    def _pause_s(self) -> float:
        watchdog_s = self._notifier.watchdog_interval_s
        # Half of it: a call that comes a moment too early sends nothing.
        return min(self._limits.interval_s, watchdog_s / 2 if watchdog_s else 3_600.0)

    def _tell_changes(self, warnings: dict[str, str]) -> None:
        for what, text in warnings.items():
            if what not in self._warned:
                log.warning("%s", text)
                if what in (MEMORY, DISK):
                    self._tell(what, text)
        for what in self._warned.keys() - warnings.keys():
            log.info("%s: in order again", what)
        self._warned = warnings


def find_warnings(sample: Sample, limits: MonitorLimits) -> dict[str, str]:
    """Return what is out of order, by subject."""
    warnings: dict[str, str] = {}
    if sample.engine_silence_s > limits.engine_silence_s:
        warnings["engine"] = f"the engine loop stands still for {sample.engine_silence_s:.1f} s"
    if sample.memory_bytes > limits.memory_bytes:
        taken, allowed = sample.memory_bytes // 2**20, limits.memory_bytes // 2**20
        warnings[MEMORY] = (
            f"memory is {taken} MiB, more than {allowed} MiB: a strategy may keep all that it sees;"
            " when there is no more, the system ends the bot"
        )
    if sample.disk_free_bytes < limits.disk_free_bytes:
        warnings[DISK] = f"only {sample.disk_free_bytes // 2**20} MiB of disk are free"
    if sample.dead_threads:
        warnings["threads"] = f"ended early: {', '.join(sample.dead_threads)}"
    return warnings
