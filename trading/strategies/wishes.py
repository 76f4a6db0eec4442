"""Wishes: what a strategy asked for during one call. Values; others decide what comes of them."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from trading.model.order import ExitPlan, OrderType, Side
from trading.model.values import quickly_made


class LogLevel(StrEnum):
    """Name how much a line of a strategy's log matters."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@quickly_made
@dataclass(frozen=True, slots=True)
class PlaceWish:
    """Ask for an order; the fields mean what they mean in an OrderIntent."""

    order_id: str
    side: Side
    type: OrderType = OrderType.MARKET
    quantity: Decimal | None = None
    amount: Decimal | None = None
    equity_fraction: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    exit_plan: ExitPlan | None = None
    reason: str = ""


@quickly_made
@dataclass(frozen=True, slots=True)
class CancelWish:
    """Ask that an order be cancelled; an empty id means all of the instance's orders."""

    order_id: str = ""


@quickly_made
@dataclass(frozen=True, slots=True)
class CloseWish:
    """Ask that the instance's position be closed; harmless when it has none."""

    reason: str = ""


@quickly_made
@dataclass(frozen=True, slots=True)
class TightenWish:
    """Ask that the position's trailing stop follow at its tight distance from now on."""


@quickly_made
@dataclass(frozen=True, slots=True)
class LogWish:
    """Ask for a line in the log."""

    text: str
    level: LogLevel = LogLevel.INFO


@quickly_made
@dataclass(frozen=True, slots=True)
class AlertWish:
    """Ask for a message to the people in charge."""

    text: str


Wish = PlaceWish | CancelWish | CloseWish | TightenWish | LogWish | AlertWish
