"""The walk behind the synthetic market: a function of time, and like a market at every scale."""

import math
import statistics
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.market.walk import HashNoise, RandomWalk

NOW_MS = 1_790_000_000_000
RECORDED = (-926.7062651933118, -926.218788205159, 1111.8493262090178)


def walk(seed: int = 1, name: str = "BTC/USDT") -> RandomWalk:
    return RandomWalk(HashNoise(seed, name), 1.0)


@given(times=st.lists(st.integers(NOW_MS, NOW_MS + 10**10), max_size=8))
def test_the_level_of_a_time_does_not_depend_on_what_was_asked_before(times: list[int]) -> None:
    one = walk()
    assert [one.at(time) for time in times] == [walk().at(time) for time in times]


def test_the_level_of_a_time_is_the_same_in_every_version() -> None:
    # A change of these numbers changes every seeded market: it needs a word in the change log.
    assert walk().at(NOW_MS) == pytest.approx(RECORDED[0], rel=1e-12)
    assert walk().at(NOW_MS + 137) == pytest.approx(RECORDED[1], rel=1e-12)
    assert walk(2).at(NOW_MS) == pytest.approx(RECORDED[2], rel=1e-12)


@pytest.mark.parametrize("step_s", [0.125, 1, 60, 3600, 86_400])
def test_differences_grow_with_the_square_root_of_time(step_s: float) -> None:
    one = walk()
    levels = [one.at(NOW_MS + int(index * step_s * 1000)) for index in range(1500)]
    steps = [(after - before) / math.sqrt(step_s) for before, after in pairwise(levels)]
    assert statistics.pstdev(steps) == pytest.approx(1.0, abs=0.08)
    assert statistics.fmean(steps) == pytest.approx(0.0, abs=0.08)


def test_the_walk_comes_back_over_the_years() -> None:
    one = walk()
    levels = [one.at(day * 86_400_000) for day in range(3650)]
    longest_swing = math.sqrt(2**22)
    assert max(abs(level) for level in levels) < 5 * longest_swing


def test_block_boundaries_join() -> None:
    one = walk()
    for index in range(1_700_000, 1_700_020):
        assert one.block(index)[-1] == walk().block(index + 1)[0]


def test_seeds_and_names_give_different_walks() -> None:
    assert walk(1).at(NOW_MS) != walk(2).at(NOW_MS)
    assert walk(1, "BTC/USDT").at(NOW_MS) != walk(1, "ETH/USDT").at(NOW_MS)


def test_noise_indices_stay_in_their_table() -> None:
    indices = HashNoise(1, "x").indices("kind", 0, 50_000)
    assert min(indices) >= 0
    assert max(indices) <= 4095
    assert len(set(indices)) == 4096
