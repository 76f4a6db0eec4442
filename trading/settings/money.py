"""Sections about money: what is traded, how much of it, and when it is enough.

Fractions, whatever their names say: 0.05 is 5 %. The names are those of the original.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from daemonkit.settings import Settings
from trading.market.settings import SYMBOLS_MAX, Symbol
from trading.settings.values import ExposureFraction, Fraction, LossCount, Money, Seconds


def _different(pairs: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(pairs)) != len(pairs):
        raise ValueError("each market once")
    return pairs


Pairs = Annotated[tuple[Symbol, ...], Field(max_length=SYMBOLS_MAX), AfterValidator(_different)]


class TradingSection(Settings):
    """The `trading` section; a lone `allowed` or `off` in its place is its `state`.

    Without pairs, what the feed tells of is traded; without an amount, every order has to say
    its size.
    """

    state: Literal["allowed", "off"] = "allowed"
    pairs: Pairs = ()
    trade_amount_usd: Money | None = 100.0
    max_position_pct: Fraction = 0.25

    @property
    def is_allowed(self) -> bool:
        """Tell whether trading may be switched on at all."""
        return self.state == "allowed"

    @model_validator(mode="before")
    @classmethod
    def _lone_state(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if value not in {"allowed", "off"}:
            raise ValueError("'allowed' or 'off', or a mapping with pairs and amounts")
        return {"state": value}


class TrailingSection(Settings):
    """The `risk.trailing` section: a stop that follows the price once there is a profit."""

    activation_pct: Fraction
    distance_pct: Fraction
    tight_distance_pct: Fraction | None = None

    @model_validator(mode="after")
    def _tighter(self) -> Self:
        if self.tight_distance_pct is not None and self.tight_distance_pct > self.distance_pct:
            raise ValueError("tight_distance_pct at most distance_pct")
        return self


class RiskSection(Settings):
    """The `risk` section: how a position is left, and the losses that end buying."""

    stop_loss_pct: Fraction = 0.05
    take_profit_pct: Fraction | None = 0.10
    trailing: TrailingSection | None = None
    max_exposure_pct: ExposureFraction = 0.9
    max_drawdown_pct: Fraction = 0.15
    daily_loss_pct: Fraction = 0.05
    total_loss_pct: Fraction = 0.10
    symbol_daily_loss_pct: Fraction = 0.03
    symbol_total_loss_pct: Fraction = 0.06
    losing_streak: LossCount = 10
    quote_age_max_s: Seconds = 10.0
