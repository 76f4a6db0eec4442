"""How long a call has been running, counted so that a stopped process ages nobody's call.

Pure: fed with what each look saw. A look that comes late says that the whole process stood still
(SIGSTOP, a debugger, a starved machine) or that a library kept all threads from running; only the
time that the engine's thread really used tells the one from the other.
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from trading.guard.limits import GuardLimits

# A call that heeds the interruption does so at once; who goes on after so many never will.
INTERRUPTIONS_MIN: Final = 3


class Verdict(Enum):
    """Say what a look leads to."""

    FINE = auto()
    OVER_BUDGET = auto()
    FROZEN = auto()
    STALLED = auto()


@dataclass(frozen=True, slots=True)
class Sight:
    """Hold what one look saw."""

    now: float
    # Processor time that the engine's thread has used so far.
    used_s: float
    # 0 when no instance is being called.
    number: int
    serial: int
    began: float
    # Moves whenever the engine's loop goes round.
    beat: float


class CallTimer:
    """Judge each look by those before it."""

    __slots__ = ("_interruptions", "_last", "_limits", "_quiet_s", "ran_s")

    def __init__(self, limits: GuardLimits) -> None:
        self._limits = limits
        self._last: Sight | None = None
        self._interruptions = 0
        self._quiet_s = 0.0
        self.ran_s = 0.0

    def look(self, sight: Sight) -> Verdict:
        """Take note of a look and say what is to be done."""
        last, self._last = self._last, sight
        if last is None:
            return Verdict.FINE
        spent_s = self._spent_s(last, sight)
        if not sight.number:
            self.ran_s = 0.0
            return self._judge_quiet(last, sight, spent_s)
        self._quiet_s = 0.0
        if sight.serial == last.serial and last.number:
            self.ran_s += spent_s
        else:
            self.ran_s = max(0.0, min(sight.now - sight.began, spent_s))
            self._interruptions = 0
        return self._judge_call()

    def _judge_call(self) -> Verdict:
        if self.ran_s < self._limits.budget_s:
            return Verdict.FINE
        if self.ran_s >= self._limits.frozen_s and self._interruptions >= INTERRUPTIONS_MIN:
            return Verdict.FROZEN
        self._interruptions += 1
        return Verdict.OVER_BUDGET

    def _judge_quiet(self, last: Sight, sight: Sight, spent_s: float) -> Verdict:
        stands_still = (last.number, last.serial, last.beat) == (0, sight.serial, sight.beat)
        self._quiet_s = self._quiet_s + spent_s if stands_still else 0.0
        return Verdict.STALLED if self._quiet_s >= self._limits.stalled_s else Verdict.FINE

    def _spent_s(self, last: Sight, sight: Sight) -> float:
        """Return how long the engine can have been at it since the last look."""
        passed_s = max(0.0, sight.now - last.now)
        used_s = max(0.0, sight.used_s - last.used_s)
        return min(passed_s, max(self._limits.on_time_s, used_s))
