"""Binance and Coinbase accounts on the raw server: their markets, and connected venues."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from daemonkit.secrets import Secret
from tests.trading_tests.brokers.ccxt_raw_desk import raw_desk, raw_venue
from tests.trading_tests.brokers.ccxt_server import Answer, CcxtServer, Reply
from trading.brokers.ccxt_broker import CcxtVenue

BINANCE_ORDER = "/api/v3/order"
COINBASE_ORDERS = "/api/v3/brokerage/orders"
COINBASE_CANCEL = "/api/v3/brokerage/orders/batch_cancel"

_FILTERS = [
    {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000", "tickSize": "0.01"},
    {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000", "stepSize": "0.00001"},
    {"filterType": "NOTIONAL", "minNotional": "5.00", "maxNotional": "9000000"},
]


def binance_symbol(**changes: Any) -> dict[str, Any]:
    """Return a market as exchangeInfo shows it."""
    return {
        "symbol": "BTCUSDT",
        "status": "TRADING",
        "baseAsset": "BTC",
        "quoteAsset": "USDT",
        "orderTypes": ["LIMIT", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT"],
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": _FILTERS,
        "permissions": ["SPOT"],
        **changes,
    }


def binance_answers(**changes: Any) -> dict[str, Answer]:
    """Return what is asked when a Binance venue connects, and a yes to orders."""
    return {
        "/api/v3/exchangeInfo": Reply({"symbols": [binance_symbol(**changes)]}),
        "/api/v3/account": Reply({"uid": 42, "balances": []}),
        "/sapi/v1/account/apiRestrictions": Reply(
            {"enableWithdrawals": True, "enableSpotAndMarginTrading": True}
        ),
        BINANCE_ORDER: Reply({"symbol": "BTCUSDT", "orderId": 7, "clientOrderId": "x"}),
    }


_PRODUCT = {
    "product_id": "BTC-USD",
    "product_type": "SPOT",
    "base_increment": "0.00000001",
    "quote_increment": "0.01",
    "price_increment": "0.01",
    "base_min_size": "0.00001",
    "base_max_size": "3400",
    "quote_min_size": "1",
    "base_currency_id": "BTC",
    "quote_currency_id": "USD",
    "trading_disabled": False,
}
COINBASE_YES = {"success": True, "success_response": {"order_id": "c-1", "product_id": "BTC-USD"}}


def coinbase_answers() -> dict[str, Answer]:
    """Return what is asked when a Coinbase venue connects, and a yes to orders."""
    return {
        "/api/v3/brokerage/market/products": Reply({"products": [_PRODUCT]}),
        "/api/v3/brokerage/transaction_summary": Reply({"fee_tier": {}}),
        "/api/v3/brokerage/key_permissions": Reply(
            {"can_view": True, "can_trade": True, "can_transfer": False, "portfolio_uuid": "p-1"}
        ),
        COINBASE_ORDERS: Reply(COINBASE_YES),
    }


def make_binance(server: CcxtServer) -> CcxtVenue:
    """Build a Binance venue that speaks to the server."""
    paths = {"public": "/api/v3", "private": "/api/v3", "sapi": "/sapi/v1"}
    urls = {name: f"{server.url}{path}" for name, path in paths.items()}
    return raw_venue("binance", "BTC/USDT", urls)


def make_coinbase(server: CcxtServer) -> CcxtVenue:
    """Build a Coinbase venue that speaks to the server, with a key of the older kind."""
    # In base64 it would be one of the newer kind.
    secret = Secret("coinbase-secret-for-a-test")
    return raw_venue("coinbase", "BTC/USD", {"rest": server.url}, secret=secret)


@contextmanager
def connected_binance(
    answers: Mapping[str, Answer] | None = None, **changes: Any
) -> Iterator[tuple[CcxtServer, CcxtVenue]]:
    """Yield a server and a Binance venue that has connected to it."""
    with raw_desk(make_binance, {**binance_answers(**changes), **(answers or {})}) as desk:
        yield desk


@contextmanager
def connected_coinbase(
    answers: Mapping[str, Answer] | None = None,
) -> Iterator[tuple[CcxtServer, CcxtVenue]]:
    """Yield a server and a Coinbase venue that has connected to it."""
    with raw_desk(make_coinbase, {**coinbase_answers(), **(answers or {})}) as desk:
        yield desk
