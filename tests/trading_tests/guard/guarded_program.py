"""A small trading process: an engine thread that calls one strategy in the way it was told.

    python -m tests.trading_tests.guard.guarded_program FOLDER WAY

It prints a line before the first call and one for each call that failed.
"""

import ctypes
import itertools
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from daemonkit.clock import SystemClock
from daemonkit.logs import setup_logging
from trading.guard.limits import GuardLimits
from trading.guard.strategy_guard import StrategyGuard

LIMITS = GuardLimits(budget_s=0.4, frozen_s=0.8, interval_s=0.02)
STALLED = threading.Event()
SIZES = (5_000_000 * 2**n for n in itertools.count())


def cling(_: object) -> None:
    """Run for ever, and let no exception end it."""
    while True:
        try:
            while True:
                pass
        except BaseException:  # noqa: BLE001 - the worst that a strategy can do
            continue


def wait_in_c(_: object) -> None:
    """Wait in C code that lets other threads run."""
    time.sleep(3_600)


def hold_all(_: object) -> None:
    """Wait in C code that lets no other thread run."""
    ctypes.PyDLL(None).sleep(3_600)


def crash(_: object) -> None:
    """Touch memory that is not there."""
    ctypes.string_at(0)


def think(_: object) -> None:
    """Work for a while that is well within the budget."""
    until = time.monotonic() + 0.03
    while time.monotonic() < until:
        pass


def count(_: object) -> None:
    """Work in one C call that lets no other thread run, each time twice as long, and come back."""
    sum(range(next(SIZES)))


WAYS: dict[str, Callable[[object], None]] = {
    "cling": cling,
    "wait": wait_in_c,
    "hold": hold_all,
    "crash": crash,
    "think": think,
    "count": count,
}


class Engine:
    """Go round as the engine does: a beat, then a call."""

    def __init__(self) -> None:
        self.beat = 0.0

    def run(self, guard: StrategyGuard, way: str) -> None:
        while True:
            self.beat = time.monotonic()
            if way == "stall":
                STALLED.wait()
            error = guard.calls.run(2, WAYS[way], None)
            if error is not None:
                say(f"failed: {error}")
                way = "think"


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    folder, way = Path(sys.argv[1]), sys.argv[2]
    folder.mkdir(parents=True, exist_ok=True)
    setup_logging(level="INFO", file=folder / "logs" / "trading.log")
    engine = Engine()
    guard = StrategyGuard(
        folder,
        ["first", "second"],
        LIMITS,
        clock=SystemClock(),
        engine_beat=lambda: engine.beat,
    )
    thread = threading.Thread(target=engine.run, args=(guard, way), name="engine", daemon=True)
    guard.start()
    say("runs")
    thread.start()
    sys.stdin.read()
    guard.close()


if __name__ == "__main__":
    main()
