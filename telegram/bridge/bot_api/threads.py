"""The thread beside the loop: for the disk and for name lookups, which may hang for minutes."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from threading import Lock, Thread
from typing import ParamSpec, TypeVar

from daemonkit.thread_names import show_own_name

P = ParamSpec("P")
T = TypeVar("T")

Work = Callable[[], None]


class BesideLoop(ThreadPoolExecutor):
    """Run calls in threads that never keep the process from ending; none waits for another.

    One thread is kept for the next call, as to start one takes longer than to note a command; a
    call that meets it busy gets another. The usual executor is waited for at the end of the loop
    and again at that of the interpreter.
    """

    def __init__(self) -> None:
        super().__init__(1)
        self._handover = Lock()
        self._kept: SimpleQueue[Work | None] | None = None
        self._is_over = False

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Start the call."""
        future: Future[T] = Future()

        def work() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:  # noqa: BLE001 - whoever waits for it gets it
                future.set_exception(error)
            else:
                future.set_result(result)

        with self._handover:
            kept, self._kept = self._kept, None
        if kept is None:
            Thread(target=self._run, args=(work,), name="poll-call", daemon=True).start()
        else:
            kept.put(work)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let the thread that is kept end; one that is busy is not waited for."""
        with self._handover:
            self._is_over = True
            kept, self._kept = self._kept, None
        if kept is not None:
            kept.put(None)
        super().shutdown(wait, cancel_futures=cancel_futures)

    def _run(self, work: Work | None) -> None:
        show_own_name()
        mine: SimpleQueue[Work | None] = SimpleQueue()
        while work is not None:
            work()
            with self._handover:
                if self._is_over or self._kept is not None:
                    return
                self._kept = mine
            work = mine.get()
