"""The console's reader: lines from standard input, on the thread `console`.

Piped input is serial: the next line is read a moment after the outcome of the last, as if somebody
had read it, or after a while without one.
"""

import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Condition, Event, Thread

log = logging.getLogger(__name__)

# Hand on a line with what to call at its outcome; False when too much waits already.
Say = Callable[[str, Callable[[], None]], bool]

LINE_LEN_MAX = 64 * 1024
_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class InputTimes:
    """Hold how long the reader waits: for a bot, for an outcome, for the last outcomes.

    `moment_s` is for what comes of a command that was obeyed, such as the fill of an order.
    """

    bot_s: float = 0.0
    outcome_s: float = 10.0
    end_s: float = 60.0
    moment_s: float = 0.1


class ConsoleInput:
    """Read lines and hand them on as what a person says."""

    def __init__(
        self,
        lines: Iterator[str],
        *,
        say: Say,
        is_serial: bool,
        times: InputTimes,
        bot_is_there: Event,
        on_last_line: Callable[[], None],
        on_end: Callable[[bool], None],
    ) -> None:
        self._lines = lines
        self._say = say
        self._is_serial = is_serial
        self._times = times
        self._bot_is_there = bot_is_there
        self._on_last_line = on_last_line
        self._on_end = on_end
        self._condition = Condition()
        self._unsettled = 0
        self._thread = Thread(target=self._run, name="console", daemon=True)

    def start(self) -> None:
        """Start reading."""
        self._thread.start()

    def _run(self) -> None:
        if self._times.bot_s and not self._bot_is_there.wait(self._times.bot_s):
            self._on_end(False)
            return
        try:
            for line in self._lines:
                if line.strip():
                    self._hand_on(line.strip())
        except OSError as error:
            log.warning("standard input cannot be read: %s", error.strerror)
        self._on_last_line()
        self._wait_settled(self._times.end_s)
        self._on_end(True)

    def _hand_on(self, line: str) -> None:
        with self._condition:
            self._unsettled += 1
        while not self._say(line, self._settle):
            # The bridge is busy with what was typed before.
            self._wait_settled(0.1)
        if self._is_serial:
            self._wait_settled(self._times.outcome_s)
            Event().wait(self._times.moment_s)

    def _settle(self) -> None:
        with self._condition:
            self._unsettled -= 1
            self._condition.notify_all()

    def _wait_settled(self, timeout_s: float) -> None:
        with self._condition:
            self._condition.wait_for(lambda: self._unsettled <= 0, timeout_s)


def read_piped_lines(descriptor: int) -> Iterator[str]:
    """Yield lines of a pipe or file; one that is far too long is cut."""
    rest = b""
    is_skipping = False
    while chunk := os.read(descriptor, _CHUNK):
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            if not is_skipping:
                yield line[:LINE_LEN_MAX].decode("utf-8", "replace")
            is_skipping = False
        if len(rest) > LINE_LEN_MAX:
            if not is_skipping:
                yield rest[:LINE_LEN_MAX].decode("utf-8", "replace")
            rest, is_skipping = b"", True
    if rest and not is_skipping:
        yield rest.decode("utf-8", "replace")
