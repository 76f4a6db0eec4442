"""What an exchange still lets one address ask, by what it has told: one for all who ask from here.

It counts whoever asks from the same address, by the minutes of its own clock. Reads hold back
before all is used up; orders wait in a pause alone that it has asked for. Pure: time is handed in.
"""

from threading import Lock
from typing import Final

MINUTE_S: Final = 60.0
# How far our clock and the exchange's may be apart together with the way of an answer: what is told
# right after a full minute may still be the count of the one before.
MARGIN_S: Final = 2.0
# How much may be used, by whomever, for a read of each haste to be asked; the rest is for orders.
URGENT_SHARE: Final = 0.95
WANTED_SHARE: Final = 0.9
ROUTINE_SHARE: Final = 0.5
# A read that weighs more counts as so much of all: it would wait for ever where others ask too.
_WEIGHT_SHARE_MAX: Final = 0.25
# Exits have to be tried now and then, however long a ban lasts.
ORDERS_PAUSE_MAX_S: Final = 300.0


class Allowance:
    """Hold what was told of one address; any thread may ask and tell."""

    __slots__ = (
        "__weakref__",
        "_lock",
        "_told",
        "orders_paused_until",
        "paused_until",
        "weight_max",
    )

    def __init__(self, weight_max: float) -> None:
        self.weight_max = weight_max
        # How much was used, and until when that counts. One value, so that no reader needs a lock.
        self._told = (0.0, 0.0)
        self._lock = Lock()
        self.paused_until = 0.0
        self.orders_paused_until = 0.0

    def note_used(self, used: float, venue_at: float, now: float) -> bool:
        """Take in the count of the minute that it is at the exchange; True when it gets scarce."""
        before, counts_until = self._told
        left_s = MINUTE_S - (venue_at - MARGIN_S) % MINUTE_S
        self._told = (used, now + left_s)
        scarce = WANTED_SHARE * self.weight_max
        return used > scarce and not (before > scarce and now < counts_until)

    def note_pause(self, for_s: float, now: float) -> bool:
        """Take in that nothing may be asked for a time; False when that was known."""
        with self._lock:
            is_new = now >= self.paused_until
            self.paused_until = max(self.paused_until, now + for_s)
            orders_until = now + min(for_s, ORDERS_PAUSE_MAX_S)
            self.orders_paused_until = max(self.orders_paused_until, orders_until)
        return is_new

    def order_wait_s(self, now: float) -> float:
        """Return how long orders and cancels have to wait."""
        return max(0.0, self.orders_paused_until - now)

    def pause_s(self, now: float) -> float:
        """Return how long the exchange wants not to be asked."""
        return max(0.0, self.paused_until - now)

    def read_wait_s(self, weight: float, share: float, now: float) -> float:
        """Return how long a read has to wait: for a pause, and for a minute with enough left."""
        used, counts_until = self._told
        counted = min(weight, _WEIGHT_SHARE_MAX * self.weight_max)
        is_too_much = used + counted > share * self.weight_max
        wait_s = counts_until - now if is_too_much else 0.0
        return max(0.0, self.paused_until - now, wait_s)
