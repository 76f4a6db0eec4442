"""Calls of strategy code that another thread can interrupt, and only while they run.

The handshake: the engine thread clears the cell and then looks whether it was shot at; the guard
says that it shoots, then looks whether the same call still runs, and only then does it. So either
the guard sees that the call is over, or the engine sees the shot and waits for it where it harms
nothing. None of this may be made simpler without the stress test.
"""

import ctypes
import threading
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from daemonkit.clock import Clock
from trading.strategies.calls import CallGuard, CallInterrupted

# A pending exception is raised at the next backward jump; more turns mean that there was none.
_TURNS_MAX: Final = 1_000

_set_async_exception = ctypes.pythonapi.PyThreadState_SetAsyncExc
_set_async_exception.argtypes = (ctypes.c_ulong, ctypes.py_object)
_set_async_exception.restype = ctypes.c_int


class RunningCall(NamedTuple):
    """Say which call runs: whose (0: none does), the how-many-eth of all, since when, and where."""

    number: int
    serial: int
    began: float
    thread: int


class GuardedCalls(CallGuard):
    """Make calls on the engine thread; `interrupt` is for the guard's thread.

    `cells[0]` holds the number of the instance that is being called: memory that a reader of the
    next run finds as it was, however this process ends.
    """

    __slots__ = (
        "_began",
        "_budget_s",
        "_cells",
        "_get_thread",
        "_is_shot",
        "_lock",
        "_monotonic",
        "_serial",
        "_thread",
    )

    def __init__(self, cells: memoryview, clock: Clock, budget_s: float) -> None:
        self._cells = cells
        self._monotonic = clock.monotonic
        self._budget_s = budget_s
        self._get_thread = threading.get_ident
        self._lock = threading.Lock()
        self._serial = 0
        self._thread = 0
        self._began = 0.0
        self._is_shot = False

    def run(self, number: int, call: Callable[[Any], Any], value: Any) -> BaseException | None:
        """Call `call(value)` for an instance; return its error, CallInterrupted, or None."""
        cells = self._cells
        # The cell last: from then on the guard takes the rest for this call's.
        self._serial += 1
        self._thread = self._get_thread()
        self._began = self._monotonic()
        try:
            cells[0] = number
            call(value)
            cells[0] = 0
            if not self._is_shot:
                return None
            return self._settle(None)
        except BaseException as error:  # noqa: BLE001 - strategy code may raise anything
            cells[0] = 0
            if not self._is_shot:
                return error
            # Two shots at most can still arrive: one on its way, one being fired. They hit inside
            # these blocks, which hold every instruction from here to the return.
            try:
                try:
                    return self._settle(error)
                except CallInterrupted as interruption:
                    return self._settle(interruption)
            except CallInterrupted as interruption:
                return self._settle(interruption)

    def _settle(self, error: BaseException | None) -> BaseException | None:
        """Return what the call ended with, once nothing can hit this thread any more."""
        with self._lock:
            is_hit, self._is_shot = self._is_shot, False
        if not is_hit:
            return self._explain(error) if isinstance(error, CallInterrupted) else error
        try:
            # To take a pending exception back would leave CPython 3.11 and 3.12 looking for it
            # at every jump from then on; one more in its place is raised at once, and that is it.
            _set_async_exception(self._get_thread(), CallInterrupted)
            for _ in range(_TURNS_MAX):
                pass
        except CallInterrupted as interruption:
            return self._explain(error if isinstance(error, CallInterrupted) else interruption)
        return self._explain(CallInterrupted())

    def _explain(self, interruption: CallInterrupted) -> CallInterrupted:
        trace, place = interruption.__traceback__, ""
        while trace is not None:
            # The last place that is not ours: where the strategy was.
            code = trace.tb_frame.f_code
            if code.co_filename != __file__:
                file = code.co_filename.rpartition("/")[2]
                place = f", at {file}:{trace.tb_lineno} in {code.co_name}"
            trace = trace.tb_next
        interruption.args = (
            f"a call took longer than {self._budget_s * 1_000:g} ms and was interrupted{place}",
        )
        return interruption

    @property
    def running(self) -> RunningCall:
        """Return what runs, from any thread; its parts may be of two calls in a row."""
        return RunningCall(self._cells[0], self._serial, self._began, self._thread)

    def interrupt(self, call: RunningCall) -> bool:
        """Raise CallInterrupted inside this call, if it still runs; tell whether it does."""
        with self._lock:
            was_shot, self._is_shot = self._is_shot, True
            if self._serial == call.serial and self._cells[0]:
                _set_async_exception(call.thread, CallInterrupted)
                return True
            self._is_shot = was_shot
        return False
