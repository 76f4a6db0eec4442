"""The report of a bot: figures, tables and CSV, for no trades and for many."""

import csv
import os
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import orjson
import pytest

from daemonkit.errors import StateError
from tests.trading_tests.makers import NOW
from tests.trading_tests.store.trading_values import POSITION, make_trade
from trading.engine import trader
from trading.ledger.columns import columns
from trading.ledger.report import DAY_S, MARKET_TIME_KEY, Report, ReportRange
from trading.ledger.trade_csv import write_trades_csv
from trading.ledger.trade_lines import FIELDS
from trading.model.order import Side
from trading.model.position import Position, Trade


def make_report(
    trades: Sequence[Trade] = (),
    positions: Sequence[Position] = (),
    *,
    at: float = NOW + DAY_S / 2,
    days: float | None = None,
    listed_max: int = 10,
) -> Report:
    report = Report("mine", "PAPER", ReportRange(at, days, listed_max), positions, 2)
    deque(report.take(trades), maxlen=0)
    return report


def test_a_bot_without_trades_has_a_report_of_one_line() -> None:
    report = make_report()
    assert report.to_text() == (
        "mine (PAPER) at 2027-01-15T20:00:00.000Z: 0 closed trades, 0 positions, 2 open orders"
    )
    found = orjson.loads(orjson.dumps(report.to_fields()))
    assert found["markets"] == found["accounts"] == found["positions"] == found["trades"] == []


def test_figures_are_told_for_each_market_and_account() -> None:
    trades = [
        make_trade(1),
        make_trade(2, profit=Decimal("-100.25"), symbol="ETH/USDT"),
        make_trade(3, account="other", side=Side.SELL),
    ]
    report = make_report(trades, [POSITION])
    found = report.to_fields()
    assert [(one["account"], one["symbol"]) for one in found["markets"]] == [
        ("main", "BTC/USDT"),
        ("main", "ETH/USDT"),
        ("other", "BTC/USDT"),
    ]
    main, other = found["accounts"]
    assert (main["trades"], main["profit"], main["win_rate"]) == (2, "398.25", 0.5)
    assert (other["trades"], other["profit_factor"]) == (1, None)
    assert found["positions"][0]["entry_price"] == "64250.5"
    assert [one["seq"] for one in found["trades"]] == [1, 2, 3]
    text = report.to_text()
    assert "+398.25" in text
    assert "short" in text
    assert all(line == line.rstrip() for line in text.splitlines())


def test_only_trades_of_the_last_days_count_when_asked() -> None:
    old = replace(make_trade(1), closed_at=NOW - 3 * DAY_S)
    report = make_report([old, make_trade(2)], days=2)
    assert report.to_fields()["accounts"][0]["trades"] == 1
    assert "1 closed trade in 2 days" in report.to_text()


def test_the_last_trades_are_listed_and_all_are_counted() -> None:
    report = make_report([make_trade(number) for number in range(1, 30)], listed_max=2)
    found = report.to_fields()
    assert [one["seq"] for one in found["trades"]] == [28, 29]
    assert found["accounts"][0]["trades"] == 29
    assert make_report([make_trade(1)], listed_max=0).to_fields()["trades"] == []


def test_a_table_keeps_words_left_and_figures_right() -> None:
    lines = columns(("name", "sum"), [("a", "1.00"), ("longer", "-20.50")], words={"name"})
    assert lines == ["name       sum", "a         1.00", "longer  -20.50"]


def test_a_csv_file_has_a_header_and_every_trade(tmp_path: Path) -> None:
    path = tmp_path / "trades.csv"
    trades = [make_trade(1, reason='said "go",\nthen went'), make_trade(2, reason="=1+1")]
    assert write_trades_csv(path, trades) == 2
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == FIELDS
    assert rows[0]["reason"] == 'said "go",\nthen went'
    assert rows[0]["profit"] == "498.5"
    # A spreadsheet would carry it out.
    assert rows[1]["reason"] == "'=1+1"


@pytest.mark.parametrize("reason", ["=1+1", "@SUM(A1)", "+1+1", "-2+3+cmd", "\tx", "\rx", "-"])
def test_no_text_is_taken_for_a_formula_and_an_amount_stays_a_number(
    tmp_path: Path, reason: str
) -> None:
    path = tmp_path / "trades.csv"
    write_trades_csv(path, [make_trade(1, reason=reason, profit=Decimal("-12.5"))])
    with path.open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert row["reason"] == f"'{reason}"
    assert row["profit"] == "-12.5"


def test_a_csv_file_that_cannot_be_written_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="cannot be used"):
        write_trades_csv(tmp_path / "missing" / "trades.csv", [])
    assert list(tmp_path.iterdir()) == []


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    # Open for both: a reader there is, and nobody waits for another.
    reader = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    try:
        assert write_trades_csv(path, [make_trade(1)]) == 1
        assert os.read(reader, 65_536).startswith(b"seq,account,symbol")
    finally:
        os.close(reader)
    assert path.is_fifo()


def test_a_link_stays_one_and_its_file_is_written(tmp_path: Path) -> None:
    file, link = tmp_path / "trades.csv", tmp_path / "latest.csv"
    link.symlink_to(file)
    assert write_trades_csv(link, [make_trade(1)]) == 1
    assert link.is_symlink()
    assert file.read_text(encoding="utf-8").startswith("seq,account,symbol")


def test_the_market_time_is_where_the_engine_keeps_it() -> None:
    assert MARKET_TIME_KEY == trader.TIME_KEY
