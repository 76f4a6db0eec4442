"""A Kraken account on the raw server: its markets, and a connected venue."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from daemonkit.clock import ManualClock
from daemonkit.secrets import Secret
from tests.trading_tests.brokers.ccxt_server import Answer, CcxtServer, Reply, Seen, serving
from trading.brokers.ccxt_broker import CcxtVenue, build_venue
from trading.model.order import Order, OrderType, Purpose, Side

NOW = 1_700_000_000.0
ORDER_ID = "tabcdefghijklmnopq"
ADD = "/0/private/AddOrder"

_ASSETS = {
    "XXBT": {"aclass": "currency", "altname": "XBT", "decimals": 10, "display_decimals": 5},
    "ZUSD": {"aclass": "currency", "altname": "USD", "decimals": 4, "display_decimals": 2},
}
_PAIR = {
    "altname": "XBTUSD",
    "wsname": "XBT/USD",
    "base": "XXBT",
    "quote": "ZUSD",
    "pair_decimals": 1,
    "lot_decimals": 8,
    "lot_multiplier": 1,
    "leverage_buy": [2, 3, 4, 5],
    "leverage_sell": [2, 3, 4, 5],
    "fees": [[0, 0.4]],
    "fees_maker": [[0, 0.25]],
    "ordermin": "0.0001",
    "costmin": "0.5",
    "status": "online",
}


def result(value: Any) -> Reply:
    """Return an answer of Kraken that is no error."""
    return Reply({"error": [], "result": value})


def errors(*texts: str) -> Reply:
    """Return an answer of Kraken that is one."""
    return Reply({"error": list(texts)})


def taken(_: Seen) -> Reply:
    """Take an order."""
    return result({"descr": {"order": "said"}, "txid": ["OAAAAA-BBBBB-CCCCCC"]})


def market_answers() -> dict[str, Answer]:
    """Return what is asked when a venue connects."""
    return {
        "/0/public/Assets": result(_ASSETS),
        "/0/public/AssetPairs": result({"XXBTZUSD": _PAIR}),
        "/0/private/GetApiKeyInfo": result({"permissions": ["query-funds", "modify-trades"]}),
    }


def make_venue(server: CcxtServer, **changes: Any) -> CcxtVenue:
    """Build a venue that speaks to the server."""
    arguments: dict[str, Any] = {
        "key": Secret("kraken-key-for-a-test"),
        "secret": Secret("c2VjcmV0LW9mLWEtdGVzdA=="),
        "settings": {"urls": {"api": {"public": server.url, "private": server.url}}},
        "clock": ManualClock(NOW),
        "timeout_s": 0.5,
        **changes,
    }
    return build_venue("kraken", arguments.pop("market_type", "spot"), ["BTC/USD"], **arguments)


@contextmanager
def connected(
    answers: Mapping[str, Answer] | None = None, **changes: Any
) -> Iterator[tuple[CcxtServer, CcxtVenue]]:
    """Yield a server and a venue that has connected to it."""
    with serving({**market_answers(), ADD: taken, **(answers or {})}) as server:
        venue = make_venue(server, **changes)
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
