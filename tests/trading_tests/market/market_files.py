"""Market data files for tests: made ones, and the recorded ones where they are."""

import gzip
import threading
from collections.abc import Iterable
from pathlib import Path

import pytest

from daemonkit.clock import Clock, SystemClock
from trading.market.build import build_feed
from trading.market.feed import Feed
from trading.market.settings import ReplaySettings
from trading.model.market import Bar, Tick

CANDLES_HEADER = "timestamp,open,high,low,close,volume"
TRADES_HEADER = "timestamp,id,side,price,amount,cost"
# 2024-01-01T00:00:00Z
START_S = 1_704_067_200
RECORDED = Path(__file__).resolve().parents[4] / "shared" / "data" / "market"


def candle_lines(count: int, *, start_s: int = START_S, step_s: int = 60) -> list[str]:
    return [
        f"{(start_s + index * step_s) * 1000},{100 + index},{102 + index},"
        f"{99 + index},{101 + index},{index + 0.5}"
        for index in range(count)
    ]


def write_lines(file: Path, lines: Iterable[str]) -> Path:
    data = "".join(f"{line}\n" for line in lines).encode()
    file.write_bytes(gzip.compress(data) if file.suffix == ".gz" else data)
    return file


def write_candles(file: Path, lines: Iterable[str]) -> Path:
    return write_lines(file, [CANDLES_HEADER, *lines])


def build_replay(
    file: Path,
    *,
    symbol: str | None = "BTC/USDT",
    speed: float = 0,
    candle_s: int | None = None,
    history_candles: int = 0,
    clock: Clock | None = None,
    resume_at: float | None = None,
) -> Feed:
    settings = ReplaySettings(
        file=str(file),
        symbol=symbol,
        speed=speed,
        candle_s=candle_s,
        history_candles=history_candles,
    )
    return build_feed(
        settings, clock=clock or SystemClock(), base_dir=file.parent, resume_at=resume_at
    )


def played(feed: Feed) -> list[Tick | Bar]:
    """Run a feed on this thread to its end."""
    events: list[Tick | Bar] = []
    feed.run(events.append, threading.Event())
    return events


def first_events(feed: Feed, count: int) -> list[Tick | Bar]:
    """Run a feed on this thread until it has published so many events."""
    stop = threading.Event()
    events: list[Tick | Bar] = []

    def publish(event: Tick | Bar) -> None:
        events.append(event)
        if len(events) >= count:
            stop.set()

    feed.run(publish, stop)
    return events


def bars_of(events: Iterable[Tick | Bar]) -> list[Bar]:
    return [event for event in events if isinstance(event, Bar)]


def ticks_of(events: Iterable[Tick | Bar]) -> list[Tick]:
    return [event for event in events if isinstance(event, Tick)]


def recorded(name: str) -> Path:
    file = RECORDED / name
    if not file.exists():
        pytest.skip("the recorded market files are not beside the checkout")
    return file
