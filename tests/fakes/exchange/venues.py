"""Ready-made fake exchanges: an engine served in a dialect, and the `ccxt:` that addresses it.

    with start_kraken(engine) as venue:
        ccxt.kraken({"apiKey": "key", "secret": SECRET, **venue.ccxt_config})

`ccxt_config` is exactly what may stand under `ccxt:` in a bot's configuration.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any, Final

from daemonkit.clock import Clock, SystemClock
from tests.fakes.exchange.binance import BinanceDialect, binance_urls
from tests.fakes.exchange.binance_limits import WEIGHT_MAX
from tests.fakes.exchange.coinbase import CoinbaseDialect, Duplicates
from tests.fakes.exchange.coinbase_token import new_secret
from tests.fakes.exchange.engine import Engine
from tests.fakes.exchange.faults import Faults
from tests.fakes.exchange.kraken import KrakenDialect
from tests.fakes.exchange.kraken_futures import KrakenFuturesDialect
from tests.fakes.exchange.server import FakeExchange
from tests.fakes.exchange.terms import Account, Fees, Market, MarketKind, Rights

# As Kraken wants it: base64.
KRAKEN_SECRET: Final = "ZmFrZS1zZWNyZXQtb2YtdGhlLWZha2UtZXhjaGFuZ2U="
KEY: Final = "fake-key-of-the-fake-exchange"
TIMEOUT_MS: Final = 1000
SPOT_FEES: Final = Fees(maker=Decimal("0.0016"), taker=Decimal("0.0026"))
# What ccxt reckons with for Kraken Futures, whose fills tell no fee.
SWAP_FEES: Final = Fees(maker=Decimal("0.0002"), taker=Decimal("0.0005"))


@dataclass(frozen=True, slots=True)
class RunningExchange:
    """A fake exchange that runs; its script, its requests and its complaints are in `exchange`."""

    exchange: FakeExchange
    ccxt_config: dict[str, Any]

    @property
    def name(self) -> str:
        """The exchange, as ccxt names it."""
        return self.exchange.dialect.name

    @property
    def engine(self) -> Engine:
        return self.exchange.engine

    @property
    def faults(self) -> Faults:
        return self.exchange.faults

    @property
    def url(self) -> str:
        return self.exchange.url

    @property
    def ws_url(self) -> str:
        return self.exchange.ws_url


def usual_markets(
    quote: str = "USD", kind: MarketKind = MarketKind.MARGIN, *, leverage_max: int = 5
) -> list[Market]:
    """Return BTC, ETH and SOL against a currency, in steps of the usual sizes."""
    steps = (("BTC", "0.1", "0.00005"), ("ETH", "0.01", "0.001"), ("SOL", "0.01", "0.02"))
    return [
        Market(
            f"{base}/{quote}",
            base,
            quote,
            Decimal(price_step),
            Decimal("0.00000001"),
            Decimal(quantity_min),
            cost_min=Decimal("0.5"),
            kind=kind,
            leverage_max=leverage_max if kind is not MarketKind.SPOT else 1,
        )
        for base, price_step, quantity_min in steps
    ]


def usual_swaps(*, leverage_max: int = 50) -> list[Market]:
    """Return swaps of BTC, ETH and SOL in USD, in steps of the usual sizes."""
    steps = (("BTC", "1", "0.0001"), ("ETH", "0.1", "0.001"), ("SOL", "0.01", "0.01"))
    return [
        Market(
            f"{base}/USD:USD",
            base,
            "USD",
            Decimal(price_step),
            Decimal(quantity_step),
            Decimal(quantity_step),
            kind=MarketKind.SWAP,
            leverage_max=leverage_max,
        )
        for base, price_step, quantity_step in steps
    ]


def usual_engine(
    markets: Iterable[Market] | None = None,
    *,
    clock: Clock | None = None,
    secret: str = KRAKEN_SECRET,
    cash: Decimal = Decimal(100_000),
    fees: Fees = SPOT_FEES,
) -> tuple[Engine, Account]:
    """Return an engine with one funded account, its key, and a price in every market."""
    engine = Engine(clock or SystemClock(), markets or usual_markets())
    account = engine.add_account("main", fees)
    engine.add_key(account, KEY, secret, Rights())
    prices = {"BTC": Decimal(64_000), "ETH": Decimal(3_000), "SOL": Decimal(150)}
    for quote in dict.fromkeys(market.quote for market in engine.markets.values()):
        engine.deposit(account, quote, cash)
    for symbol, market in engine.markets.items():
        engine.price(symbol, prices.get(market.base, Decimal(10)))
    return engine, account


@contextmanager
def start_kraken(engine: Engine) -> Iterator[RunningExchange]:
    """Serve an engine as Kraken spot and margin."""
    with FakeExchange(engine, KrakenDialect(engine)) as exchange:
        socket = f"{exchange.ws_url}/v2"
        urls = {
            "public": exchange.url,
            "private": exchange.url,
            "ws": {
                "public": exchange.ws_url,
                "private": exchange.ws_url,
                "publicV2": socket,
                "privateV2": socket,
            },
        }
        config = {"urls": {"api": urls}, "timeout": TIMEOUT_MS}
        yield RunningExchange(exchange, config)


@contextmanager
def start_kraken_futures(engine: Engine) -> Iterator[RunningExchange]:
    """Serve the swaps of an engine as Kraken Futures; its sandbox is at the same address."""
    with FakeExchange(engine, KrakenFuturesDialect(engine)) as exchange:
        trading = f"{exchange.url}/derivatives/api/"
        urls = {
            "public": trading,
            "private": trading,
            "charts": f"{exchange.url}/api/charts/",
            "history": f"{exchange.url}/api/history/",
            "ws": f"{exchange.ws_url}/ws/v1",
        }
        config = {"urls": {"api": urls, "test": dict(urls)}, "timeout": TIMEOUT_MS}
        yield RunningExchange(exchange, config)


@contextmanager
def start_binance(
    engine: Engine,
    *,
    weight_max: int = WEIGHT_MAX,
    beat_s: float = 1.0,
) -> Iterator[RunningExchange]:
    """Serve an engine as Binance spot, which may be asked `weight_max` a minute."""
    dialect = BinanceDialect(engine, weight_max=weight_max)
    with FakeExchange(engine, dialect, beat_s=beat_s) as exchange:
        urls = binance_urls(exchange.url, exchange.ws_url)
        yield RunningExchange(exchange, {"urls": urls, "timeout": TIMEOUT_MS})


@cache
def coinbase_secret() -> str:
    """Return a secret as Coinbase wants it: the private key of an elliptic curve, as PEM."""
    return new_secret()


@contextmanager
def start_coinbase(
    engine: Engine,
    *,
    duplicates: Duplicates = Duplicates.ANSWER_FIRST,
    cancel_delay_s: float = 0.0,
    beat_s: float = 1.0,
) -> Iterator[RunningExchange]:
    """Serve an engine as Coinbase Advanced Trade; its keys need secrets of that kind."""
    dialect = CoinbaseDialect(engine, duplicates=duplicates, cancel_delay_s=cancel_delay_s)
    with FakeExchange(engine, dialect, beat_s=beat_s) as exchange:
        urls = {"rest": exchange.url, "ws": exchange.ws_url}
        yield RunningExchange(exchange, {"urls": {"api": urls}, "timeout": TIMEOUT_MS})
