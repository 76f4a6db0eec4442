"""What the benchmarks of trading are made with: a market, an account, a core that trades."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from tcpproto import Command
from trading.brokers.paper.terms import PaperTerms
from trading.engine.core import EngineCore
from trading.engine.core_settings import CoreSettings
from trading.engine.events import CommandReceived, EngineStarted, HealthSampled
from trading.engine.setup import AccountSetup, InstanceSetup, SavedTrading, TradingSetup
from trading.engine.trader import Trader
from trading.model.account import Account, MarketType
from trading.model.instrument import Instrument
from trading.model.mode import Mode
from trading.risk.settings import LimitSettings, RiskSettings
from trading.strategies.base import Strategy
from trading.strategies.calls import CallGuard, UnguardedCalls
from trading.strategies.loader import StrategyType
from trading.strategies.schema import parse_schema

SYMBOL: Final = "BTC/USDT"
ACCOUNT: Final = "main"
NOW: Final = 1_600_000_020.0
CASH: Final = 10_000_000
FEE: Final = 0.001
_CENT: Final = Decimal("0.01")
_ALL: Final = Decimal(1)


def make_columns(count: int, seed: int) -> list[list[float]]:
    """Return columns of gapless one-minute candles, in cents: each opens where the last closed."""
    rng, price = random.Random(seed), 50_000.0
    columns: list[list[float]] = [[] for _ in range(6)]
    for number in range(count):
        close = round(price * math.exp(rng.gauss(0.0, 0.0008)), 2)
        high = round(max(price, close) * (1.0 + abs(rng.gauss(0.0, 0.0003))) + 0.005, 2)
        low = round(min(price, close) * (1.0 - abs(rng.gauss(0.0, 0.0003))) - 0.005, 2)
        row = (NOW + 60.0 * number, price, high, low, close, rng.random())
        for column, value in zip(columns, row, strict=True):
            column.append(value)
        price = close
    return columns


def make_instance(
    cls: type[Strategy], name: str, config: dict[str, Any] | None = None, mode: Mode = Mode.ACTIVE
) -> InstanceSetup:
    """Return an instance of a strategy on the one market."""
    schema = parse_schema(dict(cls.CONFIG_SCHEMA), name)
    kind = StrategyType(name, cls, Path(f"{name}.py"), "", schema)
    return InstanceSetup(name, kind, ACCOUNT, SYMBOL, mode, schema.validate(config or {}))


def make_core(
    instances: Sequence[InstanceSetup],
    calls: CallGuard | None = None,
    *,
    is_silent: bool = False,
    ranges_by_bars: bool = False,
) -> tuple[EngineCore, Trader]:
    """Return a core on paper, started and trading, whose limits are wide open."""
    account = Account(ACCOUNT, "paper", MarketType.SPOT, True, "USDT", False, _ALL)
    terms = PaperTerms(Decimal(str(FEE)), Decimal(str(FEE)), slippage=Decimal(0))
    setup = TradingSetup(
        "bench",
        "run",
        [AccountSetup(account, [SYMBOL], Decimal(CASH), terms)],
        {SYMBOL: Instrument(SYMBOL, "BTC", "USDT", _CENT, Decimal("0.00001"))},
        instances,
        RiskSettings(None, _ALL, _ALL, Decimal("0.9"), None),
        LimitSettings(_ALL, _ALL, _ALL, _ALL, _ALL, losing_streak=10**9),
        ranges_by_bars=ranges_by_bars,
        is_silent=is_silent,
    )
    trader = Trader(setup, SavedTrading(), calls or UnguardedCalls())
    core = EngineCore(
        CoreSettings("bench", "bench", "paper", "PAPER", "0", True, status_interval_s=1.0),
        {},
        trader,
    )
    core.process(EngineStarted(NOW))
    core.process(HealthSampled(NOW, 0.0, 0, 0, 1_000_000, 0, 0, "off", NOW))
    start = Command("bench-1", "starttrading", (), "1", "admin", "1", NOW, NOW + 60.0)
    core.process(CommandReceived(start, NOW))
    return core, trader
