"""Accounts at each fake exchange, with the venue that trades them: what the contract runs on."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any, Final

from daemonkit.clock import Clock, SystemClock
from daemonkit.secrets import Secret
from tests.fakes.exchange.engine import Engine
from tests.fakes.exchange.terms import Account, Fees, MarketKind
from tests.fakes.exchange.venues import (
    KEY,
    KRAKEN_SECRET,
    RunningExchange,
    coinbase_secret,
    start_binance,
    start_coinbase,
    start_kraken,
    start_kraken_futures,
    usual_engine,
    usual_markets,
)
from tests.fakes.exchange.wire import Kind
from trading.brokers.ccxt_broker import CcxtVenue, build_venue
from trading.brokers.exchanges.dialect import Place
from trading.brokers.exchanges.generic import GenericDialect
from trading.brokers.venue import Connected
from trading.model.order import Order, OrderType, Purpose, Side


@dataclass
class Desk:
    """One account, its exchange and its venue."""

    running: RunningExchange
    account: Account
    venue: CcxtVenue
    connected: Connected
    symbol: str
    build: Callable[..., CcxtVenue]
    _count: int = field(default=0)

    @property
    def engine(self) -> Engine:
        return self.running.engine

    @property
    def quote(self) -> str:
        return self.symbol.split("/")[1]

    def order(self, **changes: Any) -> Order:
        """Make an order of 0.01 BTC at market, with an id of its own."""
        self._count += 1
        values: dict[str, Any] = {
            "id": f"tabcdefghijklmn{self._count:03d}",
            "account": "main",
            "symbol": self.symbol,
            "side": Side.BUY,
            "type": OrderType.MARKET,
            "purpose": Purpose.ENTRY,
            "quantity": Decimal("0.01"),
            "created_at": SystemClock.wall(),
            **changes,
        }
        return Order(**values)

    def limit(self, price: str, **changes: Any) -> Order:
        """Make a limit order."""
        return self.order(type=OrderType.LIMIT, limit_price=Decimal(price), **changes)

    def sent(self, *kinds: Kind) -> int:
        """Return how many requests of some kinds the exchange has seen."""
        return len(self.running.exchange.requests(*kinds))


@dataclass(frozen=True)
class Setting:
    """How an exchange is set up."""

    start: Callable[[Engine], AbstractContextManager[RunningExchange]]
    quote: str = "USD"
    market_type: str = "spot"
    secret: Callable[[], str] = lambda: KRAKEN_SECRET
    leverage: int = 1
    is_generic: bool = False


SETTINGS: Final = {
    "kraken": Setting(start_kraken),
    "kraken-margin": Setting(start_kraken, market_type="margin", leverage=3),
    "binance": Setting(start_binance, "USDT"),
    "coinbase": Setting(start_coinbase, secret=coinbase_secret),
    "krakenfutures-swap": Setting(start_kraken_futures, market_type="swap", leverage=3),
    "kraken-generic": Setting(start_kraken, is_generic=True),
    "binance-generic": Setting(start_binance, "USDT", is_generic=True),
}
_TIMEOUT_S: Final = 0.3


@contextmanager
def open_desk(
    name: str,
    fees: Fees | None = None,
    clock: Clock | None = None,
    *,
    own_clock: Clock | None = None,
) -> Iterator[Desk]:
    """Open an account with 100,000 of the quote currency and a connected venue.

    `clock` is the exchange's, `own_clock` that of the venue.
    """
    setting = SETTINGS[name]
    exchange = name.split("-", maxsplit=1)[0]
    markets = usual_markets(setting.quote, MarketKind(setting.market_type))
    engine, account = usual_engine(markets, clock=clock, secret=setting.secret())
    if fees is not None:
        account.fees = fees
    with setting.start(engine) as running:
        build = partial(
            build_venue,
            exchange,
            setting.market_type,
            [f"BTC/{setting.quote}", f"ETH/{setting.quote}"],
            key=Secret(KEY),
            secret=Secret(setting.secret()),
            settings={**running.ccxt_config, "timeout": int(_TIMEOUT_S * 1000)},
            clock=own_clock or SystemClock(),
            timeout_s=_TIMEOUT_S,
            leverage=setting.leverage,
        )
        venue = build()
        if setting.is_generic:
            # These have words of their own; in ccxt's words they stand for all the others.
            venue._make_dialect = lambda markets: GenericDialect(
                Place(venue._wire, markets, SystemClock(), setting.market_type)
            )
        try:
            connected = venue.connect()
            yield Desk(running, account, venue, connected, f"BTC/{setting.quote}", build)
        finally:
            venue.close()
