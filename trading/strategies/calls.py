"""How the core calls strategy code: the seam between the engine and what watches over its calls.

Pure: the guard with its thread and its files is handed in; a backtest uses the plain one here.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol


class CallInterrupted(BaseException):
    """Stop strategy code that is over its budget; no `except Exception` of its own catches it."""


# Whose strategy is called (it has a `number`, `wishes` and a count of `failures`), and what of it.
Runner = tuple[Any, Callable[[Any], Any]]


class CallGuard(Protocol):
    """Make calls of strategy code, contain what they raise, and bound how long they take."""

    __slots__ = ()

    def run(self, number: int, call: Callable[[Any], Any], value: Any) -> BaseException | None:
        """Call `call(value)` for the instance of this number (from 1 on); return why it failed.

        None: it came back in time. CallInterrupted: it was over its budget. Others: its error.
        What the call returns is dropped; calls do not nest; one thread makes them all.
        """
        ...

    def run_next(
        self, rest: Iterator[Runner], value: Any
    ) -> tuple[Any, BaseException | None] | None:
        """Make calls until one leaves something to do; return whose it was, and why it failed.

        None: there are no more. To do is a failure, a wish, or to forget earlier failures.
        """
        run = self.run
        for called, call in rest:
            error = run(called.number, call, value)
            if error is not None or called.wishes or called.failures:
                return called, error
        return None


class UnguardedCalls(CallGuard):
    """Make the calls of a backtest: errors are contained, and time is not looked at."""

    __slots__ = ()

    def run(self, number: int, call: Callable[[Any], Any], value: Any) -> BaseException | None:  # noqa: ARG002 - as in CallGuard
        """Call `call(value)`; return its error, if any."""
        try:
            call(value)
        except Exception as error:  # noqa: BLE001 - it is the caller's to judge, as in CallGuard
            return error
        return None

    def run_next(
        self, rest: Iterator[Runner], value: Any
    ) -> tuple[Any, BaseException | None] | None:
        """Do as any guard does, with a call less each time."""
        for called, call in rest:
            try:
                call(value)
            except Exception as error:  # noqa: BLE001 - as in run
                return called, error
            if called.wishes or called.failures:
                return called, None
        return None


@dataclass(frozen=True, slots=True)
class FrozenCall:
    """Name what the last run of the bot was doing when it froze and was killed."""

    # "" when no instance was being called: nobody is to be quarantined.
    instance: str
    cause: str
    at: float
