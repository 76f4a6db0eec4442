"""History of an exchange as a file that a replay plays, whatever happens on the way."""

import gzip
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest

from daemonkit.clock import ManualClock
from daemonkit.errors import ConfigurationError, StateError, UnavailableError
from tests.fakes.exchange.kraken import KrakenDialect
from tests.fakes.exchange.wire import Kind, Word
from tests.trading_tests.brokers.feed_rig import BTC, MINUTE, START, FeedRig, open_rig
from trading.download import DownloadReport, DownloadWish, download
from trading.market.build import build_feed
from trading.market.download_file import DownloadFile, DownloadJob, FileThereError
from trading.market.exchange_source import ExchangeSource
from trading.market.past_candles import Gap
from trading.market.settings import ReplaySettings
from trading.model.market import Bar


@pytest.fixture(params=["kraken", "binance"])
def rig(request: pytest.FixtureRequest) -> Iterator[FeedRig]:
    with open_rig(request.param) as made:
        yield made


@pytest.fixture
def binance() -> Iterator[FeedRig]:
    with open_rig("binance") as made:
        yield made


def wish_of(rig: FeedRig, file: Path, minutes: int, **said: Any) -> DownloadWish:
    wish = DownloadWish(
        source=rig.source,
        symbol=BTC,
        interval_s=MINUTE,
        start=START - minutes * MINUTE,
        end=None,
        file=file,
        is_quiet=True,
        rest_first_s=0.01,
        tries_max=4,
        timeout_s=1.0,
    )
    return replace(wish, **said)


class QuickClock:
    """A clock on which a second passes with each look at it, so that no pause lasts."""

    def __init__(self, clock: ManualClock) -> None:
        self.wall = clock.wall
        self._passed = clock.monotonic()

    def monotonic(self) -> float:
        self._passed += 1
        return self._passed


def fetch(rig: FeedRig, wish: DownloadWish) -> DownloadReport:
    return download(wish, clock=QuickClock(rig.clock), rng=Random(1))


def replayed(file: Path) -> list[Bar]:
    settings = ReplaySettings(
        file=str(file), symbol=BTC, speed=0, candle_s=MINUTE, history_candles=0
    )
    feed = build_feed(settings, clock=ManualClock(), base_dir=file.parent)
    return [event for event in feed.events() if isinstance(event, Bar)]  # type: ignore[attr-defined]


def true_bars(minutes: int) -> list[Bar]:
    first = 1100 - minutes
    return [
        Bar(
            BTC, START - (minutes - n) * MINUTE, MINUTE, p := float(first + n), p + 1, p - 1, p, 1.0
        )
        for n in range(minutes)
    ]


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "parquet"])
def test_a_replay_of_the_file_gives_the_candles_of_the_exchange(
    rig: FeedRig, tmp_path: Path, suffix: str
) -> None:
    file = tmp_path / f"btc_usdt.{suffix}"
    report = fetch(rig, wish_of(rig, file, 700))
    assert (report.candles, report.gaps, report.is_resumed) == (700, (), False)
    assert replayed(file) == true_bars(700)
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_what_kraken_keeps_no_more_is_named(tmp_path: Path) -> None:
    with open_rig("kraken") as rig:
        report = fetch(rig, wish_of(rig, tmp_path / "btc.csv", 1000))
    (gap,) = report.gaps
    assert gap.is_empty is False
    assert gap.start == START - 1000 * MINUTE
    assert report.candles + gap.count(MINUTE) == 1000


def test_a_minute_without_trades_is_named_and_left_out(tmp_path: Path) -> None:
    with open_rig("kraken") as rig:
        assert isinstance(rig.exchange.dialect, KrakenDialect)
        rig.exchange.dialect.public.tells_empty_candles = False
        del rig.engine.tapes[BTC].minutes[-100:-98]
        report = fetch(rig, wish_of(rig, tmp_path / "btc.csv", 300))
    at = START - 100 * MINUTE
    assert report.gaps == (Gap(at, at + 2 * MINUTE, is_empty=True),)
    assert report.candles == 298


def test_a_busy_exchange_is_asked_again(binance: FeedRig, tmp_path: Path) -> None:
    faults = binance.exchange.faults
    faults.say(Word.RATE_LIMIT, acts=False, kind=Kind.PUBLIC, times=2)
    faults.status(502, acts=False, kind=Kind.MARKETS)
    faults.truncate(kind=Kind.PUBLIC, nth=2)
    file = tmp_path / "btc.csv"
    assert fetch(binance, wish_of(binance, file, 900)).candles == 900
    assert replayed(file) == true_bars(900)


def test_a_download_that_was_given_up_is_gone_on_with(binance: FeedRig, tmp_path: Path) -> None:
    file = tmp_path / "btc.csv"
    wish = wish_of(binance, file, 990)
    small = replace(wish, source=with_pages_of(binance.source, 200))
    down = binance.exchange.faults.status(502, acts=False, kind=Kind.PUBLIC, nth=4, times=None)
    with pytest.raises(UnavailableError, match="a second start goes on"):
        fetch(binance, small)
    assert not file.exists()
    down.clear()
    asked = len(binance.exchange.requests(Kind.PUBLIC))
    report = fetch(binance, small)
    assert (report.candles, report.is_resumed) == (990, True)
    assert replayed(file) == true_bars(990)
    assert len(binance.exchange.requests(Kind.PUBLIC)) - asked <= 5


def test_another_download_does_not_go_on_with_the_same_file(
    binance: FeedRig, tmp_path: Path
) -> None:
    file = tmp_path / "btc.csv"
    with DownloadFile(file, DownloadJob("kraken", BTC, MINUTE, START)):
        pass
    with pytest.raises(StateError, match="allowed the same, or --replace"):
        fetch(binance, wish_of(binance, file, 10))
    assert fetch(binance, wish_of(binance, file, 10, replaces=True)).candles == 10


def test_a_file_that_is_there_is_not_written_over(binance: FeedRig, tmp_path: Path) -> None:
    file = tmp_path / "btc.csv"
    file.write_text("mine", encoding="utf-8")
    with pytest.raises(FileThereError):
        fetch(binance, wish_of(binance, file, 10))
    assert file.read_text(encoding="utf-8") == "mine"


def test_a_market_that_is_not_there_is_refused_at_once(binance: FeedRig, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="LTC/USDT"):
        fetch(binance, wish_of(binance, tmp_path / "x.csv", 10, symbol="LTC/USDT"))


def test_the_candle_that_grows_is_left_out(binance: FeedRig, tmp_path: Path) -> None:
    file = tmp_path / "btc.csv"
    binance.price(5.0)
    fetch(binance, wish_of(binance, file, 3))
    assert replayed(file)[-1].end == START


JOB = DownloadJob("kraken", BTC, MINUTE, START)


def page(number: int, length: int = 3) -> list[Bar]:
    return [
        Bar(BTC, START + (number * length + n) * MINUTE, MINUTE, 1.5, 2.0, 1e-7, 1.25, 0.0)
        for n in range(length)
    ]


def keep(file: DownloadFile, number: int) -> None:
    file.append(page(number), START + 3 * (number + 1) * MINUTE, [])


@pytest.mark.parametrize("torn", [b"1800000", b"", b"1800000540,1,2,1,1,1\n18000", b"\0" * 100])
def test_what_a_kill_left_behind_the_kept_pages_is_cut_off(tmp_path: Path, torn: bytes) -> None:
    target = tmp_path / "btc.csv"
    with DownloadFile(target, JOB) as file:
        keep(file, 0)
        keep(file, 1)
    part = tmp_path / "btc.csv.part"
    with part.open("ab") as stream:
        stream.write(torn)
    with DownloadFile(target, JOB) as file:
        assert file.is_resumed
        assert file.state.next_start == START + 6 * MINUTE
        keep(file, 2)
        file.finish()
    assert [bar.start for bar in replayed(target)] == [START + n * MINUTE for n in range(9)]
    assert [path.name for path in tmp_path.iterdir()] == ["btc.csv"]


def test_pages_that_were_lost_with_the_power_are_asked_for_again(tmp_path: Path) -> None:
    target = tmp_path / "btc.csv"
    with DownloadFile(target, JOB) as file:
        keep(file, 0)
    os.truncate(tmp_path / "btc.csv.part", 50)
    with DownloadFile(target, JOB) as file:
        assert not file.is_resumed


def test_gaps_are_kept_with_the_pages(tmp_path: Path) -> None:
    gap = Gap(START, START + MINUTE, is_empty=False)
    with DownloadFile(tmp_path / "btc.csv", JOB) as file:
        file.append(page(1), START + 6 * MINUTE, [gap])
    with DownloadFile(tmp_path / "btc.csv", JOB) as file:
        assert file.state.gaps == (gap,)


def test_two_downloads_of_one_file_do_not_mix(tmp_path: Path) -> None:
    with (
        DownloadFile(tmp_path / "btc.csv", JOB),
        pytest.raises(UnavailableError, match="another download"),
        DownloadFile(tmp_path / "btc.csv", JOB),
    ):
        pass


def test_notes_that_cannot_be_read_are_said(tmp_path: Path) -> None:
    (tmp_path / "btc.csv.part.json").write_bytes(orjson.dumps({"job": 1}))
    with (
        pytest.raises(StateError, match="--replace begins anew"),
        DownloadFile(tmp_path / "btc.csv", JOB),
    ):
        pass


def test_a_packed_file_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "btc.csv.gz"
    with DownloadFile(target, JOB) as file:
        keep(file, 0)
        file.finish()
    assert gzip.decompress(target.read_bytes()).count(b"\n") == 4


def with_pages_of(source: ExchangeSource, count: int) -> ExchangeSource:
    features = {"spot": {"fetchOHLCV": {"limit": count}}}
    return replace(source, settings={**source.settings, "features": features})
