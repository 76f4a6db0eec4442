"""Parquet and feather: the same events as from CSV, and one clear error otherwise."""

import sys
from pathlib import Path
from typing import Any

import pytest

from daemonkit.errors import ConfigurationError
from tests.trading_tests.market.market_files import (
    START_S,
    build_replay,
    candle_lines,
    played,
    ticks_of,
    write_candles,
)
from trading.model.market import Tick

FORMATS = ["parquet", "feather"]


def table_of(pyarrow: Any, count: int) -> Any:
    names = ("timestamp", "open", "high", "low", "close", "volume")
    rows = [line.split(",") for line in candle_lines(count)]
    columns = {name: [row[index] for row in rows] for index, name in enumerate(names)}
    arrays: dict[str, Any] = {
        name: pyarrow.array([float(cell) for cell in cells]) for name, cells in columns.items()
    }
    arrays["timestamp"] = pyarrow.array([int(cell) for cell in columns["timestamp"]])
    return pyarrow.table(arrays)


def write_table(table: Any, file: Path) -> Path:
    if file.suffix == ".parquet":
        pytest.importorskip("pyarrow.parquet").write_table(table, file, row_group_size=1000)
    else:
        pytest.importorskip("pyarrow.feather").write_feather(table, str(file))
    return file


@pytest.fixture
def pyarrow() -> Any:
    return pytest.importorskip("pyarrow")


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_events_are_those_of_the_same_csv_file(
    tmp_path: Path, pyarrow: Any, suffix: str
) -> None:
    # More rows than a batch.
    csv = write_candles(tmp_path / "candles.csv", candle_lines(10_000))
    file = write_table(table_of(pyarrow, 10_000), tmp_path / f"candles.{suffix}")
    expected = played(build_replay(csv, history_candles=7))
    assert played(build_replay(file, history_candles=7)) == expected


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin"])
def test_columns_of_times_are_read_in_any_unit_and_zone(
    tmp_path: Path, pyarrow: Any, suffix: str, unit: str, zone: str | None
) -> None:
    table = table_of(pyarrow, 5)
    times = table.column("timestamp").cast(pyarrow.timestamp("ms")).cast(pyarrow.timestamp(unit))
    times = times.cast(pyarrow.int64()).cast(pyarrow.timestamp(unit, zone))
    table = table.drop_columns(["timestamp"]).append_column("date", times)
    file = write_table(table, tmp_path / f"candles.{suffix}")
    assert [one.at for one in ticks_of(played(build_replay(file)))[::2]] == [
        START_S + 60 * index for index in range(5)
    ]


@pytest.mark.parametrize("suffix", FORMATS)
def test_trades_are_read(tmp_path: Path, pyarrow: Any, suffix: str) -> None:
    table = pyarrow.table(
        {
            "price": pyarrow.array([1.5, 2.5, 3.5]),
            "timestamp": pyarrow.array([START_S * 1000 + offset for offset in (0, 10, 60_000)]),
            "amount": pyarrow.array([1, 2, 3]),
            "side": pyarrow.array(["buy", "sell", "buy"]).dictionary_encode(),
        }
    )
    file = write_table(table, tmp_path / f"trades.{suffix}")
    assert ticks_of(played(build_replay(file))) == [
        Tick("BTC/USDT", 1.5, 1, START_S),
        Tick("BTC/USDT", 2.5, 2, START_S + 0.01),
        Tick("BTC/USDT", 3.5, 3, START_S + 60),
    ]


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize(
    ("cells", "found"),
    [
        ([1.0, None, 1.0], "row 2, column open: found None"),
        ([1.0, float("nan"), 1.0], "row 2, column open: found nan"),
        ([True, True, True], "row 1, column open: found 'a value of type bool'"),
        ([[1.0], [2.0], [3.0]], "row 1, column open: found 'a value of type list"),
        (["1", "x", "1"], "row 2, column open: found 'x'"),
    ],
)
def test_a_bad_cell_is_named(
    tmp_path: Path, pyarrow: Any, suffix: str, cells: list[Any], found: str
) -> None:
    ones = [1.0, 1.0, 1.0]
    columns = {
        "timestamp": [START_S, START_S + 60, START_S + 120],
        "open": cells,
        "high": ones,
        "low": ones,
        "close": ones,
        "volume": ones,
    }
    file = write_table(pyarrow.table(columns), tmp_path / f"candles.{suffix}")
    with pytest.raises(ConfigurationError) as error:
        build_replay(file)
    assert found in str(error.value)


@pytest.mark.parametrize("suffix", FORMATS)
def test_missing_columns_are_named(tmp_path: Path, pyarrow: Any, suffix: str) -> None:
    file = write_table(pyarrow.table({"open": [1.0]}), tmp_path / f"candles.{suffix}")
    with pytest.raises(ConfigurationError, match="columns: found 'open', allowed a header"):
        build_replay(file)


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("damage", ["empty", "garbage", "head", "tail", "middle"])
@pytest.mark.usefixtures("pyarrow")
def test_a_damaged_file_is_one_error(
    tmp_path: Path, pyarrow: Any, suffix: str, damage: str
) -> None:
    file = write_table(table_of(pyarrow, 300), tmp_path / f"candles.{suffix}")
    data = file.read_bytes()
    middle = len(data) // 3
    file.write_bytes(
        {
            "empty": b"",
            "garbage": b"garbage" * 100,
            "head": data[: len(data) // 2],
            "tail": data[len(data) // 2 :],
            "middle": data[:middle] + b"\xff" * 200 + data[middle + 200 :],
        }[damage]
    )
    with pytest.raises(ConfigurationError) as error:
        build_replay(file)
    assert str(error.value).startswith(f"{file}: ")


@pytest.mark.parametrize("suffix", FORMATS)
def test_without_the_research_extra_the_error_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    for name in ("pyarrow", "pyarrow.parquet", "pyarrow.ipc"):
        monkeypatch.setitem(sys.modules, name, None)
    file = tmp_path / f"candles.{suffix}"
    file.write_bytes(b"anything")
    with pytest.raises(ConfigurationError, match="research extra"):
        build_replay(file)
