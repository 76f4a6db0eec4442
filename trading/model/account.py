"""Accounts: whose money it is, at which venue, and what it may do there."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple

from trading.model.values import quickly_found


class MarketKey(NamedTuple):
    """Name one market of one account: what orders, positions, limits and flags are keyed by."""

    account: str
    symbol: str


# There are few markets, and orders and positions are asked for theirs all the time.
key_of: Final = lru_cache(maxsize=4_096)(MarketKey)


@quickly_found
class MarketType(StrEnum):
    """Name how a market is traded: owned coins, borrowed ones, or contracts without expiry."""

    SPOT = "spot"
    MARGIN = "margin"
    SWAP = "swap"


@dataclass(frozen=True, slots=True)
class Account:
    """Hold what is known of an account before it trades; money is in `currency`.

    `can_short` is what configuration and market type allow together; `leverage` is how many
    times its equity the account's positions may be worth.
    """

    name: str
    exchange: str
    market_type: MarketType
    is_paper: bool
    currency: str
    can_short: bool
    leverage: Decimal
