"""The recorded market files, where they lie beside the checkout."""

import threading
import tracemalloc
from itertools import pairwise

import pytest

from tests.trading_tests.market.market_files import (
    bars_of,
    build_replay,
    played,
    recorded,
    ticks_of,
)
from trading.market.feed import time_of
from trading.model.market import Bar, Tick


@pytest.mark.parametrize(
    ("name", "symbol", "interval_s", "count"),
    [
        ("btc_perp_1m.csv.gz", "BTC/USD", 60, 45_031),
        ("eth_btc_5m.csv.gz", None, 300, 5_760),
        ("xrp_usdt_perp_5m.csv.gz", None, 300, 1_999),
    ],
)
def test_every_candle_is_played_in_order(
    name: str, symbol: str | None, interval_s: int, count: int
) -> None:
    events = played(build_replay(recorded(name), symbol=symbol))
    bars = bars_of(events)
    assert len(bars) == count
    assert {bar.interval_s for bar in bars} == {interval_s}
    assert all(after.start == before.end for before, after in pairwise(bars))
    assert len(ticks_of(events)) == 2 * count
    assert all(time_of(before) <= time_of(after) for before, after in pairwise(events))


def test_every_trade_is_played_in_order() -> None:
    events = played(build_replay(recorded("xrp_eth_trades.csv.gz"), symbol=None))
    ticks, bars = ticks_of(events), bars_of(events)
    assert len(ticks) == 12_477
    assert all(time_of(before) <= time_of(after) for before, after in pairwise(events))
    assert all(after.start == before.end for before, after in pairwise(bars))
    closed = [one.size for one in ticks if one.at < bars[-1].end]
    assert sum(bar.volume for bar in bars) == pytest.approx(sum(closed))


def test_a_replay_keeps_no_more_than_its_history_in_memory() -> None:
    feed = build_replay(recorded("btc_perp_1m.csv.gz"), symbol="BTC/USD", history_candles=200)
    counted = 0

    def publish(event: Tick | Bar) -> None:
        nonlocal counted
        counted += isinstance(event, Bar)

    tracemalloc.start()
    try:
        feed.run(publish, threading.Event())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert counted == 45_031 - 200
    assert peak < 2_000_000
