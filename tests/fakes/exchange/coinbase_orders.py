"""A new order of Coinbase: its configuration made a wish, and refusals in the API's words."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Final

from tests.fakes.exchange.coinbase_query import MalformedError
from tests.fakes.exchange.coinbase_shapes import Json, number
from tests.fakes.exchange.terms import (
    ZERO,
    Account,
    Market,
    OrderKind,
    Refusal,
    Side,
    TimeInForce,
    Wish,
)

_CLIENT_ID_MAX: Final = 128
_NUMBER: Final = re.compile(r"^[0-9]+(\.[0-9]+)?$")
# The fields of each configuration: those it needs, then those it may have.
_FIELDS: Final[Mapping[str, tuple[frozenset[str], frozenset[str]]]] = {
    name: (frozenset(needed.split()), frozenset(optional.split()))
    for name, needed, optional in (
        ("market_market_ioc", "", "quote_size base_size rfq_enabled"),
        ("market_market_fok", "", "quote_size base_size rfq_enabled"),
        ("sor_limit_ioc", "base_size limit_price", "rfq_disabled"),
        ("limit_limit_gtc", "base_size limit_price", "post_only rfq_disabled"),
        ("limit_limit_gtd", "base_size limit_price end_time", "post_only"),
        ("limit_limit_fok", "base_size limit_price", "rfq_disabled"),
        ("stop_limit_stop_limit_gtc", "base_size limit_price stop_price stop_direction", ""),
        (
            "stop_limit_stop_limit_gtd",
            "base_size limit_price stop_price stop_direction end_time",
            "",
        ),
        ("trigger_bracket_gtc", "base_size limit_price stop_trigger_price", ""),
        ("trigger_bracket_gtd", "base_size limit_price stop_trigger_price end_time", ""),
    )
}
NEW_ORDER_FIELDS: Final = frozenset(
    {
        "client_order_id",
        "product_id",
        "side",
        "order_configuration",
        "leverage",
        "margin_type",
        "retail_portfolio_id",
        "attached_order_configuration",
        "sor_preference",
        "prediction_metadata",
    }
)
_DIRECTIONS: Final = {"STOP_DIRECTION_STOP_UP": Side.BUY, "STOP_DIRECTION_STOP_DOWN": Side.SELL}


class NewOrderError(Exception):
    """Say why a well-formed order is not taken; the API answers 200 and `success: false`."""

    def __init__(self, error: str, message: str, preview: str) -> None:
        super().__init__(f"{error} {message} {preview}")
        self.error, self.message, self.preview = error, message, preview

    def to_json(self, configuration: object) -> Json:
        """Return the body as the API writes it."""
        return {
            "success": False,
            "failure_reason": "UNKNOWN_FAILURE_REASON",
            "order_id": "",
            "error_response": {
                "error": self.error,
                "message": self.message,
                "error_details": "",
                "preview_failure_reason": self.preview,
            },
            "order_configuration": configuration,
        }


@dataclass(frozen=True, slots=True)
class NewOrder:
    """A new order that was read."""

    wish: Wish
    configuration: Json


def read_new_order(body: Mapping[str, object], market: Market, account: Account) -> NewOrder:
    """Make the wish that the body of a new order stands for."""
    unknown = set(body) - NEW_ORDER_FIELDS
    if unknown:
        raise MalformedError(f"unknown field {min(unknown)!r}")
    client_id = body.get("client_order_id")
    if not isinstance(client_id, str) or not 0 < len(client_id) <= _CLIENT_ID_MAX:
        raise MalformedError("client_order_id is required")
    if body.get("side") not in {"BUY", "SELL"}:
        raise MalformedError("side is required: BUY or SELL")
    side = Side(str(body["side"]).lower())
    name, fields = _one_configuration(body.get("order_configuration"))
    _check_fields(name, fields)
    wish = _wish(name, fields, market, side, client_id, account)
    attached = body.get("attached_order_configuration")
    if attached is not None:
        wish = _with_attached(wish, attached, market)
    return NewOrder(wish, {name: dict(fields)})


def _one_configuration(value: object) -> tuple[str, Mapping[str, object]]:
    if not isinstance(value, dict) or len(value) != 1:
        raise MalformedError("order_configuration must have exactly one configuration")
    name, fields = next(iter(value.items()))
    if name not in _FIELDS or not isinstance(fields, dict):
        raise MalformedError(f"unknown order_configuration {name!r}")
    return name, fields


def _check_fields(name: str, fields: Mapping[str, object], *, without: str = "") -> None:
    needed, optional = _FIELDS[name]
    missing = needed - set(fields) - {without}
    unknown = set(fields) - needed - optional
    if missing:
        raise MalformedError(f"{name}: {min(missing)} is required")
    if unknown or without in fields:
        raise MalformedError(f"{name}: unknown field {min(unknown | {without})!r}")
    if name.startswith("market_") and ("quote_size" in fields) is ("base_size" in fields):
        raise MalformedError(f"{name}: exactly one of quote_size and base_size is required")


def _wish(
    name: str,
    fields: Mapping[str, object],
    market: Market,
    side: Side,
    client_id: str,
    account: Account,
) -> Wish:
    quantity, price, trigger = _sizes(fields, market)
    return Wish(
        symbol=market.symbol,
        side=side,
        kind=_kind(name, fields, side),
        quantity=quantity,
        cost=_cost(fields, market, account),
        price=price,
        trigger=trigger,
        client_id=client_id,
        tif=_time_in_force(name),
        is_post_only=fields.get("post_only") is True,
        expires_at=_end_time(fields),
    )


def _sizes(
    fields: Mapping[str, object], market: Market
) -> tuple[Decimal, Decimal | None, Decimal | None]:
    quantity = _decimal(fields, "base_size") or ZERO
    if quantity % market.quantity_step:
        raise NewOrderError("INVALID_SIZE_PRECISION", "", "PREVIEW_INVALID_SIZE_PRECISION")
    if "base_size" in fields and quantity < market.quantity_min:
        raise NewOrderError("UNKNOWN_FAILURE_REASON", "", "PREVIEW_INVALID_BASE_SIZE_TOO_SMALL")
    price = _price(fields, "limit_price", market)
    trigger = _price(fields, "stop_price", market)
    if trigger is None:
        trigger = _price(fields, "stop_trigger_price", market)
    return quantity, price, trigger


def _price(fields: Mapping[str, object], name: str, market: Market) -> Decimal | None:
    price = _decimal(fields, name)
    if price is not None and (price <= 0 or price % market.price_step):
        raise NewOrderError("INVALID_PRICE_PRECISION", "", "PREVIEW_INVALID_PRICE_PRECISION")
    return price


def _cost(fields: Mapping[str, object], market: Market, account: Account) -> Decimal | None:
    """Read what is to be spent, of which the fee is a part."""
    spent = _decimal(fields, "quote_size")
    if spent is None:
        return None
    if spent % market.price_step:
        raise NewOrderError("UNKNOWN_FAILURE_REASON", "", "PREVIEW_INVALID_QUOTE_SIZE_PRECISION")
    if spent < market.cost_min:
        raise NewOrderError("UNKNOWN_FAILURE_REASON", "", "PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL")
    return spent / (1 + account.fees.taker)


def _decimal(fields: Mapping[str, object], name: str) -> Decimal | None:
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not _NUMBER.match(value):
        raise MalformedError(f"{name} is no decimal in a string: {value!r}")
    try:
        return Decimal(value)
    except InvalidOperation:
        raise MalformedError(f"{name} is no decimal: {value!r}") from None


def _kind(name: str, fields: Mapping[str, object], side: Side) -> OrderKind:
    if name.startswith("market_"):
        return OrderKind.MARKET
    if name.startswith("trigger_bracket"):
        return OrderKind.BRACKET
    if not name.startswith("stop_limit"):
        return OrderKind.LIMIT
    direction = _DIRECTIONS.get(str(fields["stop_direction"]))
    if direction is None:
        raise MalformedError("stop_direction is required")
    return OrderKind.STOP_LIMIT if direction is side else OrderKind.TAKE_PROFIT_LIMIT


def _time_in_force(name: str) -> TimeInForce:
    if name.endswith("_fok"):
        return TimeInForce.FOK
    return TimeInForce.IOC if name.endswith("_ioc") else TimeInForce.GTC


def _end_time(fields: Mapping[str, object]) -> float | None:
    end = fields.get("end_time")
    if end is None:
        return None
    try:
        return datetime.fromisoformat(str(end)).timestamp()
    except ValueError:
        raise MalformedError(f"end_time is no time: {end!r}") from None


def _with_attached(wish: Wish, value: object, market: Market) -> Wish:
    """Add the bracket that is placed for what is filled; it inherits its size."""
    name, fields = _one_configuration(value)
    if name != "trigger_bracket_gtc":
        raise MalformedError("attached_order_configuration: only trigger_bracket_gtc is eligible")
    _check_fields(name, fields, without="base_size")
    _quantity, price, trigger = _sizes(fields, market)
    child = Wish(
        symbol=wish.symbol,
        side=wish.side.other,
        kind=OrderKind.BRACKET,
        price=price,
        trigger=trigger,
    )
    assert price is not None
    assert trigger is not None
    if (price - trigger) * wish.side.sign <= 0:
        raise NewOrderError(
            "UNKNOWN_FAILURE_REASON", "", "PREVIEW_INVALID_ATTACHED_TAKE_PROFIT_PRICE"
        )
    return Wish(
        **{name: getattr(wish, name) for name in Wish.__dataclass_fields__ if name != "attached"},
        attached=child,
    )


def check_stop(wish: Wish, last: Decimal | None) -> None:
    """Refuse a trigger on the wrong side of the market or of its limit."""
    if wish.trigger is None or last is None:
        return
    waits_for_rise = (wish.side is Side.BUY) is (wish.kind is not OrderKind.TAKE_PROFIT_LIMIT)
    if waits_for_rise and wish.trigger <= last:
        raise _bad_stop("PREVIEW_STOP_PRICE_BELOW_LAST_TRADE_PRICE")
    if not waits_for_rise and wish.trigger >= last:
        raise _bad_stop("PREVIEW_STOP_PRICE_ABOVE_LAST_TRADE_PRICE")
    if wish.kind is not OrderKind.STOP_LIMIT or wish.price is None:
        return
    if (wish.price - wish.trigger) * wish.side.sign < 0:
        side = "BELOW" if wish.side is Side.SELL else "ABOVE"
        raise _bad_stop(f"PREVIEW_STOP_PRICE_{side}_LIMIT_PRICE")


def _bad_stop(preview: str) -> NewOrderError:
    return NewOrderError("UNKNOWN_FAILURE_REASON", "", preview)


_REFUSALS: Final = {
    Refusal.INSUFFICIENT_FUNDS: (
        "INSUFFICIENT_FUND",
        "Insufficient balance in source account",
        "PREVIEW_INSUFFICIENT_FUND",
    ),
    Refusal.BELOW_MINIMUM: ("UNKNOWN_FAILURE_REASON", "", "PREVIEW_INVALID_BASE_SIZE_TOO_SMALL"),
    Refusal.BAD_QUANTITY: ("INVALID_SIZE_PRECISION", "", "PREVIEW_INVALID_SIZE_PRECISION"),
    Refusal.BELOW_COST: ("UNKNOWN_FAILURE_REASON", "", "PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL"),
    Refusal.BAD_PRICE: ("INVALID_PRICE_PRECISION", "", "PREVIEW_INVALID_PRICE_PRECISION"),
    Refusal.WOULD_TAKE: (
        "INVALID_LIMIT_PRICE_POST_ONLY",
        "",
        "PREVIEW_INVALID_LIMIT_PRICE_POST_ONLY",
    ),
    Refusal.WOULD_TRIGGER: (
        "UNKNOWN_FAILURE_REASON",
        "",
        "PREVIEW_STOP_PRICE_ABOVE_LAST_TRADE_PRICE",
    ),
    Refusal.NO_PRICE: ("INVALID_NO_LIQUIDITY", "", "PREVIEW_INVALID_NO_LIQUIDITY"),
    Refusal.MARKET_CLOSED: ("ORDER_ENTRY_DISABLED", "Orderbook is in cancel only mode", ""),
}


def in_coinbase_words(refusal: Refusal) -> NewOrderError:
    """Say the engine's refusal of a new order as Coinbase does."""
    return NewOrderError(*_REFUSALS.get(refusal, ("UNKNOWN_FAILURE_REASON", "", "")))


def configuration_of(wish: Wish, quantity: Decimal) -> Json:
    """Write the configuration of an order that the venue itself has placed: a bracket."""
    assert wish.kind is OrderKind.BRACKET
    return {
        "trigger_bracket_gtc": {
            "base_size": number(quantity),
            "limit_price": number(wish.price),
            "stop_trigger_price": number(wish.trigger),
        }
    }
