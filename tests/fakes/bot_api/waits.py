"""How a test waits for something in the simulated Telegram: for a condition, with a deadline."""

from collections.abc import Callable
from typing import TypeVar

from daemonkit.clock import SystemClock
from tests.fakes.bot_api.world import World

T = TypeVar("T")

_COSTLY_S = 0.002
_LOOK_S = 0.25  # conditions may also hang on what is outside of this world


def wait_in(
    world: World,
    condition: Callable[[], T],
    what: str | Callable[[], str],
    timeout_s: float,
) -> T:
    """Return the first true answer of `condition`, asked whenever something has happened."""
    deadline = SystemClock.monotonic() + timeout_s
    with world.changed:
        while True:
            began = SystemClock.monotonic()
            if answer := condition():
                return answer
            now = SystemClock.monotonic()
            if now >= deadline:
                words = what if isinstance(what, str) else what()
                raise AssertionError(f"not within {timeout_s:g} s: {words}")
            world.changed.wait(min(deadline - now, _LOOK_S))
            if now - began > _COSTLY_S:
                # A long list to look through: what is watched must not be slowed by the watching.
                world.changed.wait_for(lambda: False, now - began)
