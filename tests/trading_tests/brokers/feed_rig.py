"""A live feed against the fake exchange: ticks and candles that arrive, on clocks moved by hand."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any

from daemonkit.clock import ManualClock
from tests.fakes.exchange.binance import BinanceDialect, binance_urls
from tests.fakes.exchange.coinbase import CoinbaseDialect
from tests.fakes.exchange.engine import Engine
from tests.fakes.exchange.kraken import KrakenDialect
from tests.fakes.exchange.server import FakeExchange
from tests.fakes.exchange.tape import Candle
from tests.fakes.exchange.terms import Market
from tests.fakes.exchange.wire import Dialect
from tests.waiting import wait_until
from trading.brokers.exchanges.feed import ExchangeFeed
from trading.market.exchange_source import ExchangeSource
from trading.market.settings import ExchangeFeedSettings
from trading.model.market import Bar, Tick

START = 1_800_000_000.0
MINUTE = 60
BTC, ETH = "BTC/USDT", "ETH/USDT"
D = Decimal
# Without waits between requests, and without the wait for connections with TLS to end.
QUICK: dict[str, Any] = {"rateLimit": 1, "timeout_on_exit": 1}


@dataclass
class FeedRig:
    """A feed, its exchange, and what it has published."""

    exchange: FakeExchange
    clock: ManualClock
    source: ExchangeSource
    events: list[Tick | Bar] = field(default_factory=list)

    @property
    def engine(self) -> Engine:
        return self.exchange.engine

    def build(self, **keys: Any) -> ExchangeFeed:
        quick = {
            "symbols": (BTC,),
            "history_candles": 10,
            "rest_poll_s": 0.05,
            "candle_grace_s": 3.0,
            "request_timeout_s": 2.0,
        }
        settings = ExchangeFeedSettings(**(quick | keys))
        return ExchangeFeed(settings, self.source, clock=self.clock, rng=Random(1))

    def price(self, price: float, symbol: str = BTC, volume: float = 1.0) -> None:
        self.engine.price(symbol, D(str(price)), D(str(volume)))

    def ticks(self, symbol: str = BTC) -> list[Tick]:
        return [one for one in self.events if isinstance(one, Tick) and one.symbol == symbol]

    def bars(self, symbol: str = BTC) -> list[Bar]:
        return [one for one in self.events if isinstance(one, Bar) and one.symbol == symbol]

    def wait_for(self, condition: Callable[[], Any], what: str, timeout_s: float = 5.0) -> None:
        try:
            wait_until(condition, timeout_s, what)
        except AssertionError as error:
            raise AssertionError(
                f"{error}\n{self.events[-10:]}\n{self.exchange.describe()}"
            ) from error

    @contextmanager
    def running(self, feed: ExchangeFeed) -> Iterator[list[BaseException]]:
        """Run a feed on a thread until the block ends; it must end within two seconds."""
        stop, failures = threading.Event(), list[BaseException]()

        def run() -> None:
            try:
                feed.run(self.events.append, stop)
            except Exception as error:  # noqa: BLE001 - the test looks at it
                failures.append(error)

        thread = threading.Thread(target=run, name="feed-under-test")
        thread.start()
        try:
            yield failures
        finally:
            stop.set()
            thread.join(2.0)
            assert not thread.is_alive(), "the feed did not end"


def past(minutes: int, end: float, price: float = 100.0) -> list[Candle]:
    """Return a past of the market, one candle a minute."""
    one = D(1)
    rows = []
    for number in range(minutes):
        start = int(end) - (minutes - number) * MINUTE
        value = D(str(price)) + number
        rows.append(Candle(start, value, value + one, value - one, value, one, value, 1))
    return rows


DIALECTS: dict[str, Callable[[Engine], Dialect]] = {
    "binance": BinanceDialect,
    "coinbase": CoinbaseDialect,
    "kraken": KrakenDialect,
}


@contextmanager
def open_rig(name: str, *, beat_s: float = 0.05, start: float = START) -> Iterator[FeedRig]:
    """Serve the fake exchange in one dialect, with a past of a thousand minutes."""
    clock = ManualClock(start + 30, 1000.0)
    engine = Engine(
        clock,
        [
            Market(symbol, symbol.split("/")[0], "USDT", D("0.01"), D("0.0001"), D("0.0001"))
            for symbol in (BTC, ETH)
        ],
    )
    for symbol in (BTC, ETH):
        engine.tapes[symbol].load(past(1000, start))
    with FakeExchange(engine, DIALECTS[name](engine), beat_s=beat_s) as exchange:
        yield FeedRig(exchange, clock, ExchangeSource(name, "spot", ccxt_settings(exchange)))


def ccxt_settings(exchange: FakeExchange) -> dict[str, Any]:
    """Return what stands under `ccxt:` to reach the fake, without waits between requests."""
    if isinstance(exchange.dialect, BinanceDialect):
        urls = binance_urls(exchange.url, exchange.ws_url)
        options = {"fetchMarkets": {"types": ["spot"]}}
        return {"urls": urls, "options": options} | QUICK
    if isinstance(exchange.dialect, CoinbaseDialect):
        return {"urls": {"api": {"rest": exchange.url, "ws": exchange.ws_url}}} | QUICK
    streams = {"public": exchange.ws_url, "publicV2": f"{exchange.ws_url}/v2"}
    api = {"public": exchange.url, "private": exchange.url, "ws": streams}
    return {"urls": {"api": api}} | QUICK
