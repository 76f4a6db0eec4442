"""From a configuration to the values that the core is made with: money becomes Decimal here."""

from decimal import Decimal

from trading.brokers.paper.terms import PaperTerms
from trading.config import BotConfig
from trading.market.profile import build_profile
from trading.market.settings import ExchangeFeedSettings, SyntheticSettings
from trading.model.account import Account, MarketType
from trading.model.instrument import Instrument, to_decimal
from trading.model.order import TrailPlan
from trading.risk.settings import LimitSettings, RiskSettings
from trading.settings.accounts import AccountTerms, InstrumentSection
from trading.settings.bot import BotSettings
from trading.settings.markets import all_pairs, currency_of, pairs_of, split_symbol
from trading.settings.money import TrailingSection

_STEP = Decimal("1e-8")
_COST_MIN = Decimal(1)


def accounts_of(config: BotConfig) -> tuple[Account, ...]:
    """Return the accounts, in the order of the configuration."""
    settings = config.settings
    return tuple(_account(terms, settings) for terms in settings.account_terms())


def pairs_of_account(config: BotConfig, account: str) -> tuple[str, ...]:
    """Return the markets that an account trades."""
    return pairs_of(_terms(config, account), config.settings)


def paper_terms_of(config: BotConfig, account: str) -> PaperTerms:
    """Return what the paper market of an account is like."""
    paper = _terms(config, account).paper
    return PaperTerms(
        fee_taker=to_decimal(paper.fee_taker_pct),
        fee_maker=to_decimal(paper.fee_maker_pct),
        slippage=to_decimal(paper.slippage_pct),
        latency_s=paper.latency_ms / 1000,
        volume_share=_optional(paper.volume_share),
    )


def paper_balance_of(config: BotConfig, account: str) -> Decimal:
    """Return the money that a paper account begins with."""
    return to_decimal(_terms(config, account).paper.balance)


def instruments_of(config: BotConfig) -> dict[str, Instrument]:
    """Return the steps and minimums of every market that is traded, as far as they are known.

    Those of an exchange are told by it, and nothing is assumed about them before.
    """
    settings = config.settings
    if isinstance(settings.feed, ExchangeFeedSettings):
        return {}
    said: dict[str, InstrumentSection] = {}
    for terms in settings.account_terms():
        said = dict(terms.paper.instruments) | said
    return {
        symbol: _instrument(symbol, said.get(symbol, InstrumentSection()), settings)
        for symbol in all_pairs(settings)
    }


def risk_settings(config: BotConfig) -> RiskSettings:
    """Return the sizes, caps and default exits."""
    trading, risk = config.settings.trading, config.settings.risk
    return RiskSettings(
        trade_amount=_optional(trading.trade_amount_usd),
        max_position_fraction=to_decimal(trading.max_position_pct),
        max_exposure_fraction=to_decimal(risk.max_exposure_pct),
        stop_fraction=to_decimal(risk.stop_loss_pct),
        target_fraction=_optional(risk.take_profit_pct),
        trail=_trail(risk.trailing),
        quote_age_max_s=risk.quote_age_max_s,
        max_leverage=to_decimal(config.settings.max_leverage),
    )


def limit_settings(config: BotConfig) -> LimitSettings:
    """Return the losses that end buying."""
    risk = config.settings.risk
    return LimitSettings(
        max_drawdown_fraction=to_decimal(risk.max_drawdown_pct),
        account_daily_loss=to_decimal(risk.daily_loss_pct),
        account_total_loss=to_decimal(risk.total_loss_pct),
        symbol_daily_loss=to_decimal(risk.symbol_daily_loss_pct),
        symbol_total_loss=to_decimal(risk.symbol_total_loss_pct),
        losing_streak=risk.losing_streak,
    )


def _account(terms: AccountTerms, settings: BotSettings) -> Account:
    return Account(
        name=terms.name,
        exchange=terms.exchange,
        market_type=MarketType(terms.market_type),
        is_paper=terms.dry_run,
        currency=currency_of(terms, settings),
        can_short=terms.allow_short,
        leverage=to_decimal(terms.leverage),
    )


def _terms(config: BotConfig, account: str) -> AccountTerms:
    return next(one for one in config.settings.account_terms() if one.name == account)


def _instrument(symbol: str, said: InstrumentSection, settings: BotSettings) -> Instrument:
    base, quote = split_symbol(symbol)
    price_step, quantity_step = _usual_steps(symbol, settings)
    quantity_step = _optional(said.quantity_step) or quantity_step
    cost_min = _optional(said.cost_min)
    return Instrument(
        symbol=symbol,
        base=base,
        quote=quote,
        price_step=_optional(said.price_step) or price_step,
        quantity_step=quantity_step,
        quantity_min=_optional(said.quantity_min) or quantity_step,
        cost_min=_COST_MIN if cost_min is None else cost_min,
    )


def _usual_steps(symbol: str, settings: BotSettings) -> tuple[Decimal, Decimal]:
    """Return the steps of price and quantity: those of the built-in market where it is the feed."""
    if not isinstance(settings.feed, SyntheticSettings):
        return _STEP, _STEP
    profile = build_profile(symbol, settings.feed.seed)
    return Decimal(1).scaleb(-profile.price_decimals), Decimal(1).scaleb(-profile.size_decimals)


def _trail(section: TrailingSection | None) -> TrailPlan | None:
    if section is None:
        return None
    return TrailPlan(
        activation=to_decimal(section.activation_pct),
        distance=to_decimal(section.distance_pct),
        tight_distance=_optional(section.tight_distance_pct),
    )


def _optional(value: float | None) -> Decimal | None:
    return None if value is None else to_decimal(value)
