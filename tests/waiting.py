"""The one way a test waits: for a condition, with a deadline, never for a length of time."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_POLL_INTERVAL_S = 0.01


def wait_until(condition: Callable[[], T], timeout_s: float, what: str) -> T:
    """Ask `condition` until it answers something true, and return that; fail after the deadline."""
    deadline = time.monotonic() + timeout_s
    pause = threading.Event()
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s:g} s: {what}")
        pause.wait(_POLL_INTERVAL_S)
    return answer
