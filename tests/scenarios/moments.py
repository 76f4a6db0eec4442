"""The moments at which a process can die, and a clock on which every request takes a while."""

from collections import Counter

from daemonkit.clock import ManualClock

# Between what lies everything that can be lost: `processed` is before the commit, `committed`
# before the release, `handed` before the request, `asked` and `told` before what the answer says
# is known to the core.
NAMES = ("processed", "committed", "handed", "asked", "told")


class KilledError(BaseException):
    """Say that the process dies here; nothing of ours may catch it."""


class Moments:
    """Count the moments of one life after the other, and end it at those that were chosen."""

    def __init__(self) -> None:
        self._kills: list[tuple[str, int]] = []
        self.seen: Counter[str] = Counter()
        self.deaths: list[str] = []

    def pass_by(self, name: str) -> None:
        """Go through a moment, unless it is the last one."""
        self.seen[name] += 1
        if self._kills and self._kills[0] == (name, self.seen[name]):
            self._kills.pop(0)
            self.deaths.append(f"{name} {self.seen[name]}")
            self.seen.clear()
            raise KilledError

    def arm(self, kills: list[tuple[str, int]]) -> None:
        """Choose at which moments from now on it dies, one after the other."""
        self._kills = list(kills)
        self.seen.clear()


class StepClock(ManualClock):
    """Tell the time it was told; a request that is signed takes a thousandth of a second."""

    __slots__ = ()

    def sign_ms(self) -> int:
        """Return a time for a signature, which no other request has."""
        self.advance(0.001)
        return round(self.wall() * 1000)
