"""Back-off: how long to wait before the next try to connect."""

from __future__ import annotations

from random import Random
from typing import Final

LOOPBACK_CAP_S: Final = 10.0
NETWORK_CAP_S: Final = 60.0


class Backoff:
    """Give the waits between tries: none before the first, then doubling with jitter to a cap."""

    def __init__(self, *, cap_s: float, rng: Random, first_s: float = 0.1) -> None:
        self._cap_s = cap_s
        self._first_s = first_s
        self._rng = rng
        self._tries = 0

    def next_wait_s(self) -> float:
        """Return the wait before the next try, never above the cap."""
        tries, self._tries = self._tries, self._tries + 1
        if tries == 0:
            return 0.0
        ceiling = min(self._cap_s, self._first_s * 2.0 ** min(tries - 1, 32))
        # Half fixed, half random: bots that lost one bridge together do not return as one.
        return ceiling * (0.5 + self._rng.random() / 2)

    def reset(self) -> None:
        """Start again at no wait, after a connection that held."""
        self._tries = 0
