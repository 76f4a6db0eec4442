"""Measure the core that trades: `python -m benchmarks.tick_path`.

Ticks a second; from a tick to an order with many instances on the symbol, the commit to a real
state.db included (goal T1); and candles a second against a minimal event engine in plain Python
(goal B2). All but the commit is measured in CPU time, because others may use the machine too.
"""

from __future__ import annotations

import argparse
import gc
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Final
from uuid import uuid4

from benchmarks.event_reference import ReferenceEngine
from benchmarks.sitting import median, print_goal, print_table, run_rounds
from benchmarks.trading_setup import CASH, FEE, NOW, SYMBOL, make_columns, make_core, make_instance
from daemonkit.clock import SystemClock
from daemonkit.interpreter import settle_interpreter
from trading.engine.effects import CommittedEffect, ShowEquity
from trading.engine.events import CandlesClosed
from trading.guard.limits import GuardLimits
from trading.guard.strategy_guard import StrategyGuard
from trading.ledger.files import LedgerFiles
from trading.model.market import Bar, Tick
from trading.store.database import StoreLimits, open_state_database
from trading.store.ownership import Owner
from trading.store.reserve import RoomyReserve
from trading.store.writer import StoreThread, StoreTimings
from trading.strategies.base import Strategy
from trading.strategies.calls import CallGuard
from trading.strategies.library.sma_crossover import SmaCrossover

TICKS: Final = 20_000
ORDERS: Final = 60
INSTANCES: Final = (1, 100, 1_000)
FAST, SLOW = 20, 50
RUN_LEN: Final = 1_000
# In its first 100,000 candles the averages are never equal: a tie is decided by rounding alone.
SEED: Final = 1
TRADING, WAITING, HOLDING = "ticks, flat", "ticks, an order rests", "ticks, a position is held"
BARE: Final = "a bare commit"
OURS, REFERENCE, MAKING = "our core", "minimal event engine", "making the bars alone"


class Watcher(Strategy):
    """Think a little about each price, as most instances do most of the time."""

    def init(self) -> dict[str, float]:
        """Begin with no price."""
        return {"last": 0.0}

    def on_tick(self, tick: Tick) -> None:
        """Look whether the price has doubled."""
        state = self.state
        if state["last"] and tick.price > 2.0 * state["last"]:
            self.context.log("doubled")
        state["last"] = tick.price


class Orderer(Strategy):
    """Do at each tick what the benchmark says."""

    act: ClassVar[Callable[[Any], object] | None] = None

    def on_tick(self, tick: Tick) -> None:
        """Do it once."""
        act, Orderer.act = Orderer.act, None
        if act is not None:
            act(self.context)


def _buy_far_below(context: Any) -> None:
    context.place_order("buy", 1, type="limit", limit_price=10_000)


def _buy(context: Any) -> None:
    context.place_order("buy", 1)


def _cancel(context: Any) -> None:
    context.cancel_all_orders()


@contextmanager
def _guarded(folder: Path, names: Sequence[str]) -> Iterator[CallGuard]:
    """Give the calls that the live process makes, watched by its guard's thread."""
    beat = time.monotonic
    guard = StrategyGuard(
        folder, names, GuardLimits(0.25, 10.0), clock=SystemClock(), engine_beat=beat
    )
    guard.start()
    try:
        yield guard.calls
    finally:
        guard.close()


def _ticks(count: int) -> list[Tick]:
    return [Tick(SYMBOL, 50_000.0 + number % 7, 0.1, NOW + number) for number in range(1, count)]


def _run_ticks(act: Callable[[Any], object] | None) -> dict[str, float]:
    """Return ticks a second with one instance, after it has done this."""
    instances = [make_instance(Orderer, "orderer"), make_instance(Watcher, "watcher")]
    with tempfile.TemporaryDirectory() as name, _guarded(Path(name), ["o", "w"]) as calls:
        core, trader = make_core(instances, calls)
        process, ticks = core.process, _ticks(TICKS)
        process(ticks[0])
        Orderer.act = act
        process(ticks[1])
        process(ticks[2])
        assert bool(trader.desks["main"].book.positions) is (act is _buy)
        assert trader.orders.has_open is (act is not None)
        start = time.thread_time()
        for tick in ticks[3:]:
            process(tick)
        return {"ticks": (len(ticks) - 3) / (time.thread_time() - start)}


class _Released:
    """Hear of each commit, as the link does."""

    def __init__(self) -> None:
        self.is_committed = threading.Event()

    def wake_outbox(self) -> None:
        self.is_committed.set()

    def answer(self, reply: Any) -> None:
        """Answer nobody."""

    def prepare(self, approved: Any) -> None:
        """Prepare for no venue."""

    def submit(self, approved: Any) -> None:
        """Send to no venue: paper orders are filled in the core."""

    def cancel(self, account: str, order_id: str) -> None:
        """Cancel at no venue."""

    def withhold(self, approved: Any, reason: str) -> None:
        """Withhold from no venue."""


@contextmanager
def _store(folder: Path) -> Iterator[tuple[StoreThread, _Released]]:
    database = open_state_database(
        folder / "state.db",
        Owner("bench", "paper", "paper"),
        epoch=str(uuid4()),
        restore_hint="",
    )
    released, failures = _Released(), list[Exception]()
    store = StoreThread(
        database,
        RoomyReserve(folder / "state.reserve", 65_536),
        clock=SystemClock(),
        limits=StoreLimits(),
        timings=StoreTimings(),
        released=released,
        report=print,
        on_failure=failures.append,
    )
    kept = database.load_trading()
    store.keep_files(
        LedgerFiles(
            folder,
            read_trades=kept.read_trades,
            last_number=kept.last_trade_number,
            clock=SystemClock(),
        )
    )
    store.start()
    try:
        yield store, released
    finally:
        assert store.stop(10.0)
        database.close()
        assert not failures


def _run_orders(count: int, folder: Path | None) -> dict[str, float]:
    """Return what it takes from a tick to a committed order while `count` instances think."""
    names = [f"watcher{number}" for number in range(1, count)]
    # In the middle: half of the others think before it.
    names.insert(count // 2, "orderer")
    instances = [make_instance(Orderer if name == "orderer" else Watcher, name) for name in names]
    core_us, whole_us = [], []
    with (
        tempfile.TemporaryDirectory(dir=folder) as place,
        _guarded(Path(place), names) as calls,
        _store(Path(place)) as (store, released),
    ):
        core, trader = make_core(instances, calls)
        ticks = iter(_ticks(3 * ORDERS + 10))
        for number in range(ORDERS):
            Orderer.act = _buy_far_below
            released.is_committed.clear()
            tick = next(ticks)
            cpu, wall = time.thread_time(), time.perf_counter()
            effects = core.process(tick)
            core_s = time.thread_time() - cpu
            store.submit([one for one in effects if isinstance(one, CommittedEffect)])
            assert released.is_committed.wait(10.0)
            whole_us.append((time.perf_counter() - wall) * 1e6)
            core_us.append(core_s * 1e6)
            assert len(trader.orders.open_orders()) == 1, number
            Orderer.act = _cancel
            store.submit(
                [one for one in core.process(next(ticks)) if isinstance(one, CommittedEffect)]
            )
            assert not trader.orders.has_open
    return {"core": statistics.median(core_us), "whole": statistics.median(whole_us)}


def run_bare(folder: Path | None) -> dict[str, float]:
    """Return what a commit of three rows costs in a bare SQLite loop on the same disk."""
    with (
        tempfile.TemporaryDirectory(dir=folder) as place,
        closing(sqlite3.connect(Path(place) / "bare.db", isolation_level=None)) as connection,
    ):
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE row (id INTEGER PRIMARY KEY, body BLOB)")
        whole_us = []
        for _ in range(ORDERS):
            start = time.perf_counter()
            connection.execute("BEGIN IMMEDIATE")
            for _ in range(3):
                connection.execute("INSERT INTO row (body) VALUES (?)", (b"x" * 300,))
            connection.execute("COMMIT")
            whole_us.append((time.perf_counter() - start) * 1e6)
    return {"whole": statistics.median(whole_us)}


class _Backtest:
    """Run the crossover over the same columns, by our core or by the reference."""

    def __init__(self, count: int) -> None:
        self._columns = make_columns(count, SEED)
        self._count = count
        self._results: dict[str, tuple[int, float]] = {}

    def ours(self) -> dict[str, float]:
        """Drive the core by candles; nobody listens to it."""
        config = {"fast_period": FAST, "slow_period": SLOW, "quantity": "1"}
        instance = make_instance(SmaCrossover, "crossover", config)
        core, trader = make_core([instance], is_silent=True, ranges_by_bars=True)
        process = core.process
        equity: list[float] = []
        start = time.thread_time()
        rows = zip(*self._columns, strict=True)
        while run := [
            Bar(SYMBOL, at, 60, first, high, low, last, volume)
            for at, first, high, low, last, volume in islice(rows, RUN_LEN)
        ]:
            effects = process(CandlesClosed(run))
            for effect in effects:
                if isinstance(effect, ShowEquity):
                    equity += effect.values
        spent = time.thread_time() - start
        assert not trader.instances.all[0].stopped
        trades = trader.history.statistics.total(trader.markets.now).trades
        self._check(OURS, trades, equity)
        return self._figures(spent)

    def reference(self) -> dict[str, float]:
        """Drive the minimal engine."""
        engine = ReferenceEngine(float(CASH), FEE, fast=FAST, slow=SLOW)
        start = time.thread_time()
        engine.run(zip(*self._columns, strict=True))
        spent = time.thread_time() - start
        self._check(REFERENCE, engine.round_trips, engine.equity)
        return self._figures(spent)

    def making(self) -> dict[str, float]:
        """Make the bars and nothing else: what both do before anything is thought."""
        start = time.thread_time()
        for at, first, high, low, last, volume in zip(*self._columns, strict=True):
            Bar(SYMBOL, at, 60, first, high, low, last, volume)
        return self._figures(time.thread_time() - start)

    @property
    def round_trips(self) -> int:
        """Return how often the market was entered and left, by either."""
        return self._results[OURS][0]

    def _figures(self, spent: float) -> dict[str, float]:
        return {"bars": self._count / spent, "bar": spent / self._count * 1e6}

    def _check(self, name: str, round_trips: int, equity: Sequence[float]) -> None:
        """See to it that both traded alike: as often, and to the cent."""
        assert len(equity) == self._count
        self._results[name] = (round_trips, equity[-1])
        for other, (trips, last) in self._results.items():
            assert trips == round_trips > 0, f"{name}: {round_trips}, {other}: {trips} round trips"
            assert abs(last - equity[-1]) < 0.005, f"{name}: {equity[-1]}, {other}: {last}"


def _print_orders(figures: Mapping[str, Mapping[str, list[float]]]) -> None:
    print_table("T1 from a tick to an order, in the core", figures, "core", "µs CPU")
    print_table("T1 from a tick to an order, committed", figures, "whole", "µs")
    few, many = f"{INSTANCES[0]} instance", f"{INSTANCES[-1]} instances"
    slope = (median(figures, many, "core") - median(figures, few, "core")) / (
        INSTANCES[-1] - INSTANCES[0]
    )
    fixed, bare = median(figures, few, "whole"), median(figures, BARE, "whole")
    print(f"  fixed part {fixed:,.0f} µs, the commit included; a bare commit takes {bare:,.0f} µs")
    print_goal("T1 each further instance on the symbol", slope, "<= 5", "<= 2", " µs")


def main() -> None:
    """Run the sitting."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--bars", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help="where the databases lie (their disk counts)")
    arguments = parser.parse_args()
    # As in the process that trades.
    gc.collect()
    settle_interpreter()
    ticks = run_rounds(
        {
            TRADING: lambda: _run_ticks(None),
            WAITING: lambda: _run_ticks(_buy_far_below),
            HOLDING: lambda: _run_ticks(_buy),
        },
        arguments.rounds,
    )
    print_table("Ticks through the core, two instances", ticks, "ticks", "ticks/s CPU")
    orders = run_rounds(
        {BARE: partial(run_bare, arguments.folder)}
        | {
            f"{count} instance{'s' * (count > 1)}": partial(_run_orders, count, arguments.folder)
            for count in INSTANCES
        },
        arguments.rounds,
    )
    _print_orders(orders)
    backtest = _Backtest(arguments.bars)
    bars = run_rounds(
        {OURS: backtest.ours, REFERENCE: backtest.reference, MAKING: backtest.making},
        arguments.rounds,
    )
    print_table("Candles", bars, "bars", "bars/s CPU")
    print_table("Candles", bars, "bar", "µs CPU a bar")
    print(f"  {backtest.round_trips:,} round trips in {arguments.bars:,} bars, equal to the cent")
    ratio = median(bars, OURS, "bars") / median(bars, REFERENCE, "bars")
    print_goal("B2 candles to a minimal event engine", ratio, ">= 0.35", ">= 0.5")


if __name__ == "__main__":
    main()
