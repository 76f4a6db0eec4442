"""The venue's clock as far as it is known, for whatever is dated or signed there.

A venue refuses what bears a wrong time. With this machine's clock off nothing new is risked, but
a position must still be left: so requests bear the venue's time, as it was last read.
"""

from collections.abc import Callable
from typing import Any, Final

from daemonkit.clock import Clock

# Venues take as much; a reading is no better than its round trip.
TOLERATED_S: Final = 1.0
_MILLIS: Final = 1_000
_HOUR_S: Final = 3_600.0


class VenueClock:
    """Tell the venue's time; one for all connections of an account."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.ahead_s = 0.0

    def wall(self) -> float:
        """Return the venue's seconds since the epoch."""
        return self._clock.wall() + self.ahead_s

    def monotonic(self) -> float:
        """Return the seconds passed since an arbitrary moment."""
        return self._clock.monotonic()

    def past(self, at: float) -> float:
        """Return a time since which something is looked for, and an hour ago for one to come.

        It may be of a clock that was ahead: what was done since would be looked for in vain.
        """
        now = self.wall()
        return at if at <= now else now - _HOUR_S

    def measure(self, read: Callable[[], float]) -> float:
        """Read the venue's clock, and keep how far it is from ours if that matters."""
        asked_at, asked = self._clock.wall(), self._clock.monotonic()
        server_at = read()
        half_trip_s = (self._clock.monotonic() - asked) / 2
        ahead_s = server_at - asked_at - half_trip_s
        self.ahead_s = ahead_s if abs(ahead_s) - half_trip_s > TOLERATED_S else 0.0
        return server_at


def set_by(exchange: Any, clock: VenueClock) -> None:
    """Have a ccxt object sign with the venue's time."""
    own_millis, own_nonce = exchange.milliseconds, exchange.nonce
    last = 0

    def millis() -> int:
        return int(own_millis() + clock.ahead_s * _MILLIS)

    def rising() -> int:
        nonlocal last
        # Kraken takes none that is lower than one before, whatever became of either clock.
        last = max(last + 1, int(own_millis()), millis())
        return last

    exchange.milliseconds = millis
    exchange.seconds = lambda: millis() // _MILLIS
    exchange.nonce = rising if exchange.id == "kraken" else own_nonce
