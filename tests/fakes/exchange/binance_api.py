"""The table of Binance spot's HTTP API: what each endpoint does, weighs, is about and needs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from tests.fakes.exchange import binance_orders_api as orders_api
from tests.fakes.exchange import binance_public as public
from tests.fakes.exchange import binance_reads as reads
from tests.fakes.exchange.binance_reads import Asked
from tests.fakes.exchange.binance_shapes import Json
from tests.fakes.exchange.engine import Engine
from tests.fakes.exchange.terms import ApiKey
from tests.fakes.exchange.wire import Kind

Public = Callable[[Engine, Asked], object]
Private = Callable[[Engine, ApiKey, Asked], object]


@dataclass(frozen=True, slots=True)
class OpenEndpoint:
    """An endpoint for everybody: what it does, is about and weighs."""

    act: Public
    kind: Kind
    weight: int
    weight_of_all: int = 0  # where no market is named


@dataclass(frozen=True, slots=True)
class KeyEndpoint:
    """An endpoint for the holder of a key."""

    act: Private
    kind: Kind
    weight: int
    weight_of_all: int = 0
    needs_trade: bool = False


Endpoint = OpenEndpoint | KeyEndpoint


def _nothing(_engine: Engine, _asked: Asked) -> Json:
    return {"timezone": "UTC", "rateLimits": [], "exchangeFilters": [], "symbols": []}


def _no_pairs(_engine: Engine, _key: ApiKey, _asked: Asked) -> list[Json]:
    return []


def _no_rows(_engine: Engine, _key: ApiKey, _asked: Asked) -> Json:
    return {"rows": [], "total": 0}


def _no_fiat(_engine: Engine, _key: ApiKey, _asked: Asked) -> Json:
    return {"code": "000000", "message": "success", "data": [], "total": 0, "success": True}


def _is_normal(_engine: Engine, _asked: Asked) -> Json:
    return {"status": 0, "msg": "normal"}


ENDPOINTS: Final[Mapping[tuple[str, str], Endpoint]] = {
    ("GET", "/api/v3/ping"): OpenEndpoint(public.ping, Kind.OTHER, 1),
    ("GET", "/api/v3/time"): OpenEndpoint(public.server_time, Kind.TIME, 1),
    ("GET", "/api/v3/exchangeInfo"): OpenEndpoint(public.exchange_info, Kind.MARKETS, 20),
    ("GET", "/api/v3/klines"): OpenEndpoint(public.klines, Kind.PUBLIC, 2),
    ("GET", "/api/v3/ticker/24hr"): OpenEndpoint(public.day_tickers, Kind.PUBLIC, 2, 80),
    ("GET", "/api/v3/ticker/bookTicker"): OpenEndpoint(public.book_tickers, Kind.PUBLIC, 2, 4),
    ("GET", "/api/v3/ticker/price"): OpenEndpoint(public.price_tickers, Kind.PUBLIC, 2, 4),
    ("GET", "/api/v3/aggTrades"): OpenEndpoint(public.aggregated_trades, Kind.PUBLIC, 4),
    ("GET", "/api/v3/trades"): OpenEndpoint(public.recent_trades, Kind.PUBLIC, 25),
    ("GET", "/api/v3/depth"): OpenEndpoint(public.depth, Kind.PUBLIC, 5),
    ("GET", "/api/v3/account"): KeyEndpoint(reads.account_info, Kind.BALANCES, 20),
    ("GET", "/api/v3/openOrders"): KeyEndpoint(
        reads.open_orders, Kind.OPEN_ORDERS, 6, weight_of_all=80
    ),
    ("GET", "/api/v3/allOrders"): KeyEndpoint(reads.all_orders, Kind.CLOSED_ORDERS, 20),
    ("GET", "/api/v3/myTrades"): KeyEndpoint(reads.own_trades, Kind.TRADES, 20),
    ("GET", "/api/v3/order"): KeyEndpoint(reads.one_order, Kind.ORDER, 4),
    ("POST", "/api/v3/order"): KeyEndpoint(
        orders_api.place_order, Kind.SUBMIT, 1, needs_trade=True
    ),
    ("POST", "/api/v3/order/test"): KeyEndpoint(
        orders_api.check_order, Kind.OTHER, 1, needs_trade=True
    ),
    ("DELETE", "/api/v3/order"): KeyEndpoint(
        orders_api.cancel_order, Kind.CANCEL, 1, needs_trade=True
    ),
    ("DELETE", "/api/v3/openOrders"): KeyEndpoint(
        orders_api.cancel_all, Kind.CANCEL, 1, needs_trade=True
    ),
    ("GET", "/sapi/v1/account/apiRestrictions"): KeyEndpoint(reads.api_restrictions, Kind.KEY, 1),
    ("GET", "/sapi/v1/asset/tradeFee"): KeyEndpoint(reads.trade_fees, Kind.MARKETS, 1),
    ("GET", "/sapi/v1/asset/assetDividend"): KeyEndpoint(_no_rows, Kind.LEDGER, 10),
    ("GET", "/sapi/v1/capital/config/getall"): KeyEndpoint(reads.coins, Kind.MARKETS, 10),
    ("GET", "/sapi/v1/capital/deposit/hisrec"): KeyEndpoint(reads.deposits, Kind.LEDGER, 1),
    ("GET", "/sapi/v1/capital/withdraw/history"): KeyEndpoint(reads.withdrawals, Kind.LEDGER, 1),
    ("GET", "/sapi/v1/fiat/orders"): KeyEndpoint(_no_fiat, Kind.LEDGER, 1),
    ("GET", "/sapi/v1/margin/allPairs"): KeyEndpoint(_no_pairs, Kind.MARKETS, 1),
    ("GET", "/sapi/v1/margin/isolated/allPairs"): KeyEndpoint(_no_pairs, Kind.MARKETS, 10),
    ("GET", "/sapi/v1/system/status"): OpenEndpoint(_is_normal, Kind.OTHER, 1),
    # The library asks the futures sites for their markets too unless it is told not to.
    ("GET", "/fapi/v1/exchangeInfo"): OpenEndpoint(_nothing, Kind.MARKETS, 1),
    ("GET", "/dapi/v1/exchangeInfo"): OpenEndpoint(_nothing, Kind.MARKETS, 1),
}
