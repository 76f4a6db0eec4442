"""`python -m trading download`: one line for programs, words for people, a kill at any moment."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import orjson
import pytest
import yaml

from daemonkit.errors import ExitCode
from tests.fakes.exchange.wire import Kind
from tests.processes import Processes
from tests.trading_tests.brokers.feed_rig import BTC, MINUTE, FeedRig, open_rig
from tests.waiting import wait_until
from trading.cli import run_command
from trading.control import Control

PAST = 1_780_000_020.0


@pytest.fixture
def rig() -> Iterator[FeedRig]:
    with open_rig("binance", start=PAST) as made:
        yield made


def write_bot(rig: FeedRig, folder: Path, **ccxt: object) -> Path:
    bot = folder / "bot"
    bot.mkdir()
    config = {
        "name": "loader",
        "exchange": "binance",
        "trading": {"pairs": [BTC]},
        "ccxt": {**rig.source.settings, **ccxt},
    }
    (bot / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    return bot


def arguments(bot: Path, file: Path, minutes: int) -> list[str]:
    begin = ["download", str(bot), "--symbol", "btc-usdt", "--out", str(file)]
    return [*begin, "--from", iso(PAST - minutes * MINUTE), "--to", iso(PAST)]


def iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()


def run(arguments: list[str]) -> int | str | None:
    try:
        return run_command(arguments, Control())
    except SystemExit as stop:
        return stop.code


def test_one_line_for_programs(
    rig: FeedRig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bot, file = write_bot(rig, tmp_path), tmp_path / "btc.csv"
    assert run_command([*arguments(bot, file, 500), "--json"], Control()) == ExitCode.OK
    (line,) = capsys.readouterr().out.splitlines()
    told = orjson.loads(line)
    assert told == {
        "file": str(file),
        "exchange": "binance",
        "symbol": BTC,
        "interval_s": 60,
        "from": PAST - 500 * MINUTE,
        "to": PAST,
        "candles": 500,
        "resumed": False,
        "gaps": [],
    }
    assert len(file.read_text(encoding="utf-8").splitlines()) == 501


def test_words_for_people_name_what_is_missing(
    rig: FeedRig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bot, file = write_bot(rig, tmp_path), tmp_path / "btc.csv"
    assert run_command(arguments(bot, file, 1001), Control()) == ExitCode.OK
    told = capsys.readouterr().out.splitlines()
    assert told[0] == f"{file}: 1000 candles of BTC/USDT"
    assert told[1].startswith("missing 2026-05-28T03:46:00.000Z to ")
    assert told[1].endswith(": 1 candle, the exchange does not tell")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (["--from", "yesterday"], "found 'yesterday', allowed a time such as"),
        (["--symbol", "BTC"], "found 'BTC', allowed a market such as"),
        (["--interval", "0"], "found '0', allowed 1 to"),
        (["--exchange", "krakn"], "found krakn, allowed one of"),
        (["--from", "2200-01-01"], "allowed before --to"),
        (["--out", "btc.txt"], "btc.txt, allowed a file named"),
        (["--interval", "61"], "candle_s: found 61"),
    ],
)
def test_wrong_use_is_said_before_anything_is_asked(
    rig: FeedRig,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    said: list[str],
    words: str,
) -> None:
    bot = write_bot(rig, tmp_path)
    code = run([*arguments(bot, tmp_path / "btc.csv", 5), *said])
    assert code in {ExitCode.USAGE, ExitCode.CONFIGURATION}
    captured = capsys.readouterr()
    assert words in captured.err
    assert not captured.out
    assert not rig.exchange.requests()


def has_asked(rig: FeedRig, count: int) -> bool:
    return len(rig.exchange.requests(Kind.PUBLIC)) >= count


@pytest.mark.long
def test_a_download_that_is_killed_again_and_again_is_whole_in_the_end(
    rig: FeedRig, tmp_path: Path, processes: Processes
) -> None:
    features = {"spot": {"fetchOHLCV": {"limit": 100}}}
    bot, file = write_bot(rig, tmp_path, features=features), tmp_path / "btc.csv"
    command = [sys.executable, "-m", "trading", *arguments(bot, file, 1000), "--json"]
    for _ in range(4):
        wanted = len(rig.exchange.requests(Kind.PUBLIC)) + 3
        slow = rig.exchange.faults.slow(0.3, kind=Kind.PUBLIC, times=None)
        running = processes.start(*command)
        wait_until(partial(has_asked, rig, wanted), 20, "pages")
        running.kill()
        slow.clear()
        assert not file.exists()
    last = processes.start(*command)
    assert last.wait() == ExitCode.OK
    assert orjson.loads(last.stdout)["candles"] == 1000
    assert orjson.loads(last.stdout)["resumed"] is True
    rows = file.read_text(encoding="utf-8").splitlines()[1:]
    times = [float(row.split(",")[0]) for row in rows]
    assert times == [PAST - (1000 - n) * MINUTE for n in range(1000)]
