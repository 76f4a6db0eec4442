"""What reaches the main thread: signals and the ends of other threads, one after the other.

Imports nothing heavy, because the signal handlers are set before anything else is loaded.
"""

import signal
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from types import FrameType

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
# A signal that comes in the moment before a wait begins does not end it: Python has it handled by
# the next line that runs, so that one must never be far away.
WAIT_S_MAX = 0.2


@dataclass(frozen=True, slots=True)
class SignalCame:
    """Say that a signal came."""

    number: int


@dataclass(frozen=True, slots=True)
class ThreadEnded:
    """Say that an important thread ended; `error` is None when it was asked to."""

    name: str
    error: Exception | None


Notice = SignalCame | ThreadEnded


class Control:
    """Queue notices for the main thread; putting is safe inside a signal handler."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[Notice] = SimpleQueue()
        self.stops_asked = 0

    def catch_signals(self) -> None:
        """Handle SIGTERM, SIGINT and SIGHUP from now on."""
        for number in (*STOP_SIGNALS, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    def ignore_signals(self) -> None:
        """Let no signal spoil the very end: the interpreter puts the deadly defaults back in it."""
        for number in (*STOP_SIGNALS, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)

    def put(self, notice: Notice) -> None:
        """Add a notice."""
        self._queue.put(notice)

    def get(self, timeout_s: float | None = None) -> Notice | None:
        """Return the next notice; None after the timeout."""
        left_s = float("inf") if timeout_s is None else timeout_s
        while True:
            wait_s = min(left_s, WAIT_S_MAX)
            try:
                return self._queue.get(timeout=wait_s)
            except Empty:
                left_s -= wait_s
                if left_s <= 0:
                    return None

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if number in STOP_SIGNALS:
            self.stops_asked += 1
        self._queue.put(SignalCame(number))
