"""What Coinbase tells everybody: products, prices, candles, currencies, time."""

from typing import Final

from tests.fakes.exchange.coinbase_query import (
    MalformedError,
    Query,
    UnknownError,
    check_query,
    one,
    page_size,
)
from tests.fakes.exchange.coinbase_shapes import (
    FIAT,
    Json,
    candle_row,
    iso,
    named_id,
    number,
    price_book,
    product,
    product_id,
    public_trade,
)
from tests.fakes.exchange.engine import Engine
from tests.fakes.exchange.tape import Candle
from tests.fakes.exchange.terms import Market

GRANULARITIES: Final = {
    "ONE_MINUTE": 60,
    "FIVE_MINUTE": 300,
    "FIFTEEN_MINUTE": 900,
    "THIRTY_MINUTE": 1_800,
    "ONE_HOUR": 3_600,
    "TWO_HOUR": 7_200,
    "FOUR_HOUR": 14_400,
    "SIX_HOUR": 21_600,
    "ONE_DAY": 86_400,
}
_CANDLES_MAX: Final = 350
_TRADES_PAGE: Final = 100
_TRADES_PAGE_MAX: Final = 1_000
_LEVELS: Final = 10
_PRODUCT_FILTERS: Final = frozenset(
    [
        "limit",
        "offset",
        "product_type",
        "product_ids",
        "contract_expiry_type",
        "expiring_contract_status",
        "get_tradability_status",
        "get_all_products",
        "products_sort_order",
        "cursor",
    ]
)


class PublicReads:
    """Answer questions about markets."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._by_name = {product_id(market): market for market in engine.markets.values()}

    def market(self, name: object) -> Market:
        """Return a market by its Coinbase name."""
        if name not in self._by_name:
            raise MalformedError(f"valid product_id is required: {name!r}")
        return self._by_name[str(name)]

    def _product(self, market: Market) -> Json:
        is_closed = market.symbol in self._engine.closed_markets
        return product(market, self._engine.tapes[market.symbol], is_closed=is_closed)

    def products(self, query: Query) -> Json:
        """Write the spot products; there are no others."""
        check_query(query, _PRODUCT_FILTERS)
        names = query.get("product_ids", [])
        is_spot = one(query, "product_type") in {None, "SPOT", "UNKNOWN_PRODUCT_TYPE"}
        rows = [
            self._product(market)
            for name, market in self._by_name.items()
            if is_spot and (not names or name in names)
        ]
        return {"products": rows, "num_products": len(rows)}

    def one_product(self, name: str) -> Json:
        """Write one product."""
        if name not in self._by_name:
            raise UnknownError("product not found")
        return self._product(self._by_name[name])

    def candles(self, name: str, query: Query) -> Json:
        """Write candles, newest first; intervals without a trade are left out."""
        check_query(query, frozenset({"start", "end", "granularity", "limit"}))
        interval_s = GRANULARITIES.get(one(query, "granularity") or "")
        if interval_s is None:
            raise MalformedError("granularity is required")
        begin, end = _seconds(query, "start"), _seconds(query, "end")
        if (end - begin) / interval_s > _CANDLES_MAX:
            raise MalformedError("number of candles requested should be less than 350")
        tape = self._engine.tapes[self.market(name).symbol]
        found: list[Candle] = [
            candle for candle in tape.candles(interval_s, begin) if candle.start <= end
        ]
        return {"candles": [candle_row(candle) for candle in reversed(found)]}

    def trades(self, name: str, query: Query) -> Json:
        """Write the newest public trades and the best prices."""
        check_query(query, frozenset({"limit", "start", "end"}))
        market = self.market(name)
        tape = self._engine.tapes[market.symbol]
        begin = _seconds(query, "start") if "start" in query else 0
        end = _seconds(query, "end") if "end" in query else 2**40
        ticks = [tick for tick in reversed(tape.ticks) if begin <= tick.at <= end]
        limit = page_size(query, _TRADES_PAGE, _TRADES_PAGE_MAX)
        blank = {"bid": "", "ask": "", "exchange": "coinbase"}
        return {
            "trades": [public_trade(market, tick) | blank for tick in ticks[:limit]],
            "best_bid": number(tape.bid),
            "best_ask": number(tape.ask),
        }

    def book(self, query: Query) -> Json:
        """Write a book of one market."""
        check_query(query, frozenset({"product_id", "limit", "aggregation_price_increment"}))
        market = self.market(one(query, "product_id"))
        tape = self._engine.tapes[market.symbol]
        levels = min(page_size(query, _LEVELS, 1_000), _LEVELS)
        book = price_book(market, tape, self._engine.clock.wall(), levels)
        return {
            "pricebook": book,
            "last": number(tape.last),
            "mid_market": number(tape.last),
            "spread_bps": "0",
            "spread_absolute": number(2 * tape.half_spread),
        }

    def best_prices(self, query: Query) -> Json:
        """Write the best prices of some markets, or of all."""
        check_query(query, frozenset({"product_ids"}))
        names = query.get("product_ids") or list(self._by_name)
        now = self._engine.clock.wall()
        markets = [self.market(name) for name in names]
        books = [price_book(each, self._engine.tapes[each.symbol], now, 1) for each in markets]
        return {"pricebooks": books}

    def time(self) -> Json:
        """Tell the exchange's clock."""
        now = self._engine.clock.wall()
        millis = round(now * 1000)
        return {
            "iso": iso(int(now)),
            "epochSeconds": str(millis // 1000),
            "epochMillis": str(millis),
        }

    def old_time(self) -> Json:
        """Tell the clock as the second version of the API does."""
        now = self._engine.clock.wall()
        return {"data": {"iso": iso(int(now)), "epoch": int(now)}}

    def _currencies(self) -> list[str]:
        markets = self._by_name.values()
        return sorted({name for each in markets for name in (each.base, each.quote)})

    def fiat(self) -> Json:
        """Write the currencies that are no coins."""
        rows = [
            {"id": name, "name": name, "min_size": "0.01"}
            for name in self._currencies()
            if name in FIAT
        ]
        return {"data": rows}

    def coins(self) -> Json:
        """Write the coins."""
        rows = [
            {
                "asset_id": named_id("asset", name),
                "code": name,
                "name": name,
                "color": "#0433FF",
                "sort_index": 100 + index,
                "exponent": 8,
                "type": "crypto",
                "address_regex": "^.*$",
            }
            for index, name in enumerate(self._currencies())
            if name not in FIAT
        ]
        return {"data": rows}

    def exchange_rates(self) -> Json:
        """Write what a dollar is worth."""
        rates = {"USD": "1"}
        for market in self._by_name.values():
            last = self._engine.tapes[market.symbol].last
            if last and market.quote in {"USD", "USDT", "USDC"}:
                rates[market.base] = number(round(1 / last, 12))
                rates[market.quote] = "1"
        return {"data": {"currency": "USD", "rates": rates}}


def _seconds(query: Query, name: str) -> int:
    asked = one(query, name)
    if asked is None or not asked.isdigit():
        raise MalformedError(f"{name} is required, in seconds")
    return int(asked)
