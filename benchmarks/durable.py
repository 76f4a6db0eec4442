"""Measure durable events end to end: `python -m benchmarks.durable`.

One process commits numbered events to `state.db` and sends them over the link; the other, the
bridge with all its parts, commits them to `bridge.db` and acknowledges. The watch stops when the
last acknowledgement is back. Beside it a bare SQLite loop (WAL, synchronous=FULL) that commits
the same rows one by one, once: an event here is committed twice, in two processes.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import Final
from uuid import uuid4

from benchmarks.journal import BODY, RUN_S
from benchmarks.sitting import median, pin, print_goal, print_table, run_rounds
from daemonkit.clock import SystemClock
from daemonkit.interpreter import SWITCH_INTERVAL_S
from daemonkit.reserve import ReserveFile
from tcpproto import ClientSettings, Command, Identity
from trading.engine.effects import RaiseEvent
from trading.engine.events import StoreFault, StoreRecovered, UncheckedCommand
from trading.link.uplink import Uplink
from trading.model.event import DurableEvent, Severity
from trading.store.database import StoreLimits, open_state_database
from trading.store.ownership import Owner
from trading.store.release import ReleaseRouter
from trading.store.writer import StoreThread, StoreTimings

BARE, OURS = "bare SQLite, 1 row", "stored at both ends"
MUST_PER_S, AIM_PER_S = 10_000, 50_000
_UNITS_WAITING_MAX: Final = 2_000
_processes = multiprocessing.get_context("spawn")


class _FarEnd:
    """The trading process's store and link, without an engine."""

    def __init__(self, folder: Path, port: int) -> None:
        self._clock = SystemClock()
        epoch = str(uuid4())
        owner = Owner(bot="bench", exchange="paper", mode="paper")
        self._database = open_state_database(
            folder / f"{epoch}.db", owner, epoch=epoch, restore_hint=""
        )
        self.uplink = Uplink(
            ClientSettings(lambda: ("127.0.0.1", port)),
            Identity("bench", epoch, epoch, "benchmark"),
            committed=self._database,
            take_command=self._take_command,
            acknowledge=self._acknowledge,
            last_seq=lambda: self.store.health.last_seq,
            clock=self._clock,
            rng=Random(1),
        )
        self.store = StoreThread(
            self._database,
            ReserveFile(folder / f"{epoch}.reserve", 0),
            clock=self._clock,
            limits=StoreLimits(outbox_rows_max=10_000_000),
            timings=StoreTimings(),
            released=ReleaseRouter(self.uplink, {}),
            report=self._report,
            on_failure=self._fail,
        )
        self.store.start()
        self.uplink.start()

    def raise_events(self, count: int) -> None:
        """Commit `count` events, each a unit of its own, and wait until all are acknowledged."""
        for number in range(count):
            text = f"alert {number} of {count}"
            event = DurableEvent("alert", Severity.NOTICE, text, self._clock.wall())
            self.store.submit([RaiseEvent(event)])
            while number % 256 == 0 and self.store.units_waiting > _UNITS_WAITING_MAX:
                time.sleep(0.0005)
        while self.store.units_waiting or self.store.health.last_seq < count:
            time.sleep(0.0005)
        if not self.uplink.flush(120.0):
            raise TimeoutError("not all events were acknowledged within 120 s")

    def stop(self) -> None:
        """End link and store."""
        self.uplink.stop("done", 2.0)
        self.store.stop(2.0)
        self._database.close()

    def _acknowledge(self, epoch: str, seq: int) -> None:
        self.store.acknowledge(epoch, seq)  # built after the link

    def _take_command(self, command: Command | UncheckedCommand) -> bool:
        return False

    def _report(self, event: StoreFault | StoreRecovered) -> None:
        print(f"store: {event}", file=sys.stderr)

    def _fail(self, error: Exception) -> None:
        print(f"store failed: {error}", file=sys.stderr)


def _run_far(pipe: Connection, folder: str, count: int) -> None:
    pin(0)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    far = _FarEnd(Path(folder), pipe.recv())
    deadline = time.monotonic() + 20
    while far.uplink.state.phase != "connected" and time.monotonic() < deadline:
        time.sleep(0.01)
    start = time.perf_counter()
    far.raise_events(count)
    pipe.send(count / (time.perf_counter() - start))
    far.stop()


def _run_bridge(pipe: Connection, folder: str) -> None:
    """Run the whole bridge on its own core, without a chat."""
    pin(1)
    from daemonkit.endpoint import Endpoint
    from telegram.bridge.assembly import World, build_bridge
    from telegram.bridge.config import BridgeConfig, BridgeSettings
    from telegram.bridge.store.database import Database

    var_dir = Path(folder) / str(uuid4())
    config = BridgeConfig(BridgeSettings(reserve_bytes=0), None, var_dir)
    database = Database(config.database)
    endpoint = Endpoint("127.0.0.1", 0, None, None, var_dir / "link.port", is_loopback=True)
    world = World(config, endpoint, database, SystemClock(), Random(1))
    bridge = build_bridge(world, {}, on_bot=lambda: None)
    bridge.server.start()
    bridge.forward.start()
    pipe.send(bridge.server.port)
    pipe.recv()
    bridge.server.stop("done", 2.0)
    bridge.forward.stop(5.0)
    with closing(sqlite3.connect(config.database)) as connection:
        pipe.send(connection.execute("SELECT count(*) FROM event").fetchone()[0])


@contextmanager
def _bridge(folder: str) -> Iterator[Connection]:
    near, far = _processes.Pipe()
    process = _processes.Process(target=_run_bridge, args=(far, folder))
    process.start()
    yield near
    process.join(10)


def _ours(folder: str, count: int) -> dict[str, float]:
    with _bridge(folder) as bridge:
        near, far = _processes.Pipe()
        process = _processes.Process(target=_run_far, args=(far, folder, count))
        process.start()
        near.send(bridge.recv())
        rate: float = near.recv()
        process.join(20)
        bridge.send("stop")
        stored = bridge.recv()
    assert stored == count, f"{stored} of {count} events are in bridge.db"
    return {"rate": rate}


def _bare(folder: str) -> dict[str, float]:
    with closing(sqlite3.connect(f"{folder}/{uuid4()}.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE row (id INTEGER PRIMARY KEY, body BLOB)")
        rows, start = 0, time.perf_counter()
        while (elapsed := time.perf_counter() - start) < RUN_S:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO row (body) VALUES (?)", (BODY,))
            connection.execute("COMMIT")
            rows += 1
    return {"rate": rows / elapsed}


def main() -> None:
    """Run the sitting."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--events", type=int, default=50_000)
    parser.add_argument("--folder", type=Path, help="where the databases lie (their disk counts)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        figures = run_rounds(
            {BARE: lambda: _bare(folder), OURS: lambda: _ours(folder, arguments.events)},
            arguments.rounds,
        )
    print_table("Durable events", figures, "rate", "events/s")
    rate = median(figures, OURS, "rate")
    print_goal("M8 durable events, thousands a second", rate / 1e3, ">= 10", ">= 50")
    print(f"  {rate / median(figures, BARE, 'rate'):.2f}x a bare loop that commits each row once")


if __name__ == "__main__":
    main()
