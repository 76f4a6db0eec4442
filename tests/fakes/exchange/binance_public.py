"""What Binance spot tells everybody: markets, prices, trades, candles."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from tests.fakes.exchange.binance_orders import check_known
from tests.fakes.exchange.binance_reads import (
    Asked,
    asked_market,
    find_market,
    row_limit,
    whole_number,
)
from tests.fakes.exchange.binance_refusals import (
    illegal,
    invalid_combination,
    invalid_interval,
    missing,
)
from tests.fakes.exchange.binance_shapes import (
    Json,
    amount,
    book_ticker,
    day_ticker,
    depth_quantity,
    kline,
    market_id,
    millis,
    public_trade,
    symbol_info,
)
from tests.fakes.exchange.candle_rows import candles_without_gaps, last_candles
from tests.fakes.exchange.engine import Engine
from tests.fakes.exchange.tape import Tape
from tests.fakes.exchange.terms import ZERO, Market

INTERVALS: Final = {
    "1s": 1,
    "1m": 60,
    "3m": 180,
    "5m": 300,
    "15m": 900,
    "30m": 1_800,
    "1h": 3_600,
    "2h": 7_200,
    "4h": 14_400,
    "6h": 21_600,
    "8h": 28_800,
    "12h": 43_200,
    "1d": 86_400,
    "3d": 259_200,
}
_SECOND: Final = 1
_LEVELS: Final = 100
_LEVELS_MAX: Final = 5000


def ping(_engine: Engine, asked: Asked) -> Json:
    """Answer that the API is up."""
    check_known(asked, ())
    return {}


def server_time(engine: Engine, asked: Asked) -> Json:
    """Tell the exchange's clock."""
    check_known(asked, ())
    return {"serverTime": millis(engine.clock.wall())}


def exchange_info(engine: Engine, asked: Asked) -> Json:
    """Describe the markets."""
    check_known(asked, {"symbol", "symbols", "permissions", "showPermissionSets", "symbolStatus"})
    markets = _asked_markets(engine, asked)
    return {
        "timezone": "UTC",
        "serverTime": millis(engine.clock.wall()),
        "rateLimits": [
            _limit("REQUEST_WEIGHT", "MINUTE", 1, 6_000),
            _limit("ORDERS", "SECOND", 10, 100),
            _limit("ORDERS", "DAY", 1, 200_000),
            _limit("RAW_REQUESTS", "MINUTE", 5, 61_000),
        ],
        "exchangeFilters": [],
        "symbols": [
            symbol_info(market)
            | ({"status": "BREAK"} if market.symbol in engine.closed_markets else {})
            for market in markets
        ],
    }


def _limit(kind: str, interval: str, count: int, limit: int) -> Json:
    return {"rateLimitType": kind, "interval": interval, "intervalNum": count, "limit": limit}


def _asked_markets(engine: Engine, asked: Asked) -> list[Market]:
    if "symbol" in asked and "symbols" in asked:
        raise invalid_combination()
    if "symbol" in asked:
        return [find_market(engine, asked["symbol"])]
    if "symbols" not in asked:
        return list(engine.markets.values())
    try:
        names = json.loads(asked["symbols"])
    except ValueError:
        raise illegal("symbols", '^\\["[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}"){0,}\\]$') from None
    return [find_market(engine, str(name)) for name in names]


def klines(engine: Engine, asked: Asked) -> list[list[object]]:
    """Write candles, the unfinished one too; minutes without a trade repeat the last price."""
    check_known(asked, {"symbol", "interval", "startTime", "endTime", "timeZone", "limit"})
    market = asked_market(engine, asked)
    if not asked.get("interval"):
        raise missing("interval")
    if asked["interval"] not in INTERVALS or INTERVALS[asked["interval"]] == _SECOND:
        raise invalid_interval()
    interval_s, tape = INTERVALS[asked["interval"]], engine.tapes[market.symbol]
    begin, end = whole_number(asked, "startTime"), whole_number(asked, "endTime")
    now, limit = engine.clock.wall(), row_limit(asked)
    until = now if end is None else min(now, end / 1000)
    rows = (
        last_candles(tape, interval_s, until, limit)
        if begin is None
        else candles_without_gaps(tape, interval_s, begin / 1000, until, limit)
    )
    return [kline(row, interval_s) for row in rows]


def day_tickers(engine: Engine, asked: Asked) -> object:
    """Write the statistics of 24 hours of one market, or a list of them."""
    return _each(engine, asked, day_ticker)


def book_tickers(engine: Engine, asked: Asked) -> object:
    """Write the best prices of one market, or a list of them."""
    return _each(engine, asked, book_ticker)


def price_tickers(engine: Engine, asked: Asked) -> object:
    """Write the last price of one market, or a list of them."""

    def price(market: Market, tape: Tape) -> Json:
        return {"symbol": market_id(market), "price": amount(tape.last)}

    return _each(engine, asked, price)


def _each(engine: Engine, asked: Asked, write: Callable[[Market, Tape], Json]) -> object:
    check_known(asked, {"symbol", "symbols", "type", "symbolStatus"})
    rows = [write(market, engine.tapes[market.symbol]) for market in _asked_markets(engine, asked)]
    return rows[0] if "symbol" in asked else rows


def aggregated_trades(engine: Engine, asked: Asked) -> list[Json]:
    """Write public trades by id or time; without either the newest."""
    check_known(asked, {"symbol", "fromId", "startTime", "endTime", "limit"})
    market = asked_market(engine, asked)
    first = whole_number(asked, "fromId")
    begin, end = whole_number(asked, "startTime"), whole_number(asked, "endTime")
    rows = [
        tick
        for tick in engine.tapes[market.symbol].ticks
        if tick.number >= (first or 0) and (begin or 0) <= millis(tick.at) <= (end or 2**63)
    ]
    limit = row_limit(asked)
    is_newest = first is None and begin is None
    return [public_trade(tick) for tick in (rows[-limit:] if is_newest else rows[:limit])]


def recent_trades(engine: Engine, asked: Asked) -> list[Json]:
    """Write the newest public trades."""
    check_known(asked, {"symbol", "limit"})
    market = asked_market(engine, asked)
    ticks = list(engine.tapes[market.symbol].ticks)[-row_limit(asked) :]
    return [
        {
            "id": tick.number,
            "price": amount(tick.price),
            "qty": amount(tick.quantity),
            "quoteQty": amount(tick.price * tick.quantity),
            "time": millis(tick.at),
            "isBuyerMaker": tick.side.sign < 0,
            "isBestMatch": True,
        }
        for tick in ticks
    ]


def depth(engine: Engine, asked: Asked) -> Json:
    """Write a book: the best price and thinner ones behind it, a step apart."""
    check_known(asked, {"symbol", "limit", "symbolStatus"})
    market = asked_market(engine, asked)
    tape = engine.tapes[market.symbol]
    levels = min(row_limit(asked, _LEVELS, _LEVELS_MAX), 10)
    best = depth_quantity(tape)

    def side(price: Decimal, step: Decimal) -> list[list[str]]:
        if tape.last is None:
            return []
        prices = [price + step * level for level in range(levels)]
        return [[amount(each), amount(best)] for each in prices if each > ZERO]

    return {
        "lastUpdateId": tape.count,
        "bids": side(tape.bid, -market.price_step),
        "asks": side(tape.ask, market.price_step),
    }
