"""What Coinbase answers to questions about an account's money, its fees and the rights of a key."""

from typing import Final

from tests.fakes.exchange.coinbase_query import (
    MalformedError,
    Query,
    UnknownError,
    check_query,
    one,
    page_of,
    page_size,
)
from tests.fakes.exchange.coinbase_shapes import (
    FIAT,
    Json,
    iso,
    named_id,
    number,
    portfolio_id,
    wallet,
)
from tests.fakes.exchange.engine import Engine
from tests.fakes.exchange.terms import Account, ApiKey, Balance, Booking, BookingKind

_WALLETS_PAGE: Final = 49
_WALLETS_PAGE_MAX: Final = 250
_TRANSACTIONS_PAGE: Final = 25
_TRANSACTIONS_PAGE_MAX: Final = 100
_TRANSACTIONS: Final = {
    BookingKind.TRADE: "advanced_trade_fill",
    BookingKind.FEE: "advanced_trade_fill",
    BookingKind.DEPOSIT: "fiat_deposit",
    BookingKind.WITHDRAWAL: "fiat_withdrawal",
}


class MoneyReads:
    """Answer questions about money."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def wallets(self, key: ApiKey, query: Query) -> Json:
        """Write what the account has, a page at a time."""
        check_query(query, frozenset({"limit", "cursor", "retail_portfolio_id"}))
        rows = list(enumerate(self._balances(key.account)))
        rows.reverse()  # pages count down
        limit = page_size(query, _WALLETS_PAGE, _WALLETS_PAGE_MAX)
        page, cursor = page_of(rows, query, limit, lambda each: each[0])
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
