"""The table of a bot's presence, pair by pair."""

import pytest

from telegram.bridge.obituary.presence import CONNECTED, Presence, Sign, next_presence, resumed

HAPPENS = {
    ("here", "came"): "here",
    ("here", "cut"): "missed",
    ("here", "goodbye"): "leaving",
    ("missed", "came"): "here",
    ("missed", "due"): "lost",
    ("leaving", "came"): "here",
    ("leaving", "due"): "stopped",
    ("lost", "came"): "returning",
    ("returning", "came"): "returning",
    ("returning", "cut"): "lost",
    ("returning", "goodbye"): "lost",
    ("returning", "due"): "here",
    ("stopped", "came"): "here",
}


@pytest.mark.parametrize("state", Presence)
@pytest.mark.parametrize("sign", Sign)
def test_each_pair_leads_to_its_state_or_is_refused(state: Presence, sign: Sign) -> None:
    wanted = HAPPENS.get((state.value, sign.value))
    if wanted is not None:
        assert next_presence(state, sign) == wanted
        return
    with pytest.raises(ValueError, match=f"a bot that is {state} cannot be noticed as {sign}"):
        next_presence(state, sign)


@pytest.mark.parametrize("state", Presence)
def test_a_bot_can_come_in_every_state_and_go_whenever_it_is_connected(state: Presence) -> None:
    assert next_presence(state, Sign.CAME) in CONNECTED
    if state in CONNECTED:
        assert next_presence(state, Sign.CUT) not in CONNECTED
        assert next_presence(state, Sign.GOODBYE) not in CONNECTED


@pytest.mark.parametrize("state", Presence)
def test_nobody_counts_as_here_after_a_restart_and_nobody_lost_is_forgotten(
    state: Presence,
) -> None:
    after = resumed(state)
    assert after not in CONNECTED
    assert (after is Presence.LOST) == (state in (Presence.LOST, Presence.RETURNING))
