"""An account on the raw server, whatever the exchange: how its venue is built, and its orders."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Final

from daemonkit.clock import ManualClock
from daemonkit.secrets import Secret
from tests.trading_tests.brokers.ccxt_server import Answer, CcxtServer, serving
from trading.brokers.ccxt_broker import CcxtVenue, build_venue
from trading.model.order import Order, OrderType, Purpose, Side

NOW: Final = 1_700_000_000.0
ORDER_ID: Final = "tabcdefghijklmnopq"


def raw_venue(exchange: str, symbol: str, urls: Mapping[str, str], **changes: Any) -> CcxtVenue:
    """Build a venue that speaks to some addresses."""
    arguments: dict[str, Any] = {
        "key": Secret(f"{exchange}-key-for-a-test"),
        "secret": Secret("c2VjcmV0LW9mLWEtdGVzdA=="),
        "settings": {"urls": {"api": urls}},
        "clock": ManualClock(NOW),
        "timeout_s": 0.5,
        **changes,
    }
    return build_venue(exchange, arguments.pop("market_type", "spot"), [symbol], **arguments)


@contextmanager
def raw_desk(
    make_venue: Callable[[CcxtServer], CcxtVenue], answers: dict[str, Answer]
) -> Iterator[tuple[CcxtServer, CcxtVenue]]:
    """Yield a server and a venue that has connected to it."""
    with serving(answers) as server:
        venue = make_venue(server)
        try:
            venue.connect()
            server.seen.clear()
            yield server, venue
        finally:
            venue.close()


def order(**changes: Any) -> Order:
    """Make an order of 0.01 BTC at market."""
    values: dict[str, Any] = {
        "id": ORDER_ID,
        "account": "main",
        "symbol": "BTC/USD",
        "side": Side.BUY,
        "type": OrderType.MARKET,
        "purpose": Purpose.ENTRY,
        "quantity": Decimal("0.01"),
        "created_at": NOW,
        **changes,
    }
    return Order(**values)
