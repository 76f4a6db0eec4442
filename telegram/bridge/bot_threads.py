"""The threads beside the loop: for the disk and for name lookups, which may hang for minutes."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Thread
from typing import ParamSpec, TypeVar

from daemonkit.thread_names import show_own_name

P = ParamSpec("P")
T = TypeVar("T")


class BesideLoop(ThreadPoolExecutor):
    """Run each call in a thread of its own that never keeps the process from ending.

    The usual executor is waited for at the end of the loop and again at that of the interpreter.
    """

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Start the call."""
        future: Future[T] = Future()

        def work() -> None:
            show_own_name()
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:  # noqa: BLE001 - whoever waits for it gets it
                future.set_exception(error)
            else:
                future.set_result(result)

        Thread(target=work, name="poll-call", daemon=True).start()
        return future
