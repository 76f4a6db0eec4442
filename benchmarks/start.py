"""Measure the start of a trading process: `python -m benchmarks.start`.

From the launch to the line `ready`, on a database that exists, beside a process that only
imports ccxt; and the memory that each holds then.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import psutil

from benchmarks.sitting import median, print_goal, print_table, run_rounds

ROOT: Final = Path(__file__).resolve().parent.parent
CCXT, OURS = "import ccxt", "trading process until ready"
IMPORT_CCXT: Final = "import ccxt, sys; print('ready', file=sys.stderr, flush=True); input()"
LAUNCH: Final = "from trading.main import main; main()"


def _measure(arguments: list[str], environment: dict[str, str]) -> dict[str, float]:
    """Start Python and stop the watch at its line `ready`."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", *arguments],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    with process:
        lines = []
        for line in process.stderr or ():
            lines.append(line)
            if line == "ready\n":
                break
        else:
            raise RuntimeError("not ready:\n" + "".join(lines))
        took_s = time.perf_counter() - start
        memory = psutil.Process(process.pid).memory_info().rss
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    return {"time": took_s * 1e3, "memory": memory / 1e6}


def main() -> None:
    """Run the sitting."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "VAR_DIR": folder, "LINK_PORT": "0"}
        contenders: dict[str, Callable[[], dict[str, float]]] = {
            CCXT: lambda: _measure([IMPORT_CCXT], environment),
            OURS: lambda: _measure([LAUNCH, "bots/paper"], environment),
        }
        for warm_up in contenders.values():
            warm_up()
        figures = run_rounds(contenders, arguments.rounds)
    print_table("Start", figures, "time", "ms")
    print_table("Memory", figures, "memory", "MB")
    for quantity, must, aim in (("time", "<= 1.5", "<= 1.0"), ("memory", "<= 0.9", "<= 0.7")):
        ratio = median(figures, OURS, quantity) / median(figures, CCXT, quantity)
        print_goal(f"P1 {quantity} to importing ccxt", ratio, must, aim)


if __name__ == "__main__":
    main()
