"""What the engine knows of the venue of one live account: whether it can be traded, and how.

Belongs to one desk. Whoever keeps differences between book and venue notes them here, and says
how much of a currency is at the venue that is none of ours.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from trading.model.account import MarketKey
from trading.model.order import Order
from trading.model.order_states import OrderState
from trading.model.venue_news import MarginSeen


class VenueState:
    """Hold what was heard of an account's venue since the start."""

    __slots__ = (
        "_asked",
        "_differences",
        "account",
        "foreign",
        "has_brackets",
        "has_money",
        "has_stops",
        "is_connected",
        "is_looked_at",
        "margin",
        "money_since",
        "trouble",
    )

    def __init__(self, account: str) -> None:
        self.account = account
        self.is_connected = False
        # Whether everything that is there was held against what is known, at least once.
        self.is_looked_at = False
        # Whether the money that it begins with was ever seen, and when that was.
        self.has_money = False
        self.money_since = float("-inf")
        # What the venue itself says of the account's worth, where it does.
        self.margin: MarginSeen | None = None
        self.has_stops = False
        self.has_brackets = False
        # Why its worker says that nothing new should be risked, or nothing.
        self.trouble = ""
        # How much of a currency is there that no market of ours has bought.
        self.foreign: dict[str, Decimal] = {}
        self._differences: dict[MarketKey, str] = {}
        self._asked = 0

    def next_number(self) -> int:
        """Return the number of the next wish to look at the account; a look of its own has 0."""
        self._asked += 1
        return self._asked

    @property
    def asked(self) -> int:
        """Return the number of the last wish."""
        return self._asked

    def note_difference(self, key: MarketKey, text: str) -> None:
        """Note why a market takes no new risk until its difference is settled; "" ends it."""
        if text:
            self._differences[key] = text
        else:
            self._differences.pop(key, None)

    @property
    def differences(self) -> Mapping[MarketKey, str]:
        """Return the markets with an open difference, in words."""
        return self._differences

    @property
    def account_trouble(self) -> str:
        """Say why the whole account takes no new risk, or nothing."""
        if not self.is_connected:
            return self.trouble or "its venue is not connected yet"
        if self.trouble:
            return self.trouble
        if not self.is_looked_at:
            return "its account has not been looked at completely since the start"
        return "" if self.has_money else "no money of its currency has been seen in it yet"

    def trouble_in(self, key: MarketKey, orders: Sequence[Order]) -> str:
        """Say why a market takes no new risk, or nothing; `orders` are those open in it."""
        if trouble := self.account_trouble:
            return trouble
        for order in orders:
            if order.state is OrderState.UNKNOWN:
                return f"order {order.id} there is UNKNOWN and is being looked up: /orders shows it"
        return self._differences.get(key, "")
