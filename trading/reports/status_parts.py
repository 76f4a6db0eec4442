"""What the views are drawn from: small values that whoever knows the bot fills in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from trading.model.account import MarketKey
from trading.model.difference import OpenDifference
from trading.model.order import Order
from trading.model.position import Position
from trading.reports.numbers import exact_or_none, exact_text, finite_or_none


@dataclass(frozen=True, slots=True)
class AccountView:
    """Show the money of one account; equity, exposure and profit are marked values.

    `capital` is what profit and exposure are measured against: what the account started with.
    `trouble` says why it takes no new risk, or nothing; `residues` are what is too small to be
    sold, by market. Where positions are kept apart from the money, that is the `collateral`, which
    opening one does not touch; `venue_equity` and `free_margin` are the venue's own words.
    """

    name: str
    exchange: str
    is_paper: bool
    currency: str
    cash: Decimal
    equity: float
    exposure: float
    capital: float
    reserved: Decimal = Decimal(0)
    day_profit: float | None = None
    can_short: bool = False
    trouble: str = ""
    residues: Mapping[str, Decimal] = field(default_factory=dict)
    collateral: Decimal | None = None
    venue_equity: Decimal | None = None
    free_margin: Decimal | None = None

    @property
    def label(self) -> str:
        """Return whether it is real money, and its name."""
        return f"{'PAPER' if self.is_paper else 'LIVE'} {self.name}"

    @property
    def money(self) -> Decimal:
        """Return what there is beside positions, as their venue counts it."""
        return self.cash if self.collateral is None else self.collateral

    @property
    def exposure_fraction(self) -> float | None:
        """Return the gross value of its positions as a fraction of the capital."""
        return self.exposure / self.capital if self.capital else None

    def to_fields(self) -> dict[str, Any]:
        """Return the figures for programs."""
        return {
            "account": self.name,
            "exchange": self.exchange,
            "mode": "PAPER" if self.is_paper else "LIVE",
            "currency": self.currency,
            "cash": exact_text(self.cash),
            "collateral": exact_or_none(self.collateral),
            "equity": finite_or_none(self.equity),
            "venue_equity": exact_or_none(self.venue_equity),
            "free_margin": exact_or_none(self.free_margin),
            "exposure": finite_or_none(self.exposure),
            "exposure_fraction": finite_or_none(self.exposure_fraction),
            "capital": finite_or_none(self.capital),
            "reserved": exact_text(self.reserved),
            "day_profit": finite_or_none(self.day_profit),
            "can_short": self.can_short,
            "trouble": self.trouble,
            "residues": {symbol: exact_text(one) for symbol, one in self.residues.items()},
        }


@dataclass(frozen=True, slots=True)
class HoldingView:
    """Show one position; without a price nothing is known of its value.

    `refused` says why it could not be left when that was tried last, and `is_bare` that its stop
    does not rest meanwhile.
    """

    position: Position
    price: float | None
    value: float | None
    profit: float | None
    profit_fraction: float | None
    liquidation_price: Decimal | None = None
    refused: str = ""
    is_bare: bool = False

    @property
    def stop_price(self) -> Decimal | None:
        """Return where it is protected, as far as it is."""
        return None if self.is_bare else self.position.stop_price

    def to_fields(self) -> dict[str, Any]:
        """Return the figures for programs."""
        position = self.position
        return {
            "account": position.account,
            "symbol": position.symbol,
            "side": "long" if position.quantity > 0 else "short",
            "quantity": exact_text(position.quantity),
            "entry_price": exact_text(position.entry_price),
            "price": finite_or_none(self.price),
            "value": finite_or_none(self.value),
            "profit": finite_or_none(self.profit),
            "profit_fraction": finite_or_none(self.profit_fraction),
            "liquidation_price": exact_or_none(self.liquidation_price),
            "stop_price": exact_or_none(self.stop_price),
            "refused": self.refused,
            "target_price": exact_or_none(position.target_price),
            "trail_price": exact_or_none(position.trail_price),
            "opened_at": position.opened_at,
            "instance": position.instance,
            "closing": position.closing,
        }


@dataclass(frozen=True, slots=True)
class FlagView:
    """Show a market of which buying or selling is off, and why; an empty reason is a person's."""

    key: MarketKey
    is_buying_on: bool
    is_selling_on: bool
    buying_reason: str = ""
    selling_reason: str = ""

    def to_fields(self) -> dict[str, Any]:
        """Return the flags for programs."""
        return {
            "account": self.key.account,
            "symbol": self.key.symbol,
            "buying": self.is_buying_on,
            "selling": self.is_selling_on,
            "buying_reason": self.buying_reason,
            "selling_reason": self.selling_reason,
        }


@dataclass(frozen=True, slots=True)
class TrippedView:
    """Show a limit that bars new risk; an empty symbol stands for the whole account."""

    limit: str
    account: str
    symbol: str
    text: str
    lifted_by: str

    def to_fields(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "limit": self.limit,
            "account": self.account,
            "symbol": self.symbol,
            "text": self.text,
            "lifted_by": self.lifted_by,
        }


@dataclass(frozen=True, slots=True)
class InstanceView:
    """Show one strategy instance: what it may do and how it fares."""

    name: str
    strategy: str
    symbol: str
    mode: str
    state: str = ""

    def to_fields(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "name": self.name,
            "strategy": self.strategy,
            "symbol": self.symbol,
            "mode": self.mode,
            "state": self.state,
        }


@dataclass(frozen=True, slots=True)
class Decision:
    """Show what was decided of a symbol, and why."""

    at: float
    symbol: str
    text: str
    account: str = ""


@dataclass(frozen=True, slots=True)
class TradingView:
    """Hold all that the holdings part of a status shows, at one moment of market time.

    `pairs` counts the markets that can be traded. `kill` is why the kill latch is set, or empty.
    """

    is_running: bool
    is_trading_on: bool
    is_paused: bool
    kill: str
    pairs: int
    accounts: Sequence[AccountView]
    holdings: Sequence[HoldingView]
    orders: Sequence[Order]
    at: float
    flags: Sequence[FlagView] = field(default=())
    tripped: Sequence[TrippedView] = field(default=())
    instances: Sequence[InstanceView] = field(default=())
    differences: Sequence[OpenDifference] = field(default=())
