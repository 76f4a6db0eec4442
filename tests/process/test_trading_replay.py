"""One recorded market through the whole process and through the core alone: the same deals."""

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import pytest

from daemonkit.clock import SystemClock
from tests.process.installation import PATIENCE_S, Installation, query
from tests.process.scripted_bridge import ScriptedBridge
from tests.process.trading_books import check_books, read_books
from tests.waiting import wait_until
from trading.app import owner_of
from trading.config import load_config
from trading.engine.core import EngineCore
from trading.engine.effects import Effect, SaveFill, SaveOrder, SaveTrade
from trading.engine.events import EngineEvent, EngineStarted, FeedStarted, HistoryLoaded
from trading.engine.order_ids import read_order_id
from trading.market.replay import ReplayFeed
from trading.parts import RunOptions, build_core_settings
from trading.store.database import open_state_database
from trading.store.trading_rows import fill_to_row, order_to_row, trade_to_row
from trading.trading_parts import build_trading

RECORDED = Path(__file__).resolve().parents[3] / "shared" / "data" / "market"
# Losses that would end it early are allowed; what is compared is what is traded.
TRADING = """
trading: {{pairs: [{symbol}], trade_amount_usd: 1000}}
risk:
  stop_loss_pct: 0.01
  take_profit_pct: 0.015
  trailing: {{activation_pct: 0.005, distance_pct: 0.004, tight_distance_pct: 0.002}}
  max_drawdown_pct: 0.99
  daily_loss_pct: 0.99
  total_loss_pct: 0.99
  symbol_daily_loss_pct: 0.99
  symbol_total_loss_pct: 0.99
  losing_streak: 1000
paper: {{fee_taker_pct: 0.0002, fee_maker_pct: 0.0001, volume_share: 0.3}}
"""
CROSSOVER = "strategy: sma_crossover\nparameters: {fast_period: 3, slow_period: 9}\n"
TREND = "strategy: ema_trend\n"
# Long before any recording: a market to switch trading on in.
BEFORE = "feed: {kind: synthetic, start: 1981-01-01T00:00:00Z, history_candles: 0}\n"
Row = tuple[object, ...]


@dataclass
class Deals:
    """Hold everything that was ordered, filled and traded, without what names the run."""

    orders: dict[int, Row] = field(default_factory=dict)
    fills: list[tuple[int, Row]] = field(default_factory=list)
    trades: list[Row] = field(default_factory=list)

    def take_order(self, row: Row) -> None:
        """Note an order as it is now, by its number in the run."""
        account, order_id, *rest = row
        del rest[_VENUE_ID]
        self.orders[_number(order_id)] = (account, *rest)

    def take_fill(self, row: Row) -> None:
        """Note an execution."""
        account, _fill_id, order_id, *rest = row
        self.fills.append((_number(order_id), (account, *rest)))

    def numbered(self) -> "Deals":
        """Return the same with orders numbered from 0: each run begins at a number of its own."""
        first = min(self.orders, default=0)
        return Deals(
            {number - first: row for number, row in self.orders.items()},
            [(number - first, row) for number, row in self.fills],
            self.trades,
        )


# Where the venue's id stands behind an order's account and id.
_VENUE_ID = 18


def _number(order_id: object) -> int:
    tag = read_order_id(str(order_id))
    assert tag is not None
    return tag.number


def write_walk(file: Path) -> None:
    """Write a market that wanders."""
    rng, price = Random(7), 100.0
    lines = ["timestamp,open,high,low,close,volume"]
    for number in range(3_000):
        opened, price = price, price * (1 + rng.gauss(0, 0.003))
        high = max(opened, price) * (1 + abs(rng.gauss(0, 0.001)))
        low = min(opened, price) * (1 - abs(rng.gauss(0, 0.001)))
        start_ms = (1_704_067_200 + number * 60) * 1000
        lines.append(
            f"{start_ms},{opened:.4f},{high:.4f},{low:.4f},{price:.4f},{rng.uniform(5, 50):.3f}"
        )
    file.write_text("\n".join(lines) + "\n", encoding="ascii")


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("name", "symbol", "strategy", "trades_min"),
    [
        ("walk", "BTC/USD", CROSSOVER, 100),
        ("xrp_usdt_perp_5m.csv.gz", "XRP/USDT", CROSSOVER, 20),
        pytest.param("eth_btc_5m.csv.gz", "ETH/BTC", CROSSOVER, 0, marks=pytest.mark.long),
        pytest.param("btc_perp_1m.csv.gz", "BTC/USD", CROSSOVER, 100, marks=pytest.mark.long),
        pytest.param("btc_perp_1m.csv.gz", "BTC/USD", TREND, 1, marks=pytest.mark.long),
        pytest.param("xrp_eth_trades.csv.gz", "XRP/ETH", CROSSOVER, 0, marks=pytest.mark.long),
    ],
)
def test_a_recording_leads_to_the_same_deals_through_the_process_and_through_the_core_alone(
    here: Installation, tmp_path: Path, name: str, symbol: str, strategy: str, trades_min: int
) -> None:
    file = RECORDED / name
    if name == "walk":
        file = tmp_path / "walk.csv"
        write_walk(file)
    elif not file.exists():
        pytest.skip("the recorded market files are not beside the checkout")
    with ScriptedBridge() as bridge:
        switch_on(here, bridge, TRADING.format(symbol=symbol))
        market = f"feed: {{kind: replay, file: {file}, symbol: {symbol}, speed: 0}}\n"
        here.configure_bot(TRADING.format(symbol=symbol) + strategy, market=market)
        kept = tmp_path / "kept"
        shutil.copytree(here.var_dir, kept)
        trading = here.start_trading(**bridge.environment)
        wait_until(
            lambda: any(one.kind == "feed_ended" for one in tuple(bridge.events)),
            300,
            f"the end of the recording\n{trading.describe()}",
        )
        assert trading.stop() == 0
    by_process = read_deals(here.state_db).numbered()
    by_core = play_core(here.bot_dir, kept).numbered()
    assert by_process.orders == by_core.orders
    assert by_process.fills == by_core.fills
    assert by_process.trades == by_core.trades
    assert len(by_core.trades) >= trades_min, "too little happened for this to mean anything"
    check_books(read_books(here.state_db))


def switch_on(here: Installation, bridge: ScriptedBridge, text: str) -> None:
    """Have trading switched on before the recording begins."""
    here.configure_bot(text, market=BEFORE)
    trading = here.start_trading(**bridge.environment)
    bridge.wait_connected()
    assert bridge.ask(bridge.command("starttrading")).state == "applied"
    assert trading.stop() == 0
    wait_until(lambda: bridge.endings, PATIENCE_S, "it has gone")


def read_deals(database: Path) -> Deals:
    """Read what the process has stored."""
    deals = Deals()
    for row in query(database, "SELECT * FROM trade_order"):
        deals.take_order(row)
    for row in query(database, "SELECT * FROM fill ORDER BY rowid"):
        deals.take_fill(row)
    deals.trades = query(database, "SELECT * FROM trade ORDER BY number")
    return deals


def play_core(bot_dir: Path, var_dir: Path) -> Deals:
    """Drive the core with the recording on this thread, and note what it wants kept."""
    config = load_config(bot_dir, {"VAR_DIR": str(var_dir)})
    database = open_state_database(
        config.database, owner_of(config), epoch=str(uuid4()), restore_hint=""
    )
    clock = SystemClock()
    try:
        parts = build_trading(config, database, clock, rng=Random(1), engine_beat=clock.monotonic)
        assert isinstance(parts.feed, ReplayFeed)
        core = EngineCore(build_core_settings(config, RunOptions()), parts.values, parts.trader)
        deals = Deals()
        for event in events_of(parts.feed):
            note(deals, core.process(event))
        parts.guard.close()
    finally:
        database.close()
    return deals


def events_of(feed: ReplayFeed) -> Iterator[EngineEvent]:
    """Tell a core what a process tells it, but for what is the process's own."""
    yield EngineStarted(0.0)
    yield HistoryLoaded(feed.history())
    yield FeedStarted("replay", feed.description, 0.0)
    yield from feed.events()


def note(deals: Deals, effects: Iterable[Effect]) -> None:
    """Note what would be stored."""
    for effect in effects:
        # As rows, for two amounts that are equal may still be written differently.
        if isinstance(effect, SaveOrder):
            deals.take_order(as_stored(order_to_row(effect.order)))
        elif isinstance(effect, SaveFill):
            deals.take_fill(as_stored(fill_to_row(effect.fill)))
        elif isinstance(effect, SaveTrade):
            deals.trades.append(as_stored(trade_to_row(effect.trade)))


def as_stored(row: tuple[Any, ...]) -> Row:
    """Return a row as SQLite gives it back: it knows no booleans."""
    return tuple(int(one) if isinstance(one, bool) else one for one in row)
