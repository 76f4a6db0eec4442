"""Sending and cancelling at Kraken Futures: success is told in `status`, and so is refusal."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from tests.fakes.exchange import kraken_futures_shapes as shapes
from tests.fakes.exchange.engine import Engine
from tests.fakes.exchange.terms import (
    ZERO,
    Account,
    Market,
    Order,
    OrderKind,
    OrderState,
    Refusal,
    RefusedError,
    Side,
    TimeInForce,
    Wish,
)

SEND_ORDER: Final = frozenset(
    {
        "processBefore",
        "orderType",
        "symbol",
        "side",
        "size",
        "limitPrice",
        "stopPrice",
        "cliOrdId",
        "triggerSignal",
        "reduceOnly",
        "trailingStopMaxDeviation",
        "trailingStopDeviationUnit",
        "limitPriceOffsetValue",
        "limitPriceOffsetUnit",
    }
)
CANCEL_ORDER: Final = frozenset({"processBefore", "order_id", "cliOrdId"})
_CLIENT_ID_LENGTH_MAX: Final = 100
_STATUSES: Final = {
    Refusal.INSUFFICIENT_FUNDS: "insufficientAvailableFunds",
    Refusal.BELOW_MINIMUM: "invalidSize",
    Refusal.BELOW_COST: "invalidSize",
    Refusal.BAD_QUANTITY: "invalidSize",
    Refusal.BAD_PRICE: "invalidPrice",
    Refusal.MISSING_PRICE: "invalidPrice",
    Refusal.NO_PRICE: "marketInactive",
    Refusal.DUPLICATE_CLIENT_ID: "clientOrderIdAlreadyExist",
    Refusal.WOULD_TAKE: "postWouldExecute",
    Refusal.WOULD_TRIGGER: "invalidPrice",
    Refusal.NO_POSITION: "wouldNotReducePosition",
    Refusal.BAD_LEVERAGE: "maxPositionViolation",
    Refusal.MARKET_CLOSED: "marketSuspended",
}
_TRIGGERED: Final = {
    ("stp", False): OrderKind.STOP,
    ("stp", True): OrderKind.STOP_LIMIT,
    ("take_profit", False): OrderKind.TAKE_PROFIT,
    ("take_profit", True): OrderKind.TAKE_PROFIT_LIMIT,
}


class FuturesError(Exception):
    """What stands in `error` of an answer."""


class StatusError(Exception):
    """What stands in `status` of an order that is not taken."""


class FuturesDesk:
    """Take and cancel orders."""

    def __init__(self, engine: Engine, markets: Mapping[str, Market]) -> None:
        self._engine = engine
        self._markets = markets  # by their ids, in upper case

    def send(self, account: Account, asked: Mapping[str, Any]) -> dict[str, Any]:
        market = self.market(asked)
        self._check_time(asked.get("processBefore"))
        now = shapes.iso(self._engine.clock.wall())
        try:
            order = self._engine.submit(account, _wish(asked, market))
        except StatusError as refused:
            return {"status": str(refused), "receivedTime": now, "orderEvents": []}
        except RefusedError as refused:
            return self._refused(_STATUSES[refused.refusal], asked, now)
        if order.wish.tif is TimeInForce.IOC and not order.filled:
            return self._refused("iocWouldNotExecute", asked, now)
        status = {"order_id": order.id, "status": "placed", "receivedTime": now}
        if order.client_id:
            status["cliOrdId"] = order.client_id
        return {**status, "orderEvents": _events(order, market)}

    def cancel(self, account: Account, asked: Mapping[str, Any]) -> dict[str, Any]:
        order_id, client_id = str(asked.get("order_id", "")), str(asked.get("cliOrdId", ""))
        if not order_id and not client_id:
            raise FuturesError("requiredArgumentMissing")
        now = shapes.iso(self._engine.clock.wall())
        order = self._engine.find(account, order_id=order_id, client_id=client_id)
        names = {"order_id": order_id} if order_id else {"cliOrdId": client_id}
        if order is None or not order.is_open:
            is_filled = order is not None and order.state is OrderState.FILLED
            status = "filled" if is_filled else "notFound"
            return {"status": status, "receivedTime": now, **names}
        self._engine.cancel(account, order_id=order.id)
        return {
            "status": "cancelled",
            "receivedTime": now,
            **names,
            "orderEvents": [self._cancelled(order)],
        }

    def cancel_all(self, account: Account, asked: Mapping[str, Any]) -> dict[str, Any]:
        symbol = self.market(asked).symbol if "symbol" in asked else None
        orders = self._engine.cancel_all(account, symbol)
        return {
            "receivedTime": shapes.iso(self._engine.clock.wall()),
            "cancelOnly": str(asked.get("symbol", "all")),
            "status": "cancelled" if orders else "noOrdersToCancel",
            "cancelledOrders": [{"order_id": order.id} for order in orders],
            "orderEvents": [self._cancelled(order) for order in orders],
        }

    def market(self, asked: Mapping[str, Any]) -> Market:
        market = self._markets.get(str(asked.get("symbol", "")).upper())
        if market is None:
            raise FuturesError("contractNotFound")
        return market

    def _cancelled(self, order: Order) -> dict[str, Any]:
        market = self._engine.markets[order.symbol]
        shape = shapes.event_order(order, market, order.filled)
        return {"uid": order.id, "order": shape, "type": "CANCEL"}

    def _refused(self, status: str, asked: Mapping[str, Any], now: str) -> dict[str, Any]:
        event = {"type": "REJECT", "uid": "", "reason": status, "order": dict(asked)}
        return {"status": status, "receivedTime": now, "orderEvents": [event]}

    def _check_time(self, process_before: object) -> None:
        if process_before is None:
            return
        try:
            until = datetime.fromisoformat(str(process_before))
        except ValueError:
            raise FuturesError("invalidArgument: processBefore") from None
        if until.timestamp() <= self._engine.clock.wall():
            raise FuturesError("invalidArgument: processBefore is over")


def _wish(asked: Mapping[str, Any], market: Market) -> Wish:
    kind_name = str(asked.get("orderType", ""))
    limit = _number(asked, "limitPrice") if "limitPrice" in asked else None
    trigger = _number(asked, "stopPrice") if "stopPrice" in asked else None
    kind = _TRIGGERED.get((kind_name, limit is not None))
    if kind is None:
        if kind_name not in ("lmt", "post", "ioc", "mkt"):
            raise StatusError("invalidOrderType")
        kind = OrderKind.MARKET if kind_name == "mkt" else OrderKind.LIMIT
    client_id = str(asked.get("cliOrdId", ""))
    if len(client_id) > _CLIENT_ID_LENGTH_MAX:
        raise StatusError("clientOrderIdTooLong")
    if str(asked.get("side")) not in ("buy", "sell"):
        raise StatusError("invalidSide")
    return Wish(
        symbol=market.symbol,
        side=Side(str(asked["side"])),
        kind=kind,
        quantity=_number(asked, "size"),
        price=None if kind is OrderKind.MARKET else limit,
        trigger=trigger,
        client_id=client_id,
        tif=TimeInForce.IOC if kind_name in ("ioc", "mkt") else TimeInForce.GTC,
        is_reduce_only=str(asked.get("reduceOnly", "")).lower() == "true",
        is_post_only=kind_name == "post",
    )


def _events(order: Order, market: Market) -> list[dict[str, Any]]:
    """Tell what has become of an order at once: its executions, or its place in the book."""
    if shapes.is_waiting(order):
        return [{"orderTrigger": shapes.trigger(order, market), "type": "PLACE"}]
    if not order.trades:
        shape = shapes.event_order(order, market, ZERO)
        return [{"order": shape, "reducedQuantity": None, "type": "PLACE"}]
    before, events = ZERO, []
    for trade in order.trades:
        event = {
            "type": "EXECUTION",
            "executionId": trade.id,
            "price": float(trade.price),
            "amount": float(trade.quantity),
            "orderPriorEdit": None,
            "orderPriorExecution": shapes.event_order(order, market, before),
            "takerReducedQuantity": None,
        }
        events.append(event)
        before += trade.quantity
    return events


def _number(asked: Mapping[str, Any], name: str) -> Decimal:
    refusal = "invalidSize" if name == "size" else "invalidPrice"
    try:
        value = Decimal(str(asked[name]))
    except (KeyError, InvalidOperation):
        raise StatusError(refusal) from None
    if not value.is_finite() or value <= 0:
        raise StatusError(refusal)
    return value
