"""A run of candles leaves what the same candles leave one by one: the quick way changes nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.trading_tests.engine.floor import D, Floor
from tests.trading_tests.engine.test_walks import wish_at_random
from tests.trading_tests.makers import (
    BTC,
    ETH,
    make_account,
    make_account_setup,
    of_kind,
    play,
)
from trading.brokers.paper.exchange import PaperExchange
from trading.brokers.paper.terms import PaperTerms
from trading.engine.effects import Effect, ShowEquity
from trading.engine.events import CandlesClosed
from trading.engine.setup import InstanceSetup
from trading.model.account import MarketType
from trading.model.market import Bar
from trading.model.order import TrailPlan
from trading.risk.settings import LimitSettings, RiskSettings
from trading.strategies.context import StrategyContext

NAN = float("nan")


@dataclass(frozen=True)
class World:
    """Draw everything that a run of candles can depend on from one seed."""

    seed: int
    # All that strategies were shown, in the order in which they looked.
    seen: list[object] = field(default_factory=list)

    def make_floor(self) -> Floor:
        """Return the same floor each time."""
        random = Random(self.seed)
        share = random.choice((None, None, D("0.05")))
        terms = PaperTerms(latency_s=random.choice((0.0, 0.0, 90.0)), volume_share=share)
        trail = TrailPlan(D("0.004"), D("0.006"), D("0.002"))
        risk = RiskSettings(
            trade_amount=D(800),
            max_position_fraction=D("0.3"),
            max_exposure_fraction=D("0.8"),
            stop_fraction=D("0.03"),
            target_fraction=random.choice((None, D("0.02"))),
            trail=random.choice((None, trail)),
        )
        # Tight ones trip at once, those of one streak keep trading for long.
        loss = random.choice((D("0.002"), D("0.02"), D("0.5")))
        limits = LimitSettings(loss, loss, loss, loss, loss, losing_streak=10**9)
        margin = make_account("margin", MarketType.MARGIN, leverage="2")
        both = random.random() < 0.4
        accounts = [make_account_setup(make_account(), terms=terms)] * (both or self.is_spot)
        accounts += [make_account_setup(margin, terms=terms)] * (both or not self.is_spot)
        return Floor(
            *self._instances([one.account.name for one in accounts]),
            accounts=accounts,
            risk=risk,
            limits=limits,
            ranges_by_bars=random.random() < 0.8,
            candles_kept=60,
        )

    @property
    def is_spot(self) -> bool:
        """Tell whether the only account is one that cannot sell short."""
        return self.seed % 2 == 0

    def _instances(self, accounts: Sequence[str]) -> list[InstanceSetup]:
        random = Random(self.seed)
        count = random.choice((0, 1, 1, 2))
        return [
            play(
                thinking(self.seed + number, self.seen),
                f"{account}-{symbol[:3].lower()}-{number}",
                symbol=symbol,
                account=account,
                bars=True,
            )
            for account in accounts
            for symbol in (BTC, ETH)
            for number in range(count)
        ]

    def candles(self, count: int) -> list[Bar]:
        """Return candles of one or two markets, with gaps, repeats and what cannot be."""
        random = Random(self.seed)
        start, prices = 1_800_000_000.0 + random.choice((0.0, 80_000.0)), {BTC: 100.0, ETH: 25.0}
        symbols = random.choice(((BTC,), (BTC, ETH)))
        bars: list[Bar] = []
        for _ in range(count):
            for symbol in symbols:
                bars.append(self._candle(random, prices, symbol, start))
                if random.random() < 0.01:
                    bars.append(random.choice(bars))
            start += 60.0 if random.random() > 0.01 else random.choice((120.0, 7_200.0, 7.0))
        return bars

    def _candle(self, random: Random, prices: dict[str, float], symbol: str, start: float) -> Bar:
        spread = 0.03 if random.random() < 0.01 else 0.002
        first = prices[symbol]
        if random.random() < 0.2:
            first = round(first * random.gauss(1, spread), 2)
        path = [first, *(round(first * random.gauss(1, spread), 2) for _ in range(3))]
        prices[symbol] = path[-1]
        bar = Bar(symbol, start, 60, path[0], max(path), min(path), path[-1], random.random() * 50)
        if random.random() < 0.01:
            name, value = random.choice(
                (("low", 0.0), ("close", NAN), ("volume", NAN), ("high", 1.0), ("interval_s", 300))
            )
            setattr(bar, name, value)
        return bar


def thinking(seed: int, seen: list[object]) -> Callable[[StrategyContext, Any], object]:
    """Return what looks at all it can see, and then wishes at random."""
    random, wish = Random(seed), wish_at_random(Random(seed))

    def act(context: StrategyContext, bar: Bar) -> None:
        seen.append((context.price, context.equity, context.now, context.candles(2)))
        period = random.choice((3, 20))
        if random.random() < 0.02:
            context.highest(period, 300 if random.random() < 0.5 else None)
        seen.append((context.sma(period).value, context.position, context.get_orders()))
        if random.random() < 0.3:
            wish(context, bar)

    return act


def one_by_one(world: World, bars: Sequence[Bar]) -> tuple[Floor, list[Effect], object]:
    """Return what each candle by itself comes to."""
    floor, effects = world.make_floor(), list[Effect]()
    worth: dict[str, list[float]] = {name: [] for name in floor.trader.desks}
    for bar in bars:
        effects += floor.tell(bar)
        for name, desk in floor.trader.desks.items():
            if bar.symbol in desk.markets:
                worth[name].append(desk.book.equity())
    return floor, effects, worth


def in_runs(world: World, bars: Sequence[Bar]) -> tuple[Floor, list[Effect], object]:
    """Return what the same candles come to in runs of random lengths."""
    floor, effects = world.make_floor(), list[Effect]()
    worth: dict[str, list[float]] = {name: [] for name in floor.trader.desks}
    random = Random(world.seed)
    cuts = sorted({0, len(bars), *(random.randint(0, len(bars)) for _ in range(4))})
    for begin, end in pairwise(cuts):
        told = floor.tell(CandlesClosed(bars[begin:end]))
        effects += [one for one in told if not isinstance(one, ShowEquity)]
        for shown in of_kind(told, ShowEquity):
            worth[shown.account] += shown.values
    return floor, effects, worth


def venue_of(exchange: PaperExchange | None) -> object:
    """Return all that later candles are matched by."""
    assert exchange is not None
    books = [
        (book.events, book.seen_at, book.spent, book.below, book.above, list(book.orders))
        for book in exchange._matcher.books.values()
    ]
    return exchange.cash, exchange.holdings, exchange.marks, books


def state_of(floor: Floor) -> object:
    """Return all that later events depend on."""
    trader = floor.trader
    return (
        {name: desk.book.positions for name, desk in trader.desks.items()},
        {name: desk.book.values for name, desk in trader.desks.items()},
        [venue_of(desk.exchange) for desk in trader.desks.values()],
        trader.orders.open_orders(),
        trader.conditions.limits.to_json(),
        [
            (one.symbol, one.price, one.at, one.ticks, one.bars, one.sample_due, one.is_engaged)
            for one in trader.markets.by_symbol.values()
        ],
        [(len(one.series), one.series.due) for one in trader.markets.by_symbol.values()],
        [(one.stopped, one.failures) for one in trader.instances.all],
        (trader.markets.now, trader.losses.day),
        floor.core.snapshot(floor.wall).bars_handled,
        floor.memory.values,
        floor.memory.trades,
    )


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
@given(st.integers(0, 2**32))
def test_a_run_of_candles_leaves_what_they_leave_one_by_one(seed: int) -> None:
    compare(seed, 150)


def compare(seed: int, count: int) -> Floor:
    world, again = World(seed), World(seed)
    bars = world.candles(count)
    single, single_effects, single_worth = one_by_one(world, bars)
    run, run_effects, run_worth = in_runs(again, bars)
    assert repr(again.seen) == repr(world.seen)
    assert repr(run_effects) == repr(single_effects)
    assert run_worth == single_worth
    assert state_of(run) == state_of(single)
    return run


def test_the_runs_compared_really_trade() -> None:
    """Keep the comparison from becoming one of nothing with nothing."""
    floors = [compare(seed, 400) for seed in range(12)]
    reasons = {trade.reason for floor in floors for trade in floor.trades}
    sides = {trade.side for floor in floors for trade in floor.trades}
    assert {"trailing stop", "stop", "target", "had enough"} <= reasons
    assert len(sides) == 2
    assert "limit_tripped" in {kind for floor in floors for kind in floor.kinds}


@pytest.mark.long
@pytest.mark.parametrize("seed", range(300))
def test_many_runs_of_candles(seed: int) -> None:
    compare(seed, 1_000)
