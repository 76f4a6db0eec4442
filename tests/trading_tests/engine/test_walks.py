"""Random walks of everything at once: whatever happens, the money adds up and stops stand.

Two accounts that can be on opposite sides of two markets, strategies that wish at random, all
commands of trading, gaps, candles, partial fills, latency, restarts from what was kept at any
moment, jumps of the clock and a store that does not write.
"""

from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.trading_tests.engine.floor import D, Floor
from tests.trading_tests.makers import (
    BTC,
    ETH,
    make_account,
    make_account_setup,
    make_instrument,
    play,
)
from trading.brokers.paper.terms import PaperTerms
from trading.engine.setup import InstanceSetup
from trading.model.account import MarketType
from trading.model.order import Order, OrderType, Purpose, TrailPlan
from trading.model.position import Position
from trading.risk.settings import LimitSettings, RiskSettings
from trading.strategies.context import StrategyContext

# What lets trade comes often, or the walks would soon stand still.
VERBS = (
    *("starttrading", "resume", "startbuying", "startselling", "buy") * 5,
    *("sell", "positions", "orders", "trades", "profit", "daily", "balance", "why") * 2,
    *("stoptrading", "stopbuying", "stopselling", "pause", "emergency", "flatten"),
    *("getstatus", "getstats"),
)
FOR_ONE_MARKET = ("startbuying", "stopbuying", "startselling", "stopselling", "buy", "sell")
FAULTS = {"strange_report", "command_failed", "protection_missing", "order_unknown"}
CASH = D(10_000)
RISK = RiskSettings(
    trade_amount=D(800),
    max_position_fraction=D("0.3"),
    max_exposure_fraction=D("0.8"),
    stop_fraction=D("0.03"),
    target_fraction=D("0.04"),
    trail=TrailPlan(D("0.01"), D("0.008"), D("0.003")),
)


def wish_at_random(random: Random) -> Any:
    """Return what a strategy does that knows nothing."""

    def act(context: StrategyContext, _event: object) -> None:
        chance = random.random()
        price = context.price or 1.0
        side = random.choice(("buy", "sell"))
        if chance < 0.06:
            context.place_order(side, amount=random.choice((200, 900, 5_000)))
        elif chance < 0.09:
            offset = random.uniform(0.995, 1.005)
            context.place_order(side, type="limit", limit_price=round(price * offset, 2))
        elif chance < 0.11:
            offset = 1.002 if side == "buy" else 0.998
            context.place_order(side, type="stop", stop_price=round(price * offset, 2))
        elif chance < 0.12:
            sign = 1 if side == "buy" else -1
            context.place_order(
                side,
                random.choice((0.3, 4)),
                stop=round(price * (1 - 0.01 * sign), 2),
                target=round(price * (1 + 0.02 * sign), 2),
            )
        elif chance < 0.14:
            context.close_position("had enough")
        elif chance < 0.16:
            context.cancel_all_orders()
        elif chance < 0.18:
            context.tighten_trail()
        elif chance < 0.19:
            raise ValueError("a strategy of doubtful quality")

    return act


class Walk:
    """One walk: steps drawn from one source, and what must hold after each of them."""

    def __init__(self, seed: int, *, by_bars: bool = False) -> None:
        self.random = Random(seed)
        self.prices = {BTC: 100.0, ETH: 25.0}
        self.is_broken = False
        self.seen: dict[str, Order] = {}
        self.wildness = self.random.choice((0.06, 0.06, 0.4))
        share = self.random.choice((None, D("0.5"), D("0.05")))
        terms = PaperTerms(latency_s=self.random.choice((0.0, 0.0, 2.5)), volume_share=share)
        # Steps so coarse that what is left of a position may be too small to be sold.
        coarse = make_instrument(
            ETH,
            quantity_step=D("0.1"),
            quantity_min=D("0.5"),
            cost_min=D(15),
            price_step=D("0.05"),
        )
        spot = make_account_setup(make_account(), terms=terms)
        margin = make_account("margin", MarketType.MARGIN, leverage="2")
        self.floor = Floor(
            *self._instances(),
            accounts=[spot, make_account_setup(margin, terms=terms)],
            risk=RISK,
            instruments=[self.random.choice((coarse, make_instrument(ETH)))],
            limits=LimitSettings(losing_streak=4),
            ranges_by_bars=by_bars,
        )
        self._by_bars = by_bars
        self.steps = [self._market] * 25 + [self._command] * 3
        self.steps += [self._sample, self._restart, self._trouble]

    def _instances(self) -> list[InstanceSetup]:
        return [
            play(
                wish_at_random(self.random),
                f"{account}-{symbol}-{number}",
                symbol=symbol,
                account=account,
            )
            for account in ("main", "margin")
            for symbol in (BTC, ETH)
            for number in (1, 2)
        ]

    def step(self) -> None:
        """Let one thing happen, and look at everything."""
        self.random.choice(self.steps)()
        self.check()

    def _next_price(self, symbol: str) -> float:
        spread = self.wildness if self.random.random() < 0.02 else 0.004
        moved = self.prices[symbol] * (1 + self.random.gauss(0, spread))
        self.prices[symbol] = max(0.5, round(moved, 2))
        return self.prices[symbol]

    def _market(self) -> None:
        symbol = self.random.choice((BTC, ETH))
        if self._by_bars or self.random.random() < 0.1:
            before = self.prices[symbol]
            prices = [self._next_price(symbol) for _ in range(3)]
            first = before if self.random.random() < 0.8 else prices.pop(0)
            self.floor.bar(first, *prices, symbol=symbol, volume=self.random.uniform(0, 60))
            if self._by_bars:
                self.floor.tick(self.prices[symbol], symbol, after_s=0.0)
                self._check_marks(symbol)
            return
        size = self.random.choice((0.0, 0.5, 3.0, 40.0))
        after_s = self.random.choice((0.0, 0.5, 1.0, 1.0, 5.0, 600.0 if size > 3 else 1.0))
        self.floor.tick(self._next_price(symbol), symbol, size=size, after_s=after_s)
        self._check_marks(symbol)

    def _check_marks(self, symbol: str) -> None:
        """Hold what a market is worth in each account against the price that just came."""
        for desk in self.floor.trader.desks.values():
            position = desk.book.positions.get(symbol)
            worth = 0.0 if position is None else float(position.quantity) * self.prices[symbol]
            assert desk.book.value(symbol) == pytest.approx(worth)

    def _command(self) -> None:
        verb = self.random.choice(VERBS)
        args: tuple[str, ...] = ()
        if verb in FOR_ONE_MARKET:
            args = (self.random.choice((BTC, ETH, "ALL", "ALL")),)
            if verb in ("buy", "sell") and args != ("ALL",) and self.random.random() < 0.5:
                args += (str(self.random.choice(("0.01", "3", "12", "400"))),)
        account = self.random.choice(("", "", "main", "margin"))
        self.floor.do(verb, *args, account=account, confirmed=self.random.random() < 0.8)

    def _sample(self) -> None:
        seconds = self.random.choice((1.0, 1.0, 6.0))
        jump = self.random.choice((0.0, 0.0, 0.0, 30.0, -30.0))
        self.floor.sample(seconds, jump_s=jump)

    def _restart(self) -> None:
        if self.random.random() > 0.3:
            return
        if self.is_broken:
            # What was not kept is lost, all of it together.
            self.is_broken = False
            self.floor.restart(*self._instances())
            self.seen = {one.id: one for one in self.floor.trader.orders.open_orders()}
            return
        before = self._intent()
        self.floor.restart(*self._instances())
        assert self._intent() == before, "a restart must change no flag, limit, position or figure"

    def _trouble(self) -> None:
        if self.is_broken:
            self.floor.mend_store()
        elif self.random.random() < 0.3:
            self.floor.break_store()
        else:
            return
        self.is_broken = not self.is_broken

    def _intent(self) -> object:
        trader = self.floor.trader
        conditions = trader.conditions
        return (
            conditions.flags.to_json(),
            conditions.latch.to_json(),
            conditions.limits.tripped,
            {
                key: bases.streak
                for key, bases in conditions.limits._markets.items()
                if bases.streak
            },
            {name: dict(desk.book.positions) for name, desk in trader.desks.items()},
            {name: desk.book.cash for name, desk in trader.desks.items()},
            {name: sorted(desk.realised_today.items()) for name, desk in trader.desks.items()},
            [one.command_id for one in trader.flattening.waiting],
            trader.losses.day,
        )

    def check(self) -> None:
        """Hold everything against what must be so after each event."""
        for name in ("main", "margin"):
            self._check_money(name)
        for position in list(self._positions()):
            self._check_protection(position)
        self._check_orders()
        assert not FAULTS & set(self.floor.kinds), "the core met what cannot be"
        if not self.is_broken:
            self._check_kept()

    def _positions(self) -> list[Position]:
        desks = self.floor.trader.desks.values()
        return [one for desk in desks for one in desk.book.positions.values()]

    def _check_money(self, name: str) -> None:
        desk = self.floor.trader.desks[name]
        book, venue = desk.book, desk.exchange
        assert venue is not None
        assert book.cash == venue.cash
        held = {symbol: one.quantity for symbol, one in book.positions.items()}
        assert held == dict(venue.holdings)
        if name == "main":
            assert book.cash >= 0
            assert all(quantity > 0 for quantity in held.values())
        if self.is_broken:
            return
        # To the last digit: what was begun with, what trades brought, and what is under way.
        closed = sum((one.profit for one in self.floor.trades if one.account == name), D(0))
        under_way = sum(
            (
                (one.exit_cost - one.entry_cost) * one.side.sign - one.fees
                for one in book.positions.values()
            ),
            D(0),
        )
        assert book.cash == CASH + closed + under_way
        worth = sum(book.value(symbol) for symbol in book.positions)
        assert book.equity() == pytest.approx(float(book.cash) + worth)

    def _mark(self, position: Position) -> float:
        price = self.floor.trader.markets.by_symbol[position.symbol].price
        return float(position.entry_price) if price is None else price

    def _check_protection(self, position: Position) -> None:
        orders = self.floor.orders(position.symbol, position.account)
        resting = [one for one in orders if one.purpose is Purpose.PROTECTION]
        way_out = [one for one in orders if one.purpose is Purpose.EXIT]
        assert position.stop_price is not None
        if position.closing:
            assert not resting
            # Part of it may be on its way out already; the rest follows.
            assert way_out
            assert {one.type for one in way_out} == {OrderType.MARKET}
            assert all(one.reduce_only for one in way_out)
            return
        (protection,) = resting
        assert protection.remaining == abs(position.quantity)
        assert protection.stop_price == position.stop_price
        assert protection.reduce_only
        assert protection.side is position.side.opposite

    def _check_orders(self) -> None:
        trader = self.floor.trader
        for desk in trader.desks.values():
            assert desk.exchange is not None
            assert desk.exchange.busy == {order.symbol for order in self._open(desk.name)}
        for order in trader.orders.open_orders():
            assert order.remaining > 0
            if order.purpose is not Purpose.ENTRY:
                book = trader.desks[order.account].book
                assert order.symbol in book.positions, "what protects nothing must not rest"
            elif order.id not in self.seen:
                self.seen[order.id] = order
                self._check_caps(order)

    def _open(self, account: str) -> list[Order]:
        return list(self.floor.trader.orders.open_of_account(account))

    def _check_caps(self, order: Order) -> None:
        """Hold the account that has just taken on an entry against every cap."""
        desk = self.floor.trader.desks[order.account]
        equity = Decimal(desk.book.equity())
        slack = D("1.02")
        held = desk.book.positions.get(order.symbol)
        here = abs(held.quantity) * Decimal(self._mark(held)) if held is not None else D(0)
        here += order.remaining * order.reserve_price
        assert here <= equity * RISK.max_position_fraction * slack + 1, (here, equity, order)
        exposure = Decimal(desk.book.exposure())
        exposure += sum(
            (o.remaining * o.reserve_price for o in self._open(order.account) if not o.reduce_only),
            D(0),
        )
        assert exposure <= equity * RISK.max_exposure_fraction * slack + 1

    def _check_kept(self) -> None:
        """Hold what a restart would be made from against what is."""
        memory, trader = self.floor.memory, self.floor.trader
        assert memory.positions == {one.key: one for one in self._positions()}
        for order in trader.orders.open_orders():
            assert memory.orders[order.account, order.id] == order
        for name, desk in trader.desks.items():
            assert Decimal(memory.values.get(f"cash.{name}", str(CASH))) == desk.book.cash
        assert memory.values.get("trading.flags", trader.conditions.flags.to_json()) == (
            trader.conditions.flags.to_json()
        )
        assert memory.values.get("trading.kill", trader.conditions.latch.to_json()) == (
            trader.conditions.latch.to_json()
        )


def walk(seed: int, steps: int, *, by_bars: bool = False) -> Walk:
    made = Walk(seed, by_bars=by_bars)
    for number in range(steps):
        try:
            made.step()
        except BaseException as error:
            error.add_note(f"seed {seed}, step {number}, by_bars={by_bars}")
            raise
    return made


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
@given(st.integers(0, 2**32), st.booleans())
def test_money_adds_up_and_stops_stand_on_any_walk(seed: int, by_bars: bool) -> None:
    walk(seed, 250, by_bars=by_bars)


def test_a_walk_really_trades() -> None:
    """Keep the walks from becoming idle ones that prove nothing."""
    floors = [walk(seed, 600, by_bars=bool(seed % 2)).floor for seed in range(4)]
    kinds = {kind for floor in floors for kind in floor.kinds}
    reasons = {trade.reason for floor in floors for trade in floor.trades}
    sides = {(trade.account, trade.side) for floor in floors for trade in floor.trades}
    assert len(sides) == 3
    assert {"trailing stop", "stop", "target", "had enough"} <= reasons
    assert {"bought", "sold", "sold_short", "bought_back", "order_rejected"} <= kinds


@pytest.mark.long
@pytest.mark.parametrize("seed", range(60))
def test_long_walks(seed: int) -> None:
    walk(seed, 2_000, by_bars=bool(seed % 2))
