"""Sections about accounts: the venue of each, what it may do there, and its paper market."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from daemonkit.settings import Settings
from trading.market.settings import Symbol
from trading.settings.money import Pairs
from trading.settings.values import (
    CostFraction,
    ExchangeName,
    Leverage,
    Money,
    RebateFraction,
)

ACCOUNTS_MAX: Final = 16
MAIN: Final = "main"

MarketTypeName = Literal["spot", "margin", "swap"]
MarginModeName = Literal["cross", "isolated"]
Step = Annotated[float, Field(gt=0, le=1e9)]


class InstrumentSection(Settings):
    """One market under `paper.instruments`: its steps and minimums."""

    price_step: Step | None = None
    quantity_step: Step | None = None
    quantity_min: Step | None = None
    cost_min: Annotated[float, Field(ge=0, le=1e9)] | None = None


class PaperSection(Settings):
    """A `paper` section: what the paper market of an account is like."""

    balance: Money = 10_000.0
    currency: Annotated[str, Field(pattern=r"^[A-Z0-9]{1,20}$")] | None = None
    fee_taker_pct: CostFraction = 0.001
    fee_maker_pct: RebateFraction = 0.001
    slippage_pct: CostFraction = 0.0005
    latency_ms: Annotated[float, Field(ge=0, le=600_000)] = 0.0
    volume_share: Annotated[float, Field(gt=0, le=1)] | None = None
    instruments: dict[Symbol, InstrumentSection] = Field(default_factory=dict)

    def overlaid(self, above: "PaperSection") -> "PaperSection":
        """Return this section with what another one says itself laid over it."""
        said = {name: getattr(above, name) for name in above.model_fields_set}
        if "instruments" in said:
            said["instruments"] = self.instruments | above.instruments
        return self.model_copy(update=said)


class AccountSection(Settings):
    """One account under `accounts`; what it does not say is taken from the top level."""

    exchange: ExchangeName | None = None
    market_type: MarketTypeName | None = None
    dry_run: bool | None = None
    leverage: Leverage | None = None
    allow_short: bool | None = None
    margin_mode: MarginModeName | None = None
    sandbox: bool | None = None
    pairs: Pairs = ()
    paper: PaperSection = PaperSection()
    ccxt: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AccountTerms:
    """Hold everything that is configured for one account, with every default filled in.

    Without `pairs` it trades all that the feed tells of. `sandbox`: at the exchange's test or
    demo venue, where there is one.
    """

    name: str
    exchange: str
    market_type: str
    dry_run: bool
    leverage: float
    allow_short: bool
    margin_mode: str
    sandbox: bool
    pairs: tuple[str, ...]
    paper: PaperSection
    ccxt: Mapping[str, Any]

    @property
    def class_settings(self) -> dict[str, Any]:
        """What the exchange's class is given, the choice of its test venue included."""
        own = dict(self.ccxt)
        if self.sandbox and not own.get("demo"):
            own["sandbox"] = True
        return own
