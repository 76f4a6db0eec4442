"""Measure what a log line costs its caller: `python -m benchmarks.log_call`.

Compares the handler that forwards lines to the bridge with a null handler (the price of
`logging` itself) and with the standard QueueHandler and its listener thread. The forwarding
thread runs and offers every line to a link that takes it.
"""

from __future__ import annotations

import argparse
import logging
import queue
import time
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import QueueHandler, QueueListener
from typing import Any, Final

from benchmarks.sitting import median, pin, print_goal, print_table, run_rounds
from daemonkit.clock import SystemClock
from tcpproto import Log
from trading.link.log_forward import LogForward, LogForwardHandler

NULL, OURS, LISTENER = "null handler", "log forwarding", "QueueHandler with listener"
LINE: Final = "order placed symbol=%s quantity=%s price=%s"


def _take_line(line: Log, wait_s: float) -> bool:
    """Take a line as a fast link does."""
    return True


@contextmanager
def _null() -> Iterator[logging.Handler]:
    yield logging.NullHandler()


@contextmanager
def _ours() -> Iterator[logging.Handler]:
    handler = LogForwardHandler(logging.DEBUG, queue_len_max=100_000)
    forward = LogForward(handler, _take_line, clock=SystemClock())
    forward.start()
    yield handler
    forward.stop(timeout_s=10.0)


@contextmanager
def _listener() -> Iterator[logging.Handler]:
    lines: queue.SimpleQueue[Any] = queue.SimpleQueue()
    listener = QueueListener(lines, logging.NullHandler())
    listener.start()
    yield QueueHandler(lines)
    listener.stop()


def _measure(handler: logging.Handler, calls: int) -> dict[str, float]:
    logger = logging.getLogger("benchmark")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.handlers = [handler]
    start = time.perf_counter()
    for number in range(calls):
        logger.info(LINE, "BTC/USDT", number, 64_250.5)
    return {"cost": (time.perf_counter() - start) / calls * 1e9}


def main() -> None:
    """Run the sitting."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--calls", type=int, default=30_000)
    arguments = parser.parse_args()
    pin(0)

    def contender(build: Any) -> Any:
        def run() -> dict[str, float]:
            with build() as handler:
                return _measure(handler, arguments.calls)

        return run

    figures = run_rounds(
        {NULL: contender(_null), OURS: contender(_ours), LISTENER: contender(_listener)},
        arguments.rounds,
    )
    print_table("A log call with three arguments, on the caller's thread", figures, "cost", "ns")
    cost = median(figures, OURS, "cost")
    print_goal("L1 to a null handler", cost / median(figures, NULL, "cost"), "<= 1.5", "<= 1.3")
    to_listener = cost / median(figures, LISTENER, "cost")
    print_goal("L2 to QueueHandler with a listener", to_listener, "<= 0.70", "<= 0.58")


if __name__ == "__main__":
    main()
