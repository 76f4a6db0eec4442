"""What an exchange that counts by address tells of its count, in each answer and each refusal.

Binance spot does: 6,000 a minute for whoever asks from one address, whatever the key. All parts of
a process that ask at the same place are counted together. Must not know what is asked.
"""

import logging
import re
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, Final
from weakref import WeakValueDictionary

from trading.brokers.allowance import MINUTE_S, Allowance
from trading.brokers.exchanges.errors import is_rate_limit, retry_after

log = logging.getLogger(__name__)

WEIGHT_MAX: Final = 6_000
_COUNTING: Final = frozenset({("binance", "spot")})
_USED: Final = "X-MBX-USED-WEIGHT-1M"
_USED_LOWER: Final = _USED.lower()
_BANNED_UNTIL: Final = re.compile(r"banned until (\d{13})\b")
# Orders are counted for each account, and of their refusal Binance does not say how long it lasts.
_TOO_MANY_ORDERS: Final = re.compile(r"too many new orders", re.IGNORECASE)
_ORDERS_PER: Final = re.compile(r"orders per (\d+) ?(SECOND|MINUTE)")
_INTERVALS_S: Final = {"SECOND": 1, "MINUTE": 60}
# A little later than our clock says: the exchange's may be behind.
_LATER_S: Final = 1.0

_by_address: WeakValueDictionary[str, Allowance] = WeakValueDictionary()
_lock = Lock()


class AddressCount:
    """Read one connection's answers."""

    def __init__(
        self,
        name: str,
        allowance: Allowance,
        venue_at: Callable[[], float],
        now: Callable[[], float],
    ) -> None:
        self._name = name
        self.allowance = allowance
        self._venue_at = venue_at
        self._now = now

    def note(self, headers: Mapping[str, Any] | None, error: BaseException | None = None) -> None:
        """Take in what an answer or a refusal says of the count."""
        if headers is None:
            return
        told = headers.get(_USED) or headers.get(_USED_LOWER)
        if told is not None and str(told).isdigit():
            used = int(told)
            if self.allowance.note_used(used, self._venue_at(), self._now()):
                log.warning(
                    "%s: %d of %d used this minute from this address: reads hold back",
                    self._name,
                    used,
                    self.allowance.weight_max,
                )
        if error is not None and is_rate_limit(error):
            self._note_refusal(headers, error)

    def asked_wait_s(self, headers: Mapping[str, Any] | None, error: BaseException) -> float | None:
        """Return how long a refusal asks to wait, by its header or else by its words."""
        if (seconds := retry_after(headers)) is not None or not is_rate_limit(error):
            return seconds
        text, at = str(error), self._venue_at()
        if (banned := _BANNED_UNTIL.search(text)) is not None:
            return max(0.0, int(banned[1]) / 1000 - at) + _LATER_S
        if _TOO_MANY_ORDERS.search(text) is None:
            return None
        per = _ORDERS_PER.search(text)
        # Of a whole day none is waited for: most of it may be over.
        interval_s = MINUTE_S if per is None else int(per[1]) * _INTERVALS_S[per[2]]
        return interval_s - at % interval_s + _LATER_S

    def _note_refusal(self, headers: Mapping[str, Any], error: BaseException) -> None:
        wait_s = self.asked_wait_s(headers, error)
        if wait_s is None or _TOO_MANY_ORDERS.search(str(error)) is not None:
            return
        if self.allowance.note_pause(wait_s, self._now()):
            log.warning("%s: asks this address to wait for %.0f s", self._name, wait_s)


def count_of(
    exchange: Any,
    name: str,
    market_type: str,
    *,
    venue_at: Callable[[], float],
    now: Callable[[], float],
) -> AddressCount | None:
    """Return what counts for a ccxt object, with all others of the process at its address."""
    if (name, market_type) not in _COUNTING:
        return None
    address = str(exchange.urls["api"]["public"])
    with _lock:
        allowance = _by_address.get(address)
        if allowance is None:
            allowance = _by_address[address] = Allowance(WEIGHT_MAX)
    return AddressCount(name, allowance, venue_at, now)
