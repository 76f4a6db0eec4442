"""What reaches the main thread: signals, and the end of the console's input.

Imports nothing heavy, because signals are caught before anything else is loaded.
"""

import signal
from contextlib import suppress
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


class StopEvent(Event):
    """Be an event that a signal handler may set.

    The handler runs on the main thread in the middle of whatever that does; Event.set() would
    wait for ever if that is Event.wait() and holds the event's lock.
    """

    def __init__(self) -> None:
        super().__init__()
        self._bell: SimpleQueue[None] = SimpleQueue()
        self._is_set = False

    def set(self) -> None:
        """Set it and wake the waiting thread."""
        self._is_set = True
        self._bell.put(None)

    def is_set(self) -> bool:
        """Tell whether it is set."""
        return self._is_set

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is set, for one thread; False after the timeout."""
        if not self._is_set:
            with suppress(Empty):
                self._bell.get(timeout=timeout)
        return self._is_set


class Control:
    """Queue notices for the main thread; putting is safe inside a signal handler."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[Notice] = SimpleQueue()
        # Ends the one wait that is not for a notice: that for a port to become free.
        self.stop_asked = StopEvent()

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
