"""The JSON shapes of Kraken Futures: orders, events, fills, positions, the account log."""

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from tests.fakes.exchange.kraken_names import asset_name, decimals_of, plain
from tests.fakes.exchange.tape import Candle, Tape, Tick
from tests.fakes.exchange.terms import (
    ZERO,
    Booking,
    BookingKind,
    Market,
    Order,
    OrderKind,
    OrderState,
    Position,
    Side,
    TimeInForce,
    Trade,
)

TRIGGERS: Final = frozenset(
    {
        OrderKind.STOP,
        OrderKind.STOP_LIMIT,
        OrderKind.TAKE_PROFIT,
        OrderKind.TAKE_PROFIT_LIMIT,
    }
)
_STOPS: Final = frozenset({OrderKind.STOP, OrderKind.STOP_LIMIT})
_LOG_TEXTS: Final = {
    BookingKind.TRADE: "futures trade",
    BookingKind.FEE: "futures trade",
    BookingKind.PROFIT: "futures trade",
    BookingKind.FUNDING: "funding rate change",
    BookingKind.ROLLOVER: "interest payment",
    BookingKind.DEPOSIT: "cross-exchange transfer",
    BookingKind.WITHDRAWAL: "cross-exchange transfer",
}


def make_id(kind: str, number: int) -> str:
    """Ids are uuids; equal numbers give equal ids."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{kind}{number}"))


def market_id(market: Market) -> str:
    return f"PF_{asset_name(market.base)}{asset_name(market.quote)}"


def iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def is_waiting(order: Order) -> bool:
    """Say whether an order is a trigger that has not been reached."""
    return order.wish.kind in TRIGGERS and not order.is_triggered


def instrument(market: Market, *, is_open: bool) -> dict[str, Any]:
    return {
        "symbol": market_id(market),
        "type": "flexible_futures",
        "tickSize": float(market.price_step),
        "contractSize": float(market.contract_size),
        "tradeable": is_open,
        "impactMidSize": 1.0,
        "maxPositionSize": 1000000.0,
        "openingDate": "2022-03-22T13:18:45.000Z",
        "marginLevels": [
            {
                "numNonContractUnits": 0.0,
                "initialMargin": float(1 / Decimal(market.leverage_max)),
                "maintenanceMargin": float(market.maintenance),
            }
        ],
        "fundingRateCoefficient": 8,
        "contractValueTradePrecision": decimals_of(market.quantity_step),
        "postOnly": False,
        "base": market.base,
        "quote": market.quote,
        "pair": f"{market.base}:{market.quote}",
    }


def ticker(market: Market, tape: Tape) -> dict[str, Any]:
    day, last = tape.day(), float(tape.last or 0)
    return {
        "symbol": market_id(market),
        "last": last,
        "lastTime": iso(tape.at),
        "tag": "perpetual",
        "pair": f"{asset_name(market.base)}:{market.quote}",
        "markPrice": last,
        "bid": float(tape.bid),
        "bidSize": 1.0,
        "ask": float(tape.ask),
        "askSize": 1.0,
        "vol24h": float(day.volume),
        "volumeQuote": float(day.turnover),
        "openInterest": 1.0,
        "open24h": float(day.open),
        "high24h": float(day.high),
        "low24h": float(day.low),
        "lastSize": float(tape.ticks[-1].quantity) if tape.ticks else 0.0,
        "fundingRate": 0.0,
        "fundingRatePrediction": 0.0,
        "suspended": False,
        "indexPrice": last,
        "postOnly": False,
        "change24h": 0.0,
    }


def candle(candle: Candle) -> dict[str, Any]:
    return {
        "time": candle.start * 1000,
        "open": plain(candle.open),
        "high": plain(candle.high),
        "low": plain(candle.low),
        "close": plain(candle.close),
        "volume": plain(candle.volume),
    }


def public_trade(market: Market, tick: Tick) -> dict[str, Any]:
    """Return an execution as the public history shows it, with the order that took."""
    taker = {
        "uid": make_id("P", tick.number),
        "tradeable": market_id(market),
        "direction": tick.side.value.capitalize(),
        "quantity": plain(tick.quantity),
        "timestamp": str(int(tick.at * 1000)),
        "limitPrice": plain(tick.price),
        "orderType": "IoC",
        "reduceOnly": False,
    }
    execution = {
        "uid": make_id("E", tick.number),
        "takerOrder": taker,
        "timestamp": str(int(tick.at * 1000)),
        "quantity": plain(tick.quantity),
        "price": plain(tick.price),
        "markPrice": plain(tick.price),
        "limitFilled": False,
    }
    return {
        "uid": make_id("H", tick.number),
        "timestamp": str(int(tick.at * 1000)),
        "event": {"Execution": {"execution": execution, "takerReducedQuantity": ""}},
    }


def event_order(order: Order, market: Market, filled: Decimal) -> dict[str, Any]:
    """Return an order as the answers to sending and cancelling show it."""
    shape: dict[str, Any] = {
        "orderId": order.id,
        "cliOrdId": order.client_id or None,
        "type": _event_type(order),
        "symbol": market_id(market),
        "side": order.side.value,
        "quantity": float(order.quantity),
        "filled": float(filled),
        "limitPrice": float(order.wish.price or ZERO),
        "reduceOnly": order.wish.is_reduce_only,
        "timestamp": iso(order.opened_at),
        "lastUpdateTimestamp": iso(order.updated_at),
    }
    return shape


def trigger(order: Order, market: Market) -> dict[str, Any]:
    """Return a waiting trigger as the answer to sending it shows it."""
    shape = event_order(order, market, ZERO)
    del shape["orderId"], shape["cliOrdId"], shape["filled"]
    return {
        **shape,
        "uid": order.id,
        "clientId": order.client_id or None,
        **_trigger_options(order),
    }


def _trigger_options(order: Order) -> dict[str, Any]:
    waits_for_rise = (order.side is Side.BUY) is (order.wish.kind in _STOPS)
    return {
        "triggerPrice": float(order.wish.trigger or ZERO),
        "triggerSide": "trigger_above" if waits_for_rise else "trigger_below",
        "triggerSignal": "last_price",
    }


def _event_type(order: Order) -> str:
    if order.wish.price is None or order.wish.tif is TimeInForce.IOC:
        return "ioc"
    return "post" if order.wish.is_post_only else "lmt"


def open_order(order: Order, market: Market) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "order_id": order.id,
        "symbol": market_id(market),
        "side": order.side.value,
        "orderType": "lmt",
        "unfilledSize": float(order.left),
        "filledSize": float(order.filled),
        "receivedTime": iso(order.opened_at),
        "lastUpdateTime": iso(order.updated_at),
        "status": "partiallyFilled" if order.filled else "untouched",
        "reduceOnly": order.wish.is_reduce_only,
    }
    if order.client_id:
        shape["cliOrdId"] = order.client_id
    if order.wish.price is not None:
        shape["limitPrice"] = float(order.wish.price)
    if is_waiting(order):
        shape["orderType"] = "stop" if order.wish.kind in _STOPS else "take_profit"
        shape["stopPrice"] = float(order.wish.trigger or ZERO)
        shape["triggerSignal"] = "last"
    return shape


def order_status(order: Order, market: Market) -> dict[str, Any]:
    shape = event_order(order, market, order.filled)
    waits = is_waiting(order)
    shape["type"] = "TRIGGER_ORDER" if waits else "ORDER"
    if waits:
        shape["priceTriggerOptions"] = _trigger_options(order)
    state = {
        OrderState.OPEN: "TRIGGER_PLACED" if waits else "ENTERED_BOOK",
        OrderState.FILLED: "FULLY_EXECUTED",
        OrderState.CANCELLED: "CANCELLED",
        OrderState.EXPIRED: "CANCELLED",
    }[order.state]
    return {"order": shape, "status": state, "updateReason": None, "error": None}


def fill(trade: Trade, market: Market, *, is_liquidation: bool = False) -> dict[str, Any]:
    """Return a fill; it tells no fee: that stands in the account log."""
    usual = "maker" if trade.is_maker else "taker"
    shape: dict[str, Any] = {
        "fill_id": trade.id,
        "order_id": trade.order_id,
        "symbol": market_id(market),
        "side": trade.side.value,
        "size": float(trade.quantity),
        "price": float(trade.price),
        "fillTime": iso(trade.at),
        "fillType": "liquidation" if is_liquidation else usual,
    }
    if trade.client_id:
        shape["cliOrdId"] = trade.client_id
    return shape


def position(position: Position, tape: Tape) -> dict[str, Any]:
    return {
        "side": "long" if position.quantity > 0 else "short",
        "symbol": market_id(position.market),
        "price": float(position.entry_price),
        "fillTime": iso(position.opened_at),
        "size": float(abs(position.quantity)),
        "unrealizedFunding": 0.0,
        "unrealizedPnl": float(position.profit_at(tape.last or position.entry_price)),
        "pnlCurrency": position.market.quote,
    }


def history_order(order: Order, market: Market, filled: Decimal) -> dict[str, Any]:
    return {
        "uid": order.id,
        "accountUid": make_id("A", 1),
        "tradeable": market_id(market),
        "direction": order.side.value.capitalize(),
        "quantity": plain(order.quantity - filled),
        "filled": plain(filled),
        "timestamp": str(int(order.opened_at * 1000)),
        "limitPrice": plain(order.wish.price or ZERO),
        "orderType": {"lmt": "Limit", "post": "Post", "ioc": "IoC"}[_event_type(order)],
        "clientId": order.client_id,
        "reduceOnly": order.wish.is_reduce_only,
        "lastUpdateTimestamp": str(int(order.updated_at * 1000)),
    }


def log(
    bookings: Iterable[Booking], trades: Iterable[Trade], markets: dict[str, Market]
) -> list[dict[str, Any]]:
    """Return the account log, oldest first.

    A trade has two entries: one for its fee and profit, one for the size of the position.
    """
    executions = {trade.id: trade for trade in trades}
    sizes: dict[str, Decimal] = {}
    entries: dict[str, dict[str, Any]] = {}
    for booking in bookings:
        trade = executions.get(booking.trade_id)
        if trade is not None and trade.id not in entries:
            before = sizes.get(trade.symbol, ZERO)
            sizes[trade.symbol] = before + trade.quantity * trade.side.sign
            leg = _log_entry(booking, markets)
            size = {"old_balance": float(before), "new_balance": float(sizes[trade.symbol])}
            entries[f"position of {trade.id}"] = {
                **leg,
                **size,
                "asset": leg["contract"],
                "booking_uid": make_id("S", booking.number),
                "id": booking.number * 2 + 1,
                "trade_price": float(trade.price),
            }
        entry = entries.setdefault(booking.trade_id or booking.id, _log_entry(booking, markets))
        if booking.kind is BookingKind.FEE:
            entry["fee"] = float(-booking.amount)
        elif booking.kind is BookingKind.PROFIT:
            entry["realized_pnl"] = float(booking.amount)
        elif booking.kind is BookingKind.FUNDING:
            entry["realized_funding"] = float(booking.amount)
        entry["new_balance"] = float(booking.total)
    return list(entries.values())


def _log_entry(booking: Booking, markets: dict[str, Market]) -> dict[str, Any]:
    contract = market_id(markets[booking.symbol]).lower() if booking.symbol else None
    return {
        "asset": booking.currency.lower(),
        "booking_uid": make_id("B", booking.number),
        "contract": contract,
        "date": iso(booking.at),
        "execution": booking.trade_id or None,
        "fee": 0,
        "funding_rate": None,
        "id": booking.number * 2,
        "info": _LOG_TEXTS[booking.kind],
        "margin_account": "flex",
        "old_balance": float(booking.total - booking.amount),
        "new_balance": float(booking.total),
        "realized_funding": None,
        "realized_pnl": None,
    }
