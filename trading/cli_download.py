"""The command line of downloads: `python -m trading download`. Speaks only; see `download`."""

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Final

import orjson

from daemonkit.clock import SystemClock
from daemonkit.errors import ConfigurationError, ExitCode
from daemonkit.log_lines import timestamp_text
from trading.config import load_config
from trading.control import Control
from trading.market.exchange_source import ExchangeSource
from trading.market.past_candles import Gap
from trading.market.settings import SYMBOL
from trading.settings.feed_source import traded_exchange

if TYPE_CHECKING:
    from trading.download import DownloadReport

INTERVAL_MAX: Final = 7 * 86_400
GAPS_NAMED_MAX: Final = 20


def add_download_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what may be said of a download."""
    parser.add_argument("--exchange", metavar="NAME", help="instead of the exchange of a bot")
    parser.add_argument("--symbol", type=_symbol, required=True, help="a market, such as BTC/USD")
    parser.add_argument(
        "--from", type=_time, required=True, dest="start", metavar="TIME", help="2026-01-31 (UTC)"
    )
    parser.add_argument("--to", type=_time, dest="end", metavar="TIME", help="default: now")
    parser.add_argument(
        "--interval", type=_interval, default=60, metavar="S", help="seconds of a candle (60)"
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="*.csv, *.csv.gz or *.parquet"
    )
    parser.add_argument("--replace", action="store_true", help="begin anew over what is there")


def download_candles(options: argparse.Namespace, _control: Control) -> int:
    """Download candles into a file; a second start goes on where the first broke off."""
    # What speaks to exchanges is loaded only where it is asked for.
    from trading.download import DownloadWish, download  # noqa: PLC0415

    source = _source_of(options)
    wish = DownloadWish(
        source=source,
        symbol=options.symbol,
        interval_s=options.interval,
        start=options.start,
        end=options.end,
        file=options.out.absolute(),
        replaces=options.replace,
        is_quiet=options.json,
    )
    clock = SystemClock()
    if wish.start >= min(clock.wall(), wish.end if wish.end is not None else clock.wall()):
        raise ConfigurationError("download", "--from", timestamp_text(wish.start), "before --to")
    rng = Random()  # noqa: S311 - spreads tries, guards nothing
    report = download(wish, clock=clock, rng=rng)
    fields = _fields(options, source, report)
    text = orjson.dumps(fields).decode() if options.json else _text(options, report)
    sys.stdout.write(text + "\n")
    return ExitCode.OK


def _source_of(options: argparse.Namespace) -> ExchangeSource:
    market_type = "swap" if ":" in options.symbol else "spot"
    if options.exchange:
        return ExchangeSource(options.exchange.lower(), market_type)
    config = load_config(options.bot_dir, os.environ)
    source = traded_exchange(config.settings)
    if source is None:
        allowed = "an exchange there, or --exchange NAME"
        raise ConfigurationError(config.file, "exchange", config.settings.exchange, allowed)
    return ExchangeSource(source.exchange, market_type, source.settings)


def _fields(
    options: argparse.Namespace, source: ExchangeSource, report: "DownloadReport"
) -> dict[str, Any]:
    return {
        "file": str(options.out.absolute()),
        "exchange": source.exchange,
        "symbol": options.symbol,
        "interval_s": options.interval,
        "from": report.start,
        "to": report.end,
        "candles": report.candles,
        "resumed": report.is_resumed,
        "gaps": [
            {
                "from": gap.start,
                "to": gap.end,
                "missing": gap.count(options.interval),
                "empty": gap.is_empty,
            }
            for gap in report.gaps
        ],
    }


def _text(options: argparse.Namespace, report: "DownloadReport") -> str:
    again = ", gone on with what was there" if report.is_resumed else ""
    lines = [f"{options.out}: {_count(report.candles)} of {options.symbol}{again}"]
    unknown = [gap for gap in report.gaps if not gap.is_empty]
    empty = [gap for gap in report.gaps if gap.is_empty]
    lines += _named(unknown, options.interval, "the exchange does not tell")
    lines += _named(empty, options.interval, "nothing was traded")
    return "\n".join(lines)


def _named(gaps: Sequence[Gap], interval_s: int, why: str) -> list[str]:
    lines = [
        f"missing {timestamp_text(gap.start)} to {timestamp_text(gap.end)}: "
        f"{_count(gap.count(interval_s))}, {why}"
        for gap in gaps[:GAPS_NAMED_MAX]
    ]
    if left := gaps[GAPS_NAMED_MAX:]:
        count = sum(gap.count(interval_s) for gap in left)
        lines.append(f"missing in {len(left)} more places: {_count(count)}, {why}")
    return lines


def _count(candles: int) -> str:
    return f"{candles} candle" if candles == 1 else f"{candles} candles"


def _symbol(text: str) -> str:
    symbol = text.strip().upper().replace("-", "/")
    if not SYMBOL.fullmatch(symbol) or "/" not in symbol:
        raise argparse.ArgumentTypeError(f"found {text!r}, allowed a market such as BTC/USD")
    return symbol


def _time(text: str) -> float:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or not 2000 <= time.year <= 2200:
        allowed = "a time such as 2026-01-31 or 2026-01-31T12:00:00Z"
        raise argparse.ArgumentTypeError(f"found {text!r}, allowed {allowed}")
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


def _interval(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= INTERVAL_MAX:
        raise argparse.ArgumentTypeError(f"found {text!r}, allowed 1 to {INTERVAL_MAX} seconds")
    return int(text)
