"""How much processor time another thread has used: it stands still while the process is stopped."""

import sys
import threading
import time


class ThreadTime:
    """Tell the processor time of one thread, the one that was asked for last."""

    __slots__ = ("_clock_id", "_thread")

    def __init__(self) -> None:
        self._thread = 0
        self._clock_id = 0

    def used_s(self, thread: int) -> float:
        """Return the seconds that a thread has used; 0 when that cannot be known."""
        if sys.platform != "linux" or not thread:
            return 0.0
        if thread != self._thread:
            # Asking the system for the clock of a thread that is gone is undefined.
            if all(alive.ident != thread for alive in threading.enumerate()):
                return 0.0
            self._clock_id = time.pthread_getcpuclockid(thread)
            self._thread = thread
        try:
            return time.clock_gettime(self._clock_id)
        except OSError:
            return 0.0
