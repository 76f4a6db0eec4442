"""Which markets wait before it is tried again what their venue did not want, and for how long.

Each refusal in a row doubles the wait: a key that was revoked is not tried each second, nor is
anybody told of it each second. Also counts the stops that a venue took and let go again. Pure.
"""

from dataclasses import dataclass, field
from typing import Final

from trading.model.account import MarketKey

LONGEST_S: Final = 60.0
FORGOTTEN_S: Final = 600.0
# So many stops that a venue lets go within so long say that none will stay there.
LET_GO_MAX: Final = 3
LET_GO_S: Final = 60.0


@dataclass(slots=True)
class _Wait:
    since: float
    for_s: float
    is_over: bool = False


@dataclass(slots=True)
class Patience:
    """Hold what waits, by market; times are those of the wall clock."""

    _waits: dict[MarketKey, _Wait] = field(default_factory=dict)
    _let_go: dict[MarketKey, list[float]] = field(default_factory=dict)

    def begin(self, key: MarketKey, now: float) -> None:
        """Let a market wait: until the next sample at first, and longer each time in a row."""
        before = self._waits.get(key)
        if before is not None and not before.is_over:
            return
        for_s = 0.0
        if before is not None and 0 <= now - before.since < FORGOTTEN_S:
            for_s = min(LONGEST_S, before.for_s * 2 or 1.0)
        self._waits[key] = _Wait(now, for_s)

    def is_waiting(self, key: MarketKey) -> bool:
        """Tell whether nothing is tried in a market for now."""
        wait = self._waits.get(key)
        return wait is not None and not wait.is_over

    def take_due(self, now: float) -> list[MarketKey]:
        """Return the markets that have waited enough; a clock that was set back ends a wait."""
        due = [
            (key, wait)
            for key, wait in self._waits.items()
            if not (wait.is_over or 0 <= now - wait.since < wait.for_s)
        ]
        for _, wait in due:
            wait.is_over = True
        return [key for key, _ in due]

    def end(self, key: MarketKey) -> bool:
        """Forget all waits of a market, in which something went well; tell whether it waited."""
        wait = self._waits.pop(key, None)
        return wait is not None and not wait.is_over

    def note_let_go(self, key: MarketKey, now: float) -> bool:
        """Note that a venue let a stop go; True if it did so again and again."""
        recent = [at for at in self._let_go.get(key, ()) if 0 <= now - at < LET_GO_S]
        self._let_go[key] = [*recent, now]
        if len(recent) + 1 < LET_GO_MAX:
            return False
        del self._let_go[key]
        return True
