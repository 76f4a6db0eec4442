"""What Coinbase answers to questions about an account's orders and fills."""

from collections.abc import Callable, Container, Mapping
from typing import Final

from tests.fakes.exchange.coinbase_orders import configuration_of
from tests.fakes.exchange.coinbase_query import (
    MalformedError,
    Query,
    UnknownError,
    check_query,
    one,
    page_of,
    page_size,
    read_time,
)
from tests.fakes.exchange.coinbase_shapes import Json, fill_row, order_row
from tests.fakes.exchange.engine import Engine
from tests.fakes.exchange.terms import ApiKey, Order, OrderState, Trade

_ORDERS_PAGE: Final = 1_000
_FILLS_PAGE: Final = 100
_FILLS_PAGE_MAX: Final = 1_000
_STATES: Final = {
    "OPEN": OrderState.OPEN,
    "FILLED": OrderState.FILLED,
    "CANCELLED": OrderState.CANCELLED,
    "EXPIRED": OrderState.EXPIRED,
}
_ORDER_FILTERS: Final = frozenset(
    [
        "order_ids",
        "product_ids",
        "product_id",
        "product_type",
        "order_status",
        "time_in_forces",
        "order_types",
        "order_side",
        "start_date",
        "end_date",
        "order_placement_source",
        "contract_expiry_type",
        "asset_filters",
        "retail_portfolio_id",
        "limit",
        "cursor",
        "sort_by",
        "user_native_currency",
        "use_simplified_total_value_calculation",
    ]
)
_FILL_FILTERS: Final = frozenset(
    [
        "order_ids",
        "order_id",
        "trade_ids",
        "product_ids",
        "product_id",
        "start_sequence_timestamp",
        "end_sequence_timestamp",
        "retail_portfolio_id",
        "limit",
        "cursor",
        "sort_by",
    ]
)


class Reads:
    """Answer questions.

    `configurations` holds what orders were asked for with, `cancels` which cancels are queued.
    """

    def __init__(
        self,
        engine: Engine,
        configurations: Mapping[str, Json],
        cancels: Container[str],
    ) -> None:
        self._engine = engine
        self._configurations = configurations
        self._cancels = cancels

    def order_row(self, order: Order) -> Json:
        """Write an order."""
        configuration = self._configurations.get(order.id)
        if configuration is None:
            configuration = configuration_of(order.wish, order.quantity)
        row = order_row(order, configuration, self._child(order))
        if self._is_queued(order):
            return row | {"status": "CANCEL_QUEUED", "pending_cancel": True}
        return row

    def _child(self, order: Order) -> str:
        """Return the id of the bracket that was placed for an order, or nothing."""
        if order.wish.attached is None:
            return ""
        children = (
            each.id for each in self._engine.orders(order.account) if each.parent_id == order.id
        )
        return next(children, "")

    def _is_queued(self, order: Order) -> bool:
        return order.is_open and order.id in self._cancels

    def one_order(self, key: ApiKey, order_id: str, stale_s: float = 0.0) -> Json:
        """Write one order by the id that Coinbase gave it."""
        order = self._engine.find(key.account, order_id=order_id)
        newest = self._engine.clock.wall() - stale_s
        if order is None or (stale_s and order.opened_at > newest):
            raise UnknownError("order with this orderID was not found")
        return {"order": self.order_row(order)}

    def orders(self, key: ApiKey, query: Query, stale_s: float = 0.0) -> Json:
        """Write orders, newest first, a page at a time."""
        check_query(query, _ORDER_FILTERS)
        matches = _order_filter(query)
        wants_open = query.get("order_status") == ["OPEN"]
        newest = self._engine.clock.wall() - stale_s
        rows = [
            order
            for order in reversed(self._engine.orders(key.account))
            if matches(order)
            and (not stale_s or order.opened_at <= newest)
            and not (wants_open and self._is_queued(order))
        ]
        page, cursor = page_of(
            rows, query, page_size(query, _ORDERS_PAGE, _ORDERS_PAGE), lambda each: each.number
        )
        return {
            "orders": [self.order_row(order) for order in page],
            "sequence": "0",
            "has_next": bool(cursor),
            "cursor": cursor,
        }

    def fills(self, key: ApiKey, query: Query, stale_s: float = 0.0) -> Json:
        """Write executions, newest first, a page at a time."""
        check_query(query, _FILL_FILTERS)
        products = query.get("product_ids", []) + query.get("product_id", [])
        of_orders = query.get("order_ids", []) + query.get("order_id", [])
        trade_ids = query.get("trade_ids", [])
        begin = read_time(query, "start_sequence_timestamp")
        end = read_time(query, "end_sequence_timestamp")
        newest = self._engine.clock.wall() - stale_s

        def matches(trade: Trade) -> bool:
            return (
                (not products or trade.symbol.replace("/", "-") in products)
                and (not of_orders or trade.order_id in of_orders)
                and (not trade_ids or trade.id in trade_ids)
                and (begin is None or trade.at >= begin)
                and (end is None or trade.at <= end)
                and (not stale_s or trade.at <= newest)
            )

        rows = [trade for trade in reversed(self._engine.trades(key.account)) if matches(trade)]
        limit = page_size(query, _FILLS_PAGE, _FILLS_PAGE_MAX)
        page, cursor = page_of(rows, query, limit, lambda each: each.number)
        return {"fills": [fill_row(trade) for trade in page], "cursor": cursor}


def _order_filter(query: Query) -> Callable[[Order], bool]:
    states = query.get("order_status", [])
    if "OPEN" in states and len(states) > 1:
        raise MalformedError("OPEN cannot be combined with other order_status")
    unknown = set(states) - set(_STATES) - {"PENDING", "FAILED", "QUEUED", "CANCEL_QUEUED"}
    if unknown:
        raise MalformedError(f"unknown order_status {min(unknown)!r}")
    wanted = {_STATES[state] for state in states if state in _STATES}
    products = query.get("product_ids", []) + query.get("product_id", [])
    ids = query.get("order_ids", [])
    side = one(query, "order_side")
    begin, end = read_time(query, "start_date"), read_time(query, "end_date")

    def matches(order: Order) -> bool:
        return (
            (not states or order.state in wanted)
            and (not products or order.symbol.replace("/", "-") in products)
            and (not ids or order.id in ids)
            and (side is None or order.side.value.upper() == side)
            and (begin is None or order.opened_at >= begin)
            and (end is None or order.opened_at <= end)
        )

    return matches
