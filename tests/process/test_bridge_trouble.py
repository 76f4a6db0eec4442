"""Trading never waits for the bridge: frozen, gone, flooding or deaf, the market goes on the same.

Each test looks at the bot before and after a time of trouble. In it the engine must have raised
its numbered alerts; after it every market event up to the market's time must have been handled,
and that time must have kept pace with the clock. The engine's lane for market events is so short
here that an engine which stood still for a second would have held the market up.
"""

import re
import signal
import threading
from calendar import timegm
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import strptime

import pytest

from daemonkit.clock import SystemClock
from tests.process.installation import (
    PATIENCE_S,
    Installation,
    assert_no_traceback,
    outcome_lines,
)
from tests.process.scripted_bridge import DeafBridge, ScriptedBridge
from tests.processes import RunningProcess
from tests.waiting import wait_until

START = timegm(strptime("2026-01-05", "%Y-%m-%d"))
SPEED = 60
SYMBOLS = 3
SETTINGS = """\
log_level: DEBUG
status_interval_s: 0.05
logs: {forward_level: DEBUG}
engine: {market_len_max: 50}
link: {reconnect_longest_s: 0.1, heartbeat_s: 0.5, dead_after_s: 60}
"""
SERIES = 100_000
ALERTS = ("--alerts", str(SERIES), "--interval", "0.01")
TROUBLE_ALERTS = 300
# What a busy machine may add between the bot's clock and ours.
SLACK_S = 1.5


@dataclass(frozen=True)
class Look:
    """What a status said, and when."""

    at: float
    market_time: float
    ticks: int
    conflated: int = 0

    @classmethod
    def from_status(cls, text: str) -> "Look":
        market = re.search(r"^market   (.*)Z$", text, re.MULTILINE)
        ticks = re.search(r"^ticks    ([\d,]+)$", text, re.MULTILINE)
        assert market, text
        assert ticks, text
        market_time = timegm(strptime(market[1], "%Y-%m-%d %H:%M:%S"))
        return cls(SystemClock().wall(), market_time, int(ticks[1].replace(",", "")))

    def check(self) -> None:
        """Every tick up to the market's time was handled, none was merged or repeated."""
        whole = SYMBOLS * (self.market_time - START)
        assert whole <= self.ticks <= whole + SYMBOLS, self
        assert not self.conflated


def check_pace(before: Look, after: Look) -> None:
    """The market's time went on as the clock did, and nothing is missing."""
    before.check()
    after.check()
    market_s = (after.market_time - before.market_time) / SPEED
    assert abs(market_s - (after.at - before.at)) < SLACK_S, (before, after)


def await_alerts(here: Installation, more: int = TROUBLE_ALERTS) -> None:
    """Wait until the engine has raised so many more alerts."""
    target = here.alerts_raised(SERIES) + more
    wait_until(
        lambda: here.alerts_raised(SERIES) >= target, PATIENCE_S, f"{more} more alerts raised"
    )


def look(bridge: ScriptedBridge) -> Look:
    """Wait for the bot's next status, once its market runs."""
    count = len(bridge.statuses)

    def newest() -> Look | None:
        told = bridge.statuses[count:]
        fields = told[-1].fields if told else {}
        if not fields.get("ticks_handled"):
            return None
        return Look(
            fields["at"],
            fields["market_time"],
            fields["ticks_handled"],
            fields["ticks_conflated"],
        )

    found = wait_until(newest, PATIENCE_S, "a status of the running market")
    assert found is not None
    return found


def check_calm(here: Installation, *processes: RunningProcess) -> None:
    """The monitor saw the engine loop turn all the time."""
    log = (here.bot_folder / "logs" / "trading.log").read_text(encoding="utf-8")
    assert "stands still" not in log
    assert_no_traceback(*processes)


def look_by_console(bridge: RunningProcess) -> Look:
    """Ask the bot for its status through the real bridge."""
    before = len(bridge.stdout)
    count = len(outcome_lines(bridge))
    bridge.write("/getstatus\n")
    wait_until(lambda: len(outcome_lines(bridge)) > count, PATIENCE_S, "the status")
    return Look.from_status(bridge.stdout[before:])


def test_a_frozen_bridge_changes_nothing_for_the_market(here: Installation) -> None:
    here.configure_bot(SETTINGS)
    bridge = here.start_bridge()
    trading = here.start_trading(*ALERTS)
    here.wait_for_alerts(SERIES, 1)
    before = look_by_console(bridge)
    bridge.send_signal(signal.SIGSTOP)
    await_alerts(here)
    bridge.send_signal(signal.SIGCONT)
    after = look_by_console(bridge)
    check_pace(before, after)
    # What was raised in that time arrives afterwards, each once.
    here.wait_for_alerts(SERIES, here.alerts_raised(SERIES))
    numbers = here.alerts(SERIES)
    assert numbers == list(range(1, len(numbers) + 1))
    assert trading.stop() == 0
    check_calm(here, trading, bridge)


@pytest.mark.long
@pytest.mark.parametrize("frozen", ["trading", "bridge"])
def test_a_frozen_peer_is_found_within_fifteen_seconds_and_taken_back(
    here: Installation, frozen: str
) -> None:
    here.configure_bot()
    bridge, trading = here.start_bridge(), here.start_trading(*ALERTS)
    here.wait_for_alerts(SERIES, 10)
    victim, other = (trading, bridge) if frozen == "trading" else (bridge, trading)
    victim.send_signal(signal.SIGSTOP)
    other.wait_for("nothing heard for ", timeout_s=15 + SLACK_S)
    victim.send_signal(signal.SIGCONT)
    await_alerts(here, 50)
    here.wait_for_alerts(SERIES, here.alerts_raised(SERIES))
    numbers = here.alerts(SERIES)
    assert numbers == list(range(1, len(numbers) + 1))
    assert (trading.stop(), bridge.stop()) == (0, 0)
    assert_no_traceback(trading, bridge)


def test_an_absent_bridge_changes_nothing_for_the_market(here: Installation) -> None:
    here.configure_bot(SETTINGS)
    with ScriptedBridge() as bridge:
        port = bridge.server.port
        trading = here.start_trading(*ALERTS, **bridge.environment)
        before = look(bridge)
    await_alerts(here)
    with ScriptedBridge(port) as bridge:
        check_pace(before, look(bridge))
        assert trading.stop() == 0
    check_calm(here, trading)


def test_a_bridge_that_reads_nothing_changes_nothing_for_the_market(here: Installation) -> None:
    here.configure_bot(SETTINGS)
    with ScriptedBridge() as bridge:
        port = bridge.server.port
        trading = here.start_trading(*ALERTS, **bridge.environment)
        before = look(bridge)
    with DeafBridge(port) as deaf:
        assert deaf.welcomed.wait(PATIENCE_S)
        await_alerts(here)
    with ScriptedBridge(port) as bridge:
        check_pace(before, look(bridge))
        assert trading.stop() == 0
    check_calm(here, trading)


def test_a_stop_is_not_held_up_by_a_bridge_that_reads_nothing(here: Installation) -> None:
    here.configure_bot(SETTINGS)
    with DeafBridge() as deaf:
        trading = here.start_trading(*ALERTS, **deaf.environment)
        assert deaf.welcomed.wait(PATIENCE_S)
        await_alerts(here, 50)
        assert trading.stop(10) == 0
    check_calm(here, trading)


@contextmanager
def flooding(bridge: ScriptedBridge, verb: str) -> Iterator[Callable[[], int]]:
    """Send commands as fast as the bot takes them; give a count of those that were sent."""
    is_over = threading.Event()
    sent = 0

    def flood() -> None:
        nonlocal sent
        pause = threading.Event()
        while not is_over.is_set():
            if bridge.send(bridge.command(verb)):
                sent += 1
            else:
                pause.wait(0.001)

    thread = threading.Thread(target=flood, name="flood")
    thread.start()
    try:
        yield lambda: sent
    finally:
        is_over.set()
        thread.join(10)


def test_a_bridge_that_floods_with_commands_changes_nothing_for_the_market(
    here: Installation,
) -> None:
    here.configure_bot(SETTINGS)
    with ScriptedBridge() as bridge:
        trading = here.start_trading(*ALERTS, **bridge.environment)
        before = look(bridge)
        with flooding(bridge, "getstatus") as sent:
            await_alerts(here)
            assert sent() > 1_000
            check_pace(before, look(bridge))
        assert trading.stop() == 0
    check_calm(here, trading)
