"""Measure what one more value costs an indicator: `python -m benchmarks.indicators`.

Compares our incremental indicators with talipp's and with `talib.stream` on a window of the last
100 values, which is how TA-Lib is used live. Their last values are compared with TA-Lib's on the
whole series. What two averages add to a symbol's series is shown beside, without a goal.
"""

from __future__ import annotations

import argparse
import math
import random
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import talib
from talib import stream
from talipp import indicators as talipp  # type: ignore[import-untyped]
from talipp.ohlcv import OHLCV  # type: ignore[import-untyped]

from benchmarks.sitting import Sample, median, pin, print_goal, print_table, run_rounds
from trading.market.indicator_set import Kind
from trading.market.indicators import ATR, EMA, RSI, SMA
from trading.market.series import SymbolSeries
from trading.model.market import Bar

OURS, TALIPP, STREAM = "ours", "talipp", "talib.stream, window of 100"
NAMES: Final = ("SMA20", "EMA20", "RSI14", "ATR14")
WINDOW: Final = 100


def make_bars(count: int) -> list[Bar]:
    """Make a seeded random walk of minutes."""
    rng = random.Random(7)
    bars, price = [], 30_000.0
    for index in range(count):
        close = price * math.exp(rng.gauss(0.0, 0.0007))
        high = max(price, close) * (1 + rng.random() * 0.0004)
        low = min(price, close) * (1 - rng.random() * 0.0004)
        bars.append(Bar("BTC/USDT", 60.0 * index, 60, price, high, low, close, rng.random()))
        price = close
    return bars


def _per_value(start: float, count: int) -> float:
    return (time.perf_counter() - start) / count * 1e9


def run_ours(bars: Sequence[Bar]) -> Sample:
    """Feed our indicators and two averages in a series."""
    closes = [bar.close for bar in bars]
    figures = {}
    for name, single in (("SMA20", SMA(20)), ("EMA20", EMA(20)), ("RSI14", RSI(14))):
        update = single.update
        start = time.perf_counter()
        for close in closes:
            update(close)
        figures[name] = _per_value(start, len(bars))
        check(name, single.value, bars)
    ranges = ATR(14)
    rows = [(bar.high, bar.low, bar.close) for bar in bars]
    start = time.perf_counter()
    for high, low, close in rows:
        ranges.update(high, low, close)
    figures["ATR14"] = _per_value(start, len(bars))
    check("ATR14", ranges.value, bars)
    return figures | {"series": _run_series(bars)}


def _run_series(bars: Sequence[Bar]) -> float:
    series = SymbolSeries("BTC/USDT")
    series.indicator(Kind.SMA, 20)
    series.indicator(Kind.SMA, 50)
    start = time.perf_counter()
    for bar in bars:
        series.on_bar(bar)
    return _per_value(start, len(bars))


def run_talipp(bars: Sequence[Bar]) -> Sample:
    """Feed talipp's indicators, reading the last value each time."""
    closes = [bar.close for bar in bars]
    candles = [OHLCV(bar.open, bar.high, bar.low, bar.close) for bar in bars]
    makers: dict[str, tuple[Callable[[], Any], Sequence[Any]]] = {
        "SMA20": (lambda: talipp.SMA(20), closes),
        "EMA20": (lambda: talipp.EMA(20), closes),
        "RSI14": (lambda: talipp.RSI(14), closes),
        "ATR14": (lambda: talipp.ATR(14), candles),
    }
    figures = {}
    for name, (make, values) in makers.items():
        indicator = make()
        add = indicator.add
        last = None
        start = time.perf_counter()
        for value in values:
            add(value)
            last = indicator[-1]
        figures[name] = _per_value(start, len(bars))
        if name != "ATR14":  # talipp counts the first candle's range, TA-Lib does not
            check(name, last, bars)
    return figures


def run_stream(bars: Sequence[Bar]) -> Sample:
    """Compute the last value on a window, for every candle."""
    close = np.array([bar.close for bar in bars])
    high = np.array([bar.high for bar in bars])
    low = np.array([bar.low for bar in bars])
    single: dict[str, tuple[Callable[..., Any], int]] = {
        "SMA20": (stream.SMA, 20),
        "EMA20": (stream.EMA, 20),
        "RSI14": (stream.RSI, 14),
    }
    ends = range(WINDOW, len(bars) + 1)
    figures = {}
    for name, (compute, period) in single.items():
        start = time.perf_counter()
        for end in ends:
            compute(close[end - WINDOW : end], period)
        figures[name] = _per_value(start, len(ends))
    start = time.perf_counter()
    for end in ends:
        window = slice(end - WINDOW, end)
        stream.ATR(high[window], low[window], close[window], 14)
    figures["ATR14"] = _per_value(start, len(ends))
    return figures


def check(name: str, value: float | None, bars: Sequence[Bar]) -> None:
    """Check a last value against TA-Lib on the whole series."""
    close = np.array([bar.close for bar in bars])
    high = np.array([bar.high for bar in bars])
    low = np.array([bar.low for bar in bars])
    expected = {
        "SMA20": lambda: talib.SMA(close, 20),
        "EMA20": lambda: talib.EMA(close, 20),
        "RSI14": lambda: talib.RSI(close, 14),
        "ATR14": lambda: talib.ATR(high, low, close, 14),
    }[name]()[-1]
    assert value is not None
    assert math.isclose(value, expected, rel_tol=1e-9), f"{name}: {value}, TA-Lib {expected}"


def main() -> None:
    """Run the sitting."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--values", type=int, default=50_000)
    arguments = parser.parse_args()
    pin(0)
    bars = make_bars(arguments.values)
    figures = run_rounds(
        {
            OURS: lambda: run_ours(bars),
            TALIPP: lambda: run_talipp(bars),
            STREAM: lambda: run_stream(bars),
        },
        arguments.rounds,
    )
    for name in NAMES:
        print_table(f"{name}, one value", figures, name, "ns")
    print_table("A candle into a series with SMA20 and SMA50", figures, "series", "ns")
    print()
    for goal, rival, must, aim in (
        ("I1", TALIPP, "<= 0.35", "<= 0.25"),
        ("I2", STREAM, "<= 0.30", "<= 0.22"),
    ):
        for name in NAMES:
            ratio = median(figures, OURS, name) / median(figures, rival, name)
            print_goal(f"{goal} {name} to {rival}", ratio, must, aim)


if __name__ == "__main__":
    main()
