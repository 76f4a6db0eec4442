"""Guarded calls: an interruption hits the call it was meant for, and never anything after it."""

import mmap
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Self

import pytest

from daemonkit.clock import SystemClock
from trading.guard.guarded_calls import GuardedCalls
from trading.strategies.calls import CallGuard, CallInterrupted, UnguardedCalls

STRESS_S = 2.0


def make_calls() -> GuardedCalls:
    return GuardedCalls(memoryview(mmap.mmap(-1, 8)).cast("I"), SystemClock(), 0.25)


@pytest.fixture
def fast_switching() -> Iterator[None]:
    """Let threads alternate as finely as the interpreter can, so that races come up."""
    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval_s)


class Shooter:
    """Interrupts whatever runs, as fast as it can, on a thread of its own."""

    def __init__(self, calls: GuardedCalls, pause_s: float = 0.0) -> None:
        self._calls = calls
        self._pause_s = pause_s
        self._stop = threading.Event()
        self.hits: set[int] = set()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._pause_s):
            call = self._calls.running
            if call.number and self._calls.interrupt(call):
                self.hits.add(call.serial)


def spin(turns: int) -> None:
    for _ in range(turns):
        pass


def swallow_once(turns: int) -> None:
    try:
        spin(turns)
    except BaseException:  # noqa: BLE001 - as a careless strategy does
        spin(turns)


def fail_after(turns: int) -> None:
    spin(turns)
    raise ValueError("an error of the strategy's own")


def sort_in_c(turns: int) -> None:
    sorted(range(turns, 0, -1))


@pytest.mark.parametrize("pause_s", [0.0, 0.0002])
@pytest.mark.usefixtures("fast_switching")
def test_no_interruption_leaks_into_the_engine_and_none_is_lost(pause_s: float) -> None:
    calls = make_calls()
    rng = random.Random(7)
    kinds = (spin, swallow_once, fail_after, sort_in_c)
    made = interrupted = 0
    serials: set[int] = set()
    with Shooter(calls, pause_s) as shooter:
        deadline = time.monotonic() + STRESS_S
        # Whatever leaks out of run() is raised in this loop and fails the test.
        while time.monotonic() < deadline:
            made += 1
            error = calls.run(1, rng.choice(kinds), rng.randrange(2_000))
            spin(rng.randrange(50))
            if isinstance(error, CallInterrupted):
                interrupted += 1
                serials.add(made)
            else:
                assert error is None or isinstance(error, ValueError)
    spin(10_000)
    assert shooter.hits == serials
    assert 0 < interrupted < made
    assert calls.running.number == 0
    assert calls.run(1, spin, 1_000) is None


def test_a_call_that_never_ends_is_interrupted_and_says_where_it_was() -> None:
    calls = make_calls()

    def think(_: object) -> None:
        while True:
            pass

    with Shooter(calls, 0.01):
        error = calls.run(3, think, None)
    assert isinstance(error, CallInterrupted)
    assert "took longer than 250 ms and was interrupted, at test_guarded_calls.py:" in str(error)
    assert str(error).endswith(" in think")


def test_a_call_that_swallows_the_interruption_is_interrupted_again() -> None:
    calls = make_calls()
    swallowed: list[BaseException] = []

    def cling(_: object) -> None:
        while len(swallowed) < 5:
            try:
                while True:
                    pass
            except BaseException as error:  # noqa: BLE001 - as a careless strategy does
                swallowed.append(error)

    with Shooter(calls, 0.01):
        error = calls.run(1, cling, None)
    # It came back by itself in the end, and was over its budget all the same.
    assert isinstance(error, CallInterrupted)
    assert len(swallowed) == 5


@pytest.mark.parametrize("make", [make_calls, UnguardedCalls])
def test_an_error_of_the_strategy_is_returned(make: Callable[[], CallGuard]) -> None:
    calls = make()
    seen: list[Any] = []
    assert calls.run(1, seen.append, "tick") is None
    assert seen == ["tick"]
    assert isinstance(calls.run(1, fail_after, 1), ValueError)


def test_a_strategy_that_asks_the_process_to_exit_only_fails() -> None:
    assert isinstance(make_calls().run(1, sys.exit, 0), SystemExit)


def test_the_number_of_the_instance_stands_in_the_cell_during_its_call_only() -> None:
    calls = make_calls()
    seen: list[int] = []
    calls.run(7, lambda _: seen.append(calls.running.number), None)
    assert seen == [7]
    assert calls.running.number == 0
    calls.run(8, fail_after, 1)
    assert calls.running.number == 0
