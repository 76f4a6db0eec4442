"""Each process has the threads that the design names, and no others; the kernel knows the names."""

from pathlib import Path

from tests.process.installation import PATIENCE_S, Installation
from tests.processes import RunningProcess
from tests.waiting import wait_until

TRADING = {"engine", "store", "guard", "tcp-send", "tcp-recv", "log-forward", "monitor"} | {
    "feed-synthetic"
}
TELEGRAM = {"tcp-server", "forward"}
CONSOLE = {"console", "console-out"}
# Of daemonkit, in both.
SHARED = {"log-write"}


def thread_names(process: RunningProcess) -> list[str]:
    """Return the names of all threads but the main one, as the kernel has them."""
    tasks = Path(f"/proc/{process.pid}/task")
    return sorted(
        (task / "comm").read_text(encoding="utf-8").strip()
        for task in tasks.iterdir()
        if task.name != str(process.pid)
    )


def check_threads(process: RunningProcess, names: set[str]) -> None:
    wait_until(
        lambda: thread_names(process) == sorted(names),
        PATIENCE_S,
        f"threads {sorted(names)}, not {thread_names(process)}",
    )


def test_both_processes_run_the_named_threads_and_no_others(here: Installation) -> None:
    bridge, trading = here.start_bridge(), here.start_trading("--alerts", "3", "--interval", "0")
    here.wait_for_alerts(3, 3)
    check_threads(trading, TRADING | SHARED)
    check_threads(bridge, TELEGRAM | CONSOLE | SHARED)


def test_threads_neither_grow_in_number_nor_go_over_many_reconnects(here: Installation) -> None:
    trading = here.start_trading()
    for _ in range(2):
        bridge = here.start_bridge()
        bridge.wait_for("paper connected from")
        check_threads(bridge, TELEGRAM | CONSOLE | SHARED)
        bridge.kill()
    check_threads(trading, TRADING | SHARED)
    descriptors = len(list(Path(f"/proc/{trading.pid}/fd").iterdir()))
    assert descriptors < 40, descriptors
