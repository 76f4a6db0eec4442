"""The words of the fake exchange: markets, accounts, orders, trades, bookings and refusals."""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Final

ZERO: Final = Decimal(0)


class MarketKind(StrEnum):
    SPOT = "spot"
    MARGIN = "margin"  # coins, and positions for orders with a leverage
    SWAP = "swap"  # positions only


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> int:
        return 1 if self is Side.BUY else -1

    @property
    def other(self) -> "Side":
        return Side.SELL if self is Side.BUY else Side.BUY


class OrderKind(StrEnum):
    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"  # becomes a market order at its trigger
    STOP_LIMIT = "stop limit"
    TAKE_PROFIT = "take profit"
    TAKE_PROFIT_LIMIT = "take profit limit"
    BRACKET = "bracket"  # one order that is a limit and a stop: whichever comes first


class TimeInForce(StrEnum):
    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"


class OrderState(StrEnum):
    OPEN = "open"
    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class BookingKind(StrEnum):
    TRADE = "trade"
    FEE = "fee"
    PROFIT = "profit"  # of a position that was closed, or its loss
    FUNDING = "funding"
    ROLLOVER = "rollover"
    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"


class Refusal(StrEnum):
    """Why the venue definitely does not take a request; a dialect says it in its own words."""

    INSUFFICIENT_FUNDS = "insufficient funds"
    BELOW_MINIMUM = "quantity below the minimum"
    BELOW_COST = "cost below the minimum"
    BAD_QUANTITY = "quantity is no multiple of the step"
    BAD_PRICE = "price is no multiple of the step"
    MISSING_PRICE = "a price is missing"
    NO_PRICE = "the market has no price yet"
    UNKNOWN_MARKET = "unknown market"
    UNKNOWN_ORDER = "unknown order"
    DUPLICATE_CLIENT_ID = "client id is taken"
    WOULD_TAKE = "post-only order would take"
    WOULD_TRIGGER = "trigger is reached already"
    NO_POSITION = "no position to reduce"
    BAD_LEVERAGE = "leverage is not allowed"
    MARKET_CLOSED = "market is closed"


class RefusedError(Exception):
    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal


class ClientIds(StrEnum):
    """Among which orders of an account a client id must be unique."""

    OPEN = "open"
    ALL = "all"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Market:
    symbol: str  # as ccxt writes it: BTC/USD, or BTC/USD:USD for a swap
    base: str
    quote: str
    price_step: Decimal
    quantity_step: Decimal
    quantity_min: Decimal
    cost_min: Decimal = ZERO
    kind: MarketKind = MarketKind.SPOT
    leverage_max: int = 1
    contract_size: Decimal = Decimal(1)
    maintenance: Decimal = Decimal("0.01")  # of a position's value; liquidated below it


@dataclass(frozen=True, slots=True)
class Fees:
    """What an account pays, as ratios, and in what.

    `paid_in` is "quote", "base", "received" (what a trade brings in) or a third currency, of
    which one is worth `worth` in the quote currency; without enough of it "received" holds.
    """

    maker: Decimal = ZERO
    taker: Decimal = ZERO
    paid_in: str = "quote"
    worth: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True)
class Rights:
    trade: bool = True
    query: bool = True
    withdraw: bool = False


@dataclass(eq=False, slots=True)
class Account:
    name: str
    fees: Fees = field(default_factory=Fees)
    leverage: dict[str, Decimal] = field(default_factory=dict)  # by symbol, for swaps


@dataclass(eq=False, slots=True)
class ApiKey:
    account: Account
    key: str
    secret: str
    rights: Rights = Rights()
    last_nonce: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """An order as it is asked for.

    `cost` in place of a quantity buys at market for so much of the quote currency. Orders of one
    `group` hold their funds once, and the first execution or trigger cancels the others.
    `attached` is placed by the venue for each execution of this order, in the quantity executed.
    """

    symbol: str
    side: Side
    kind: OrderKind
    quantity: Decimal = ZERO
    price: Decimal | None = None
    trigger: Decimal | None = None
    client_id: str = ""
    cost: Decimal | None = None
    tif: TimeInForce = TimeInForce.GTC
    is_reduce_only: bool = False
    is_post_only: bool = False
    leverage: Decimal | None = None
    expires_at: float | None = None
    group: str = ""
    attached: "Wish | None" = None


@dataclass(eq=False, slots=True)
class Trade:
    id: str
    number: int
    account: str
    order_id: str
    client_id: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    cost: Decimal
    fee: Decimal
    fee_currency: str
    at: float
    is_maker: bool
    profit: Decimal = ZERO  # of the position that it closed
    margin: Decimal = ZERO


@dataclass(eq=False, slots=True)
class Order:
    id: str
    number: int
    account: Account
    wish: Wish
    quantity: Decimal
    opened_at: float
    state: OrderState = OrderState.OPEN
    filled: Decimal = ZERO
    cost: Decimal = ZERO
    fee: Decimal = ZERO
    fee_currency: str = ""
    updated_at: float = 0.0
    closed_at: float | None = None
    reason: str = ""  # why it ended, where it was not filled
    is_triggered: bool = False
    is_resting: bool = False  # in the book: it makes, and no longer takes
    taken_at_once: int = 0  # how many of its trades came as it arrived
    parent_id: str = ""  # the order that it is attached to
    trades: list[Trade] = field(default_factory=list)

    @property
    def client_id(self) -> str:
        return self.wish.client_id

    @property
    def symbol(self) -> str:
        return self.wish.symbol

    @property
    def side(self) -> Side:
        return self.wish.side

    @property
    def is_open(self) -> bool:
        return self.state is OrderState.OPEN

    @property
    def left(self) -> Decimal:
        return self.quantity - self.filled

    def crosses(self, price: Decimal) -> bool:
        """Say whether its limit allows a price."""
        assert self.wish.price is not None
        return (self.wish.price - price) * self.side.sign >= 0

    @property
    def average(self) -> Decimal:
        """The mean price of what is filled, 0 before."""
        return self.cost / self.filled if self.filled else ZERO


@dataclass(eq=False, slots=True)
class Position:
    account: Account
    market: Market
    quantity: Decimal = ZERO  # negative when short
    entry_price: Decimal = ZERO
    leverage: Decimal = Decimal(1)
    opened_at: float = 0.0
    order_id: str = ""
    fee: Decimal = ZERO

    @property
    def margin(self) -> Decimal:
        return self.value_at(self.entry_price) / self.leverage

    def value_at(self, price: Decimal) -> Decimal:
        return abs(self.quantity) * self.market.contract_size * price

    def profit_at(self, price: Decimal) -> Decimal:
        return self.quantity * self.market.contract_size * (price - self.entry_price)

    @property
    def liquidation_price(self) -> Decimal:
        """Where what is left of the margin is the maintenance margin; 0 if nowhere."""
        room = 1 / self.leverage - self.market.maintenance
        sign = 1 if self.quantity > 0 else -1
        price = self.entry_price * (1 - sign * room)
        step = self.market.price_step
        return max(ZERO, (price / step).to_integral_value() * step)


@dataclass(frozen=True, slots=True)
class Booking:
    id: str
    number: int
    account: str
    currency: str
    amount: Decimal
    kind: BookingKind
    at: float
    trade_id: str
    symbol: str
    total: Decimal  # of the currency, after it


@dataclass(frozen=True, slots=True)
class Balance:
    total: Decimal
    used: Decimal

    @property
    def free(self) -> Decimal:
        return self.total - self.used
