"""The trader: markets, accounts, orders and strategies of one bot, moved by one event at a time.

Puts the parts together and says in which order they see an event: first the venue, which fills
what was ordered before; then the watch over what is held; then the strategies. Knows no clock,
thread or disk. What it wants done is in the journal.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from trading.brokers.paper.exchange import PaperExchange
from trading.engine.announcements import announce_bad_data, announce_frozen
from trading.engine.announcer import Announcer
from trading.engine.candle_run import CandleRunner
from trading.engine.conditions import KILL_KEY, LIMITS_KEY, Conditions
from trading.engine.dealing import Dealer
from trading.engine.decisions import Decisions
from trading.engine.desk_builder import DeskBuilder
from trading.engine.desks import AccountDesk
from trading.engine.effects import Effect
from trading.engine.flags import KEY as FLAGS_KEY
from trading.engine.flags import Flags
from trading.engine.flatten import KEY as FLATTEN_KEY
from trading.engine.flatten import FlattenDesk
from trading.engine.instances import InstanceBoard
from trading.engine.instrument_texts import known_instruments
from trading.engine.journal import Journal
from trading.engine.live_parts import LiveParts
from trading.engine.loss_watch import KEY as DAY_KEY
from trading.engine.loss_watch import LossWatch
from trading.engine.market_view import MarketView
from trading.engine.markets import Market, Markets
from trading.engine.marks import Marks
from trading.engine.order_ids import OrderIds
from trading.engine.orders import OrderDesk
from trading.engine.protection import follow_price, is_trail_hit
from trading.engine.setup import SavedTrading, TradingSetup
from trading.engine.silence import SilentAnnouncer, SilentDecisions, SilentJournal
from trading.engine.strategy_failures import StrategyFailures
from trading.engine.trade_history import TradeHistory
from trading.engine.wishes import WishDesk
from trading.market.candles import INSTANT_MAX, PRICE_MAX, is_candle
from trading.model.market import Bar, Tick
from trading.model.position import Position
from trading.model.report import Report
from trading.model.venue_news import AccountSeen, VenueNews
from trading.reports import alerts
from trading.risk.gate import RiskGate
from trading.risk.kill_latch import KillLatch
from trading.risk.limits import LimitBook
from trading.strategies.calls import CallGuard

TIME_KEY: Final = "market.time"
# A paper market that is silent for so long by the wall clock fills market orders at its last price.
QUIET_S: Final = 5.0


class Trader:
    """Trade for one bot."""

    def __init__(self, setup: TradingSetup, saved: SavedTrading, calls: CallGuard) -> None:
        self.setup = setup
        self._by_bars = setup.ranges_by_bars
        values = saved.values
        self.journal = SilentJournal() if setup.is_silent else Journal()
        self.decisions = SilentDecisions() if setup.is_silent else Decisions()
        self.history = TradeHistory(setup.zone, saved.trades)
        symbols = {symbol for one in setup.accounts for symbol in one.symbols}
        now = float(values.get(TIME_KEY, "0"))
        self._limits = LimitBook(setup.limits, values.get(LIMITS_KEY))
        self.markets = Markets(sorted(symbols), setup.candles_kept, now)
        # One table for all: what a venue tells of its markets is known everywhere at once.
        self.instruments = known_instruments(setup.instruments, values)
        builder = DeskBuilder(saved, self.instruments, self.history, self._limits)
        self.desks = {one.account.name: builder.build(one, self.journal) for one in setup.accounts}
        for symbol, market in self.markets.by_symbol.items():
            market.desks = tuple(one for one in self.desks.values() if symbol in one.markets)
        self.orders = OrderDesk(self.journal, saved.orders, saved.fill_ids)
        self.conditions = Conditions(
            flags=Flags(values.get(FLAGS_KEY)),
            limits=self._limits,
            latch=KillLatch(values.get(KILL_KEY)),
            markets=self.markets,
            instruments=self.instruments,
            is_allowed=setup.is_allowed,
            journal=self.journal,
        )
        ids = OrderIds(setup.bot, setup.run, self.orders.knows)
        accounts = {one.account.name: one.account for one in setup.accounts}
        announcer = SilentAnnouncer if setup.is_silent else Announcer
        self.announcer = announcer(self.journal, self.markets, accounts)
        self.dealer = Dealer(
            self.desks,
            self.markets,
            self.instruments,
            self.orders,
            gate=RiskGate(setup.risk),
            conditions=self.conditions,
            ids=ids,
            journal=self.journal,
            decisions=self.decisions,
            announcer=self.announcer,
        )
        self.losses = LossWatch(
            self.desks,
            self.conditions,
            self.journal,
            self.announcer,
            self.dealer,
            settings=setup.limits,
            zone=setup.zone,
            saved=values.get(DAY_KEY),
        )
        self.marks = Marks(self.desks, values)
        live = self._build_live_parts(ids, values)
        self.venues, self.reconciliation = live.venues, live.reconciliation
        self.recall = live.recall
        under_way = values.get(FLATTEN_KEY)
        self.flattening = FlattenDesk(
            self.desks, self.dealer, self.conditions, self.journal, live.check, under_way
        )
        self._failures = StrategyFailures(
            self.dealer, self.markets, self.journal, self.announcer, self.decisions
        )
        self.instances = self._build_board(ids, calls)
        self.candles = self._build_runner()

    def start(self, wall: float) -> None:
        """Load the strategies, and bring everything that was left open in order."""
        self.markets.wall = wall
        for desk in self.desks.values():
            if desk.exchange is not None:
                held = {symbol: one.quantity for symbol, one in desk.book.positions.items()}
                self.dealer.report(
                    desk.exchange.restore(
                        cash=desk.book.cash,
                        holdings=held,
                        orders=self.orders.open_of_account(desk.name),
                        at=self.markets.now,
                        prices=self.marks.of_account(desk.name),
                    )
                )
        if self.setup.frozen:
            self.announcer.tell(announce_frozen(self.setup.frozen))
        self._failures.tell_kept_out(self.instances.all)
        self.instances.load()
        self._cancel_unwanted_entries()
        self.dealer.review_all()
        self.flattening.press()
        self._settle()

    def on_history(self, bars: Iterable[Bar]) -> None:
        """Take in closed candles from before the start: known past, never a reason to act."""
        for bar in bars:
            if not is_candle(bar):
                continue
            market = self.markets.find(bar.symbol)
            market.on_past_bar(bar)
            self.markets.now = max(self.markets.now, bar.end)
            for desk in market.desks:
                # Not by the candle: a late one is older than the last price.
                if market.price is not None:
                    desk.book.mark(bar.symbol, market.price)

    def on_tick(self, tick: Tick) -> bool:
        """Take in a price; tell whether there is anything to be done."""
        markets, at = self.markets, tick.at
        if not (0.0 < tick.price < PRICE_MAX and at < INSTANT_MAX):
            return self._pass_over(tick.symbol)
        if at > markets.now:
            markets.now = at
            if at >= self.losses.day_ends:
                self.losses.start_day(at)
        market = markets.by_symbol.get(tick.symbol) or markets.find(tick.symbol)
        market.on_tick(tick)
        if market.is_engaged:
            self._trade_tick(market, tick)
        if market.tick_runners:
            self.instances.call(market.tick_runners, tick)
        return not self.journal.is_empty

    def on_bar(self, bar: Bar) -> bool:
        """Take in a closed candle; tell whether there is anything to be done."""
        markets, end = self.markets, bar.start + bar.interval_s
        if not is_candle(bar):
            return self._pass_over(bar.symbol)
        market = markets.by_symbol.get(bar.symbol) or markets.find(bar.symbol)
        if market.is_engaged and self._by_bars:
            # As of its beginning: what is placed at its open is exposed to the rest of it.
            markets.now = max(markets.now, bar.start)
            self._trade_range(market, bar)
        if end > markets.now:
            markets.now = end
            if end >= self.losses.day_ends:
                self.losses.start_day(end)
        market.on_bar(bar)
        if market.is_engaged and market.price is not None:
            # Not by the candle: a live one may come later than prices behind it.
            self._value(market, market.price)
        if market.bar_runners:
            self.instances.call(market.bar_runners, bar)
        return not self.journal.is_empty

    def on_report(self, report: Report) -> None:
        """Take in what a live venue says."""
        self._report([self.reconciliation.fees.valued(report)])

    def on_venue_news(self, news: VenueNews) -> None:
        """Take in what the worker of a live account tells beside reports."""
        self.venues.take(news)
        if type(news) is AccountSeen:
            self.flattening.check.take(news)
        self._settle()

    def on_sample(self, wall: float, monotonic: float) -> None:
        """Look after what depends on the wall clock: silence, retries, jumps of the clock."""
        if self.conditions.clock.sample(wall, monotonic):
            self.announcer.tell(alerts.clock_jumped(self.conditions.clock.step_s, wall))
            self.markets.shift(self.conditions.clock.step_s)
        self.markets.sample(wall)
        for desk in self.desks.values():
            if desk.exchange is not None:
                for symbol in sorted(desk.exchange.busy):
                    self._fill_if_quiet(desk.exchange, self.markets.by_symbol[symbol], wall)
        self.venues.sample(wall)
        self.dealer.retry_stuck()
        self.flattening.press()
        self._settle()
        self.losses.sample()
        self.marks.keep(self.markets, self.journal)
        if self.markets.now:
            self.journal.save(TIME_KEY, self._tell_time)

    def take_effects(self) -> Sequence[Effect]:
        """Return what is to be done after an event, with the market time that it belongs to."""
        if self.dealer.reports or self.dealer.touched:
            self._settle()
        if self.journal.is_empty:
            return ()
        if self.markets.now and not self.journal.is_silent:
            self.journal.save(TIME_KEY, self._tell_time)
        return self.journal.take()

    def _tell_time(self) -> str:
        return repr(self.markets.now)

    def _pass_over(self, symbol: str) -> bool:
        """Leave out market data that cannot be: nothing is valued, filled or decided by it."""
        self.announcer.tell(announce_bad_data(symbol))
        return True

    def _settle(self) -> None:
        self.dealer.settle()
        while closed := self.dealer.closed_trades:
            self.dealer.closed_trades = []
            for trade in closed:
                self.history.add(trade)
                self.losses.on_trade(trade)
            # A limit that the trade tripped has cancelled entries.
            self.dealer.settle()

    def _report(self, reports: Sequence[Report]) -> None:
        if reports:
            self.dealer.report(reports)
            self._settle()

    def _trade_tick(self, market: Market, tick: Tick) -> None:
        """Fill by a price, and look after what is held."""
        symbol, price = market.symbol, tick.price
        # Of a recorded candle only the open is a price in its place: the close tells nothing
        # about what was reached before it, and the candle itself will.
        is_matched = not (self._by_bars and tick.size)
        for desk in market.desks:
            exchange = desk.exchange
            if exchange is None:
                self.venues.watch(desk, symbol, price, tick.at)
            elif is_matched and symbol in exchange.busy:
                self._report(exchange.on_tick(tick))
            if symbol in desk.book.positions:
                self._watch(desk, symbol, price, price, is_moving=not self._by_bars)

    def _trade_range(self, market: Market, bar: Bar) -> None:
        """Fill by a candle's open, then by its range in the worse order."""
        symbol = market.symbol
        for desk in market.desks:
            exchange = desk.exchange
            if exchange is not None and symbol in exchange.busy and not exchange.passes(bar):
                self._report(exchange.on_bar_open(bar))
                if symbol in exchange.busy:
                    self._report(exchange.on_bar_range(bar))
            position = desk.book.positions.get(symbol)
            if position is not None and position.opened_at <= bar.start:
                is_long = position.quantity > 0
                worst, best = (bar.low, bar.high) if is_long else (bar.high, bar.low)
                self._watch(desk, symbol, worst, best, is_moving=True)

    def _value(self, market: Market, price: float) -> None:
        """Value what is held at the close of a candle."""
        for desk in market.desks:
            if market.symbol in desk.book.positions:
                self._watch(desk, market.symbol, price, price, is_moving=False)

    def _watch(
        self, desk: AccountDesk, symbol: str, worst: float, best: float, *, is_moving: bool
    ) -> None:
        """Value a position anew, follow its trailing stop, and hold losses against the limits."""
        book, bases = desk.book, desk.bases
        value, equity = book.mark(symbol, worst)
        position = book.positions[symbol]
        if position.trail is not None and not position.closing:
            self._follow_trail(position, worst, best, is_moving=is_moving)
        # Between these bounds no limit can trip and no base moves.
        is_calm = bases.floor < equity <= bases.ceiling
        if not is_calm or value < desk.floors.get(symbol, math.inf):
            self.losses.on_mark(desk, symbol, self.markets.now)

    def _follow_trail(
        self, position: Position, worst: float, best: float, *, is_moving: bool
    ) -> None:
        if is_trail_hit(position, worst):
            self.dealer.close(position, "trailing stop")
        elif is_moving:
            moved = follow_price(position, best)
            if moved is not position:
                self.dealer.keep_position(moved)

    def _fill_if_quiet(self, exchange: PaperExchange, market: Market, wall: float) -> None:
        if market.price is not None and market.silence_s(wall) >= QUIET_S:
            self._report(exchange.on_quiet(market.symbol, market.price, self.markets.now))

    def _cancel_unwanted_entries(self) -> None:
        """Cancel entries that nobody looks after any more, or that nobody may make any more."""
        if not self.conditions.is_allowed:
            self.dealer.cancel_entries()
        acting = {one.setup.id for one in self.instances.all if one.is_running and one.is_active}
        owners = {one.instance for one in self.orders.open_orders() if one.instance}
        for instance in sorted(owners - acting):
            self.dealer.cancel_entries_of(instance)

    def _build_live_parts(self, ids: OrderIds, values: Mapping[str, str]) -> LiveParts:
        return LiveParts(
            self.setup,
            self.desks,
            self.markets,
            self.instruments,
            conditions=self.conditions,
            dealer=self.dealer,
            journal=self.journal,
            announcer=self.announcer,
            ids=ids,
            values=values,
        )

    def _build_board(self, ids: OrderIds, calls: CallGuard) -> InstanceBoard:
        wishes = WishDesk(
            self.dealer, self.desks, self.journal, self.announcer, self.decisions, self.markets
        )
        account_of = {one.id: one.account for one in self.setup.instances}
        return InstanceBoard(
            self.setup.instances,
            markets=self.markets,
            desk=MarketView(self.markets, self.desks, self.orders, ids, account_of),
            calls=calls,
            carry_out=wishes.carry_out,
            on_failure=self._failures.take,
        )

    def _build_runner(self) -> CandleRunner:
        return CandleRunner(
            self.desks,
            self.markets,
            self.losses,
            self.instances,
            self.journal,
            take_one=self.on_bar,
            by_bars=self._by_bars,
        )
