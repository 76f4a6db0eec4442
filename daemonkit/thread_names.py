"""The names of threads, given to the kernel: `top -H`, `ps -T` and debuggers then show them.

Until it is named a thread has the name of the one that started it. Python tells the kernel by
itself from 3.14 on.
"""

import logging
import threading
from pathlib import Path

log = logging.getLogger(__name__)

_TASKS = Path("/proc/self/task")


def show_thread_names() -> None:
    """Name all threads that run now, but for the main one, whose name is the process's."""
    for thread in threading.enumerate():
        if thread is not threading.main_thread():
            _show(thread)


def show_own_name() -> None:
    """Name the calling thread, which was started after the others were named."""
    _show(threading.current_thread())


def _show(thread: threading.Thread) -> None:
    try:
        # The kernel keeps the first 15 bytes.
        (_TASKS / str(thread.native_id) / "comm").write_text(thread.name, encoding="utf-8")
    except OSError as error:
        log.debug("thread %s is not named: %s", thread.name, error)
