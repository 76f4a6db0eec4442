"""A run of candles in one go: the quick way through those at which nothing can happen.

Every other candle goes the ordinary way, and what comes of a run is the same as candle by candle:
nothing is decided here, and what a calm candle is follows from its bounds.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import chain, repeat

from trading.engine.calm import Calm, find_calm
from trading.engine.desks import AccountDesk
from trading.engine.instances import InstanceBoard
from trading.engine.journal import Journal
from trading.engine.loss_watch import LossWatch
from trading.engine.markets import Market, Markets
from trading.market.candles import INSTANT_MAX
from trading.model.market import Bar


class CandleRunner:
    """Take candles in until one of them leaves something to be done."""

    def __init__(
        self,
        desks: Mapping[str, AccountDesk],
        markets: Markets,
        losses: LossWatch,
        board: InstanceBoard,
        journal: Journal,
        *,
        take_one: Callable[[Bar], bool],
        by_bars: bool,
    ) -> None:
        self._markets = markets
        self._losses = losses
        self._board = board
        self._journal = journal
        self._take_one = take_one
        self._by_bars = by_bars
        self._equities: dict[str, list[float]] = {name: [] for name in desks}

    def run(self, rest: Iterator[Bar]) -> bool:
        """Take candles from `rest` until one leaves something to be done; tell whether one did."""
        markets = self._markets.by_symbol
        for bar in rest:
            market = markets.get(bar.symbol) or self._markets.find(bar.symbol)
            uncalm = self._pass_calm(market, bar, rest)
            if uncalm is not None:
                self._take_one(uncalm)
                # Whatever is ordered now is filled by later candles, so this is what it is worth.
                for desk in self._markets.find(uncalm.symbol).desks:
                    self._equities[desk.name].append(desk.book.equity())
            if not self._journal.is_empty:
                return True
        return False

    def take_equities(self) -> Mapping[str, list[float]]:
        """Return what each account was worth after each candle of its markets; forget it."""
        taken = self._equities
        self._equities = {name: [] for name in taken}
        return taken

    def _find_calm(self, market: Market, bar: Bar) -> Calm | None:
        end = bar.start + bar.interval_s
        # Late ones are rare, and tell no price.
        if end < self._markets.now or end < market.at or (market.is_engaged and not self._by_bars):
            return None
        return find_calm(market, bar.start)

    def _pass_calm(self, market: Market, first: Bar, rest: Iterator[Bar]) -> Bar | None:
        """Take this candle and those that follow, up to the one returned, which is not calm.

        None: there are no more, or the last one taken left something to be done. This is what
        each candle of a backtest goes through: hence its length, and its few calls.
        """
        calm = self._find_calm(market, first)
        if calm is None:
            return first
        below, above, close_min, close_max, quantity = calm[:5]
        markets, series, symbol = self._markets, market.series, market.symbol
        append, on_close = series.append, series.on_close
        interval_s, due = series.interval_s, series.due
        ends_before = min(self._losses.day_ends, INSTANT_MAX)
        runners, call_next = market.bar_runners, self._board.call_next
        equities: list[float] = []
        values = market.desks[0].book.values if quantity else {}
        cash, count, last = calm.cash, 0, first
        for bar in chain((first,), rest):
            start, close = bar.start, bar.close
            low, high = bar.low, bar.high
            end = start + interval_s
            if not (
                start == due
                and below < low <= bar.open <= high < above
                and low <= close <= high
                and close_min <= close <= close_max
                and end < ends_before
                and bar.volume - bar.volume == 0.0
                and bar.interval_s == interval_s
                and bar.symbol == symbol
            ):
                self._end_calm(market, calm, last, count, equities)
                return bar
            count += 1
            due, last = end, bar
            market.price, market.at, markets.now = close, end, end
            if end >= market.sample_due:
                market.sample_due = market.samples.take(end, close)
            append(bar)
            for update in on_close:
                update(close)
            if series.has_rest:
                series.feed_rest(bar)
            if quantity:
                values[symbol] = value = quantity * close
                equities.append(cash + value)
            if runners:
                calls = iter(runners)
                left = call_next(calls, bar)
                if left is not None:
                    self._end_calm(market, calm, last, count, equities)
                    self._board.attend(*left)
                    self._board.call(calls, bar)
                    return None
        self._end_calm(market, calm, last, count, equities)
        return None

    def _end_calm(
        self, market: Market, calm: Calm, last: Bar, count: int, equities: list[float]
    ) -> None:
        """Make up for what only has to be right before anybody else looks."""
        if not count:
            return
        market.series.due = last.start + last.interval_s
        market.ticks += count
        market.bars += count
        if calm.venue is not None:
            calm.venue.pass_candles(last, count)
        for desk in market.desks:
            self._equities[desk.name] += equities or repeat(desk.book.equity(), count)
