"""What of a bot trades: trader, feed, guard and the files of its ledger, made from what is kept."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from daemonkit.clock import Clock
from trading.config import BotConfig
from trading.engine.trader import TIME_KEY, Trader
from trading.feed_of import feed_of
from trading.guard.evidence import forget_frozen, take_frozen
from trading.guard.limits import GuardLimits
from trading.guard.strategy_guard import StrategyGuard
from trading.ledger.files import LedgerFiles
from trading.market.feed import Feed, GiveWay, give_no_way
from trading.model.order import Order
from trading.saved_values import check_saved_values
from trading.setup_of import build_trading_setup, load_saved_trading, quarantines_of
from trading.store.database import StateDatabase


@dataclass(frozen=True, slots=True)
class TradingParts:
    """Hold what trades, not started."""

    trader: Trader
    feed: Feed
    guard: StrategyGuard
    files: LedgerFiles
    values: Mapping[str, str]
    orders: Sequence[Order]
    last_run_at: float | None


def build_trading(
    config: BotConfig,
    database: StateDatabase,
    clock: Clock,
    *,
    rng: Random,
    engine_beat: Callable[[], float],
    give_way: GiveWay = give_no_way,
) -> TradingParts:
    """Make what trades; ConfigurationError and StateError say what is wrong."""
    settings = config.settings
    kept = database.load_trading()
    saved = load_saved_trading(database, kept)
    check_saved_values(saved.values, database.path, restore_hint=config.restore_hint)
    kept_time = saved.values.get(TIME_KEY)
    market_time = None if kept_time is None else float(kept_time)
    feed = feed_of(
        config,
        clock=clock,
        rng=rng,
        # The market goes on where it was left, and not where it began.
        resume_at=market_time,
        give_way=give_way,
    )
    frozen = take_frozen(config.folder)
    setup = build_trading_setup(config, feed, saved.values, kept, run=database.epoch, frozen=frozen)
    if frozen is not None:
        # Only once it is kept that an instance stays out, what it did may be forgotten.
        database.save_values(quarantines_of(setup))
        forget_frozen(config.folder)
    guard = StrategyGuard(
        config.folder,
        [one.id for one in setup.instances],
        GuardLimits(settings.strategy_budget_ms / 1000, settings.strategy_frozen_s),
        clock=clock,
        engine_beat=engine_beat,
    )
    files = LedgerFiles(
        config.folder,
        read_trades=kept.read_trades,
        last_number=kept.last_trade_number,
        clock=clock,
    )
    trader = Trader(setup, saved, guard.calls)
    return TradingParts(trader, feed, guard, files, saved.values, kept.orders, market_time)
