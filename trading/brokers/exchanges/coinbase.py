"""Coinbase Advanced Trade's own words for spot, through its endpoints as ccxt signs them.

The raw `client_order_id` is ours; a repeated one gets the order that is there already. A stop has
a limit here, beyond it by a bounded fraction; `trigger_bracket_gtc` is target and stop in one.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from trading.brokers.exchanges.checks import beyond
from trading.brokers.exchanges.coinbase_account import CoinbaseAccount
from trading.brokers.exchanges.dialect import LOOK_BACK_S, unsupported
from trading.brokers.exchanges.errors import reason_of
from trading.brokers.exchanges.markets import Market
from trading.brokers.exchanges.reading import (
    bad_answer,
    iso_at,
    iso_text,
    mapping_at,
    mapping_of,
    number_or,
    plain,
    price_or_none,
    rows_of,
    side_at,
    text_at,
    text_or,
)
from trading.brokers.exchanges.wire import Request, endpoint
from trading.brokers.venue import (
    Abilities,
    CancelAnswer,
    Refused,
    SubmitAnswer,
    Taken,
    Unclear,
    VenueOrder,
    VenueOrderState,
)
from trading.model.order import Order, OrderType

_ROWS: Final = 250
# What an address takes without becoming too long.
FINDS_AT_ONCE: Final = 50

_STATES: Final = {
    "PENDING": VenueOrderState.OPEN,
    "OPEN": VenueOrderState.OPEN,
    "QUEUED": VenueOrderState.OPEN,
    "CANCEL_QUEUED": VenueOrderState.OPEN,
    "EDIT_QUEUED": VenueOrderState.OPEN,
    "FILLED": VenueOrderState.FILLED,
    "CANCELLED": VenueOrderState.CANCELLED,
    "EXPIRED": VenueOrderState.EXPIRED,
    "FAILED": VenueOrderState.REJECTED,
}
_PASSING: Final = frozenset({"ORDER_ENTRY_DISABLED"})
_NOT_OPEN: Final = frozenset({"UNKNOWN_CANCEL_ORDER"})
_ASKED_BEFORE: Final = frozenset({"DUPLICATE_CANCEL_REQUEST"})


class CoinbaseDialect(CoinbaseAccount):
    """Speak to Coinbase spot."""

    def abilities(self) -> Abilities:
        """Say what Coinbase can do; it has no way to refuse a late order."""
        return Abilities(
            stops=True,
            brackets=True,
            positions=False,
            cash_moves=False,
            finds_at_once=FINDS_AT_ONCE,
        )

    def prepare(self) -> None:
        """Set nothing: spot has no leverage."""

    def order_request(self, order: Order, market: Market, /) -> Request:
        """Write an order; sizes are in the base currency, also of a market buy."""
        return endpoint(
            "v3PrivatePostBrokerageOrders",
            {
                "client_order_id": order.id,
                "product_id": market.id,
                "side": order.side.value.upper(),
                "order_configuration": _form(order, market),
            },
        )

    def order_answer(self, answer: Any, /) -> SubmitAnswer:
        """Read the id of the order."""
        row = mapping_of(answer, "answer")
        if row.get("success") is not True:
            return _refused(row) or Unclear("the answer is neither yes nor no")
        order_id = text_or(mapping_at(row, "success_response"), "order_id")
        return Taken(order_id) if order_id else Unclear("the answer names no order")

    def refusal(self, answer: Any, error: Exception, /) -> Refused | Unclear | None:
        """Read the reason where ccxt sees an error without a class of its own."""
        if not isinstance(answer, dict) or answer.get("success") is not False:
            return None
        return _refused(answer) or Unclear(reason_of(error))

    def cancel_request(self, order: Order, _market: Market, /) -> Request | None:
        """Write a cancel, which needs Coinbase's id: look the order up first for that."""
        if not order.venue_id:
            return None
        return endpoint("v3PrivatePostBrokerageOrdersBatchCancel", {"order_ids": [order.venue_id]})

    def cancel_answer(self, answer: Any, _order: Order, _market: Market, /) -> CancelAnswer:
        """Read the result for the one order."""
        results = rows_of(mapping_of(answer, "answer").get("results"), "results")
        reason = text_or(results[0], "failure_reason") if results else ""
        if results and (results[0].get("success") is True or reason in _ASKED_BEFORE):
            return CancelAnswer.ASKED
        return CancelAnswer.NOT_OPEN if reason in _NOT_OPEN else CancelAnswer.UNCLEAR

    def find(self, order: Order, market: Market, /) -> VenueOrder | None:
        """Look among the open orders and then among all since it was made."""
        since = iso_text(order.created_at - LOOK_BACK_S)
        product = {"product_ids": [market.id]}
        for filters in ({"order_status": ["OPEN"]}, {"start_date": since}):
            for row in self._rows({**product, **filters}):
                ids = (text_or(row, "client_order_id"), text_or(row, "order_id"))
                if order.id == ids[0] or (order.venue_id and order.venue_id == ids[1]):
                    return _order(row, market)
        return None

    def find_all(self, orders: Sequence[tuple[Order, Market]], /) -> list[VenueOrder]:
        """Ask for several by Coinbase's ids."""
        markets = {order.venue_id: market for order, market in orders}
        return [
            _order(row, market)
            for row in self._rows({"order_ids": list(markets)})
            if (market := markets.get(text_at(row, "order_id")))
        ]

    def open_orders(self) -> list[VenueOrder]:
        """Read all open orders."""
        listed = self._markets.find_or_warn
        return [
            _order(row, market)
            for row in self._rows({"order_status": ["OPEN"]})
            if (market := listed(text_at(row, "product_id")))
        ]

    def _rows(self, filters: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        return self._cursor(
            "v3PrivateGetBrokerageOrdersHistoricalBatch", {**filters, "limit": _ROWS}, "orders"
        )


def _refused(row: Mapping[str, Any]) -> Refused | None:
    """Return the reason why no order was made, or None where Coinbase does not know it itself."""
    error = row.get("error_response")
    if row.get("success") is not False or not isinstance(error, dict):
        return None
    keys = ("error", "new_order_failure_reason", "preview_failure_reason")
    codes = [code for key in keys if (code := text_or(error, key))]
    known = [code for code in codes if "UNKNOWN" not in code]
    # A duplicate is there, so it is no refusal.
    if not known or any("DUPLICATE" in code for code in codes):
        return None
    said = text_or(error, "message") or text_or(error, "error_details")
    reason = f"{known[0].lower().replace('_', ' ')}{': ' + said if said else ''}"
    return Refused(reason, is_passing=known[0] in _PASSING)


def _form(order: Order, market: Market) -> dict[str, dict[str, Any]]:
    """Return the configuration of an order in Coinbase's words."""
    size = {"base_size": plain(order.quantity)}
    limit, stop = order.limit_price, order.stop_price
    if order.type is OrderType.MARKET:
        return {"market_market_ioc": size}
    if order.type is OrderType.LIMIT and limit is not None:
        return {"limit_limit_gtc": {**size, "limit_price": plain(limit), "post_only": False}}
    if stop is None:
        raise unsupported(order)
    if order.type is OrderType.STOP:
        limit = beyond(stop, order.side, market)
    if limit is None:
        raise unsupported(order)
    if order.type is OrderType.BRACKET:
        prices = {"limit_price": plain(limit), "stop_trigger_price": plain(stop)}
        return {"trigger_bracket_gtc": {**size, **prices}}
    direction = "STOP_DIRECTION_STOP_UP" if order.side.sign > 0 else "STOP_DIRECTION_STOP_DOWN"
    prices = {"limit_price": plain(limit), "stop_price": plain(stop), "stop_direction": direction}
    return {"stop_limit_stop_limit_gtc": {**size, **prices}}


def _order(row: Mapping[str, Any], market: Market) -> VenueOrder:
    status = text_at(row, "status")
    if status not in _STATES:
        raise bad_answer("order of an unknown state", status)
    kind, terms = next(iter(mapping_at(row, "order_configuration").items()), ("", {}))
    terms = mapping_of(terms, "order_configuration")
    filled = number_or(row, "filled_size")
    return VenueOrder(
        venue_id=text_at(row, "order_id"),
        client_id=text_or(row, "client_order_id"),
        symbol=market.symbol,
        side=side_at(row, "side"),
        type=_type_of(kind, terms),
        # A person's order may have its size in the quote currency only.
        quantity=number_or(terms, "base_size", filled),
        filled=filled,
        state=_STATES[status],
        at=_at(row),
        limit_price=price_or_none(terms, "limit_price"),
        stop_price=price_or_none(terms, "stop_price") or price_or_none(terms, "stop_trigger_price"),
        note=text_or(row, "reject_message") or text_or(row, "cancel_message"),
    )


def _type_of(kind: str, terms: Mapping[str, Any]) -> OrderType:
    if kind.startswith("trigger_bracket"):
        return OrderType.BRACKET
    if kind.startswith("stop_limit"):
        return OrderType.STOP_LIMIT
    return OrderType.LIMIT if price_or_none(terms, "limit_price") else OrderType.MARKET


def _at(row: Mapping[str, Any]) -> float:
    for key in ("last_update_time", "last_fill_time", "created_time"):
        if text_or(row, key):
            return iso_at(row, key)
    raise bad_answer("order without a time", row.get("order_id"))
