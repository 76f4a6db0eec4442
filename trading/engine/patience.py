"""Which markets wait before it is tried again what their venue did not want, and for how long.

Each refusal in a row doubles the wait: a key that was revoked is not tried each second, nor is
anybody told of it each second. Also counts the stops that a venue took and let go again. Pure.
"""

from dataclasses import dataclass, field
from typing import Final

from trading.model.account import MarketKey

# The second wait; the first one ends with the next sample.
FIRST_S: Final = 5.0
LONGEST_S: Final = 60.0
FORGOTTEN_S: Final = 600.0
# So many stops that a venue lets go within so long say that none will stay there.
LET_GO_MAX: Final = 3
LET_GO_S: Final = 60.0


@dataclass(slots=True)
class _Wait:
    since: float
    for_s: float
    # When it was tried last: by the wait itself, or between because it could wait no longer.
    tried_at: float
    is_over: bool = False
    is_hurried: bool = False
    # Whether a stop may stand in for the way out meanwhile, and whether one was told to rest.
    wants_stop: bool = False
    has_stop: bool = False

    def is_due(self, now: float) -> bool:
        """Tell whether it has lasted long enough, and nothing was tried between just now."""
        is_short = 0 <= now - self.since < self.for_s
        is_early = self.is_hurried and 0 <= now - self.tried_at < FIRST_S
        return not (is_short or is_early)


@dataclass(slots=True)
class Patience:
    """Hold what waits, by market; times are those of the wall clock."""

    _waits: dict[MarketKey, _Wait] = field(default_factory=dict)
    _let_go: dict[MarketKey, list[float]] = field(default_factory=dict)

    def begin(self, key: MarketKey, now: float) -> bool:
        """Let a market wait: until the next sample at first, and longer each time in a row.

        Returns whether it is the first time in a row.
        """
        before = self._waits.get(key)
        if before is not None and not before.is_over:
            return False
        if before is None or not self.is_again(key, now):
            self._waits[key] = _Wait(now, 0.0, now)
            return True
        since, for_s = now, min(LONGEST_S, before.for_s * 2 or FIRST_S)
        if before.is_hurried:
            # A try between makes the wait neither longer nor shorter.
            since, for_s = before.since, before.for_s
        made = _Wait(since, for_s, now, is_hurried=before.is_hurried)
        made.wants_stop, made.has_stop = True, before.has_stop
        self._waits[key] = made
        return False

    def hurry(self, key: MarketKey, now: float) -> bool:
        """Let a market wait no longer for once, if it was not tried just now; tell whether so."""
        wait = self._waits.get(key)
        if wait is None or wait.is_over or 0 <= now - wait.tried_at < FIRST_S:
            return False
        wait.is_over, wait.is_hurried = True, not wait.is_due(now)
        return True

    def is_hurried(self, key: MarketKey) -> bool:
        """Tell whether the last try in a market came between two of its waits."""
        wait = self._waits.get(key)
        return wait is not None and wait.is_hurried

    def has_stop(self, key: MarketKey) -> bool:
        """Tell whether a stop was said to rest while a market waits."""
        wait = self._waits.get(key)
        return wait is not None and wait.has_stop

    @property
    def is_unused(self) -> bool:
        """Tell whether nothing was refused anywhere."""
        return not self._waits

    def is_again(self, key: MarketKey, now: float) -> bool:
        """Tell whether what is tried in a market now was refused there not long ago."""
        before = self._waits.get(key)
        return before is not None and 0 <= now - before.since < FORGOTTEN_S

    def wants_stop(self, key: MarketKey) -> bool:
        """Tell whether a stop may be placed in a market while it waits."""
        wait = self._waits.get(key)
        return wait is not None and wait.wants_stop

    def give_up_stop(self, key: MarketKey) -> bool:
        """Place no stop any more in this wait; tell whether the market waits at all."""
        wait = self._waits.get(key)
        if wait is None or wait.is_over:
            return False
        wait.wants_stop = wait.has_stop = False
        return True

    def note_stop(self, key: MarketKey) -> bool:
        """Note that a stop rests while a market waits; tell whether that is news."""
        wait = self._waits.get(key)
        if wait is None or wait.has_stop:
            return False
        wait.has_stop = True
        return True

    def is_waiting(self, key: MarketKey) -> bool:
        """Tell whether nothing is tried in a market for now."""
        wait = self._waits.get(key)
        return wait is not None and not wait.is_over

    def take_due(self, now: float) -> list[MarketKey]:
        """Return the markets that have waited enough; a clock that was set back ends a wait."""
        due = [
            (key, wait)
            for key, wait in self._waits.items()
            if not wait.is_over and wait.is_due(now)
        ]
        for _, wait in due:
            wait.is_over, wait.is_hurried = True, False
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
