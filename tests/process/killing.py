"""Both programs, killed at random moments and started again, while numbered alerts flow."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import psutil

from tests.process.installation import PATIENCE_S, Installation
from tests.processes import RunningProcess
from tests.waiting import wait_until

VICTIMS = ("trading", "bridge", "both")
# So many alerts at the most pass before a victim that runs already is killed.
_ALERTS_BEFORE_MAX = 40


@dataclass
class Life:
    """Both processes, ended and started again as often as it takes."""

    here: Installation
    rng: Random
    total: int
    interval_s: float
    launch_bridge: Callable[[], RunningProcess]
    trading: RunningProcess = field(init=False)
    bridge: RunningProcess = field(init=False)
    bridges: list[RunningProcess] = field(default_factory=list)
    tradings: list[RunningProcess] = field(default_factory=list)

    def start_trading(self, interval_s: float | None = None) -> None:
        """Start the bot; the series goes on where it was."""
        interval = self.interval_s if interval_s is None else interval_s
        self.trading = self.here.launch_trading(
            "--alerts", str(self.total), "--interval", str(interval)
        )
        self.tradings.append(self.trading)

    def start_bridge(self) -> None:
        """Start the bridge."""
        self.bridge = self.launch_bridge()
        self.bridges.append(self.bridge)

    def await_moment(self, victim: RunningProcess) -> None:
        """Wait for a random moment: in the start of the victim, or while events flow."""
        if self.rng.random() < 0.3:
            used_s = self.rng.uniform(0, 0.7)
            wait_until(lambda: _has_used(victim, used_s), PATIENCE_S, "the victim starts")
        else:
            more = len(self.here.alerts(self.total)) + self.rng.randrange(_ALERTS_BEFORE_MAX)
            self.here.wait_for_alerts(self.total, min(more, self.total))

    def kill(self, victims: str) -> None:
        """Kill at a random moment, and start again at once."""
        self.await_moment(self.bridge if victims == "bridge" else self.trading)
        if victims != "bridge":
            self.trading.kill()
        if victims != "trading":
            self.bridge.kill()
            self.start_bridge()
        if victims != "bridge":
            self.start_trading()

    def finish(self) -> None:
        """Have all alerts raised that are left, and wait until the bridge has stored them."""
        assert len(self.here.alerts(self.total)) < self.total, "all came before the last kill"
        self.trading.kill()
        self.start_trading(interval_s=0)
        self.here.wait_for_alerts(self.total, self.total)


def _has_used(process: RunningProcess, seconds: float) -> bool:
    """Tell whether a process has worked so long; a moment that does not depend on the machine."""
    if "ready" in process.stderr.splitlines():
        return True
    times = psutil.Process(process.pid).cpu_times()
    return times.user + times.system >= seconds
