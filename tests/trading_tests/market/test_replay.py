"""Replays: what a file of candles or trades becomes, in which order, from where on."""

import threading
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemonkit.clock import ManualClock
from tests.trading_tests.market.market_files import (
    CANDLES_HEADER,
    START_S,
    TRADES_HEADER,
    bars_of,
    build_replay,
    candle_lines,
    first_events,
    played,
    ticks_of,
    write_candles,
    write_lines,
)
from tests.waiting import wait_until
from trading.market.feed import time_of
from trading.market.replay import events_of_candles
from trading.model.market import Bar, Tick

SYMBOL = "BTC/USDT"


def trade_line(offset_ms: int, price: float, amount: float, number: int | str = "") -> str:
    return f"{START_S * 1000 + offset_ms},{number},buy,{price},{amount},{price * amount}"


def write_trades(file: Path, lines: list[str]) -> Path:
    return write_lines(file, [TRADES_HEADER, *lines])


@pytest.mark.parametrize("name", ["candles.csv", "candles.csv.gz", "CANDLES.CSV"])
def test_a_candle_becomes_a_tick_at_its_open_one_at_its_close_and_the_candle(
    tmp_path: Path, name: str
) -> None:
    file = write_candles(tmp_path / name, candle_lines(2))
    assert played(build_replay(file)) == [
        Tick(SYMBOL, 100, 0, START_S),
        Tick(SYMBOL, 101, 0.5, START_S + 59.999),
        Bar(SYMBOL, START_S, 60, 100, 102, 99, 101, 0.5),
        Tick(SYMBOL, 101, 0, START_S + 60),
        Tick(SYMBOL, 102, 1.5, START_S + 119.999),
        Bar(SYMBOL, START_S + 60, 60, 101, 103, 100, 102, 1.5),
    ]


def test_trades_become_ticks_and_candles_come_before_the_first_tick_after_them(
    tmp_path: Path,
) -> None:
    lines = [
        trade_line(500, 10, 1),
        trade_line(500, 12, 2),
        trade_line(59_999, 11, 3),
        trade_line(180_000, 13, 4),
    ]
    events = played(build_replay(write_trades(tmp_path / "trades.csv", lines)))
    assert events == [
        Tick(SYMBOL, 10, 1, START_S + 0.5),
        Tick(SYMBOL, 12, 2, START_S + 0.5),
        Tick(SYMBOL, 11, 3, START_S + 59.999),
        Bar(SYMBOL, START_S, 60, 10, 12, 10, 11, 6),
        Bar(SYMBOL, START_S + 60, 60, 11, 11, 11, 11, 0),
        Bar(SYMBOL, START_S + 120, 60, 11, 11, 11, 11, 0),
        Tick(SYMBOL, 13, 4, START_S + 180),
    ]


def test_candles_of_trades_have_the_configured_length(tmp_path: Path) -> None:
    lines = [trade_line(0, 10, 1), trade_line(200_000, 11, 1), trade_line(300_000, 12, 1)]
    file = write_trades(tmp_path / "trades.csv", lines)
    assert bars_of(played(build_replay(file, candle_s=300))) == [
        Bar(SYMBOL, START_S, 300, 10, 11, 10, 11, 2)
    ]


def test_missing_candles_are_played_flat_without_a_tick(tmp_path: Path) -> None:
    lines = candle_lines(6)
    file = write_candles(tmp_path / "candles.csv", [*lines[:2], *lines[4:]])
    events = played(build_replay(file))
    flat = [bar for bar in bars_of(events) if bar.volume == 0]
    assert flat == [
        Bar(SYMBOL, START_S + 120, 60, 102, 102, 102, 102, 0),
        Bar(SYMBOL, START_S + 180, 60, 102, 102, 102, 102, 0),
    ]
    assert len(ticks_of(events)) == 8


def test_a_long_gap_of_a_file_stays_a_gap(tmp_path: Path) -> None:
    late = candle_lines(1, start_s=START_S + 60 * 100_000)
    file = write_candles(tmp_path / "candles.csv", [*candle_lines(3), *late])
    assert len(bars_of(played(build_replay(file)))) == 3 + 1440 + 1


def test_the_first_candles_are_history_and_the_rest_is_played(tmp_path: Path) -> None:
    file = write_candles(tmp_path / "candles.csv", candle_lines(10))
    whole = played(build_replay(file))
    feed = build_replay(file, history_candles=4)
    assert list(feed.history()) == bars_of(whole)[:4]
    assert played(feed) == whole[12:]
    assert list(feed.history()) == bars_of(whole)[:4]


def test_the_history_of_trades_is_their_first_candles(tmp_path: Path) -> None:
    lines = [trade_line(index * 20_000, 10 + index, 1) for index in range(20)]
    file = write_trades(tmp_path / "trades.csv", lines)
    whole = played(build_replay(file))
    feed = build_replay(file, history_candles=2)
    assert list(feed.history()) == bars_of(whole)[:2]
    rest = played(feed)
    assert rest == whole[whole.index(bars_of(whole)[1]) + 1 :]
    assert time_of(rest[0]) == START_S + 120


def test_a_replay_resumes_behind_what_was_played(tmp_path: Path) -> None:
    file = write_candles(tmp_path / "candles.csv", candle_lines(20))
    whole = played(build_replay(file, history_candles=5))
    before = whole[:17]
    feed = build_replay(file, history_candles=5, resume_at=time_of(before[-1]))
    assert before + played(feed) == whole
    past = [bar for bar in bars_of(played(build_replay(file))) if bar.end <= time_of(before[-1])]
    assert list(feed.history()) == past[-5:]


def test_a_replay_resumed_at_its_end_plays_nothing(tmp_path: Path) -> None:
    file = write_candles(tmp_path / "candles.csv", candle_lines(20))
    feed = build_replay(file, history_candles=5, resume_at=START_S + 20 * 60)
    assert len(list(feed.history())) == 5
    assert played(feed) == []


def test_a_replay_resumed_before_its_history_begins_behind_it(tmp_path: Path) -> None:
    file = write_candles(tmp_path / "candles.csv", candle_lines(20))
    feed = build_replay(file, history_candles=5, resume_at=START_S + 60)
    assert played(feed) == played(build_replay(file, history_candles=5))


def test_times_never_go_back(tmp_path: Path) -> None:
    lines = candle_lines(50)
    file = write_candles(tmp_path / "candles.csv", lines[:20] + lines[25:])
    times = [time_of(one) for one in played(build_replay(file))]
    assert all(before <= after for before, after in pairwise(times))


def test_columns_may_stand_in_any_order_with_others_between(tmp_path: Path) -> None:
    lines = ["Volume,note,Close,Low,High,Open,Date", '7,"a, b",2,1,4,3,2024-01-01T00:00:00Z']
    file = write_lines(tmp_path / "candles.csv", lines)
    assert bars_of(played(build_replay(file, candle_s=60))) == [
        Bar(SYMBOL, START_S, 60, 3, 4, 1, 2, 7)
    ]


def test_a_file_without_a_header_is_read_in_the_known_order(tmp_path: Path) -> None:
    with_header = write_candles(tmp_path / "with.csv", candle_lines(5))
    without = write_lines(tmp_path / "without.csv", candle_lines(5))
    assert played(build_replay(without)) == played(build_replay(with_header))
    trades = write_lines(
        tmp_path / "trades.csv", [trade_line(0, 5, 1, 1), trade_line(60_000, 6, 1)]
    )
    assert ticks_of(played(build_replay(trades)))[0] == Tick(SYMBOL, 5, 1, START_S)


def test_a_byte_order_mark_windows_line_ends_and_blank_lines_do_no_harm(tmp_path: Path) -> None:
    file = tmp_path / "candles.csv"
    text = "\r\n".join([CANDLES_HEADER, *candle_lines(3), "", ""])
    file.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert len(bars_of(played(build_replay(file)))) == 3


def test_the_distance_of_candles_is_found_out_despite_gaps(tmp_path: Path) -> None:
    lines = candle_lines(10, step_s=300)
    file = write_candles(tmp_path / "candles.csv", [lines[0], lines[3], lines[4], lines[9]])
    assert {bar.interval_s for bar in bars_of(played(build_replay(file)))} == {300}


@given(gaps=st.lists(st.integers(1, 30), min_size=1, max_size=20))
def test_played_candles_follow_each_other_whatever_is_missing(gaps: list[int]) -> None:
    start, bars = float(START_S), []
    for gap in gaps:
        bars.append(Bar(SYMBOL, start, 60, 1, 1, 1, 1, 1))
        start += gap * 60
    events = list(events_of_candles(bars))
    assert all(one.end == other.start for one, other in pairwise(bars_of(events)))
    assert [bar for bar in bars_of(events) if bar.volume] == bars
    assert [time_of(one) for one in events] == sorted(time_of(one) for one in events)


@pytest.mark.parametrize("speed", [0.5, 1, 60, 10**6])
def test_a_replay_plays_the_same_events_at_any_speed(tmp_path: Path, speed: float) -> None:
    file = write_candles(tmp_path / "candles.csv", candle_lines(20))
    clock = ManualClock()
    events: list[Tick | Bar] = []

    def publish(event: Tick | Bar) -> None:
        events.append(event)
        clock.advance(200)

    build_replay(file, speed=speed, clock=clock).run(publish, threading.Event())
    assert events == played(build_replay(file))


def test_a_replay_waits_for_the_time_of_its_events_and_stops_at_once(tmp_path: Path) -> None:
    file = write_candles(tmp_path / "candles.csv", candle_lines(3))
    clock, stop = ManualClock(), threading.Event()
    events: list[Tick | Bar] = []
    feed = build_replay(file, speed=1, clock=clock)
    thread = threading.Thread(target=feed.run, args=(events.append, stop))
    thread.start()
    wait_until(lambda: len(events) == 1, 5, "the open of the first candle")
    clock.advance(60)
    wait_until(lambda: len(events) == 4, 5, "the first candle and the open of the second")
    stop.set()
    thread.join(5)
    assert not thread.is_alive()


def test_a_stop_in_the_middle_closes_the_file(tmp_path: Path) -> None:
    file = write_candles(tmp_path / "candles.csv.gz", candle_lines(500))
    # A file left open would be a warning, and a warning is an error here.
    assert len(first_events(build_replay(file), 7)) == 7


def test_a_replay_describes_itself(tmp_path: Path) -> None:
    file = write_candles(tmp_path / "candles.csv", candle_lines(3))
    feed = build_replay(file, speed=60)
    assert feed.description == "replay of candles.csv as BTC/USDT, 60x speed"
    assert feed.symbols == (SYMBOL,)
    assert feed.lossless
