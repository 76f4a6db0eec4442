from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpproto import ReplyState
from telegram.bridge.errors import IllegalStepError
from telegram.bridge.receipts import (
    NEXT,
    OPEN,
    OUTCOMES,
    SETTLED,
    STEP_OF_REPLY,
    State,
    Step,
    advance,
)

STEPS = st.lists(st.sampled_from(list(Step)), max_size=30)


@pytest.mark.parametrize(("state", "step"), list(product(State, Step)))
def test_every_pair_is_either_in_the_table_or_refused(state: State, step: Step) -> None:
    if (state, step) in NEXT:
        assert advance(state, step) is NEXT[state, step]
    else:
        with pytest.raises(IllegalStepError, match=f"{state} cannot {step}"):
            advance(state, step)


def test_every_state_is_open_or_an_outcome() -> None:
    assert set(State) == OPEN | OUTCOMES
    assert not OPEN & OUTCOMES


def test_every_answer_of_a_bot_is_a_step() -> None:
    assert set(STEP_OF_REPLY) == set(ReplyState)


@given(steps=STEPS)
def test_an_outcome_never_becomes_another_one(steps: list[Step]) -> None:
    state, outcome = State.QUEUED, None
    for step in steps:
        try:
            state = advance(state, step)
        except IllegalStepError:
            continue
        if outcome is not None:
            assert state is outcome
        outcome = state if state in SETTLED else None


@given(steps=STEPS)
def test_unknown_is_left_only_for_the_truth(steps: list[Step]) -> None:
    state = State.UNKNOWN
    for step in steps:
        before = state
        try:
            state = advance(state, step)
        except IllegalStepError:
            continue
        if before is State.UNKNOWN:
            assert state is State.UNKNOWN or state in SETTLED


@given(steps=STEPS)
def test_what_was_sent_is_never_queued_or_cancelled(steps: list[Step]) -> None:
    state = State.SENT
    for step in steps:
        try:
            state = advance(state, step)
        except IllegalStepError:
            continue
        assert state is not State.QUEUED
    with pytest.raises(IllegalStepError):
        advance(State.SENT, Step.CANCEL)
