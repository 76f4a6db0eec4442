"""A new order of Binance spot: its parameters checked in the real order, and made a wish."""

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

from tests.fakes.exchange.binance_refusals import (
    BinanceRefusalError,
    filter_failure,
    illegal,
    invalid_side,
    invalid_time_in_force,
    invalid_type,
    missing,
    not_required,
    rejected,
    too_precise,
    unread,
)
from tests.fakes.exchange.binance_shapes import KINDS, QUANTUM, is_stop
from tests.fakes.exchange.terms import (
    ZERO,
    Market,
    Order,
    OrderKind,
    Refusal,
    Side,
    TimeInForce,
    Wish,
)

NEW_ORDER_PARAMETERS: Final = frozenset(
    {
        "symbol",
        "side",
        "type",
        "timeInForce",
        "quantity",
        "quoteOrderQty",
        "price",
        "newClientOrderId",
        "strategyId",
        "strategyType",
        "stopPrice",
        "trailingDelta",
        "icebergQty",
        "newOrderRespType",
        "selfTradePreventionMode",
    }
)
RESPONSE_KINDS: Final = frozenset({"ACK", "RESULT", "FULL"})
_CLIENT_ID: Final = re.compile(r"^[a-zA-Z0-9-_]{1,36}$")
_NUMBER: Final = re.compile(r"^([0-9]{1,20})(\.[0-9]{1,20})?$")
_LIMITED: Final = frozenset({"LIMIT", "LIMIT_MAKER", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"})
_TIMED: Final = frozenset({"LIMIT", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"})
_TRIGGERED: Final = frozenset({"STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"})
_ORDERS_MAX: Final = 200
_STOPS_MAX: Final = 5
_QUANTITY_MAX: Final = Decimal(9_000)


def check_known(sent: Iterable[str], known: Iterable[str]) -> None:
    """Refuse parameters that an endpoint does not read."""
    sent, known = list(sent), set(known)
    read = [name for name in sent if name in known]
    if len(read) != len(sent):
        raise unread(len(read), len(sent))


def read_wish(asked: Mapping[str, str], market: Market) -> Wish:
    """Make the wish that the parameters of a new order stand for."""
    check_known(asked, NEW_ORDER_PARAMETERS)
    side = _read_side(asked)
    kind = asked.get("type", "")
    if not kind:
        raise missing("type")
    if kind not in KINDS:
        raise invalid_type()
    _check_parameters(asked, kind)
    return Wish(
        symbol=market.symbol,
        side=side,
        kind=KINDS[kind],
        quantity=read_number(asked, "quantity") or ZERO,
        cost=read_number(asked, "quoteOrderQty"),
        price=read_number(asked, "price"),
        trigger=read_number(asked, "stopPrice"),
        client_id=read_client_id(asked, "newClientOrderId"),
        tif=_read_time_in_force(asked),
        is_post_only=kind == "LIMIT_MAKER",
    )


def _read_side(asked: Mapping[str, str]) -> Side:
    side = asked.get("side", "")
    if not side:
        raise missing("side")
    if side not in {"BUY", "SELL"}:
        raise invalid_side()
    return Side(side.lower())


def read_client_id(asked: Mapping[str, str], name: str) -> str:
    """Read a client id; nothing where none was sent."""
    client_id = asked.get(name)
    if client_id is None:
        return ""
    if not _CLIENT_ID.match(client_id):
        raise illegal(name, "^[a-zA-Z0-9-_]{1,36}$")
    return client_id


def _read_time_in_force(asked: Mapping[str, str]) -> TimeInForce:
    # What a market order does not find at once is not waited for.
    default = "IOC" if asked["type"] == "MARKET" else "GTC"
    sent = asked.get("timeInForce", default)
    if sent not in {"GTC", "IOC", "FOK"}:
        raise invalid_time_in_force()
    return TimeInForce(sent.lower())


def read_number(asked: Mapping[str, str], name: str) -> Decimal | None:
    """Read a number written in plain digits, as Binance wants it; None where none was sent."""
    sent = asked.get(name)
    if sent is None:
        return None
    if not _NUMBER.match(sent):
        raise illegal(name, r"^([0-9]{1,20})(\.[0-9]{1,20})?$")
    value = Decimal(sent)
    if value != value.quantize(QUANTUM):
        raise too_precise(name)
    return value


def _check_parameters(asked: Mapping[str, str], kind: str) -> None:
    needed = {"price": kind in _LIMITED, "stopPrice": kind in _TRIGGERED}
    needed["timeInForce"] = kind in _TIMED
    for name, is_needed in needed.items():
        if is_needed and not asked.get(name):
            raise missing(name)
        if not is_needed and name in asked:
            raise not_required(name)
    has_cost = "quoteOrderQty" in asked
    if has_cost and (kind != "MARKET" or "quantity" in asked):
        raise not_required("quoteOrderQty")
    if not has_cost and not asked.get("quantity"):
        raise missing("quantity")


def check_filters(wish: Wish, market: Market, last: Decimal | None, orders: list[Order]) -> None:
    """Refuse what a filter of the market does not let through; `orders` are the open ones."""
    for price in (wish.price, wish.trigger):
        if price is not None and (price <= 0 or price % market.price_step):
            raise filter_failure("PRICE_FILTER")
    if wish.cost is None:
        if not market.quantity_min <= wish.quantity or wish.quantity % market.quantity_step:
            raise filter_failure("LOT_SIZE")
        if wish.quantity > _QUANTITY_MAX:
            raise filter_failure("MARKET_LOT_SIZE" if wish.kind is OrderKind.MARKET else "LOT_SIZE")
    price = wish.price or wish.trigger or last or ZERO
    cost = wish.quantity * price if wish.cost is None else wish.cost
    if cost < market.cost_min:
        raise filter_failure("NOTIONAL")
    if len(orders) >= _ORDERS_MAX:
        raise filter_failure("MAX_NUM_ORDERS")
    if wish.trigger is not None and sum(map(is_stop, orders)) >= _STOPS_MAX:
        raise filter_failure("MAX_NUM_ALGO_ORDERS")


_REJECTED: Final = {
    Refusal.INSUFFICIENT_FUNDS: "Account has insufficient balance for requested action.",
    Refusal.DUPLICATE_CLIENT_ID: "Duplicate order sent.",
    Refusal.WOULD_TRIGGER: "Stop price would trigger immediately.",
    Refusal.WOULD_TAKE: "Order would immediately match and take.",
    Refusal.MARKET_CLOSED: "Market is closed.",
    Refusal.NO_PRICE: "Market is closed.",
}
_FILTERS: Final = {
    Refusal.BELOW_MINIMUM: "LOT_SIZE",
    Refusal.BAD_QUANTITY: "LOT_SIZE",
    Refusal.BELOW_COST: "NOTIONAL",
    Refusal.BAD_PRICE: "PRICE_FILTER",
}


def in_binance_words(refusal: Refusal) -> BinanceRefusalError:
    """Say the engine's refusal of a new order as Binance does."""
    if refusal in _FILTERS:
        return filter_failure(_FILTERS[refusal])
    return rejected(_REJECTED.get(refusal, "Order was rejected."))
