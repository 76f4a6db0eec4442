"""A limit on how long the code of a strategy file may take while it is loaded.

Works on the main thread, where files are loaded; a call on any other is not limited.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

LOAD_MAX_S: Final = 10.0
# Again and again: a file may catch whatever it is interrupted by.
_AGAIN_S: Final = 0.05


class LoadInterrupted(BaseException):
    """Stop a file that loads for too long; no `except Exception` of its own catches it."""


@contextmanager
def load_limit(limit_s: float) -> Iterator[None]:
    """Raise LoadInterrupted from what runs inside once it has taken so long."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    is_over = False

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        # One that comes on the way out is too late to stop anything.
        if not is_over:
            raise LoadInterrupted(f"it takes longer than {limit_s:g} s to load")

    before = signal.signal(signal.SIGALRM, interrupt)
    timer = signal.setitimer(signal.ITIMER_REAL, limit_s, _AGAIN_S)
    try:
        yield
    finally:
        is_over = True
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
        # Somebody else's timer, such as that of a test's own limit, goes on.
        signal.setitimer(signal.ITIMER_REAL, *timer)
