"""A venue that knows what was traded, and answers for candles as real ones do."""

from dataclasses import dataclass, field

from trading.market.candle_answer import CandleAnswer, Question, Row, read_answer
from trading.market.candles import CandleBuilder, flat_bar
from trading.model.market import Bar, Tick

SYMBOL, MINUTE = "BTC/USD", 60
START = 1_800_000_000.0


@dataclass
class CandleVenue:
    """Keep trades; tell candles without the minutes in which there were none."""

    trades: list[Tick]
    retention: int = 10_000
    window_only: bool = False
    tells_empty: bool = False
    asked: list[Question] = field(default_factory=list)

    def rows(self, until: float) -> list[Row]:
        """Return what the venue has at a moment, the growing candle included."""
        grown: dict[float, Bar] = {}
        for trade in self.trades:
            if trade.at >= until:
                break
            start = trade.at // MINUTE * MINUTE
            bar = grown.get(start)
            if bar is None:
                price = trade.price
                grown[start] = Bar(SYMBOL, start, MINUTE, price, price, price, price, trade.size)
            else:
                bar.high, bar.low = max(bar.high, trade.price), min(bar.low, trade.price)
                bar.close, bar.volume = trade.price, bar.volume + trade.size
        bars = [grown[start] for start in sorted(grown)]
        if self.tells_empty and bars:
            bars = list(regular(bars, until // MINUTE * MINUTE + MINUTE))
        return [row_of(bar) for bar in bars][-self.retention :]

    def answer(self, question: Question, now: float, *, settle_s: float = 5.0) -> CandleAnswer:
        """Answer a question at a moment, cut as the venue cuts."""
        self.asked.append(question)
        rows = [row for row in self.rows(now) if (row[0] or 0) / 1000 >= question.start]
        if self.window_only:
            end = question.end(MINUTE)
            rows = [row for row in rows if (row[0] or 0) / 1000 < end]
        return read_answer(
            SYMBOL,
            MINUTE,
            question,
            rows[: question.limit],
            closed_before=now,
            empty_before=now - settle_s,
        )


def row_of(bar: Bar) -> Row:
    """Return a candle as ccxt tells it."""
    return (bar.start * 1000, bar.open, bar.high, bar.low, bar.close, bar.volume)


def true_candles(trades: list[Tick], until: float) -> list[Bar]:
    """Return what a gap-free record of the trades is."""
    builder = CandleBuilder(SYMBOL, MINUTE, gap_bars_max=1_000_000)
    told = [bar for trade in trades if trade.at < until for bar in builder.add(trade)]
    return told + list(builder.close_until(until))


def regular(bars: list[Bar], until: float) -> list[Bar]:
    """Return candles with flat ones where there are none."""
    told: list[Bar] = []
    for bar in bars:
        while told and told[-1].end < bar.start:
            told.append(flat_bar(SYMBOL, told[-1].end, MINUTE, told[-1].close))
        told.append(bar)
    while told and told[-1].end < until:
        told.append(flat_bar(SYMBOL, told[-1].end, MINUTE, told[-1].close))
    return told
