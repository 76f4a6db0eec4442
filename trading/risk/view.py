"""What the gate sees of the world for one decision: values, put together by the engine."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import inf
from typing import Final

from trading.model.account import Account
from trading.model.instrument import Instrument
from trading.model.order import Order
from trading.model.position import Position
from trading.model.values import quickly_made

_ZERO: Final = Decimal(0)


@quickly_made
@dataclass(frozen=True, slots=True)
class RiskView:
    """Hold the state of one market and its account at the moment of a decision.

    `open_orders` are those of the market. `exposure` is the gross value of all positions of the
    account and `reserved` what its open entries may still cost (`trading.risk.sizing.reserve_of`).
    `price` is the last one seen, `quote_age_s` its age. `buying_off` and `selling_off` say why a
    flag is off, `barred` which tripped limits apply, `kill` why the kill latch is set, `trouble`
    why nothing new may be risked; all are empty when nothing is wrong.
    """

    account: Account
    instrument: Instrument | None
    position: Position | None
    open_orders: Sequence[Order]
    cash: Decimal
    equity: float
    exposure: float
    reserved: Decimal
    price: float | None
    quote_age_s: float
    trading_on: bool
    is_paused: bool
    trading_allowed: bool
    buying_off: str
    selling_off: str
    barred: Sequence[str]
    kill: str
    trouble: str
    at: float

    @property
    def held(self) -> Decimal:
        """Return the quantity held: negative when short, zero when flat."""
        return self.position.quantity if self.position is not None else _ZERO


def view_to_leave(  # noqa: PLR0913, PLR0917 - each is what an exit is asked about
    account: Account,
    instrument: Instrument | None,
    position: Position,
    equity: float,
    price: float | None,
    trading_on: bool,
    trading_allowed: bool,
    selling_off: str,
    at: float,
) -> RiskView:
    """Return what the gate sees when a position is left; with it, nothing new is ever risked."""
    # By position, in the order of the fields: so many names would cost more than all the rest.
    return RiskView(
        account,
        instrument,
        position,
        (),
        _ZERO,
        equity,
        inf,
        _ZERO,
        price,
        inf,
        trading_on,
        False,
        trading_allowed,
        "",
        selling_off,
        (),
        "",
        "only what an exit needs was looked at",
        at,
    )
