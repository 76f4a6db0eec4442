"""The keys of one account at a venue, as values, and what may be shown of them."""

import hashlib
from dataclasses import dataclass
from typing import Final

from trading.brokers.exchanges.loading import Credentials

_SHOWN_LENGTH: Final = 12


@dataclass(frozen=True, slots=True)
class VenueKeys:
    """Hold the key that trades, and a second one for reads alone where there is one."""

    trade: Credentials
    read: Credentials | None = None


def fingerprint_of_key(exchange: str, key: Credentials) -> str:
    """Return a short text that is another for another key and does not tell the key."""
    text = f"tradebridge account\0{exchange}\0{key.key.reveal()}"
    return hashlib.sha256(text.encode()).hexdigest()[:_SHOWN_LENGTH]
