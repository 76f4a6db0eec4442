"""Timing: the moments and limits that the connection is given, and the clock of its shells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from tcpproto.frames import FRAME_LEN_MAX


class Clock(Protocol):
    """Tell the time; handed in, so that tests own it."""

    def wall(self) -> float:
        """Return seconds since the epoch."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        ...


class Now(NamedTuple):
    """Hold one moment: wall time for frames, monotonic time for limits, both in seconds."""

    wall: float
    monotonic: float


@dataclass(frozen=True, slots=True)
class Limits:
    """Hold the limits of a connection; every one can be set in the configuration."""

    frame_len_max: int = FRAME_LEN_MAX
    handshake_s: float = 5.0
    legacy_silence_s: float = 1.0
    heartbeat_s: float = 4.0
    dead_after_s: float = 14.0


_new = tuple.__new__  # a named tuple's own constructor takes twice as long


def read_clock(clock: Clock) -> Now:
    """Return the present moment of a clock."""
    return _new(Now, (clock.wall(), clock.monotonic()))
