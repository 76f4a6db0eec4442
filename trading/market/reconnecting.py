"""How long whoever has lost a market rests before each new try. Pure."""

from random import Random


class Rests:
    """Give rests that double up to the longest; half of each is left to chance.

    Bots that an exchange has dropped together do not all come back in the same moment.
    """

    def __init__(self, first_s: float, longest_s: float, rng: Random) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._rng = rng
        self._next_s = first_s

    def next_s(self) -> float:
        """Return how long to rest now."""
        bound_s = min(self._next_s, self._longest_s)
        self._next_s = min(bound_s * 2, self._longest_s)
        return bound_s * (0.5 + self._rng.random() / 2)

    def reset(self) -> None:
        """Begin anew: it worked in between."""
        self._next_s = self._first_s
