"""Kill -9 of either process, or of both, at random moments while numbered events flow.

The promise: each event is exactly once in bridge.db, in order; and a person at the console misses
none and sees at most one twice for each kill, marked as a possible repeat.
"""

import re
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random

import psutil
import pytest

from tests.process.installation import (
    PATIENCE_S,
    Installation,
    assert_each_once,
    assert_no_traceback,
)
from tests.processes import RunningProcess
from tests.waiting import wait_until

TOTAL = 2_000
_SHOWN = re.compile(rf"#(\d+) paper notice( \(.*\))?: alert (\d+) of {TOTAL}")


@dataclass
class Life:
    """Both processes, ended and started again as often as it takes."""

    here: Installation
    rng: Random
    interval_s: float
    trading: RunningProcess = field(init=False)
    bridge: RunningProcess = field(init=False)
    bridges: list[RunningProcess] = field(default_factory=list)
    tradings: list[RunningProcess] = field(default_factory=list)

    def start_trading(self, interval_s: float | None = None) -> None:
        """Start the bot; the series goes on where it was."""
        interval = self.interval_s if interval_s is None else interval_s
        self.trading = self.here.launch_trading("--alerts", str(TOTAL), "--interval", str(interval))
        self.tradings.append(self.trading)

    def start_bridge(self) -> None:
        """Start the bridge."""
        self.bridge = self.here.launch_bridge()
        self.bridges.append(self.bridge)

    def await_moment(self, victim: RunningProcess) -> None:
        """Wait for a random moment: in the start of the victim, or while events flow."""
        if self.rng.random() < 0.3:
            used_s = self.rng.uniform(0, 0.7)
            wait_until(lambda: _has_used(victim, used_s), PATIENCE_S, "the victim starts")
        else:
            more = len(self.here.alerts(TOTAL)) + self.rng.randrange(40)
            self.here.wait_for_alerts(TOTAL, min(more, TOTAL))

    def kill(self, victims: str) -> None:
        """Kill and start again at once."""
        self.await_moment(self.bridge if victims == "bridge" else self.trading)
        if victims != "bridge":
            self.trading.kill()
        if victims != "trading":
            self.bridge.kill()
            self.start_bridge()
        if victims != "bridge":
            self.start_trading()


def _has_used(process: RunningProcess, seconds: float) -> bool:
    """Tell whether a process has worked so long; a moment that does not depend on the machine."""
    if "ready" in process.stderr.splitlines():
        return True
    times = psutil.Process(process.pid).cpu_times()
    return times.user + times.system >= seconds


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
    life = Life(here, rng, interval_s)
    life.start_bridge()
    life.start_trading()
    kills = ["trading", "bridge", "both"] * rounds
    rng.shuffle(kills)
    for victims in kills:
        life.kill(victims)
    assert len(here.alerts(TOTAL)) < TOTAL, "all events had arrived before the last kill"
    life.trading.kill()
    life.start_trading(interval_s=0)
    here.wait_for_alerts(TOTAL, TOTAL)
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
