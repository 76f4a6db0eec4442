"""A random walk that any moment can be asked of: noise by hash, no state, no clock.

Midpoint displacement (Levy's construction of Brownian motion): lattice values of 2**22 s apart
are independent, and each halving adds a displacement of amplitude proportional to the square
root of its period, down to 1/8 s, straight lines below. The walk therefore looks like a market
at every scale, and stays near 0 over the years. The displacement at a lattice point depends on
nothing but (seed, name, point), and vanishes at all coarser points.
"""

import hashlib
import math
import struct
from statistics import NormalDist

# 2**22 s is 48 days, the longest swing.
TOP_LEVEL = 22
# Seconds that are worked out at once: cheap to walk along, small to keep.
BLOCK_LEVEL = 10
BLOCK_S = 1 << BLOCK_LEVEL
# A second is halved three times.
FINE_LEVELS = 3
_FINE_STEPS = 1 << FINE_LEVELS

TABLE_SIZE = 4096
_TABLE_MASK = TABLE_SIZE - 1


def _normal_table() -> list[float]:
    # A uniform index into the quantiles gives normal values, none further out than 3.7.
    normal = NormalDist()
    return [normal.inv_cdf((index + 0.5) / TABLE_SIZE) for index in range(TABLE_SIZE)]


NORMALS = _normal_table()


class HashNoise:
    """Give reproducible table indices for a (seed, name) at any whole-number place."""

    def __init__(self, seed: int, name: str) -> None:
        self._prefix = f"{seed}\0{name}\0"

    def indices(self, kind: str, place: int, count: int) -> list[int]:
        """Return `count` indices into a table of 4096, the same ones whenever asked."""
        key = f"{self._prefix}{kind}\0{place}".encode()
        words = struct.unpack(f"<{count}H", hashlib.shake_128(key).digest(2 * count))
        return [word & _TABLE_MASK for word in words]

    def normals(self, kind: str, place: int, count: int) -> list[float]:
        """Return `count` values of the standard normal distribution."""
        return [NORMALS[index] for index in self.indices(kind, place, count)]


class RandomWalk:
    """Tell the level of a walk at any time, with a given deviation per square root of a second."""

    def __init__(self, noise: HashNoise, deviation: float) -> None:
        self._noise = noise
        self._deviation = deviation
        # Values one top period apart must differ like a walk of that length.
        self._top_amplitude = deviation * math.sqrt((1 << TOP_LEVEL) / 2)
        self._block: tuple[int, list[float]] = (0, [])
        self._fine: tuple[int, list[float]] = (0, [])

    def at(self, time_ms: int) -> float:
        """Return the level at a time in whole milliseconds."""
        second, millisecond = divmod(time_ms, 1000)
        if not millisecond:
            return self.block(second >> BLOCK_LEVEL)[second & (BLOCK_S - 1)]
        step, part = divmod(millisecond * _FINE_STEPS, 1000)
        place = ((second & (BLOCK_S - 1)) << FINE_LEVELS) + step
        fine = self._fine_block(second >> BLOCK_LEVEL)
        return fine[place] + (fine[place + 1] - fine[place]) * (part / 1000)

    def block(self, index: int) -> list[float]:
        """Return the levels of every second of a block, with the first of the next block."""
        cached_index, levels = self._block
        if cached_index != index or not levels:
            levels = self._make_block(index)
            self._block = (index, levels)
        return levels

    def _make_block(self, index: int) -> list[float]:
        ends = [self._lattice_value(index), self._lattice_value(index + 1)]
        return self._refine(ends, "block", index, BLOCK_LEVEL, 0)

    def _fine_block(self, index: int) -> list[float]:
        cached_index, levels = self._fine
        if cached_index != index or not levels:
            levels = self._refine(self.block(index), "fine", index, 0, -FINE_LEVELS)
            self._fine = (index, levels)
        return levels

    def _refine(
        self, levels: list[float], kind: str, place: int, level: int, level_last: int
    ) -> list[float]:
        """Halve the spacing of values 2**level seconds apart until it is 2**level_last."""
        missing = (len(levels) - 1) * ((1 << (level - level_last)) - 1)
        normals = self._noise.normals(kind, place, missing)
        used = 0
        while level > level_last:
            amplitude = self._amplitude(level)
            count = len(levels) - 1
            drawn = normals[used : used + count]
            finer = [0.0] * (2 * count + 1)
            finer[::2] = levels
            finer[1::2] = [
                (left + right) / 2 + amplitude * normal
                for left, right, normal in zip(levels, levels[1:], drawn, strict=False)
            ]
            levels, used, level = finer, used + count, level - 1
        return levels

    def _amplitude(self, level: int) -> float:
        # The midpoint of a Brownian bridge over a period deviates by half its square root.
        return self._deviation * math.sqrt(2.0**level) / 2

    def _lattice_value(self, index: int) -> float:
        """Return the level at a block boundary by descending from the longest swing."""
        depth = TOP_LEVEL - BLOCK_LEVEL
        top, offset = index >> depth, index & ((1 << depth) - 1)
        left, right = self._top_value(top), self._top_value(top + 1)
        low, high = 0, 1 << depth
        for level in range(TOP_LEVEL, BLOCK_LEVEL, -1):
            if offset == low:
                break
            middle = (low + high) // 2
            place = (top << depth) + middle
            normal = self._noise.normals("lattice", place, 1)[0]
            value = (left + right) / 2 + self._amplitude(level) * normal
            if offset < middle:
                right, high = value, middle
            else:
                left, low = value, middle
        return left

    def _top_value(self, index: int) -> float:
        return self._top_amplitude * self._noise.normals("top", index, 1)[0]
