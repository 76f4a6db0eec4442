"""One reading of both clocks: one measures what has passed, the other dates what is told."""

from dataclasses import dataclass

from daemonkit.clock import Clock


@dataclass(frozen=True, slots=True)
class Moment:
    """Hold a moment: `passed` only ever grows, `at` is Unix seconds and jumps when a clock is set.

    An order is given up after a time that has passed; a clock that is set must not shorten it.
    """

    passed: float
    at: float


def moment_of(clock: Clock) -> Moment:
    """Read both clocks."""
    return Moment(clock.monotonic(), clock.wall())
