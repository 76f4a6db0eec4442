"""Measure the link: round trip, one-way throughput, a long burst to a slow reader.

Run `python -m benchmarks.link` from the repository root. Round trips are measured with both
processes on one core, throughput with one core each.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Protocol

from benchmarks.link_ours import OurLink, serve_ours
from benchmarks.link_rivals import RawEcho, SeedLink, ZmqLink, serve_raw, serve_seed, serve_zmq
from benchmarks.sitting import median, pin, print_goal, print_table, run_rounds, unpin

_processes = multiprocessing.get_context("spawn")

OURS, RAW, SEED, ZMQ = "tradebridge link", "bare socket echo", "seed-style sockets", "pyzmq"


class Near(Protocol):
    """The near end of a link."""

    def round_trips(self, count: int) -> list[float]:
        """Return the seconds that each of `count` round trips took."""

    def close(self) -> None:
        """Hang up."""


class Floodable(Near, Protocol):
    """A near end that can ask for a burst."""

    def receive_flood(self, count: int) -> None:
        """Ask for `count` messages and take them all."""


def _run_far(serve: Callable[[Connection], None], pipe: Connection, core: int) -> None:
    pin(core)
    serve(pipe)


@contextmanager
def _far_process(serve: Callable[[Connection], None], core: int) -> Iterator[Connection]:
    near, far = _processes.Pipe()
    process = _processes.Process(target=_run_far, args=(serve, far, core))
    process.start()
    try:
        yield near
    finally:
        near.send("stop")
        process.join(5)
        if process.is_alive():
            process.kill()


@contextmanager
def _rival(
    serve: Callable[[Connection], None], connect: Callable[[int], Near], core: int
) -> Iterator[Near]:
    with _far_process(serve, core) as pipe:
        link = connect(pipe.recv())
        try:
            yield link
        finally:
            link.close()


@contextmanager
def _ours(core: int, slow_every: int = 0) -> Iterator[OurLink]:
    link = OurLink(slow_every)
    with _far_process(serve_ours, core) as pipe:
        pipe.send(link.server.port)
        link.wait_connected()
        yield link
    link.close()


def _round_trips(link: Near, count: int) -> dict[str, float]:
    link.round_trips(count // 10)
    times = sorted(link.round_trips(count))
    return {"p50": times[count // 2] * 1e6, "p99": times[count * 99 // 100] * 1e6}


def _flood(link: Floodable, count: int) -> dict[str, float]:
    link.receive_flood(count // 10)
    start = time.perf_counter()
    link.receive_flood(count)
    return {"rate": count / (time.perf_counter() - start)}


def measure_round_trips(rounds: int, count: int) -> None:
    """Compare round trips with both ends on one core."""
    pin(0)

    def ours() -> dict[str, float]:
        with _ours(0) as link:
            return _round_trips(link, count)

    def rival(
        serve: Callable[[Connection], None], connect: Callable[[int], Near]
    ) -> Callable[[], dict[str, float]]:
        def run() -> dict[str, float]:
            with _rival(serve, connect, 0) as link:
                return _round_trips(link, count)

        return run

    figures = run_rounds(
        {
            RAW: rival(serve_raw, RawEcho),
            OURS: ours,
            SEED: rival(serve_seed, SeedLink),
            ZMQ: rival(serve_zmq, ZmqLink),
        },
        rounds,
    )
    print_table("Round trip, both ends on one core: p50", figures, "p50", "µs")
    print_table("Round trip, both ends on one core: p99", figures, "p99", "µs")
    p50 = median(figures, OURS, "p50")
    print_goal("M1 round trip to bare echo", p50 / median(figures, RAW, "p50"), "<= 3.3", "<= 2.5")
    print_goal("M2 to seed-style", p50 / median(figures, SEED, "p50"), "<= 0.55", "<= 0.42")
    print_goal("M3 to pyzmq", p50 / median(figures, ZMQ, "p50"), "<= 0.85", "<= 0.62")
    p99 = median(figures, OURS, "p99") / median(figures, SEED, "p99")
    print_goal("M4 p99 to seed-style", p99, "<= 0.65", "<= 0.45")


def measure_throughput(rounds: int, count: int) -> None:
    """Compare one-way throughput with one core for each end."""
    pin(0)

    def ours() -> dict[str, float]:
        with _ours(1) as link:
            return _flood(link, count)

    def seed() -> dict[str, float]:
        with _rival(serve_seed, SeedLink, 1) as link:
            return _flood(link, count // 4)  # type: ignore[arg-type]

    def zmq() -> dict[str, float]:
        with _rival(serve_zmq, ZmqLink, 1) as link:
            return _flood(link, count // 2)  # type: ignore[arg-type]

    figures = run_rounds({OURS: ours, SEED: seed, ZMQ: zmq}, rounds)
    print_table("One-way throughput, a core each", figures, "rate", "messages/s")
    rate = median(figures, OURS, "rate")
    print_goal("M5 throughput to seed-style", rate / median(figures, SEED, "rate"), ">= 6", ">= 12")
    print_goal("M6 throughput to pyzmq", rate / median(figures, ZMQ, "rate"), ">= 2", ">= 3.5")


def measure_burst(count: int) -> None:
    """Send a long burst to a reader that stops now and then: nothing lost, memory bounded."""
    import psutil

    unpin()
    with _ours(1, slow_every=5000) as link:
        far = psutil.Process().children()[-1]
        before = far.memory_info().rss
        start = time.perf_counter()
        link.receive_flood(count)
        took_s = time.perf_counter() - start
        grown_mb = (far.memory_info().rss - before) / 1e6
        lost = count - link.received
    print(f"\nM7 burst of {count:,} to a slow reader: {lost} lost, {took_s:.1f} s,", end=" ")
    print(f"sender grew by {grown_mb:.1f} MB")


def main() -> None:
    """Run the sittings."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--round-trips", type=int, default=20_000)
    parser.add_argument("--messages", type=int, default=400_000)
    parser.add_argument("--burst", type=int, default=2_000_000)
    arguments = parser.parse_args()
    measure_round_trips(arguments.rounds, arguments.round_trips)
    measure_throughput(arguments.rounds, arguments.messages)
    measure_burst(arguments.burst)


if __name__ == "__main__":
    main()
