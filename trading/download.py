"""Downloads candles of the past from an exchange into a file that a replay reads.

Asks page by page, keeps each page at once, waits and asks again when the exchange is busy or away.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Final, Never, TypeVar

from tqdm import tqdm

from daemonkit.clock import Clock
from daemonkit.errors import ConfigurationError, UnavailableError
from trading.brokers.allowance import ROUTINE_SHARE
from trading.brokers.exchanges.market_reads import MarketReads
from trading.market.download_file import DownloadFile, DownloadJob, check_target
from trading.market.errors import SourceError
from trading.market.exchange_source import ExchangeSource
from trading.market.past_candles import Gap, PastCandles

T = TypeVar("T")

REST_LONGEST_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class DownloadWish:
    """Hold what is to be downloaded; without `end` all up to now."""

    source: ExchangeSource
    symbol: str
    interval_s: int
    start: float
    end: float | None
    file: Path
    replaces: bool = False
    is_quiet: bool = False
    timeout_s: float = 10.0
    rest_first_s: float = 1.0
    tries_max: int = 10


@dataclass(frozen=True, slots=True)
class DownloadReport:
    """Say what was downloaded, and what of it is missing."""

    candles: int
    start: float
    end: float
    gaps: tuple[Gap, ...]
    is_resumed: bool


class Patience:
    """Ask again what fails, ever more slowly, until it fails too often in a row."""

    def __init__(self, wish: DownloadWish, rng: Random, say: Callable[[str], None]) -> None:
        self._wish = wish
        self._rng = rng
        self._say = say

    async def ask(self, call: Callable[[], Awaitable[T]]) -> T:
        """Return the answer; UnavailableError after the last try, SourceError for a refusal."""
        rest_s, tries = self._wish.rest_first_s, 1
        while True:
            try:
                return await call()
            except SourceError as error:
                if error.is_refusal:
                    raise
                if tries >= self._wish.tries_max:
                    text = f"{error}; given up after {tries} tries, a second start goes on"
                    raise UnavailableError(text) from error
                self._say(f"{error}; asking again in {rest_s:.0f} s")
            tries += 1
            await asyncio.sleep(rest_s * self._rng.uniform(0.8, 1.2))
            rest_s = min(rest_s * 2, REST_LONGEST_S)


def download(wish: DownloadWish, *, clock: Clock, rng: Random) -> DownloadReport:
    """Download, or go on with a download that was broken off."""
    check_target(wish.file, replaces=wish.replaces)
    start = float(-(-wish.start // wish.interval_s) * wish.interval_s)
    wish = replace(wish, start=start)
    job = DownloadJob(wish.source.exchange, wish.symbol, wish.interval_s, start)
    # What is wrong in the wish is said before a file is made.
    _reads_of(wish, clock)
    with DownloadFile(wish.file, job) as file, asyncio.Runner() as runner:
        try:
            report = runner.run(_download(wish, file, clock, rng))
        except SourceError as error:
            raise ConfigurationError(
                wish.source.exchange, "symbol", wish.symbol, str(error)
            ) from error
        file.finish()
    return report


async def _download(
    wish: DownloadWish, file: DownloadFile, clock: Clock, rng: Random
) -> DownloadReport:
    reads, is_resumed = _reads_of(wish, clock), file.is_resumed
    with _progress(wish) as progress:
        # Standard output is for the result alone.
        patience = Patience(wish, rng, partial(progress.write, file=sys.stderr))
        try:
            await patience.ask(reads.open)
            pages = _pages(wish, file, reads)
            progress.reset(total=round((pages.end - wish.start) / wish.interval_s))
            _show(progress, wish, pages)
            while (question := pages.question()) is not None:
                answer = await patience.ask(partial(reads.candles, wish.symbol, question))
                bars = pages.take(answer)
                file.append(bars, pages.next_start, pages.gaps)
                _show(progress, wish, pages)
        finally:
            await reads.close()
    return DownloadReport(file.state.candles, wish.start, pages.end, tuple(pages.gaps), is_resumed)


def _reads_of(wish: DownloadWish, clock: Clock) -> MarketReads:
    return MarketReads(
        wish.source,
        [wish.symbol],
        wish.interval_s,
        clock=clock,
        timeout_s=wish.timeout_s,
        # Bots at the same address come first.
        share=ROUTINE_SHARE,
    )


def _pages(wish: DownloadWish, file: DownloadFile, reads: MarketReads) -> PastCandles:
    end = reads.venue_time() if wish.end is None else min(wish.end, reads.venue_time())
    start = wish.start if file.state.next_start is None else file.state.next_start
    pages = PastCandles(wish.interval_s, start, end, reads.page_len())
    pages.gaps = list(file.state.gaps)
    return pages


def _progress(wish: DownloadWish) -> "tqdm[Never]":
    # None: a bar is for a terminal only.
    return tqdm(
        desc=wish.symbol, unit=" candles", disable=True if wish.is_quiet else None, leave=False
    )


def _show(progress: "tqdm[Never]", wish: DownloadWish, pages: PastCandles) -> None:
    progress.n = round((min(pages.next_start, pages.end) - wish.start) / wish.interval_s)
    progress.refresh()
