"""What reaches the main thread, and how soon."""

import signal
import threading
from collections.abc import Iterator

import pytest

from daemonkit.clock import SystemClock
from trading.control import STOP_SIGNALS, Control, SignalCame


@pytest.fixture
def control() -> Iterator[Control]:
    """Catch signals for one test."""
    numbers = (*STOP_SIGNALS, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    made = Control()
    made.catch_signals()
    yield made
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_signal_that_does_not_wake_the_main_thread_is_handled_soon(control: Control) -> None:
    """As one that comes in the moment before a wait begins: it ends no wait by itself."""

    def signal_this_thread() -> None:
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

    timer = threading.Timer(0.1, signal_this_thread)
    clock = SystemClock()
    began = clock.monotonic()
    timer.start()
    notice = control.get(30)
    timer.join()
    assert notice == SignalCame(signal.SIGTERM)
    assert control.stops_asked == 1
    assert clock.monotonic() - began < 10


def test_a_wait_for_a_notice_ends_with_its_timeout(control: Control) -> None:
    assert control.get(0) is None
    assert control.get(0.3) is None
