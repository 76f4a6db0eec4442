"""Clock jumps, suspends and standstills: when times and prices cannot be trusted for a while.

A jump and a suspend show as a step between wall and monotonic time, sample by sample. A process
that was stopped shows none, and is told of. After each, no new risk is taken for a while: prices,
ages and expiries that were worked out before it cannot be trusted.
"""

from typing import Final

STEP_S_MAX: Final = 2.0
SETTLE_S: Final = 10.0


class ClockWatch:
    """Compare the two clocks at each sample."""

    def __init__(self) -> None:
        self._offset: float | None = None
        self._settled_at = float("-inf")
        self._is_settled = True
        self._why = ""
        self.step_s = 0.0

    def sample(self, wall: float, monotonic: float) -> bool:
        """Take both clocks; True when the wall clock has jumped since the last sample."""
        offset, before = wall - monotonic, self._offset
        self._offset = offset
        if before is None or abs(offset - before) <= STEP_S_MAX:
            self._is_settled = monotonic >= self._settled_at
            return False
        self.step_s = offset - before
        self._unsettle(monotonic, f"the clock jumped by {self.step_s:+.0f} s a moment ago")
        return True

    def stand_still(self, still_s: float, monotonic: float) -> None:
        """Note that the whole process stood still until now."""
        self._unsettle(
            monotonic, f"this process stood still for {still_s:.0f} s until a moment ago"
        )

    @property
    def trouble(self) -> str:
        """Say why no new risk is taken, or nothing."""
        return "" if self._is_settled else self._why

    def _unsettle(self, monotonic: float, why: str) -> None:
        self._settled_at = monotonic + SETTLE_S
        self._is_settled = False
        self._why = why
