"""A month of candles, recorded or made, and a bot that trades through it in bad conditions."""

import csv
import gzip
import math
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Final

from tests.scenarios.books import check_books, check_told, read_kept
from tests.scenarios.exchange_desk import NOW, ExchangeDesk, open_exchange
from tests.scenarios.live_bot import LiveBot
from tests.scenarios.moments import NAMES, KilledError, Moments
from tests.scenarios.troubles import REFUSING, SCRIPTS, STEPS, Stage
from trading.model.market import Bar

CANDLE_S: Final = 900
DAYS: Final = 30
_ZERO: Final = Decimal(0)
_COMPARED_EACH: Final = 12
# So often at most, three seconds apart.
_LOOKS_MAX: Final = 60
_PRICES: Final = ("open", "high", "low", "close")
_SYMBOL: Final = "BTC/USD"
_RISK: Final = {
    **dict.fromkeys(("daily_loss_pct", "total_loss_pct", "max_drawdown_pct"), 0.99),
    **dict.fromkeys(("symbol_daily_loss_pct", "symbol_total_loss_pct"), 0.99),
    "losing_streak": 1_000,
    "stop_loss_pct": 0.006,
    "take_profit_pct": 0.012,
    "trailing": {"activation_pct": 0.004, "distance_pct": 0.003},
}


def made_candles(seed: int) -> list[Bar]:
    """Make a month with what recorded ones have: calm and wild hours, jumps, and minutes amiss."""
    rng, bars, price, wildness = Random(seed), list[Bar](), 46_000.0, 0.0015
    for number in range(DAYS * 86_400 // CANDLE_S):
        wildness = min(0.006, max(0.0004, wildness * math.exp(rng.gauss(0, 0.08))))
        opened = price * (1 + (rng.gauss(0, 0.004) if rng.random() < 0.01 else 0.0))
        path = [opened]
        for _ in range(5):
            path.append(path[-1] * (1 + rng.gauss(0, wildness) / 2))
        price = path[-1]
        if rng.random() > 0.003:
            bars.append(_bar(NOW + number * CANDLE_S, path))
    return bars


def recorded_candles(file: Path) -> list[Bar]:
    """Read candles of a minute, and make longer ones of them; the times are moved to ours."""
    with gzip.open(file, "rt", encoding="ascii", newline="") as lines:
        rows = [
            (float(row["timestamp"]) / 1000, [float(row[name]) for name in _PRICES])
            for row in csv.DictReader(lines)
        ]
    first = rows[0][0]
    by_start: dict[float, list[float]] = {}
    for at, prices in rows:
        start = NOW + (at - first) // CANDLE_S * CANDLE_S
        by_start.setdefault(start, []).extend(prices)
    return [_bar(start, path) for start, path in by_start.items()]


def _bar(start: float, path: Sequence[float]) -> Bar:
    prices = [round(one, 1) for one in path]
    return Bar(
        start=start,
        symbol=_SYMBOL,
        interval_s=CANDLE_S,
        open=prices[0],
        high=max(prices),
        low=min(prices),
        close=prices[-1],
        volume=10.0,
    )


class Month:
    """Trade through candles; now and then a request meets trouble, or the process dies."""

    def __init__(self, desk: ExchangeDesk, folder: Path, seed: int) -> None:
        self.rng, self.desk, self.moments = Random(seed), desk, Moments()
        parameters: dict[str, object] = {"fast_period": 2, "slow_period": 5}
        if desk.setting.market_type != "spot":
            parameters["allow_short"] = True
        self.bot = LiveBot(
            folder,
            desk,
            Moments(),
            Random(seed),
            risk=_RISK,
            strategy="sma_crossover",
            parameters=parameters,
        )
        self.bot.run(3)
        self.bot.do("starttrading")
        self.bot.moments = self.moments
        self.stage = Stage(desk, self.bot, self.rng)
        self.compared = 0

    def trade(self, bars: Iterator[Bar]) -> None:
        """Live through the candles, and compare whenever nothing is on its way."""
        for number, bar in enumerate(bars):
            self._trouble()
            try:
                self.bot.live_through(bar)
                if number % _COMPARED_EACH == 0:
                    self._compare()
            except KilledError:
                self.moments.arm([])
                self.bot.kill()
                self.bot.open()

    def _trouble(self) -> None:
        if self.rng.random() < 0.05:
            # A refused key keeps the bot out for a minute, which here is nothing.
            name, kind = self.rng.choice(list(SCRIPTS)), self.rng.choice(STEPS)
            if name not in REFUSING:
                SCRIPTS[name](self.stage, kind, self.rng.choice((1, 1, 2)))
        if self.rng.random() < 0.01:
            self.moments.arm([(self.rng.choice(NAMES), self.rng.randint(1, 20))])

    def _compare(self) -> None:
        """Hold the bot's equity against what the account is worth at the exchange.

        What has just been filled it may learn of by its next reads only, and those may fail.
        """
        for _ in range(_LOOKS_MAX):
            self.bot.run(3)
            ours, theirs = self._worth_here(), self._worth_there()
            if self.bot.is_at_rest and abs(ours - theirs) <= self._slack:
                break
        else:
            raise AssertionError(f"equity: {ours} here, {theirs} there, {self._slack}")
        shown = self.bot.trader.desks["main"].book.equity()
        assert math.isclose(shown, float(theirs), rel_tol=1e-9), f"{shown} is shown of {theirs}"
        self.compared += 1

    def _worth_here(self) -> Decimal:
        book = self.bot.trader.desks["main"].book
        held = [one.quantity for one in book.positions.values()]
        held += [one.quantity for one in book.residues.values()]
        return book.cash + sum(held, Decimal(0)) * self._price

    def _worth_there(self) -> Decimal:
        engine, account = self.desk.engine, self.desk.account
        market = engine.markets[self.desk.venue_symbol]
        totals = {name: one.total for name, one in engine.balances(account).items()}
        open_profit = sum((one.profit_at(self._price) for one in engine.positions(account)), _ZERO)
        return totals[market.quote] + totals.get(market.base, _ZERO) * self._price + open_profit

    @property
    def _price(self) -> Decimal:
        price = self.desk.engine.tapes[self.desk.venue_symbol].last
        assert price is not None
        return price

    @property
    def _slack(self) -> Decimal:
        is_spot = self.desk.setting.market_type == "spot"
        return _ZERO if is_spot else Decimal("1e-8") * (1 + self.fills)

    @property
    def fills(self) -> int:
        return len(self.desk.engine.trades(self.desk.account))

    def end(self) -> None:
        """End all trouble, come to rest, and hold everything against the exchange."""
        self.moments.arm([])
        self.desk.running.faults.clear()
        for _ in range(40):
            self.bot.run(12)
            if self.bot.is_at_rest:
                break
        self.bot.look()
        self.bot.run(6)
        self._compare()
        kept = read_kept(self.bot.config.database)
        check_books(kept, self.desk.there)
        check_told(kept)


def trade_a_month(exchange: str, bars: Sequence[Bar], folder: Path, seed: int = 1) -> Month:
    """Trade through candles at an exchange of the fake."""
    with open_exchange(exchange) as desk:
        month = Month(desk, folder, seed)
        try:
            month.trade(iter(bars))
            month.end()
        finally:
            month.bot.kill()
    return month
