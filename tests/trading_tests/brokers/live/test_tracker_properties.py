"""Whatever comes in whatever order, an order is sent once and the engine learns how it ended."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trading_tests.brokers.live.tracker_world import ACTS, TrackerWorld

acts = st.tuples(st.sampled_from(sorted(ACTS)), st.integers(0, 20))


def play(story: list[tuple[str, int]]) -> None:
    world = TrackerWorld()
    for name, n in story:
        ACTS[name](world, n)
    world.come_to_rest()
    world.check_all_known()


@settings(max_examples=80)
@given(st.lists(acts, max_size=50))
def test_no_order_is_sent_twice_and_all_become_known(story: list[tuple[str, int]]) -> None:
    play([("submit", 0), ("send", 0), *story])


@pytest.mark.parametrize("seed", range(5))
def test_long_seeded_lives_end_known(seed: int) -> None:
    rng = Random(seed)
    names = sorted(ACTS)
    for _ in range(12):
        play([(rng.choice(names), rng.randrange(21)) for _ in range(150)])
