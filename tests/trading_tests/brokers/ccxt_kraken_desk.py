"""A Kraken account on the raw server: its markets, and a connected venue."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tests.trading_tests.brokers.ccxt_raw_desk import raw_desk, raw_venue
from tests.trading_tests.brokers.ccxt_server import Answer, CcxtServer, Reply, Seen
from trading.brokers.ccxt_broker import CcxtVenue

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
    return raw_venue("kraken", "BTC/USD", {"public": server.url, "private": server.url}, **changes)


@contextmanager
def connected(
    answers: Mapping[str, Answer] | None = None, **changes: Any
) -> Iterator[tuple[CcxtServer, CcxtVenue]]:
    """Yield a server and a venue that has connected to it."""
    all_answers = {**market_answers(), ADD: taken, **(answers or {})}
    with raw_desk(lambda server: make_venue(server, **changes), all_answers) as desk:
        yield desk
