"""Log lines for the bridge: the caller only appends a record, everything else is done later.

Best effort, in a bounded queue that drops the oldest and says how many. Lines written before the
link is up wait for it. What the sending itself logs is never forwarded, so nothing feeds itself.
"""

import itertools
import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Final

from daemonkit.clock import Clock
from daemonkit.fault_log import FaultLog
from daemonkit.log_lines import message_text
from daemonkit.logs import freeze
from tcpproto import Log

log = logging.getLogger(__name__)

LINE_LEN_MAX: Final = 16 * 1024
# What these threads log is about sending: each line would make another one.
SENDING_THREADS: Final = frozenset({"log-forward", "tcp-send"})
# So many lines, then a pause: writing lines out must not take the interpreter from the engine.
ROUND_LEN: Final = 256
ROUND_PAUSE_S: Final = 0.005
ROOM_WAIT_S: Final = 0.25
OFFLINE_WAIT_S: Final = 0.5

Forward = Callable[[Log, float], bool]


class LogForwardHandler(logging.Handler):
    """Queue records for the thread `log-forward`, at the price of an append."""

    def __init__(self, level: int, queue_len_max: int) -> None:
        super().__init__(level)
        self._records: deque[logging.LogRecord] = deque(maxlen=queue_len_max)
        self._count_in = itertools.count(1)
        self._came_in = 0
        self._taken = 0
        self._is_asleep = False
        self._wake = threading.Event()

    def handle(self, record: logging.LogRecord) -> bool:
        """Queue a record; the oldest goes when there is no room."""
        freeze(record)
        # Counting is one step of the interpreter, so no thread can come in between.
        self._came_in = next(self._count_in)
        self._records.append(record)
        if self._is_asleep:
            self._wake.set()
        return True

    def emit(self, record: logging.LogRecord) -> None:
        """Queue a record; logging itself calls handle()."""
        self.handle(record)

    @property
    def dropped(self) -> int:
        """Count the lines that found no room."""
        return max(0, self._came_in - self._taken - len(self._records))

    def take(self) -> logging.LogRecord | None:
        """Return the oldest record, or None; for one thread only."""
        try:
            record = self._records.popleft()
        except IndexError:
            return None
        self._taken += 1
        return record

    def wait(self, timeout_s: float) -> None:
        """Wait until there may be a record; for one thread only."""
        self._is_asleep = True
        # Looked at after the flag is up: whoever appends from now on sees it and wakes us.
        if not self._records:
            self._wake.wait(timeout_s)
        self._is_asleep = False
        self._wake.clear()

    def interrupt(self) -> None:
        """End a wait."""
        self._wake.set()


class LogForward:
    """Own the thread `log-forward`: format, redact, bound, and offer lines to the link."""

    def __init__(self, handler: LogForwardHandler, forward: Forward, *, clock: Clock) -> None:
        self.handler = handler
        self._forward = forward
        self._faults = FaultLog(log, clock)
        self._told_dropped = 0
        self._unsent = 0
        self._is_ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log-forward", daemon=True)

    @property
    def dropped(self) -> int:
        """Count the lines that were lost so far."""
        return self.handler.dropped + self._unsent

    @property
    def is_alive(self) -> bool:
        """Tell whether the thread runs."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Forward from now on."""
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """Forward what can be forwarded in this time, and end."""
        self._is_ending.set()
        self.handler.interrupt()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while self._do_round() or not self._is_ending.is_set():
            self.handler.wait(1.0)
            self._is_ending.wait(ROUND_PAUSE_S)

    def _do_round(self) -> int:
        """Send up to ROUND_LEN lines and return how many were taken."""
        for taken in range(ROUND_LEN):
            record = self.handler.take()
            if record is None:
                return taken
            if record.threadName not in SENDING_THREADS:
                self._send_safely(record)
        return ROUND_LEN

    def _send_safely(self, record: logging.LogRecord) -> None:
        try:
            self._send(to_log(record))
        except Exception as error:  # noqa: BLE001 - one odd line must not end the thread
            self._unsent += 1
            self._faults.note(error, "a log line could not be forwarded")

    def _send(self, line: Log) -> None:
        """Send a line, waiting for a link as long as there is hope of one."""
        self._tell_dropped(line.at)
        while not self._forward(line, 0.0 if self._is_ending.is_set() else ROOM_WAIT_S):
            if self._is_ending.wait(OFFLINE_WAIT_S):
                self._unsent += 1
                return

    def _tell_dropped(self, at: float) -> None:
        dropped = self.handler.dropped
        new = dropped - self._told_dropped
        if new > 0 and self._forward(
            Log("WARNING", __name__, at, f"{new} log lines dropped here: more came than fit"), 0.0
        ):
            self._told_dropped = dropped


def to_log(record: logging.LogRecord) -> Log:
    """Return a record as it is sent: redacted first, then bounded, so that no secret is halved."""
    text = message_text(record)
    if len(text) > LINE_LEN_MAX:
        text = f"{text[:LINE_LEN_MAX]}… [{len(text) - LINE_LEN_MAX} more characters]"
    return Log(record.levelname[:16], record.name[:256], record.created, text)
