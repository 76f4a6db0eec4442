"""What Coinbase answers to questions about an account: wallets, orders, fills, money, rights."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, TypeVar

from tests.fakes.exchange.coinbase_orders import MalformedError, configuration_of
from tests.fakes.exchange.coinbase_shapes import (
    FIAT,
    Json,
    fill_row,
    iso,
    named_id,
    number,
    order_row,
    portfolio_id,
    wallet,
)
from tests.fakes.exchange.engine import Engine
from tests.fakes.exchange.terms import (
    Account,
    ApiKey,
    Balance,
    Booking,
    BookingKind,
    Order,
    OrderState,
    Trade,
)

Query = Mapping[str, list[str]]
Row = TypeVar("Row")
_ORDERS_PAGE: Final = 1_000
_FILLS_PAGE: Final = 100
_FILLS_PAGE_MAX: Final = 1_000
_WALLETS_PAGE: Final = 49
_WALLETS_PAGE_MAX: Final = 250
_TRANSACTIONS_PAGE: Final = 25
_TRANSACTIONS_PAGE_MAX: Final = 100
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
_TRANSACTIONS: Final = {
    BookingKind.TRADE: "advanced_trade_fill",
    BookingKind.FEE: "advanced_trade_fill",
    BookingKind.DEPOSIT: "fiat_deposit",
    BookingKind.WITHDRAWAL: "fiat_withdrawal",
}


class UnknownError(Exception):
    """Say that what is asked for is not there; the API answers 404."""


def check_query(query: Query, known: frozenset[str]) -> None:
    """Refuse what an endpoint does not know."""
    unknown = set(query) - known
    if unknown:
        raise MalformedError(f"unknown parameter {min(unknown)!r}")


def one(query: Query, name: str) -> str | None:
    """Read a parameter that is sent once; None where it is not."""
    values = query.get(name, [])
    if len(values) > 1:
        raise MalformedError(f"{name} is sent {len(values)} times")
    return values[0] if values else None


def page_size(query: Query, default: int, largest: int) -> int:
    """Read how many rows are wanted; more than the most is the most."""
    asked = one(query, "limit")
    if asked is None:
        return default
    if not asked.isdigit():
        raise MalformedError(f"limit is no number: {asked!r}")
    return min(int(asked) or default, largest)


def read_time(query: Query, name: str) -> float | None:
    """Read a time in RFC 3339; None where none was sent."""
    asked = one(query, name)
    if asked is None:
        return None
    try:
        return datetime.fromisoformat(asked).timestamp()
    except ValueError:
        raise MalformedError(f"{name} is no time: {asked!r}") from None


class Reads:
    """Answer questions.

    `configurations` holds what orders were asked for with, `cancels` which cancels are queued.
    """

    def __init__(
        self,
        engine: Engine,
        configurations: Mapping[str, Json],
        cancels: Mapping[str, float],
    ) -> None:
        self._engine = engine
        self._configurations = configurations
        self._cancels = cancels

    def order_row(self, order: Order) -> Json:
        """Write an order."""
        configuration = self._configurations.get(order.id)
        if configuration is None:
            configuration = configuration_of(order.wish, order.quantity)
        children = [
            each for each in self._engine.orders(order.account) if each.parent_id == order.id
        ]
        row = order_row(order, configuration, children)
        if self._is_queued(order):
            return row | {"status": "CANCEL_QUEUED", "pending_cancel": True}
        return row

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
        page, cursor = _page(
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
        page, cursor = _page(rows, query, limit, lambda each: each.number)
        return {"fills": [fill_row(trade) for trade in page], "cursor": cursor}

    def wallets(self, key: ApiKey, query: Query) -> Json:
        """Write what the account has, a page at a time."""
        check_query(query, frozenset({"limit", "cursor", "retail_portfolio_id"}))
        rows = list(enumerate(self._balances(key.account)))
        rows.reverse()  # pages count down
        limit = page_size(query, _WALLETS_PAGE, _WALLETS_PAGE_MAX)
        page, cursor = _page(rows, query, limit, lambda each: each[0])
        return {
            "accounts": [wallet(key.account, name, balance) for _at, (name, balance) in page],
            "has_next": bool(cursor),
            "cursor": cursor,
            "size": len(page),
        }

    def _balances(self, account: Account) -> list[tuple[str, Balance]]:
        return sorted(self._engine.balances(account).items())

    def old_wallets(self, key: ApiKey, query: Query) -> Json:
        """Write what the account has as the second version of the API does."""
        check_query(query, frozenset({"limit", "starting_after", "ending_before", "order"}))
        rows: list[Json] = [
            {
                "id": named_id(key.account.name, name),
                "name": f"{name} Wallet",
                "primary": False,
                "type": "fiat" if name in FIAT else "wallet",
                "currency": {
                    "code": name,
                    "name": name,
                    "exponent": 8,
                    "type": "fiat" if name in FIAT else "crypto",
                },
                "balance": {"amount": number(balance.total), "currency": name},
                "created_at": "2023-01-04T06:20:06Z",
                "updated_at": "2023-01-04T06:20:06Z",
                "resource": "account",
                "resource_path": f"/v2/accounts/{named_id(key.account.name, name)}",
                "allow_deposits": True,
                "allow_withdrawals": True,
            }
            for name, balance in self._balances(key.account)
        ]
        return {"pagination": _last_page(), "data": rows}

    def transactions(self, key: ApiKey, wallet_id: str, query: Query) -> Json:
        """Write the bookings of one wallet, newest first, a page at a time."""
        known = frozenset({"limit", "starting_after", "ending_before", "order", "expand"})
        check_query(query, known)
        names = {named_id(key.account.name, name): name for name, _ in self._balances(key.account)}
        if wallet_id not in names:
            raise UnknownError("Not found")
        rows = [
            booking
            for booking in reversed(self._engine.bookings(key.account))
            if booking.currency == names[wallet_id]
        ]
        after = one(query, "starting_after")
        if after is not None:
            ids = [_transaction_id(booking) for booking in rows]
            if after not in ids:
                raise MalformedError(f"starting_after is no transaction: {after!r}")
            rows = rows[ids.index(after) + 1 :]
        limit = page_size(query, _TRANSACTIONS_PAGE, _TRANSACTIONS_PAGE_MAX)
        pages = _last_page()
        if len(rows) > limit:
            pages["next_starting_after"] = _transaction_id(rows[limit - 1])
        data = [_transaction(booking, wallet_id) for booking in rows[:limit]]
        return {"pagination": pages, "data": data}

    def key_permissions(self, key: ApiKey) -> Json:
        """Write what the key may do."""
        return {
            "can_view": key.rights.query,
            "can_trade": key.rights.trade,
            "can_transfer": key.rights.withdraw,
            "portfolio_uuid": portfolio_id(key.account),
            "portfolio_type": "DEFAULT",
        }

    def transaction_summary(self, key: ApiKey) -> Json:
        """Write the account's fees."""
        trades = self._engine.trades(key.account)
        volume = float(sum(trade.cost for trade in trades))
        paid = float(sum(trade.fee for trade in trades))
        return {
            "total_volume": volume,
            "total_fees": paid,
            "fee_tier": {
                "pricing_tier": "Advanced 1",
                "usd_from": "0",
                "usd_to": "1000",
                "taker_fee_rate": number(key.account.fees.taker),
                "maker_fee_rate": number(key.account.fees.maker),
                "aop_from": "",
                "aop_to": "",
            },
            "margin_rate": None,
            "goods_and_services_tax": None,
            "advanced_trade_only_volume": volume,
            "advanced_trade_only_fees": paid,
            "coinbase_pro_volume": 0,
            "coinbase_pro_fees": 0,
            "total_balance": "",
            "has_promo_fee": False,
        }


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


def _page(
    rows: list[Row], query: Query, limit: int, number_of: Callable[[Row], int]
) -> tuple[list[Row], str]:
    """Return a page of rows that count down, and what asks for the next one."""
    cursor = one(query, "cursor")
    if cursor:
        if not cursor.isdigit():
            raise MalformedError(f"unknown cursor {cursor!r}")
        rows = [row for row in rows if number_of(row) < int(cursor)]
    page = rows[:limit]
    return page, str(number_of(page[-1])) if len(rows) > limit else ""


def _last_page() -> Json:
    return {
        "ending_before": None,
        "starting_after": None,
        "previous_ending_before": None,
        "next_starting_after": None,
        "limit": 25,
        "order": "desc",
        "previous_uri": None,
        "next_uri": None,
    }


def _transaction_id(booking: Booking) -> str:
    return named_id("transaction", booking.id)


def _transaction(booking: Booking, wallet_id: str) -> Json:
    kind = _TRANSACTIONS[booking.kind]
    if booking.kind is BookingKind.DEPOSIT and booking.currency not in FIAT:
        kind = "send"  # to us
    transaction_id = _transaction_id(booking)
    return {
        "id": transaction_id,
        "type": kind,
        "status": "completed",
        "amount": {"amount": number(booking.amount), "currency": booking.currency},
        "native_amount": {"amount": number(booking.amount), "currency": booking.currency},
        "description": None,
        "created_at": iso(int(booking.at)),
        "updated_at": iso(int(booking.at)),
        "resource": "transaction",
        "resource_path": f"/v2/accounts/{wallet_id}/transactions/{transaction_id}",
        "instant_exchange": False,
    }
