"""Signals at any moment, to both real programs: asked to stop is exit code 0 and a clean end.

Before a program has set its handlers, in the script and in the first moments of the interpreter,
a signal ends it at once as it ends every program; from then on it is an orderly stop.
"""

import signal
from collections.abc import Callable
from pathlib import Path
from random import Random

import psutil
import pytest

from tests.process.installation import (
    PATIENCE_S,
    Installation,
    ask,
    assert_each_once,
    assert_no_traceback,
)
from tests.processes import RunningProcess
from tests.waiting import wait_until

BOTH = pytest.mark.parametrize("program", ["trading", "telegram"])
SERIES = 1_000_000
# The default stop_timeout_s, and slack for a busy machine.
STOP_LIMIT_S = 12.0


def launch(here: Installation, program: str) -> RunningProcess:
    if program == "trading":
        return here.launch_trading("--alerts", str(SERIES), "--interval", "0.002")
    return here.launch_bridge()


def catches(process: RunningProcess, number: signal.Signals) -> bool:
    """Tell whether a program has its own handler for a signal."""
    try:
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    except FileNotFoundError:
        return False
    line = next((line for line in status.splitlines() if line.startswith("SigCgt")), "SigCgt 0")
    return bool(int(line.split()[1], 16) >> (number - 1) & 1)


def wait_for_work(process: RunningProcess, seconds: float) -> None:
    """Let a program run for a while of its own processor time, at most until it is ready."""

    def has_worked() -> bool:
        times = psutil.Process(process.pid).cpu_times()
        return times.user + times.system >= seconds or "ready" in process.stderr.splitlines()

    wait_until(has_worked, PATIENCE_S, f"{seconds} s of work")


def check_stop(process: RunningProcess, was_catching: bool) -> None:
    code = process.wait(STOP_LIMIT_S)
    allowed = (0,) if was_catching else (0, -signal.SIGTERM)
    assert code in allowed, process.describe()
    assert_no_traceback(process)
    assert "error" not in process.stderr.lower(), process.describe()


@BOTH
@pytest.mark.parametrize(
    "times", [pytest.param(5, id="few"), pytest.param(60, id="many", marks=pytest.mark.long)]
)
@pytest.mark.timeout(180)
def test_a_stop_at_any_moment_of_the_start_is_clean(
    here: Installation, program: str, times: int
) -> None:
    seed = Random().getrandbits(32)
    print(f"seed {seed}")  # noqa: T201 - a failure shows it
    rng = Random(seed)
    # The very first start makes databases and takes another way.
    for _ in range(times):
        process = launch(here, program)
        wait_for_work(process, rng.uniform(0, 0.6))
        was_catching = catches(process, signal.SIGTERM)
        process.send_signal(signal.SIGTERM)
        check_stop(process, was_catching)
    last = launch(here, program)
    last.wait_for("^ready$", timeout_s=PATIENCE_S)
    assert last.stop() == 0


@pytest.mark.parametrize(
    "times", [pytest.param(2, id="few"), pytest.param(20, id="many", marks=pytest.mark.long)]
)
@pytest.mark.timeout(180)
def test_a_stop_at_any_moment_of_life_is_clean_and_loses_nothing(
    here: Installation, times: int
) -> None:
    seed = Random().getrandbits(32)
    print(f"seed {seed}")  # noqa: T201 - a failure shows it
    rng = Random(seed)
    running: dict[str, RunningProcess] = {}
    for program in ["telegram", "trading", *rng.choices(["telegram", "trading"], k=times)]:
        if program in running:
            # One at least: a program that has just been launched catches nothing yet.
            more = len(here.alerts(SERIES)) + rng.randrange(1, 60)
            here.wait_for_alerts(SERIES, more)
            running[program].send_signal(signal.SIGTERM)
            check_stop(running[program], was_catching=True)
        running[program] = launch(here, program)
    here.wait_for_alerts(SERIES, len(here.alerts(SERIES)) + 20)
    for program in ("trading", "telegram"):
        assert running[program].stop() == 0
    numbers = here.alerts(SERIES)
    assert numbers == list(range(1, len(numbers) + 1))
    assert_each_once(here.events())
    starts = [event for event in here.events() if event.kind == "engine_started"]
    assert not any(event.fields["after_break"] for event in starts), "a stop counted as a break"


@BOTH
@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.long)]
)
def test_signals_that_come_again_and_again_hasten_the_end_and_do_not_spoil_it(
    here: Installation, program: str, number: signal.Signals
) -> None:
    process = launch(here, program)
    process.wait_for("^ready$", timeout_s=PATIENCE_S)

    def has_ended() -> bool:
        process.send_signal(number)
        return process.returncode is not None

    wait_until(has_ended, STOP_LIMIT_S, "the end")
    check_stop(process, was_catching=True)


@BOTH
def test_a_hangup_during_the_start_is_a_reload_and_no_end(here: Installation, program: str) -> None:
    process = launch(here, program)
    wait_until(lambda: catches(process, signal.SIGHUP), PATIENCE_S, "it catches signals")
    process.send_signal(signal.SIGHUP)
    process.wait_for("^ready$", timeout_s=PATIENCE_S)
    process.wait_for("reloaded")
    assert process.stop() == 0
    assert_no_traceback(process)


def test_a_hangup_takes_a_good_configuration_over_and_refuses_a_bad_one(
    here: Installation,
) -> None:
    bridge, trading = here.start_bridge(), here.start_trading()
    rewrite: tuple[tuple[RunningProcess, Callable[[str], None]], ...] = (
        (bridge, here.configure_bridge),
        (trading, here.configure_bot),
    )
    for process, configure in rewrite:
        configure("log_level: [DEBUG\n")
        process.send_signal(signal.SIGHUP)
        process.wait_for("refused, the old one stays: .*line")
        configure("log_level: DEBUG\n")
        process.send_signal(signal.SIGHUP)
        process.wait_for("reloaded")
    here.configure_bot("strategy: no_such_one\n")
    trading.send_signal(signal.SIGHUP)
    trading.wait_for("refused, the old one stays: .*no_such_one")
    wait_until(lambda: ask(bridge, "/getstatus").startswith("[applied]"), PATIENCE_S, "the status")
    told = [event.kind for event in here.events()]
    assert "reload_refused" in told
    assert "configuration_reloaded" in told
    for process in (trading, bridge):
        assert process.stop() == 0
        assert_no_traceback(process)
