"""Any walk that a stop cuts short ends without an entry at the venue, and with every stop."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.trading_tests.engine.async_venue import AsyncVenue
from tests.trading_tests.engine.test_live_walks import check_rest
from tests.trading_tests.makers import of_kind, play
from trading.engine.effects import EntriesGone, SubmitOrder
from trading.engine.events import StopAhead, StopRequested
from trading.model.order import OrderType, Purpose

ENTRIES_MAX = 3


def enter_below(context: Any, tick: Any) -> None:
    """Keep entries waiting a little below the price, the sooner to be filled in its moves."""
    if len(context.get_orders()) < ENTRIES_MAX:
        context.place_order("buy", 0.37, type="limit", limit_price=tick.price * 0.985)


class StoppingVenue(AsyncVenue):
    """A late venue with entries that rest, and a stop that cuts in."""

    is_stopping = False
    times_over = 0

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.restart(play(enter_below))
        self.connect()

    def tell(self, event: Any) -> Any:
        effects = super().tell(event)
        if self.is_stopping:
            begun = [one.approved.order for one in of_kind(effects, SubmitOrder)]
            assert all(one.reduce_only for one in begun), "something new is begun"
            if of_kind(effects, EntriesGone):
                self.times_over += 1
                assert not [one for one in self.orders() if one.purpose is Purpose.ENTRY]
        return effects

    def stop_is_ahead(self) -> None:
        self.is_stopping = True
        self.tell(StopAhead(self.wall))

    def step_on(self) -> None:
        """Let one thing happen that can happen before the core ends."""
        acts: list[Callable[[], object]] = [self.arrive, self.hear_cancel, self.match, self.speak]
        self.random.choice([*acts, self.speak, self.move_price, self.sample, self.look])()
        if self.random.random() < 0.05:
            self.command()

    def stop(self) -> None:
        self.tell(StopRequested("asked to stop", self.wall))


def stopped_walk(seed: int, steps: int) -> StoppingVenue:
    venue = StoppingVenue(seed)
    try:
        for _ in range(steps):
            venue.step()
        venue.stop_is_ahead()
        for _ in range(venue.random.randrange(60)):
            venue.step_on()
        venue.come_to_rest()
        assert not [one for one in venue.open if one.order.purpose is Purpose.ENTRY]
        assert venue.times_over == 1
        check_rest(venue)
        venue.stop()
        assert not venue.told("entries_left")
    except BaseException as error:
        error.add_note(f"seed {seed}")
        raise
    return venue


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
@given(st.integers(0, 2**32), st.integers(1, 200))
def test_a_stop_leaves_no_entry_and_every_stop(seed: int, steps: int) -> None:
    stopped_walk(seed, steps)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
@given(st.integers(0, 2**32), st.integers(1, 200))
def test_a_stop_that_cannot_wait_tells_what_is_left_and_the_next_start_cancels_it(
    seed: int, steps: int
) -> None:
    venue = StoppingVenue(seed)
    for _ in range(steps):
        venue.step()
    venue.stop_is_ahead()
    for _ in range(venue.random.randrange(20)):
        venue.step_on()
    entries = [one for one in venue.orders() if one.purpose is Purpose.ENTRY]
    rests = {one.id for one in entries if one.type is not OrderType.MARKET}
    venue.stop()
    assert bool(venue.told("entries_left")) == bool(entries)
    venue.is_stopping = False
    venue.cancels.clear()
    venue.restart(play(lambda _context, _tick: None))
    venue.connect()
    venue.come_to_rest()
    assert not rests & {one.order.id for one in venue.open}
    check_rest(venue)


def test_these_walks_really_meet_entries_that_rest() -> None:
    """Keep the walks from becoming idle ones that prove nothing."""
    venues = [stopped_walk(seed, 120) for seed in range(20)]
    kinds = {kind for venue in venues for kind in venue.kinds}
    assert {"entries_cancelled", "bought"} <= kinds
    said = "\n".join(text for venue in venues for text in venue.told("entries_cancelled"))
    assert "filled in part" in said
    assert "\nfilled " in said


@pytest.mark.long
@pytest.mark.parametrize("seed", range(200))
def test_long_walks_to_a_stop(seed: int) -> None:
    stopped_walk(seed, 10 + seed * 7)
