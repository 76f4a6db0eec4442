"""Orders: what is wanted (intent), what became of it (order), and its executions (fills).

Money is Decimal; `at` times are market time in Unix seconds, UTC. No behaviour beyond arithmetic.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from trading.model.account import MarketKey, key_of
from trading.model.order_states import OrderState
from trading.model.values import quickly_found, quickly_made

_ZERO: Final = Decimal(0)


@quickly_found
class Side(StrEnum):
    """Name the direction of an order."""

    # 1 for a buy and -1 for a sell, and the other side: plain attributes, because a property that
    # compares members costs more than the arithmetic it is for.
    sign: int
    opposite: "Side"

    BUY = "buy"
    SELL = "sell"


Side.BUY.sign, Side.BUY.opposite = 1, Side.SELL
Side.SELL.sign, Side.SELL.opposite = -1, Side.BUY


@quickly_found
class OrderType(StrEnum):
    """Name how an order meets the market.

    BRACKET is an exit pair: a limit order (the target) and a stop, of which one cancels the other.
    """

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"
    BRACKET = "bracket"


@quickly_found
class Purpose(StrEnum):
    """Name what an order is for: only an ENTRY may raise risk."""

    ENTRY = "entry"
    EXIT = "exit"
    PROTECTION = "protection"


@dataclass(frozen=True, slots=True)
class TrailPlan:
    """Hold a trailing stop, as fractions of a price (0.01 is 1 %).

    It is on once the profit has reached `activation` (of the entry price) and then follows the
    best price at `distance`; when tightened, at `tight_distance`.
    """

    activation: Decimal
    distance: Decimal
    tight_distance: Decimal | None = None


@quickly_made
@dataclass(frozen=True, slots=True)
class ExitPlan:
    """Say how a position is to be left; what is None is filled from the account's default.

    Prices win over fractions of the entry price.
    """

    stop_price: Decimal | None = None
    target_price: Decimal | None = None
    stop_fraction: Decimal | None = None
    target_fraction: Decimal | None = None
    trail: TrailPlan | None = None


@quickly_made
@dataclass(frozen=True, slots=True)
class OrderIntent:
    """Say what a strategy, a command or the engine wants.

    The size is `quantity` (base), or `amount` (quote currency), or `equity_fraction` of the
    account's equity, or, with none of them, what the configuration says. `is_forced` is a
    person's order: it passes the flags that a strategy's does not, and no limit.
    """

    account: str
    symbol: str
    side: Side
    purpose: Purpose
    type: OrderType = OrderType.MARKET
    quantity: Decimal | None = None
    amount: Decimal | None = None
    equity_fraction: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    exit_plan: ExitPlan | None = None
    instance: str = ""
    author: str = ""
    reason: str = ""
    is_forced: bool = False
    order_id: str = ""

    @property
    def key(self) -> MarketKey:
        """Return the market of the account that it is for."""
        return key_of(self.account, self.symbol)


@quickly_made
@dataclass(frozen=True, slots=True)
class Order:
    """Hold one order with all that became of it.

    `id` is the client order id. `cost` is the sum of price times quantity of its fills, `fees`
    what they cost in the quote currency; `accepted_at` is when the venue had it.
    """

    id: str
    account: str
    symbol: str
    side: Side
    type: OrderType
    purpose: Purpose
    quantity: Decimal
    created_at: float
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    reduce_only: bool = False
    instance: str = ""
    author: str = ""
    reason: str = ""
    exit_plan: ExitPlan | None = None
    # What one unit may cost at most: the reserve for an order that has no price of its own.
    reserve_price: Decimal = _ZERO
    state: OrderState = OrderState.NEW
    filled: Decimal = _ZERO
    cost: Decimal = _ZERO
    fees: Decimal = _ZERO
    venue_id: str = ""
    accepted_at: float | None = None
    updated_at: float = 0.0
    is_triggered: bool = False
    is_cancelling: bool = False
    note: str = ""

    @property
    def key(self) -> MarketKey:
        """Return the market of the account that it is for."""
        return key_of(self.account, self.symbol)

    @property
    def remaining(self) -> Decimal:
        """Return what is not filled yet."""
        return self.quantity - self.filled

    @property
    def average_price(self) -> Decimal | None:
        """Return the mean price of its fills, or None without any."""
        return self.cost / self.filled if self.filled else None


@quickly_made
@dataclass(frozen=True, slots=True)
class Fill:
    """Hold one execution; `fill_id` is unique within its account. A negative fee is a rebate.

    `fee_worth` is what a fee in a third currency is worth in the quote currency, as far as it is
    known.
    """

    fill_id: str
    account: str
    order_id: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    fee: Decimal
    fee_currency: str
    at: float
    is_maker: bool = False
    fee_worth: Decimal | None = None

    @property
    def fee_cost(self) -> Decimal:
        """Return the fee in the quote currency; nothing where its worth is not known."""
        base, _, quote = self.symbol.partition("/")
        if self.fee_currency in ("", quote.partition(":")[0]):
            return self.fee
        if self.fee_currency == base:
            return self.fee * self.price
        return _ZERO if self.fee_worth is None else self.fee_worth
