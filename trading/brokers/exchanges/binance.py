"""Binance spot's own words, through its endpoints as ccxt signs them.

`newClientOrderId` is ours. `recvWindow` has Binance refuse a late order. Its order and trade ids
count within a market, so ours of them bear the market's name.
"""

from collections.abc import Mapping
from typing import Any, Final

from trading.brokers.exchanges.binance_account import BinanceAccount
from trading.brokers.exchanges.checks import beyond
from trading.brokers.exchanges.dialect import unsupported
from trading.brokers.exchanges.errors import reason_of
from trading.brokers.exchanges.markets import Market
from trading.brokers.exchanges.reading import (
    bad_answer,
    mapping_of,
    number_at,
    plain,
    price_or_none,
    rows_of,
    seconds_at,
    side_at,
    text_at,
    text_or,
)
from trading.brokers.exchanges.wire import Request, endpoint
from trading.brokers.venue import (
    Abilities,
    CancelAnswer,
    CancelOutcome,
    FailureKind,
    Refused,
    SubmitAnswer,
    Taken,
    Unclear,
    VenueError,
    VenueOrder,
    VenueOrderState,
)
from trading.model.order import Order, OrderType

RECEIVE_WINDOW_MS: Final = 5_000
# Binance takes a time that is up to a second ahead of its own.
_AHEAD_S: Final = 1.0

_TYPES: Final = {
    "MARKET": OrderType.MARKET,
    "LIMIT": OrderType.LIMIT,
    "LIMIT_MAKER": OrderType.LIMIT,
    "STOP_LOSS": OrderType.STOP,
    "STOP_LOSS_LIMIT": OrderType.STOP_LIMIT,
    # Triggered like a stop, from the other side: the nearest of our words.
    "TAKE_PROFIT": OrderType.STOP,
    "TAKE_PROFIT_LIMIT": OrderType.STOP_LIMIT,
}
_STATES: Final = {
    "NEW": VenueOrderState.OPEN,
    "PENDING_NEW": VenueOrderState.OPEN,
    "PARTIALLY_FILLED": VenueOrderState.OPEN,
    "PENDING_CANCEL": VenueOrderState.OPEN,
    "FILLED": VenueOrderState.FILLED,
    "CANCELED": VenueOrderState.CANCELLED,
    "REJECTED": VenueOrderState.REJECTED,
    "EXPIRED": VenueOrderState.EXPIRED,
    "EXPIRED_IN_MATCH": VenueOrderState.EXPIRED,
}
# The open orders of one market weigh 6, those of all 80.
_MARKETS_APART_MAX: Final = 13
_NO_SUCH_ORDER: Final = -2013
# Binance says itself that it does not know whether it acted. ccxt's class of a code depends on
# the address that was asked, so these are told apart by the code.
_UNCLEAR_CODES: Final = frozenset({-1000, -1001, -1004, -1006, -1007, -1008})


class BinanceDialect(BinanceAccount):
    """Speak to Binance spot."""

    def abilities(self) -> Abilities:
        """Say what Binance can do: a pair of exits is two orders there, so no bracket."""
        return Abilities(
            stops=all(_stop_type(each) for each in self._markets.by_symbol.values()),
            brackets=False,
            positions=False,
            cash_moves=not self._is_test_system(),
            deadline_s=RECEIVE_WINDOW_MS / 1000 + _AHEAD_S,
            fills_by_market=True,
        )

    def prepare(self) -> None:
        """Set nothing: spot has no leverage."""

    def order_request(self, order: Order, market: Market, /) -> Request:
        """Write an order."""
        return endpoint(
            "privatePostOrder",
            {
                "symbol": market.id,
                "side": order.side.value.upper(),
                "quantity": plain(order.quantity),
                "newClientOrderId": order.id,
                "newOrderRespType": "ACK",
                "recvWindow": RECEIVE_WINDOW_MS,
                **_form(order, market),
            },
        )

    def order_answer(self, answer: Any, /) -> SubmitAnswer:
        """Read the number of the order."""
        row = mapping_of(answer, "answer")
        number, name = text_or(row, "orderId"), text_or(row, "symbol")
        if not number or not name:
            return Unclear("the answer names no order")
        return Taken(f"{name}-{number}")

    def refusal(self, answer: Any, error: Exception, /) -> Refused | Unclear | None:
        """Keep what Binance does not know itself from being read as a no."""
        if isinstance(answer, dict) and answer.get("code") in _UNCLEAR_CODES:
            return Unclear(reason_of(error))
        return None

    def cancel_request(self, order: Order, market: Market, /) -> Request:
        """Write a cancel by our id."""
        return endpoint("privateDeleteOrder", {"symbol": market.id, "origClientOrderId": order.id})

    def cancel_answer(self, answer: Any, order: Order, market: Market, /) -> CancelOutcome:
        """Read what became of it: Binance cancels at once, and shows the order as it has ended."""
        row = mapping_of(answer, "answer")
        if text_at(row, "status") != "CANCELED" or text_or(row, "origClientOrderId") != order.id:
            return CancelAnswer.ASKED
        # The answer bears the name and the time of the cancel where an order has its own.
        times = {"updateTime": row.get("transactTime")}
        try:
            return _order({**row, **times, "clientOrderId": order.id}, market)
        except VenueError:
            # It says less than it should: what was executed is looked up.
            return CancelAnswer.ASKED

    def find(self, order: Order, market: Market, /) -> VenueOrder | None:
        """Ask for the order by our id: one place holds the open and the closed ones."""
        by_id = {"symbol": market.id, "origClientOrderId": order.id}
        try:
            row = self._wire.read("privateGetOrder", by_id)
        except VenueError as error:
            if error.kind is FailureKind.REFUSED and self._code() == _NO_SUCH_ORDER:
                return None
            raise
        found = _order(mapping_of(row, "order"), market)
        if found.client_id != order.id:
            raise bad_answer("another order than was asked for", found.client_id)
        return found

    def open_orders(self) -> list[VenueOrder]:
        """Read the open orders market by market, or all at once where that weighs less."""
        own = self._markets.by_symbol.values()
        each = [{"symbol": market.id} for market in own]
        asked: list[dict[str, str]] = each if len(each) <= _MARKETS_APART_MAX else [{}]
        rows = [
            row
            for filters in asked
            for row in rows_of(self._wire.read("privateGetOpenOrders", filters), "open orders")
        ]
        listed = self._markets.find_or_warn
        return [_order(row, market) for row in rows if (market := listed(text_at(row, "symbol")))]

    def _is_test_system(self) -> bool:
        exchange = self._wire.exchange
        return bool(exchange.isSandboxModeEnabled or exchange.options.get("enableDemoTrading"))

    def _code(self) -> Any:
        answer = self._wire.last_answer()
        return answer.get("code") if isinstance(answer, dict) else None


def _stop_type(market: Market) -> str:
    """Return the kind of stop that a market takes: one at market where it can be had."""
    kinds = ("STOP_LOSS", "STOP_LOSS_LIMIT")
    return next((kind for kind in kinds if kind in market.order_types), "")


def _form(order: Order, market: Market) -> dict[str, str]:
    """Return the kind of an order and its prices in Binance's words."""
    limit, stop = order.limit_price, order.stop_price
    if order.type is OrderType.MARKET:
        return {"type": "MARKET"}
    if order.type is OrderType.LIMIT and limit is not None:
        return {"type": "LIMIT", "timeInForce": "GTC", "price": plain(limit)}
    if order.type is OrderType.STOP and stop is not None:
        kind = _stop_type(market)
        if kind == "STOP_LOSS":
            return {"type": kind, "stopPrice": plain(stop)}
        limit = beyond(stop, order.side, market)
    if limit is None or stop is None or order.type is OrderType.BRACKET or not _stop_type(market):
        raise unsupported(order)
    return {
        "type": "STOP_LOSS_LIMIT",
        "timeInForce": "GTC",
        "price": plain(limit),
        "stopPrice": plain(stop),
    }


def _order(row: Mapping[str, Any], market: Market) -> VenueOrder:
    kind, status = text_at(row, "type"), text_at(row, "status")
    if kind not in _TYPES or status not in _STATES:
        raise bad_answer("order of an unknown kind or state", (kind, status))
    return VenueOrder(
        venue_id=f"{market.id}-{text_at(row, 'orderId')}",
        client_id=text_at(row, "clientOrderId"),
        symbol=market.symbol,
        side=side_at(row, "side"),
        type=_TYPES[kind],
        quantity=number_at(row, "origQty"),
        filled=number_at(row, "executedQty"),
        state=_STATES[status],
        at=seconds_at(row, "updateTime", 1000),
        limit_price=price_or_none(row, "price"),
        stop_price=price_or_none(row, "stopPrice"),
    )
