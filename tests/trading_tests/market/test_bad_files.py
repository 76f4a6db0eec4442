"""Bad market data files: one clear error each, at the start when it can be seen there."""

import gzip
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daemonkit.errors import ConfigurationError
from tests.trading_tests.market.market_files import (
    CANDLES_HEADER,
    START_S,
    TRADES_HEADER,
    bars_of,
    build_replay,
    candle_lines,
    played,
    write_candles,
    write_lines,
)
from trading.market.errors import FeedError
from trading.model.market import Bar, Tick

GOOD = candle_lines(3)
LATER = "1704067380000"


def line_with(**cells: str) -> str:
    """Return a fourth candle with some cells replaced."""
    row = {"timestamp": LATER, "open": "5", "high": "7", "low": "4", "close": "6", "volume": "1"}
    return ",".join((row | cells).values())


@pytest.mark.parametrize(
    ("line", "place", "found"),
    [
        (line_with(open="abc"), "line 5, column open", "'abc'"),
        (line_with(high=""), "line 5, column high", "''"),
        (line_with(close="nan"), "line 5, column close", "'nan'"),
        (line_with(close="inf"), "line 5, column close", "'inf'"),
        (line_with(low="-4"), "line 5, column low", "'-4'"),
        (line_with(low="0"), "line 5, column low", "'0'"),
        (line_with(volume="-1"), "line 5, column volume", "'-1'"),
        (line_with(volume="x"), "line 5, column volume", "'x'"),
        (line_with(high="3"), "line 5, column high", "3.0"),
        (line_with(low="5.5"), "line 5, column low", "5.5"),
        (line_with(high="5.5"), "line 5, column high", "5.5"),
        (line_with(timestamp="yesterday"), "line 5, column timestamp", "'yesterday'"),
        (line_with(timestamp="1704067380"), "line 5, column timestamp", "'1704067380'"),
        (line_with(timestamp="1704067320000"), "line 5, column timestamp", "twice"),
        (line_with(timestamp="1704067260000"), "line 5, column timestamp", "after"),
        (line_with(timestamp="1704067381000"), "line 5, column timestamp", "61 s after"),
        (line_with(timestamp="1704067380500"), "line 5, column timestamp", ".5"),
        ("1704067380000,5,7,4,6", "line 5", "5 columns"),
        ("1704067380000,5,7,4,6,1,1", "line 5", "7 columns"),
        ('1704067380000,5,7,4,"6', "line 5", "unexpected end"),
        ("\0" * 20, "line 5", "binary"),
        ("x" * 5000, "line 5", "a longer line"),
        ("\x1b[2J", "line 5", "1 columns"),
        ("trailing, nonsense, here, and, there, too", "line 5, column timestamp", "'trailing'"),
    ],
)
def test_a_bad_row_among_the_first_ones_is_named_at_the_start(
    tmp_path: Path, line: str, place: str, found: str
) -> None:
    file = write_candles(tmp_path / "candles.csv", [*GOOD, line])
    with pytest.raises(ConfigurationError) as error:
        build_replay(file)
    text = str(error.value)
    assert text.startswith(f"{file}: {place}: found ")
    assert found in text
    assert ", allowed " in text
    assert "\n" not in text
    assert len(text) < 600


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("1704067200000,2,buy,x,1,1", "line 3, column price"),
        ("1704067200000,2,buy,-1,1,1", "line 3, column price"),
        ("1704067200000,2,buy,1,nan,1", "line 3, column amount"),
        ("1704067200000,2,buy,1,-1,1", "line 3, column amount"),
        ("1704067199999,2,buy,1,1,1", "line 3, column timestamp"),
        ("1704067200000,1,buy,1,1,1", "line 3, column id"),
        ("1704067200000,2,buy", "line 3"),
    ],
)
def test_a_bad_trade_is_named(tmp_path: Path, line: str, place: str) -> None:
    rows = [TRADES_HEADER, "1704067200000,1,sell,1,1,1", line]
    with pytest.raises(ConfigurationError) as error:
        build_replay(write_lines(tmp_path / "trades.csv", rows))
    assert f": {place}: found " in str(error.value)


def test_a_bad_row_further_on_stops_the_replay_after_everything_before_it(tmp_path: Path) -> None:
    lines = candle_lines(3000)
    file = write_candles(tmp_path / "candles.csv", [*lines[:2500], "nonsense", *lines[2500:]])
    events, error = _play_until_it_fails(file)
    assert len(bars_of(events)) == 2500
    assert str(error).startswith(f"{file}: line 2502: found 1 columns, allowed ")


def test_a_gzip_file_cut_off_in_the_middle_plays_what_is_there(tmp_path: Path) -> None:
    file = write_candles(tmp_path / "candles.csv.gz", candle_lines(20_000))
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    events, error = _play_until_it_fails(file)
    assert len(bars_of(events)) > 5000
    assert "cut-off gzip" in str(error)


def test_a_damaged_gzip_file_fails_with_one_error(tmp_path: Path) -> None:
    file = write_candles(tmp_path / "candles.csv.gz", candle_lines(20_000))
    data = bytearray(file.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 64] = os.urandom(64)
    file.write_bytes(data)
    _, error = _play_until_it_fails(file)
    assert str(error).startswith(f"{file}: line ")


def _play_until_it_fails(file: Path) -> tuple[list[Tick | Bar], FeedError]:
    events: list[Tick | Bar] = []
    with pytest.raises(FeedError) as error:
        build_replay(file).run(events.append, threading.Event())
    return events, error.value


def _missing(folder: Path) -> Path:
    return folder / "missing.csv"


def _folder(folder: Path) -> Path:
    (folder / "folder.csv").mkdir()
    return folder / "folder.csv"


def _pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe.csv")
    return folder / "pipe.csv"


def _made(name: str, data: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        file = folder / name
        file.write_bytes(data)
        return file

    return make


CANDLES = "\n".join([CANDLES_HEADER, *GOOD, ""]).encode()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_missing, "No such file"),
        (_folder, "no regular file"),
        (_pipe, "no regular file"),
        (_made("candles.xlsx", CANDLES), "*.csv.gz"),
        (_made("candles", CANDLES), "*.csv.gz"),
        (_made("candles.csv", b""), "nothing"),
        (_made("candles.csv.gz", b""), "no gzip data"),
        (_made("candles.csv.gz", CANDLES), "no gzip data"),
        (_made("candles.csv", gzip.compress(CANDLES)), "gzip data"),
        (_made("candles.csv.gz", gzip.compress(CANDLES)[:30]), "cut-off gzip"),
        (_made("candles.csv.gz", gzip.compress(CANDLES)[:-4]), "cut-off gzip"),
        (_made("candles.csv.gz", gzip.compress(CANDLES) + b"tail"), "gzip"),
        (_made("candles.csv.gz", b"\x1f\x8b" + b"garbage" * 9), "gzip data"),
        (_made("candles.csv", os.urandom(3000)), "line 1"),
        (_made("candles.csv", b"\xff\xfe" + CANDLES.decode().encode("utf-16-le")), "binary data"),
        (_made("candles.csv", b"a" * 10_000_000), "at most 4096 bytes"),
        (_made("candles.csv", b"\n" * 100_000), "blank lines"),
        (_made("candles.csv", CANDLES_HEADER.encode()), "no closed candle"),
        (_made("candles.csv", b"timestamp,open,high,low,close\n1,2,3,4,5\n"), "a header with"),
        (_made("candles.csv", b"timestamp,open,open,high,low,close,volume\n"), "open twice"),
        (_made("candles.csv", b"one,two\n1,2\n"), "a header with"),
        (_made("candles.csv", b"timestamp;open;high;low;close;volume\n1;2;3;4;5;6\n"), "a header"),
        (_made("candles.csv", CANDLES[: CANDLES.index(b"\n", 60) + 1]), "candle_s"),
    ],
)
def test_a_file_that_cannot_be_replayed_is_refused_at_the_start(
    tmp_path: Path, make: Callable[[Path], Path], words: str
) -> None:
    file = make(tmp_path)
    with pytest.raises(ConfigurationError) as error:
        build_replay(file)
    assert str(error.value).startswith(f"{file}: ")
    assert words in str(error.value)
    assert len(str(error.value)) < 700


@pytest.mark.skipif(os.geteuid() == 0, reason="everything can be read by root")
def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path) -> None:
    file = write_candles(tmp_path / "candles.csv", GOOD)
    file.chmod(0)
    with pytest.raises(ConfigurationError, match="Permission denied"):
        build_replay(file)


def test_the_configured_length_of_candles_must_be_the_one_of_the_file(tmp_path: Path) -> None:
    file = write_candles(tmp_path / "candles.csv", GOOD)
    with pytest.raises(ConfigurationError, match=r"candles 60 s apart, allowed 300 s \(candle_s\)"):
        build_replay(file, candle_s=300)
    assert len(played(build_replay(file, candle_s=60))) == 9


def test_more_history_than_the_file_has_is_refused(tmp_path: Path) -> None:
    file = write_candles(tmp_path / "candles.csv", GOOD)
    with pytest.raises(ConfigurationError, match="history_candles: found 3, allowed at most 2"):
        build_replay(file, history_candles=3)
    assert len(list(build_replay(file, history_candles=2).history())) == 2


def test_terminal_escapes_of_a_file_are_not_repeated(tmp_path: Path) -> None:
    file = write_candles(tmp_path / "candles.csv", [*GOOD, line_with(open="\x1b]0;owned\x07")])
    with pytest.raises(ConfigurationError) as error:
        build_replay(file)
    assert "\x1b" not in str(error.value)


ANY_CELLS = st.one_of(
    st.text(max_size=20), st.floats().map(repr), st.integers().map(str), st.just(str(START_S))
)
ANY_FILE = st.one_of(
    st.binary(max_size=300),
    st.lists(st.lists(ANY_CELLS, max_size=7).map(",".join), max_size=6).map(
        lambda lines: "\n".join([CANDLES_HEADER, *lines]).encode()
    ),
    st.lists(st.lists(ANY_CELLS, max_size=7).map(",".join), max_size=6).map(
        lambda lines: "\n".join([TRADES_HEADER, *lines]).encode()
    ),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(data=ANY_FILE, is_gzip=st.booleans())
def test_no_file_raises_anything_but_the_one_error(
    tmp_path: Path, data: bytes, is_gzip: bool
) -> None:
    file = tmp_path / ("any.csv.gz" if is_gzip else "any.csv")
    file.write_bytes(gzip.compress(data) if is_gzip else data)
    try:
        bars = bars_of(played(build_replay(file, candle_s=60)))
    except ConfigurationError as error:
        bars, text = [], str(error)
    else:
        text = f"{file}: sound"
    assert text.startswith(f"{file}: ")
    assert all(bar.low > 0 for bar in bars)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(cut=st.integers(0, 2000))
def test_a_gzip_file_cut_anywhere_raises_nothing_but_the_one_error(
    tmp_path: Path, cut: int
) -> None:
    file = write_candles(tmp_path / "cut.csv.gz", candle_lines(150))
    data = file.read_bytes()
    file.write_bytes(data[: min(cut, len(data) - 1)])
    with pytest.raises(ConfigurationError, match=r"cut\.csv\.gz: line \d+: found"):
        build_replay(file)
