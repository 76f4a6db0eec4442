"""How long a live market rests between its tries: ever longer, and not as long as the others."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from trading.market.reconnecting import Rests


def rests_of(seed: int, count: int) -> list[float]:
    rests = Rests(0.5, 30.0, Random(seed))
    return [rests.next_s() for _ in range(count)]


@given(st.integers(0, 1_000), st.integers(1, 20))
def test_each_lies_between_half_of_its_bound_and_all_of_it(seed: int, count: int) -> None:
    for number, rest in enumerate(rests_of(seed, count)):
        bound = min(30.0, 0.5 * 2**number)
        assert bound / 2 <= rest <= bound


def test_what_broke_at_the_same_moment_does_not_come_back_at_the_same() -> None:
    thirds = {round(rests_of(seed, 3)[-1], 3) for seed in range(50)}
    assert len(thirds) > 40


def test_it_begins_anew_once_something_was_heard() -> None:
    rests = Rests(0.5, 30.0, Random(1))
    for _ in range(10):
        rests.next_s()
    rests.reset()
    assert rests.next_s() <= 0.5
