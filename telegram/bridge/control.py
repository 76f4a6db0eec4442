"""What reaches the main thread: signals, and the end of the console's input.

Imports nothing heavy, because signals are caught before anything else is loaded.
"""

import signal
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Event
from types import FrameType

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@dataclass(frozen=True, slots=True)
class SignalCame:
    """Say that a signal came."""

    number: int


@dataclass(frozen=True, slots=True)
class InputEnded:
    """Say that the console has read all; not `complete` when no bot came in time."""

    complete: bool


Notice = SignalCame | InputEnded


class Control:
    """Queue notices for the main thread; putting is safe inside a signal handler."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[Notice] = SimpleQueue()
        # Ends the one wait that is not for a notice: that for a port to become free.
        self.stop_asked = Event()

    def catch_signals(self) -> None:
        """Handle SIGTERM, SIGINT and SIGHUP from now on."""
        for number in (*STOP_SIGNALS, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    def put(self, notice: Notice) -> None:
        """Add a notice."""
        self._queue.put(notice)

    def get(self, timeout_s: float) -> Notice | None:
        """Return the next notice; None after the timeout."""
        try:
            return self._queue.get(timeout=timeout_s)
        except Empty:
            return None

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._queue.put(SignalCame(number))
        if number in STOP_SIGNALS:
            self.stop_asked.set()
