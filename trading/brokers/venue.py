"""What a real venue is asked and what it answers, in our own words: the one interface of brokers.

A call is one request on the wire, or a few for a read, on the calling thread. Must not know the
engine, threads, retries or limits: those are around it, and the same for every venue.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from trading.errors import TradingError
from trading.model.instrument import Instrument
from trading.model.order import Order, OrderType, Side


@dataclass(frozen=True, slots=True)
class Taken:
    """Say that the venue has the order, and by which id it knows it."""

    venue_id: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Say that the venue definitely has not got the order.

    `is_passing` is a reason of the moment, such as a rate limit: the same order may be sent again.
    """

    reason: str
    is_passing: bool = False
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Unclear:
    """Say that nobody knows whether the venue acted: look it up, never repeat it."""

    reason: str


SubmitAnswer = Taken | Refused | Unclear


class CancelAnswer(StrEnum):
    """Name what a venue says of a cancel without showing what became of the order."""

    ASKED = "asked"
    NOT_OPEN = "not open"
    UNCLEAR = "unclear"


class VenueOrderState(StrEnum):
    """Name what a venue says of an order."""

    OPEN = "open"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class VenueOrder:
    """Hold an order as the venue shows it; `client_id` is empty where it is not ours or not told.

    `filled` counts all executions, `note` is the venue's own reason for the end if it gave one.
    """

    venue_id: str
    client_id: str
    symbol: str
    side: Side
    type: OrderType
    quantity: Decimal
    filled: Decimal
    state: VenueOrderState
    at: float
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    is_reduce_only: bool = False
    note: str = ""


# An order is shown only as it has ended by the cancel, with all that was executed of it. After
# any other answer it is looked up.
CancelOutcome = CancelAnswer | VenueOrder


@dataclass(frozen=True, slots=True)
class VenueFill:
    """Hold one execution as the venue shows it; `fill_id` is unique within the account.

    A negative fee is a rebate; `fee_worth` is a fee in a third currency in the quote currency,
    as far as it is known. `is_forced`: the venue closed a position by itself, as in a liquidation.
    """

    fill_id: str
    venue_id: str
    client_id: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    fee: Decimal
    fee_currency: str
    at: float
    is_maker: bool = False
    fee_worth: Decimal | None = None
    is_forced: bool = False


@dataclass(frozen=True, slots=True)
class Holding:
    """Hold how much of one currency an account has, and how much of it no order holds.

    Of an account with positions apart from it, where that is told: what it is worth with them, and
    how much can carry more of them.
    """

    total: Decimal
    free: Decimal
    equity: Decimal | None = None
    margin_free: Decimal | None = None


@dataclass(frozen=True, slots=True)
class VenuePosition:
    """Hold a borrowed or derivative position; the quantity is in base units, negative if short."""

    symbol: str
    quantity: Decimal
    entry_price: Decimal
    liquidation_price: Decimal | None = None
    leverage: Decimal | None = None


class CashKind(StrEnum):
    """Name why money came or went although nothing was traded."""

    FUNDING = "funding"
    INTEREST = "interest"
    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class CashMove:
    """Hold one booking of the account's money that no fill explains; `id` is the venue's."""

    id: str
    currency: str
    amount: Decimal
    kind: CashKind
    at: float


@dataclass(frozen=True, slots=True)
class Abilities:
    """Say what an account's venue can do: what it cannot, the engine watches itself.

    `stops`: a stop can rest there. `brackets`: stop and target can rest as one order.
    `positions`: it keeps positions apart from holdings (margin, swap). `cash_moves`: it tells
    fundings, deposits and withdrawals. `deadline_s`: an order that arrives later than this after
    it was sent is refused by the venue itself; None when it has no such rule.
    `finds_at_once`: how many orders it shows by its ids in one request. `fills_by_market`: it shows
    executions of one market at a time, so that to read them all is dear.
    """

    stops: bool
    brackets: bool
    positions: bool
    cash_moves: bool
    deadline_s: float | None = None
    finds_at_once: int = 1
    fills_by_market: bool = False


@dataclass(frozen=True, slots=True)
class KeyRights:
    """Hold what the venue tells of a key; None where it does not tell.

    `account_id` is the venue's own name of the account, or nothing.
    """

    can_withdraw: bool | None = None
    can_trade: bool | None = None
    account_id: str = ""


@dataclass(frozen=True, slots=True)
class Connected:
    """Hold what a venue tells before anything is traded."""

    abilities: Abilities
    instruments: Mapping[str, Instrument] = field(default_factory=dict)
    rights: KeyRights = KeyRights()


class FailureKind(StrEnum):
    """Name how a read failed: what follows is a matter of the kind."""

    UNREACHABLE = "unreachable"
    BUSY = "rate limit"
    KEY = "key refused"
    MAINTENANCE = "maintenance"
    BAD_ANSWER = "bad answer"
    REFUSED = "refused"
    GAVE_WAY = "an order came first"


class VenueError(TradingError):
    """Say that a read failed; nothing was changed at the venue."""

    def __init__(self, text: str, kind: FailureKind, *, retry_after_s: float | None = None) -> None:
        super().__init__(text)
        self.kind = kind
        self.retry_after_s = retry_after_s


class Venue(Protocol):
    """Act for one account at one venue with one key. Reads raise VenueError and nothing else."""

    @property
    def name(self) -> str:
        """The venue, for people."""
        ...

    def connect(self) -> Connected:
        """Load the account's markets and look at the key."""
        ...

    def submit(self, order: Order) -> SubmitAnswer:
        """Send an order with its client order id, in exactly one request; raise nothing."""
        ...

    def cancel(self, order: Order) -> CancelOutcome:
        """Ask for a cancel, in exactly one request; raise nothing."""
        ...

    def find(self, order: Order) -> VenueOrder | None:
        """Look an order up by its ids among open and closed ones; None: the venue has not got it.

        It must never return None when it could not look everywhere: that is a VenueError.
        """
        ...

    def find_all(self, orders: Sequence[Order]) -> Sequence[VenueOrder]:
        """Show several orders by the venue's ids, in one request; what is left out says nothing."""
        ...

    def open_orders(self) -> Sequence[VenueOrder]:
        """Return every open order of the account in its markets, also those that are not ours."""
        ...

    def fills(self, since: float) -> Sequence[VenueFill]:
        """Return every execution in the account's markets since a time, oldest first, all pages."""
        ...

    def holdings(self) -> Mapping[str, Holding]:
        """Return what the account has, by currency, without zeros."""
        ...

    def positions(self) -> Sequence[VenuePosition]:
        """Return the positions of a margin or derivative account; nothing on spot."""
        ...

    def cash_moves(self, since: float) -> Sequence[CashMove]:
        """Return the bookings that no fill explains since a time, oldest first."""
        ...

    def server_time(self) -> float:
        """Return the venue's clock in Unix seconds."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...
