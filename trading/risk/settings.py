"""What configuration says about risk: sizes, caps, default exits, and the bounds of losses.

Fractions are of the account's equity unless said otherwise; 0.05 is 5 %.
"""

from dataclasses import dataclass
from decimal import Decimal

from trading.model.order import TrailPlan


@dataclass(frozen=True, slots=True)
class RiskSettings:
    """Hold how large orders may be, and how a position is left when nobody said how.

    `trade_amount` is what an entry without a size of its own costs, in the quote currency;
    `stop_fraction` and `target_fraction` are of the entry price; `cost_reserve_fraction` is
    what fees and slippage may add to a price. An account with more than `max_leverage` risks
    nothing new.
    """

    trade_amount: Decimal | None = None
    max_position_fraction: Decimal = Decimal("0.25")
    max_exposure_fraction: Decimal = Decimal("0.9")
    stop_fraction: Decimal = Decimal("0.05")
    target_fraction: Decimal | None = Decimal("0.10")
    trail: TrailPlan | None = None
    quote_age_max_s: float = 10.0
    cost_reserve_fraction: Decimal = Decimal("0.01")
    max_leverage: Decimal = Decimal(3)


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """Hold how much may be lost before nothing new is bought.

    `max_drawdown_fraction` is a fall from the highest equity; the total losses count from the
    starting equity, the daily ones from the equity at the start of the trading day.
    """

    max_drawdown_fraction: Decimal = Decimal("0.15")
    account_daily_loss: Decimal = Decimal("0.05")
    account_total_loss: Decimal = Decimal("0.10")
    symbol_daily_loss: Decimal = Decimal("0.03")
    symbol_total_loss: Decimal = Decimal("0.06")
    losing_streak: int = 10
