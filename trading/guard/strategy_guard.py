"""The guard thread: interrupts calls that are over their budget and ends a process that is frozen.

It decides nothing about trading. What it leaves behind when it ends the process is the business
of the next start; see `evidence`.
"""

import logging
import os
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from daemonkit.clock import Clock
from daemonkit.errors import ExitCode
from daemonkit.logs import flush_logs
from daemonkit.standard_error import write_standard_error
from trading.guard.call_timer import CallTimer, Sight, Verdict
from trading.guard.evidence import StackTrace, write_frozen
from trading.guard.guarded_calls import GuardedCalls, RunningCall
from trading.guard.limits import GuardLimits
from trading.guard.running_mark import RunningMark
from trading.guard.thread_time import ThreadTime
from trading.strategies.calls import CallGuard, FrozenCall

log = logging.getLogger(__name__)

# A disk that hangs must not keep a frozen process alive.
LAST_WORDS_S: Final = 5.0


class StrategyGuard:
    """Own the thread `guard`, the mark, and what the next run learns if this one freezes.

    `instances` are the ids behind the numbers that the core calls by: the first has number 1.
    """

    def __init__(
        self,
        folder: Path,
        instances: Sequence[str],
        limits: GuardLimits,
        *,
        clock: Clock,
        engine_beat: Callable[[], float],
    ) -> None:
        self._folder = folder
        self._limits = limits
        self._clock = clock
        self._engine_beat = engine_beat
        self._mark = RunningMark.make(folder, tuple(instances))
        self._trace = StackTrace.make(folder)
        self._calls = GuardedCalls(self._mark.cells, clock, limits.budget_s)
        self._timer = CallTimer(limits)
        self._thread_time = ThreadTime()
        self._told_serial = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="guard", daemon=True)

    @property
    def calls(self) -> CallGuard:
        """Return what the core makes its calls of strategy code with."""
        return self._calls

    @property
    def is_alive(self) -> bool:
        """Tell whether the guard looks on."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Look from now on."""
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """Look no more: the engine has ended, or is given up by those who stop it."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)

    def close(self) -> None:
        """Take the mark and the trace away: this run ends as it should."""
        self.stop(1.0)
        self._trace.close()
        self._mark.close()

    def _run(self) -> None:
        is_blind = False
        while not self._stop.is_set():
            try:
                self.look()
                is_blind = False
            except Exception:
                # The thread's boundary: whatever is wrong, the next look may see.
                if not is_blind:
                    log.exception("the guard cannot look, and goes on trying")
                is_blind = True
            self._stop.wait(self._limits.interval_s)

    def look(self) -> Verdict:
        """Look once at the engine and do what must be done."""
        call = self._calls.running
        verdict = self._timer.look(
            Sight(
                now=self._clock.monotonic(),
                used_s=self._thread_time.used_s(call.thread),
                number=call.number,
                serial=call.serial,
                began=call.began,
                beat=self._engine_beat(),
            )
        )
        if verdict is Verdict.OVER_BUDGET:
            self._interrupt(call)
        elif verdict is Verdict.FROZEN:
            self._end(
                self._mark.name_of(call.number),
                f"a call took longer than {self._limits.frozen_s:g} s and could not be interrupted",
                call,
            )
        elif verdict is Verdict.STALLED:
            cause = f"the engine stood still for more than {self._limits.stalled_s:g} s"
            self._end("", f"{cause}, outside any call of a strategy", call)
        return verdict

    def _interrupt(self, call: RunningCall) -> None:
        if self._calls.interrupt(call) and call.serial != self._told_serial:
            self._told_serial = call.serial
            log.warning(
                "instance %s: a call runs for %.0f ms, more than %.0f ms, and is interrupted",
                self._mark.name_of(call.number),
                self._timer.ran_s * 1_000,
                self._limits.budget_s * 1_000,
            )

    def _end(self, instance: str, cause: str, call: RunningCall) -> None:
        """End this process: what is committed is safe, and the next start knows what froze."""
        self._mark.give_up()
        self._trace.exit_within(LAST_WORDS_S)
        subject = f"instance {instance}" if instance else "the engine"
        log.critical("%s is frozen: %s; the process ends\n%s", subject, cause, _stack(call.thread))
        try:
            write_frozen(self._folder, FrozenCall(instance, cause, self._clock.wall()))
        except OSError as error:
            # The mark says it too.
            log.critical("%s: what froze cannot be written down: %s", self._folder, error)
        with suppress(OSError, ValueError):
            self._trace.write()
        flush_logs()
        write_standard_error(f"error: {self._folder}: {subject} is frozen: {cause}\n")
        os._exit(ExitCode.FAILURE)


def _stack(thread: int) -> str:
    frame = sys._current_frames().get(thread)  # noqa: SLF001 - the one way to another's stack
    return "".join(traceback.format_stack(frame)) if frame is not None else "(no stack)"
