"""What a configuration may say about market data."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from daemonkit.clock import ManualClock
from daemonkit.errors import ConfigurationError
from tests.trading_tests.market.market_files import build_replay, candle_lines, write_candles
from trading.market.build import build_feed
from trading.market.file_symbol import symbol_of_file
from trading.market.replay import ReplayFeed
from trading.market.settings import (
    ExchangeFeedSettings,
    FeedSettings,
    ReplaySettings,
    SyntheticSettings,
)
from trading.market.synthetic import SyntheticFeed

AnySettings = SyntheticSettings | ReplaySettings | ExchangeFeedSettings
adapter: TypeAdapter[AnySettings] = TypeAdapter(FeedSettings)


def parse(**keys: Any) -> AnySettings:
    return adapter.validate_python(keys)


def test_the_built_in_market_needs_nothing_but_its_kind() -> None:
    settings = parse(kind="synthetic")
    assert isinstance(settings, SyntheticSettings)
    assert settings.symbols == ("BTC/USDT", "ETH/USDT", "SOL/USDT")
    assert (settings.history_candles, settings.candle_s, settings.speed) == (2000, 60, 1)


def test_symbols_may_be_written_with_a_dash_or_in_lower_case() -> None:
    settings = parse(kind="synthetic", symbols=["btc-usdt", "BTC/USDT:USDT"])
    assert isinstance(settings, SyntheticSettings)
    assert settings.symbols == ("BTC/USDT", "BTC/USDT:USDT")


@pytest.mark.parametrize(
    "start",
    [
        "2026-03-01T12:00:00Z",
        "2026-03-01T12:00:00",
        datetime(2026, 3, 1, 14, tzinfo=timezone(timedelta(hours=2))),
    ],
)
def test_a_start_is_utc(start: object) -> None:
    settings = parse(kind="synthetic", start=start)
    assert isinstance(settings, SyntheticSettings)
    assert settings.start == datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"kind": "kraken"},
        {"kind": "synthetic", "sped": 3},
        {"kind": "synthetic", "speed": -1},
        {"kind": "synthetic", "speed": float("nan")},
        {"kind": "synthetic", "speed": float("inf")},
        {"kind": "synthetic", "symbols": []},
        {"kind": "synthetic", "symbols": ["BTC/USDT", "btc-usdt"]},
        {"kind": "synthetic", "symbols": ["../etc"]},
        {"kind": "synthetic", "symbols": ["A" * 30]},
        {"kind": "synthetic", "tick_interval_s": 0},
        {"kind": "synthetic", "tick_interval_s": 7},
        {"kind": "synthetic", "tick_interval_s": 0.1234567},
        {"kind": "synthetic", "candle_s": 0},
        {"kind": "synthetic", "candle_s": 3600, "tick_interval_s": 3601},
        {"kind": "synthetic", "history_candles": -1},
        {"kind": "synthetic", "history_candles": 100_000, "candle_s": 3600},
        {"kind": "synthetic", "start": "yesterday"},
        {"kind": "synthetic", "start": "0001-01-01T00:00:00Z"},
        {"kind": "synthetic", "file": "x.csv"},
        {"kind": "replay"},
        {"kind": "replay", "file": ""},
        {"kind": "replay", "file": "x.csv", "symbol": "?"},
        {"kind": "replay", "file": "x.csv", "seed": 1},
    ],
)
def test_wrong_settings_are_refused(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        parse(**keys)


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("eth_btc_5m.csv.gz", "ETH/BTC"),
        ("xrp_usdt_perp_5m.csv.gz", "XRP/USDT"),
        ("xrp_eth_trades.csv.gz", "XRP/ETH"),
        ("BTC_USDT-5m.feather", "BTC/USDT"),
        ("BTC-USDT.parquet", "BTC/USDT"),
        ("btc_perp_1m.csv.gz", None),
        ("prices.csv", None),
        ("usd_usd.csv", None),
        ("2024_usd.csv", "2024/USD"),
        ("a_usd.csv", None),
        (".csv", None),
    ],
)
def test_a_file_name_tells_the_market_when_it_names_a_known_quote(
    name: str, symbol: str | None
) -> None:
    assert symbol_of_file(Path("/data/eur_usd") / name) == symbol


def test_a_replay_takes_the_market_of_its_file_name(tmp_path: Path) -> None:
    file = write_candles(tmp_path / "eth_btc_1m.csv", candle_lines(3))
    assert build_replay(file, symbol=None).symbols == ("ETH/BTC",)


def test_a_replay_asks_for_the_market_that_a_file_name_does_not_tell(tmp_path: Path) -> None:
    file = write_candles(tmp_path / "btc_perp_1m.csv", candle_lines(3))
    with pytest.raises(ConfigurationError, match=r"symbol: found nothing.*allowed BASE/QUOTE"):
        build_replay(file, symbol=None)
    assert build_replay(file, symbol="BTC/USD").symbols == ("BTC/USD",)


def test_a_feed_is_built_for_each_kind_and_relative_files_are_found(tmp_path: Path) -> None:
    write_candles(tmp_path / "eth_btc_1m.csv", candle_lines(3))
    clock = ManualClock(wall=1_700_000_000)
    replay = parse(kind="replay", file="eth_btc_1m.csv", history_candles=1)
    assert isinstance(build_feed(replay, clock=clock, base_dir=tmp_path), ReplayFeed)
    synthetic = parse(kind="synthetic")
    assert isinstance(build_feed(synthetic, clock=clock, base_dir=tmp_path), SyntheticFeed)


def test_an_exchange_needs_nothing_but_its_kind() -> None:
    settings = parse(kind="exchange")
    assert isinstance(settings, ExchangeFeedSettings)
    assert (settings.symbols, settings.candle_s, settings.websocket) == ((), 60, True)


@pytest.mark.parametrize(
    "keys",
    [
        {"symbols": ["BTC/USD", "btc-usd"]},
        {"staleness_s": 0},
        {"history_candles": 0},
        {"rest_poll_s": float("inf")},
        {"exchange": "kraken"},
    ],
)
def test_what_an_exchange_feed_cannot_be_is_refused(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        parse(kind="exchange", **keys)
