"""What the fake exchange knows, written as Coinbase Advanced Trade writes it."""

import hashlib
import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from tests.fakes.exchange.tape import Candle, Tape, Tick
from tests.fakes.exchange.terms import (
    ZERO,
    Account,
    Balance,
    Market,
    Order,
    OrderKind,
    OrderState,
    TimeInForce,
    Trade,
)

Json = dict[str, object]
FIAT: Final = frozenset({"USD", "EUR", "GBP"})
_NAMESPACE: Final = uuid.UUID("6f1b5c1e-52a4-4c0b-9a55-3f0d8d1f6a11")
_STATUS: Final = {
    OrderState.OPEN: "OPEN",
    OrderState.FILLED: "FILLED",
    OrderState.CANCELLED: "CANCELLED",
    OrderState.EXPIRED: "EXPIRED",
}
_TYPES: Final = {
    OrderKind.MARKET: "MARKET",
    OrderKind.LIMIT: "LIMIT",
    OrderKind.STOP_LIMIT: "STOP_LIMIT",
    OrderKind.TAKE_PROFIT_LIMIT: "STOP_LIMIT",
    OrderKind.BRACKET: "BRACKET",
}
_QUANTITY_MAX: Final = Decimal(3_400)
_COST_MAX: Final = Decimal(150_000_000)
_BOOK_QUANTITY: Final = Decimal(2)


def make_id(kind: str, number: int) -> str:
    """Make the id of an order or a trade."""
    return str(uuid.uuid5(_NAMESPACE, f"{kind}{number}"))


def named_id(*words: str) -> str:
    """Make an id that is the same for the same words."""
    return str(uuid.uuid5(_NAMESPACE, "/".join(words)))


def number(value: Decimal | None) -> str:
    """Write a number without an exponent and without needless zeros."""
    if not value:
        return "0"
    return format(value.normalize(), "f")


def iso(at: float, nanos: int = 0) -> str:
    """Write a time as Coinbase does: as many digits of the second as there are, or none."""
    moment = datetime.fromtimestamp(at, UTC)
    digits = f"{moment.microsecond:06d}{nanos:03d}".rstrip("0")
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + (f".{digits}" if digits else "") + "Z"


def product_id(market: Market) -> str:
    """Name a market: BTC-USD."""
    return f"{market.base}-{market.quote}"


def product(market: Market, tape: Tape, *, is_closed: bool) -> Json:
    """Describe a market and its last 24 hours."""
    day, last = tape.day(), tape.last
    change = (last - day.open) / day.open * 100 if last and day.open else ZERO
    return {
        "product_id": product_id(market),
        "price": number(last) if last is not None else "",
        "price_percentage_change_24h": number(change),
        "volume_24h": number(day.volume),
        "volume_percentage_change_24h": "0",
        "base_increment": number(market.quantity_step),
        "quote_increment": number(market.price_step),
        "quote_min_size": number(market.cost_min),
        "quote_max_size": number(_COST_MAX),
        "base_min_size": number(market.quantity_min),
        "base_max_size": number(_QUANTITY_MAX),
        "base_name": market.base,
        "quote_name": market.quote,
        "watched": False,
        "is_disabled": False,
        "new": False,
        "status": "online",
        "cancel_only": is_closed,
        "limit_only": False,
        "post_only": False,
        "trading_disabled": is_closed,
        "auction_mode": False,
        "product_type": "SPOT",
        "quote_currency_id": market.quote,
        "base_currency_id": market.base,
        "fcm_trading_session_details": None,
        "mid_market_price": "",
        "alias": "",
        "alias_to": [],
        "base_display_symbol": market.base,
        "quote_display_symbol": market.quote,
        "view_only": False,
        "price_increment": number(market.price_step),
        "display_name": product_id(market),
        "product_venue": "CBE",
        "approximate_quote_24h_volume": number(day.turnover),
        "new_at": "2023-01-01T00:00:00Z",
    }


def wallet(account: Account, currency: str, balance: Balance) -> Json:
    """Write what an account has of one currency."""
    return {
        "uuid": named_id(account.name, currency),
        "name": f"{currency} Wallet",
        "currency": currency,
        "available_balance": {"value": number(balance.free), "currency": currency},
        "default": True,
        "active": True,
        "created_at": "2023-01-04T06:20:06.456Z",
        "updated_at": "2023-01-04T06:20:07.181Z",
        "deleted_at": None,
        "type": "ACCOUNT_TYPE_FIAT" if currency in FIAT else "ACCOUNT_TYPE_CRYPTO",
        "ready": True,
        "hold": {"value": number(balance.used), "currency": currency},
        "retail_portfolio_id": portfolio_id(account),
        "platform": "ACCOUNT_PLATFORM_CONSUMER",
    }


def portfolio_id(account: Account) -> str:
    """Name the portfolio that an account is."""
    return named_id(account.name, "portfolio")


def order_row(order: Order, configuration: Json, attached_id: str) -> Json:
    """Write an order as lists and queries show it."""
    wish = order.wish
    is_stop = wish.kind not in {OrderKind.MARKET, OrderKind.LIMIT}
    pending = "STOP_TRIGGERED" if order.is_triggered else "STOP_PENDING"
    after_fees = order.cost + order.fee * order.side.sign
    was_cancelled = order.state is OrderState.CANCELLED
    return {
        "order_id": order.id,
        "product_id": wish.symbol.replace("/", "-"),
        "user_id": named_id(order.account.name, "user"),
        "order_configuration": configuration,
        "side": wish.side.value.upper(),
        "client_order_id": order.client_id or named_id(order.id, "client"),
        "status": _STATUS[order.state],
        "time_in_force": _time_in_force(order),
        "created_time": iso(order.opened_at),
        "completion_percentage": number(order.filled / order.quantity * 100),
        "filled_size": number(order.filled),
        "average_filled_price": number(order.average),
        "fee": "",
        "number_of_fills": str(len(order.trades)),
        "filled_value": number(order.cost),
        "pending_cancel": False,
        "size_in_quote": wish.cost is not None,
        "total_fees": number(order.fee),
        "size_inclusive_of_fees": wish.cost is not None,
        "total_value_after_fees": number(after_fees),
        "trigger_status": pending if is_stop else "INVALID_ORDER_TYPE",
        "order_type": _TYPES[wish.kind],
        "reject_reason": "REJECT_REASON_UNSPECIFIED",
        "settled": order.state is OrderState.FILLED,
        "product_type": "SPOT",
        "reject_message": "",
        "cancel_message": order.reason.capitalize() if was_cancelled else "",
        "order_placement_source": "RETAIL_ADVANCED",
        "outstanding_hold_amount": "0",
        "is_liquidation": False,
        "last_fill_time": iso(order.trades[-1].at) if order.trades else None,
        "edit_history": [],
        "leverage": "",
        "margin_type": "UNKNOWN_MARGIN_TYPE",
        "retail_portfolio_id": portfolio_id(order.account),
        "originating_order_id": order.parent_id,
        "attached_order_id": attached_id,
        "attached_order_configuration": None,
    }


def _time_in_force(order: Order) -> str:
    if order.wish.expires_at is not None:
        return "GOOD_UNTIL_DATE_TIME"
    return {
        TimeInForce.GTC: "GOOD_UNTIL_CANCELLED",
        TimeInForce.IOC: "IMMEDIATE_OR_CANCEL",
        TimeInForce.FOK: "FILL_OR_KILL",
    }[order.wish.tif]


def order_type(order: Order) -> str:
    """Name the type of an order."""
    return _TYPES[order.wish.kind]


def fill_row(trade: Trade) -> Json:
    """Write one execution of the account."""
    return {
        "entry_id": hashlib.sha256(trade.id.encode()).hexdigest(),
        "trade_id": trade.id,
        "order_id": trade.order_id,
        "trade_time": iso(trade.at, trade.number % 1000),
        "trade_type": "FILL",
        "price": number(trade.price),
        "size": number(trade.quantity),
        "commission": number(trade.fee),
        "product_id": trade.symbol.replace("/", "-"),
        "sequence_timestamp": iso(trade.at),
        "liquidity_indicator": "MAKER" if trade.is_maker else "TAKER",
        "size_in_quote": False,
        "user_id": named_id(trade.account, "user"),
        "side": trade.side.value.upper(),
        "retail_portfolio_id": named_id(trade.account, "portfolio"),
    }


def public_trade(market: Market, tick: Tick) -> Json:
    """Write one public trade."""
    return {
        "trade_id": str(tick.number),
        "product_id": product_id(market),
        "price": number(tick.price),
        "size": number(tick.quantity),
        "time": iso(tick.at),
        "side": tick.side.value.upper(),
    }


def candle_row(candle: Candle) -> Json:
    """Write one candle."""
    return {
        "start": str(candle.start),
        "low": number(candle.low),
        "high": number(candle.high),
        "open": number(candle.open),
        "close": number(candle.close),
        "volume": number(candle.volume),
    }


def depth_quantity(tape: Tape) -> Decimal:
    """Return how much stands at the best price."""
    return _BOOK_QUANTITY if tape.left is None else tape.left


def price_book(market: Market, tape: Tape, at: float, levels: int) -> Json:
    """Write the best prices, and those behind them a step apart."""

    def side(price: Decimal, step: Decimal) -> list[Json]:
        if tape.last is None:
            return []
        prices = [price + step * level for level in range(levels)]
        size = number(depth_quantity(tape))
        return [{"price": number(each), "size": size} for each in prices if each > ZERO]

    return {
        "product_id": product_id(market),
        "bids": side(tape.bid, -market.price_step),
        "asks": side(tape.ask, market.price_step),
        "time": iso(at),
    }
