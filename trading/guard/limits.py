"""How long strategy code may take, and how often the guard looks."""

from dataclasses import dataclass
from typing import Final

# Without any sign of the engine, and no instance to blame, the guard waits this much longer.
STALL_FACTOR: Final = 3.0


@dataclass(frozen=True, slots=True)
class GuardLimits:
    """Hold when a call is interrupted, and when the process counts as frozen."""

    budget_s: float = 0.25
    frozen_s: float = 10.0
    interval_s: float = 0.05

    @property
    def stalled_s(self) -> float:
        """Return how long the engine may show no sign of life outside any call."""
        return self.frozen_s * STALL_FACTOR

    @property
    def on_time_s(self) -> float:
        """Return how far apart two looks may be before the process may have been stopped."""
        return min(self.interval_s * 4, self.budget_s / 2)
