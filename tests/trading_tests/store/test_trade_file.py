"""trades.jsonl agrees with the database again after whatever happened to it."""

import os
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemonkit.clock import ManualClock
from tests.trading_tests.makers import NOW
from tests.trading_tests.store.trading_values import make_trade
from trading.ledger.trade_file import TradeFile
from trading.ledger.trade_lines import FIELDS, trade_to_fields, trade_to_line
from trading.model.position import Trade


class Database:
    """Hold the committed trades."""

    def __init__(self, last: int) -> None:
        self.trades = [make_trade(number) for number in range(1, last + 1)]

    def read(self, after: int) -> Iterator[Trade]:
        return iter([trade for trade in self.trades if trade.number > after])


def lines(*numbers: int) -> bytes:
    return b"".join(trade_to_line(make_trade(number)) for number in numbers)


def repaired(folder: Path, content: bytes | None, last: int) -> bytes:
    """Return what is in the file after a start."""
    path = folder / "trades.jsonl"
    if content is not None:
        path.write_bytes(content)
    TradeFile(folder, Database(last).read, ManualClock(wall=NOW)).repair(last)
    return path.read_bytes() if path.exists() else b""


def aside(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.glob("trades.jsonl.before-restore-*")]


def test_a_line_says_everything_with_its_number_first() -> None:
    found = orjson.loads(lines(7))
    assert tuple(found) == FIELDS
    assert found["seq"] == 7
    assert found["profit"] == "498.5"
    assert found["side"] == "long"
    assert found["opened_at"] == "2027-01-15T08:00:00.000Z"
    assert tuple(trade_to_fields(make_trade(1))) == FIELDS


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"",
        lines(1, 2, 3),
        lines(1, 2),
        lines(1, 2) + lines(3)[:-1],
        lines(1, 2) + lines(3)[:5],
        lines(1) + b"{",
        b"\0\0\0\0",
    ],
)
def test_a_torn_or_missing_end_is_completed(tmp_path: Path, content: bytes | None) -> None:
    assert repaired(tmp_path, content, 3) == lines(1, 2, 3)
    assert aside(tmp_path) == []


@given(st.integers(0, 6), st.integers(0, 6), st.integers(0, 300))
def test_wherever_a_kill_cut_the_file_it_is_whole_after_the_next_start(
    tmp_path_factory: pytest.TempPathFactory, written: int, more: int, cut: int
) -> None:
    folder = tmp_path_factory.mktemp("trades")
    torn = lines(*range(1, written + 1)) + lines(written + 1)[:cut]
    last = written + more + (cut >= len(lines(written + 1)))
    assert repaired(folder, torn, last) == lines(*range(1, last + 1))


def test_lines_that_the_database_does_not_know_are_set_aside(tmp_path: Path) -> None:
    before = lines(1, 2, 3, 4) + lines(5)[:9]
    assert repaired(tmp_path, before, 2) == lines(1, 2)
    assert aside(tmp_path) == [before]
    (kept,) = tmp_path.glob("trades.jsonl.before-restore-*")
    assert kept.name == "trades.jsonl.before-restore-20270115T080000.000Z"


def test_a_new_database_begins_a_new_file(tmp_path: Path) -> None:
    assert repaired(tmp_path, lines(1, 2), 0) == b""
    assert aside(tmp_path) == [lines(1, 2)]


def test_a_gap_is_filled_at_the_end_and_what_a_person_cut_off_stays_off(tmp_path: Path) -> None:
    assert repaired(tmp_path, lines(3, 4, 6), 7) == lines(3, 4, 6, 5, 7)
    assert repaired(tmp_path, lines(3, 4, 6, 5, 7), 7) == lines(3, 4, 6, 5, 7)


def test_a_repair_of_a_repaired_file_changes_nothing(tmp_path: Path) -> None:
    once = repaired(tmp_path, lines(1, 2)[:-3], 5)
    assert repaired(tmp_path, once, 5) == once


def test_trades_are_appended_and_completed_from_the_database(tmp_path: Path) -> None:
    database = Database(2)
    file = TradeFile(tmp_path, database.read, ManualClock())
    file.repair(2)
    database.trades = Database(6).trades
    file.append([make_trade(3)])
    file.complete()
    assert file.path.read_bytes() == lines(1, 2, 3, 4, 5, 6)
    assert file.path.stat().st_mode & 0o777 == 0o600


def test_a_pipe_in_its_place_is_refused_and_holds_nobody_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "trades.jsonl")
    file = TradeFile(tmp_path, Database(1).read, ManualClock(wall=NOW))
    with pytest.raises(OSError, match="found no regular file"):
        file.repair(1)


def test_a_file_that_is_taken_away_while_the_bot_runs_is_begun_anew(tmp_path: Path) -> None:
    file = TradeFile(tmp_path, Database(1).read, ManualClock())
    file.repair(1)
    file.path.rename(tmp_path / "trades.jsonl.1")
    file.append([make_trade(2), make_trade(3)])
    assert file.path.read_bytes() == lines(2, 3)
