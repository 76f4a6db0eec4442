"""Positions and the trades they become once closed. Values; the arithmetic is in the ledger."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from trading.model.account import MarketKey, key_of
from trading.model.order import Side, TrailPlan
from trading.model.values import quickly_made

_ZERO: Final = Decimal(0)
# Members are looked up through their class, which costs more than a comparison.
_BUY: Final = Side.BUY
_SELL: Final = Side.SELL


@quickly_made
@dataclass(frozen=True, slots=True)
class Position:
    """Hold what is held of one market in one account, and how it is to be left.

    `quantity` is negative when short. `entry_price` is the mean price of what is still held,
    without fees; `fees` and `realised` (gross, of what was already sold) belong to the whole
    trade so far, and `entry_quantity`, `entry_cost`, `exit_quantity`, `exit_cost` sum up its
    two sides. `best_price` is the most favourable price seen since the entry; `trail_price` is
    where a trailing stop that is on stands. `closing` says why it is being closed, or is empty.
    """

    account: str
    symbol: str
    quantity: Decimal
    entry_price: Decimal
    opened_at: float
    instance: str = ""
    entry_quantity: Decimal = _ZERO
    entry_cost: Decimal = _ZERO
    exit_quantity: Decimal = _ZERO
    exit_cost: Decimal = _ZERO
    fees: Decimal = _ZERO
    realised: Decimal = _ZERO
    stop_price: Decimal | None = None
    target_price: Decimal | None = None
    trail: TrailPlan | None = None
    is_trail_tight: bool = False
    best_price: float = 0.0
    trail_price: Decimal | None = None
    closing: str = ""

    @property
    def key(self) -> MarketKey:
        """Return the market of the account that it is in."""
        return key_of(self.account, self.symbol)

    @property
    def side(self) -> Side:
        """Return BUY for a long position and SELL for a short one."""
        return _BUY if self.quantity > 0 else _SELL


@quickly_made
@dataclass(frozen=True, slots=True)
class Trade:
    """Hold one closed trade: from flat, through a position, to flat again.

    `profit` is net: `gross` less `fees`, in the account's currency. `number` counts all trades
    of the bot, from 1, without a gap.
    """

    number: int
    account: str
    symbol: str
    instance: str
    side: Side
    quantity: Decimal
    entry_price: Decimal
    exit_price: Decimal
    opened_at: float
    closed_at: float
    gross: Decimal
    fees: Decimal
    profit: Decimal
    reason: str

    @property
    def key(self) -> MarketKey:
        """Return the market of the account that it was in."""
        return key_of(self.account, self.symbol)

    @property
    def profit_fraction(self) -> Decimal:
        """Return the profit as a fraction of what was paid for the position."""
        return self.profit / (self.entry_price * self.quantity)
