"""Kill -9 of either process, or of both, at random moments while numbered events flow.

The promise: each event is exactly once in bridge.db, in order; and a person at the console misses
none and sees at most one twice for each kill, marked as a possible repeat.
"""

import re
from itertools import pairwise
from random import Random

import pytest

from tests.process.installation import (
    PATIENCE_S,
    Installation,
    assert_each_once,
    assert_no_traceback,
)
from tests.process.killing import VICTIMS, Life

TOTAL = 2_000
_SHOWN = re.compile(rf"#(\d+) paper notice( \(.*\))?: alert (\d+) of {TOTAL}")


@pytest.mark.timeout(150)
@pytest.mark.parametrize(
    ("rounds", "interval_s"),
    [
        pytest.param(2, 0.005, id="6 kills"),
        pytest.param(10, 0.02, id="30 kills", marks=pytest.mark.long),
    ],
)
def test_each_event_arrives_exactly_once_and_in_order_over_kills_at_random_moments(
    here: Installation, rounds: int, interval_s: float
) -> None:
    seed = Random().getrandbits(32)
    print(f"seed {seed}")  # noqa: T201 - a failure shows it
    rng = Random(seed)
    life = Life(here, rng, TOTAL, interval_s, here.launch_bridge)
    life.start_bridge()
    life.start_trading()
    kills = list(VICTIMS) * rounds
    rng.shuffle(kills)
    for victims in kills:
        life.kill(victims)
    life.finish()
    life.bridge.wait_for(rf"alert {TOTAL} of {TOTAL}$", stream="stdout", timeout_s=PATIENCE_S)
    assert here.alerts(TOTAL) == list(range(1, TOTAL + 1))
    assert_each_once(here.events())
    _check_starts(here, life)
    _check_chat(life)
    assert life.trading.stop() == 0
    assert life.bridge.stop() == 0
    assert here.outbox() == []
    assert_no_traceback(*life.tradings, *life.bridges)


def _check_starts(here: Installation, life: Life) -> None:
    """Each start that came to its `ready` is told once, and all but the first as broken off."""
    started = [event for event in here.events() if event.kind == "engine_started"]
    ready = [one for one in life.tradings if "ready" in one.stderr.splitlines()]
    assert len(ready) <= len(started) <= len(life.tradings)
    assert [event.fields["after_break"] for event in started] == [False] + [True] * (
        len(started) - 1
    )


def _check_chat(life: Life) -> None:
    shown = [
        match
        for bridge in life.bridges
        for line in bridge.stdout.splitlines()
        if (match := _SHOWN.fullmatch(line))
    ]
    numbers = [int(match[3]) for match in shown]
    assert sorted(set(numbers)) == list(range(1, TOTAL + 1)), "the chat missed some"
    assert numbers == sorted(numbers), "the chat is out of order"
    repeats = [later for earlier, later in pairwise(shown) if earlier[3] == later[3]]
    assert len(repeats) == len(numbers) - TOTAL <= len(life.bridges) - 1
    assert all("perhaps shown before" in (match[2] or "") for match in repeats)
