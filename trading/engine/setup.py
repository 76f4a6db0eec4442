"""What the trader is made with: accounts, instruments, rules, instances, and what was kept.

Values only, handed in by the shell; the backtest and the live bot fill in the same ones.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from decimal import Decimal

from trading.brokers.paper.terms import PaperTerms
from trading.model.account import Account
from trading.model.instrument import Instrument
from trading.model.mode import Mode
from trading.model.order import Order
from trading.model.position import Position, Trade
from trading.risk.settings import LimitSettings, RiskSettings
from trading.strategies.loader import StrategyType


@dataclass(frozen=True, slots=True)
class InstanceSetup:
    """Hold one instance of a strategy: what runs, where, and whether it may act.

    `quarantine` says why it is not to be loaded, or nothing; `fingerprint` changes with its file
    and its parameters.
    """

    id: str
    type: StrategyType
    account: str
    symbol: str
    mode: Mode
    config: Mapping[str, object]
    fingerprint: str = ""
    quarantine: str = ""


@dataclass(frozen=True, slots=True)
class AccountSetup:
    """Hold one account with its paper venue and the money that it begins with."""

    account: Account
    symbols: Sequence[str]
    start_cash: Decimal
    paper: PaperTerms | None = None


@dataclass(frozen=True, slots=True)
class TradingSetup:
    """Hold everything about trading that does not change while the bot runs.

    `ranges_by_bars`: the feed's ticks do not show highs and lows, only its candles do, as with
    recorded candles; then fills and trailing stops go by the worse order within a candle.
    `frozen` says why the last run had to be ended, or nothing. `is_silent`: nobody reads or keeps
    what happens, as in a backtest; only closed trades leave the core.
    """

    bot: str
    run: str
    accounts: Sequence[AccountSetup]
    instruments: Mapping[str, Instrument]
    instances: Sequence[InstanceSetup] = ()
    risk: RiskSettings = field(default_factory=RiskSettings)
    limits: LimitSettings = field(default_factory=LimitSettings)
    zone: tzinfo = UTC
    is_allowed: bool = True
    ranges_by_bars: bool = False
    candles_kept: int = 2_000
    frozen: str = ""
    is_silent: bool = False


@dataclass(frozen=True, slots=True)
class SavedTrading:
    """Hold what the store kept of earlier runs."""

    values: Mapping[str, str] = field(default_factory=dict)
    orders: Sequence[Order] = ()
    positions: Sequence[Position] = ()
    trades: Iterable[Trade] = ()
    fill_ids: Iterable[tuple[str, str]] = ()
