"""The table of engine states: total, closed, and never half-way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.engine.states import TRANSITIONS, EngineLife, EngineState, EngineTrigger
from trading.errors import IllegalTransitionError


@pytest.mark.parametrize("state", EngineState)
@pytest.mark.parametrize("trigger", EngineTrigger)
def test_every_pair_is_either_in_the_table_or_raises_and_changes_nothing(
    state: EngineState, trigger: EngineTrigger
) -> None:
    life = EngineLife()
    life.state = state
    following = TRANSITIONS.get((state, trigger))
    if following is None:
        with pytest.raises(IllegalTransitionError):
            life.advance(trigger)
        assert life.state is state
    else:
        assert life.advance(trigger) is following
        assert life.state is following


@given(st.lists(st.sampled_from(EngineTrigger), max_size=30))
def test_random_walks_stay_in_the_table(triggers: list[EngineTrigger]) -> None:
    life = EngineLife()
    for trigger in triggers:
        before = life.state
        try:
            after = life.advance(trigger)
        except IllegalTransitionError:
            assert life.state is before
        else:
            assert TRANSITIONS[(before, trigger)] is after


def test_nothing_leaves_the_last_state() -> None:
    assert not [pair for pair in TRANSITIONS if pair[0] is EngineState.STOPPED]


def test_every_state_can_be_reached() -> None:
    reached = {EngineState.STARTING}
    for _ in EngineState:
        reached |= {after for (before, _), after in TRANSITIONS.items() if before in reached}
    assert reached == set(EngineState)
