"""What the fake exchange knows, written as Binance spot writes it over HTTP."""

import math
from decimal import Decimal
from typing import Final

from tests.fakes.exchange.tape import Candle, Tape, Tick
from tests.fakes.exchange.terms import (
    ZERO,
    Market,
    Order,
    OrderKind,
    OrderState,
    Trade,
)

USER_REQUESTED: Final = "user requested"  # as the engine puts it
QUANTUM: Final = Decimal("0.00000001")
ORDER_TYPES: Final = (
    "LIMIT",
    "LIMIT_MAKER",
    "MARKET",
    "STOP_LOSS",
    "STOP_LOSS_LIMIT",
    "TAKE_PROFIT",
    "TAKE_PROFIT_LIMIT",
)
KINDS: Final = {
    "LIMIT": OrderKind.LIMIT,
    "LIMIT_MAKER": OrderKind.LIMIT,
    "MARKET": OrderKind.MARKET,
    "STOP_LOSS": OrderKind.STOP,
    "STOP_LOSS_LIMIT": OrderKind.STOP_LIMIT,
    "TAKE_PROFIT": OrderKind.TAKE_PROFIT,
    "TAKE_PROFIT_LIMIT": OrderKind.TAKE_PROFIT_LIMIT,
}
_TYPES: Final = {kind: name for name, kind in KINDS.items() if name != "LIMIT_MAKER"}
_STATUS: Final = {
    OrderState.FILLED: "FILLED",
    OrderState.CANCELLED: "CANCELED",
    OrderState.EXPIRED: "EXPIRED",
}
_FLOAT_ERROR: Final = 1e-3  # of a time of today in milliseconds
_FAR_PRICE: Final = Decimal(1_000_000)
_FAR_QUANTITY: Final = Decimal(9_000)
_BOOK_QUANTITY: Final = Decimal(5)

Json = dict[str, object]


def amount(value: Decimal | None) -> str:
    """Write a number with the eight digits that Binance writes, and more rather than round."""
    exact = value or ZERO
    short = exact.quantize(QUANTUM)
    return format(short if short == exact else exact.normalize(), "f")


def millis(seconds: float) -> int:
    """Write a time: whole milliseconds that are over."""
    return math.floor(seconds * 1000 + _FLOAT_ERROR)


def market_id(market: Market) -> str:
    """Name a market: BTCUSDT."""
    return f"{market.base}{market.quote}"


def symbol_info(market: Market) -> Json:
    """Describe a market with its filters, as exchangeInfo does."""
    return {
        "symbol": market_id(market),
        "status": "TRADING",
        "baseAsset": market.base,
        "baseAssetPrecision": 8,
        "quoteAsset": market.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": list(ORDER_TYPES),
        "icebergAllowed": True,
        "ocoAllowed": True,
        "otoAllowed": True,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": True,
        "cancelReplaceAllowed": True,
        "amendAllowed": True,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": _filters(market),
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": ["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"],
    }


def _filters(market: Market) -> list[Json]:
    return [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": amount(market.price_step),
            "maxPrice": amount(_FAR_PRICE),
            "tickSize": amount(market.price_step),
        },
        {
            "filterType": "LOT_SIZE",
            "minQty": amount(market.quantity_min),
            "maxQty": amount(_FAR_QUANTITY),
            "stepSize": amount(market.quantity_step),
        },
        {"filterType": "ICEBERG_PARTS", "limit": 10},
        {
            "filterType": "MARKET_LOT_SIZE",
            "minQty": amount(ZERO),
            "maxQty": amount(_FAR_QUANTITY),
            "stepSize": amount(ZERO),
        },
        {
            "filterType": "NOTIONAL",
            "minNotional": amount(market.cost_min),
            "applyMinToMarket": True,
            "maxNotional": amount(Decimal(9_000_000)),
            "applyMaxToMarket": False,
            "avgPriceMins": 5,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 5},
    ]


def order_type(order: Order) -> str:
    """Name the type of an order."""
    if order.wish.is_post_only:
        return "LIMIT_MAKER"
    return _TYPES[order.wish.kind]


def status(order: Order) -> str:
    """Name the state of an order."""
    if order.is_open:
        return "PARTIALLY_FILLED" if order.filled else "NEW"
    if order.state is OrderState.CANCELLED and order.reason != USER_REQUESTED:
        return "EXPIRED"  # what could not be filled at once, or paid for in the end
    return _STATUS[order.state]


def is_stop(order: Order) -> bool:
    """Say whether an order waits for a trigger, or did."""
    return order.wish.trigger is not None


def order_fields(order: Order, market: Market) -> Json:
    """Write what every answer says of an order."""
    wish = order.wish
    fields: Json = {
        "symbol": market_id(market),
        "orderId": order.number,
        "orderListId": -1,
        "clientOrderId": order.client_id,
        "price": amount(wish.price),
        "origQty": amount(order.quantity),
        "executedQty": amount(order.filled),
        "origQuoteOrderQty": amount(wish.cost),
        "cummulativeQuoteQty": amount(order.cost),
        "status": status(order),
        "timeInForce": _time_in_force(order),
        "type": order_type(order),
        "side": wish.side.value.upper(),
        "selfTradePreventionMode": "EXPIRE_MAKER",
    }
    if is_stop(order):
        fields["stopPrice"] = amount(wish.trigger)
    return fields


def _time_in_force(order: Order) -> str:
    is_at_market = order.wish.kind is OrderKind.MARKET
    return "GTC" if is_at_market else order.wish.tif.value.upper()


def queried_order(order: Order, market: Market) -> Json:
    """Write an order as a query for it answers."""
    return order_fields(order, market) | {
        "stopPrice": amount(order.wish.trigger),
        "icebergQty": amount(ZERO),
        "time": millis(order.opened_at),
        "updateTime": millis(order.updated_at or order.opened_at),
        "isWorking": is_working(order),
        "workingTime": millis(order.opened_at) if is_working(order) else -1,
    }


def is_working(order: Order) -> bool:
    """Say whether an order is in the book, and no more waiting for its trigger."""
    return order.is_triggered or not is_stop(order)


def placed_order(order: Order, market: Market, kind: str) -> Json:
    """Write the answer to a new order; `kind` is ACK, RESULT or FULL."""
    at = millis(order.opened_at)
    if kind == "ACK":
        return {
            "symbol": market_id(market),
            "orderId": order.number,
            "orderListId": -1,
            "clientOrderId": order.client_id,
            "transactTime": at,
        }
    answer = order_fields(order, market) | {
        "transactTime": at,
        "workingTime": at if is_working(order) else -1,
    }
    if kind == "FULL":
        answer["fills"] = [_fill(trade) for trade in order.trades]
    return answer


def _fill(trade: Trade) -> Json:
    return {
        "price": amount(trade.price),
        "qty": amount(trade.quantity),
        "commission": amount(trade.fee),
        "commissionAsset": trade.fee_currency,
        "tradeId": trade.number,
    }


def cancelled_order(order: Order, market: Market, cancel_id: str) -> Json:
    """Write the answer to a cancel, in which the client id is that of the cancel."""
    return order_fields(order, market) | {
        "origClientOrderId": order.client_id,
        "clientOrderId": cancel_id,
        "transactTime": millis(order.updated_at or order.opened_at),
    }


def own_trade(trade: Trade, market: Market) -> Json:
    """Write one execution of the account."""
    return {
        "symbol": market_id(market),
        "id": trade.number,
        "orderId": int(trade.order_id),
        "orderListId": -1,
        "price": amount(trade.price),
        "qty": amount(trade.quantity),
        "quoteQty": amount(trade.cost),
        "commission": amount(trade.fee),
        "commissionAsset": trade.fee_currency,
        "time": millis(trade.at),
        "isBuyer": trade.side.sign > 0,
        "isMaker": trade.is_maker,
        "isBestMatch": True,
    }


def public_trade(tick: Tick) -> Json:
    """Write one public trade, aggregated."""
    return {
        "a": tick.number,
        "p": amount(tick.price),
        "q": amount(tick.quantity),
        "f": tick.number,
        "l": tick.number,
        "T": millis(tick.at),
        "m": tick.side.sign < 0,
        "M": True,
    }


def kline(candle: Candle, interval_s: int) -> list[object]:
    """Write one candle; its last millisecond belongs to it."""
    return [
        candle.start * 1000,
        amount(candle.open),
        amount(candle.high),
        amount(candle.low),
        amount(candle.close),
        amount(candle.volume),
        (candle.start + interval_s) * 1000 - 1,
        amount(candle.turnover),
        candle.count,
        amount(candle.volume / 2),
        amount(candle.turnover / 2),
        "0",
    ]


def book_ticker(market: Market, tape: Tape) -> Json:
    """Write the best prices."""
    return {
        "symbol": market_id(market),
        **_best(tape),
    }


def _best(tape: Tape) -> Json:
    has_book = tape.last is not None
    quantity = amount(depth_quantity(tape) if has_book else ZERO)
    return {
        "bidPrice": amount(tape.bid if has_book else ZERO),
        "bidQty": quantity,
        "askPrice": amount(tape.ask if has_book else ZERO),
        "askQty": quantity,
    }


def depth_quantity(tape: Tape) -> Decimal:
    """Return how much stands at the best price."""
    return _BOOK_QUANTITY if tape.left is None else tape.left


def day_ticker(market: Market, tape: Tape) -> Json:
    """Write the statistics of 24 hours."""
    day, last = tape.day(), tape.last or ZERO
    average = day.turnover / day.volume if day.volume else last
    first, final = (tape.ticks[0].number, tape.ticks[-1].number) if tape.ticks else (-1, -1)
    return {
        "symbol": market_id(market),
        "priceChange": amount(last - day.open),
        "priceChangePercent": format(_percent(last, day.open), ".3f"),
        "weightedAvgPrice": amount(average),
        "prevClosePrice": amount(day.open),
        "lastPrice": amount(last),
        "lastQty": amount(tape.ticks[-1].quantity if tape.ticks else ZERO),
        **_best(tape),
        "openPrice": amount(day.open),
        "highPrice": amount(day.high),
        "lowPrice": amount(day.low),
        "volume": amount(day.volume),
        "quoteVolume": amount(day.turnover),
        "openTime": millis(tape.at) - 86_400_000,
        "closeTime": millis(tape.at),
        "firstId": first,
        "lastId": final,
        "count": day.count,
    }


def _percent(last: Decimal, first: Decimal) -> Decimal:
    return (last - first) / first * 100 if first else ZERO
