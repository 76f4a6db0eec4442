"""The whole of `config.yaml` as one model; what its keys mean is said in bots/paper/config.yaml."""

from datetime import UTC, tzinfo
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from daemonkit.settings import Settings
from trading.market.settings import FeedSettings, Symbol, SyntheticSettings
from trading.settings.accounts import (
    MAIN,
    AccountSection,
    AccountTerms,
    MarginModeName,
    PaperSection,
)
from trading.settings.instances import Instances, StrategySection
from trading.settings.live import LiveSection
from trading.settings.money import RiskSection, TradingSection
from trading.settings.process import (
    BridgeSection,
    EngineSection,
    FeedRetrySection,
    LogSection,
    MonitorSection,
    StoreSection,
)
from trading.settings.values import (
    AccountName,
    ExchangeName,
    LevelName,
    Leverage,
    Parameters,
    upper,
)


class BotSettings(Settings):
    """Everything that `config.yaml` says."""

    name: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")] | None = None
    exchange: ExchangeName = "paper"
    mode: Literal["long_only", "leveraged"] = "long_only"
    leverage: Leverage = 1.0
    max_leverage: Leverage = 3.0
    margin_mode: MarginModeName = "cross"
    allow_short: bool = False
    dry_run: bool = True
    sandbox: bool = False
    ccxt: dict[str, Any] = Field(default_factory=dict)
    strategy: StrategySection | None = None
    parameters: Parameters = Field(default_factory=dict)
    symbol_parameters: dict[Symbol, Parameters] = Field(default_factory=dict)
    instances: Instances = ()
    trading: TradingSection = TradingSection()
    risk: RiskSection = RiskSection()
    paper: PaperSection = PaperSection()
    accounts: dict[AccountName, AccountSection] = Field(default_factory=dict)
    live: LiveSection = LiveSection()
    log_level: LevelName = "INFO"
    timezone: str = "UTC"
    status_interval_s: Annotated[float, Field(ge=0.05, le=3_600)] = 1.0
    report_interval_s: Annotated[float, Field(ge=1, le=7 * 86_400)] = 21_600.0
    stop_timeout_s: Annotated[float, Field(ge=1, le=60)] = 10.0
    strategy_budget_ms: Annotated[float, Field(ge=1, le=60_000)] = 250.0
    strategy_frozen_s: Annotated[float, Field(ge=0.1, le=3_600)] = 10.0
    feed: FeedSettings = SyntheticSettings()
    link: BridgeSection = BridgeSection()
    logs: LogSection = LogSection()
    engine: EngineSection = EngineSection()
    store: StoreSection = StoreSection()
    monitor: MonitorSection = MonitorSection()
    feed_retry: FeedRetrySection = FeedRetrySection()

    _normalise = field_validator("log_level", mode="before")(upper)

    @field_validator("strategy", mode="before")
    @classmethod
    def _lone_name(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            zone_of(value)
        except (KeyError, ValueError, OSError):
            raise ValueError("a time zone such as Europe/Berlin") from None
        return value

    @property
    def all_parameters(self) -> Parameters:
        """The parameters of the strategy, wherever they stand."""
        return (self.strategy.params if self.strategy else {}) | self.parameters

    def account_terms(self) -> tuple[AccountTerms, ...]:
        """Return every account with its defaults filled in; a lone exchange is one, `main`."""
        accounts = self.accounts or {MAIN: AccountSection()}
        return tuple(self._complete(name, section) for name, section in accounts.items())

    def _complete(self, name: str, section: AccountSection) -> AccountTerms:
        usual_type = "margin" if self.mode == "leveraged" else "spot"
        market_type = section.market_type or usual_type
        is_spot = market_type == "spot"
        # What the top level allows does not reach an account that only owns what it bought.
        leverage = section.leverage or (1.0 if is_spot else self.leverage)
        ccxt = section.ccxt if self.accounts else self.ccxt
        is_sandbox = self.sandbox if section.sandbox is None else section.sandbox
        allow_short = section.allow_short
        if allow_short is None:
            allow_short = self.allow_short and not is_spot
        return AccountTerms(
            name=name,
            exchange=section.exchange or self.exchange,
            market_type=market_type,
            dry_run=self.dry_run if section.dry_run is None else section.dry_run,
            leverage=leverage,
            allow_short=allow_short,
            margin_mode=section.margin_mode or self.margin_mode,
            sandbox=is_sandbox or any(ccxt.get(name) for name in ("sandbox", "demo")),
            pairs=section.pairs or self.trading.pairs,
            paper=self.paper.overlaid(section.paper),
            ccxt=ccxt,
        )


def zone_of(name: str) -> tzinfo:
    """Return the time zone of a name; KeyError, ValueError or OSError when there is none."""
    # Machines without zone files know UTC too.
    return UTC if name == "UTC" else ZoneInfo(name)
