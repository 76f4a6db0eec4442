"""Kraken's AddOrder and CancelOrder: parameters in, orders of the engine, Kraken's refusals out."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from tests.fakes.exchange.engine import Engine
from tests.fakes.exchange.kraken_names import Pair
from tests.fakes.exchange.kraken_shapes import ORDER_TYPES, description, time_in_force
from tests.fakes.exchange.terms import (
    ZERO,
    Account,
    Order,
    OrderKind,
    Refusal,
    RefusedError,
    Side,
    TimeInForce,
    Wish,
)

ADD_ORDER: Final = frozenset(
    {
        "nonce",
        "otp",
        "userref",
        "cl_ord_id",
        "ordertype",
        "type",
        "volume",
        "displayvol",
        "pair",
        "asset_class",
        "price",
        "price2",
        "trigger",
        "leverage",
        "reduce_only",
        "stptype",
        "oflags",
        "timeinforce",
        "starttm",
        "expiretm",
        "close[ordertype]",
        "close[price]",
        "close[price2]",
        "deadline",
        "validate",
    }
)
CANCEL_ORDER: Final = frozenset({"nonce", "otp", "txid", "cl_ord_id"})
_FLAGS: Final = frozenset({"fcib", "fciq", "nompp", "post", "viqc"})
_KINDS: Final = {name: kind for kind, name in ORDER_TYPES.items()}
# A uuid with or without its dashes, or free text of at most 18 characters.
_CLIENT_ID: Final = re.compile(
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}|[!-~]{1,18}"
)
_DEADLINE_MAX_S: Final = 60.0
_REFUSALS: Final = {
    Refusal.INSUFFICIENT_FUNDS: "EOrder:Insufficient funds",
    Refusal.BELOW_MINIMUM: "EOrder:Order minimum not met",
    Refusal.BELOW_COST: "EOrder:Cost minimum not met",
    Refusal.BAD_QUANTITY: "EGeneral:Invalid arguments:volume",
    Refusal.BAD_PRICE: "EOrder:Invalid price",
    Refusal.MISSING_PRICE: "EGeneral:Invalid arguments:price",
    Refusal.NO_PRICE: "EService:Market in cancel_only mode",
    Refusal.UNKNOWN_MARKET: "EQuery:Unknown asset pair",
    Refusal.UNKNOWN_ORDER: "EOrder:Unknown order",
    Refusal.DUPLICATE_CLIENT_ID: "EOrder:Duplicate cl_ord_id",
    Refusal.WOULD_TAKE: "EOrder:Post only order",
    Refusal.WOULD_TRIGGER: "EOrder:Invalid price",
    Refusal.NO_POSITION: "EOrder:Reduce only:No position exists",
    Refusal.BAD_LEVERAGE: "EGeneral:Invalid arguments:leverage",
    Refusal.MARKET_CLOSED: "EService:Market in cancel_only mode",
}


class KrakenError(Exception):
    """What stands in `error` of an answer."""


def error_of(refused: RefusedError) -> KrakenError:
    return KrakenError(_REFUSALS[refused.refusal])


class OrderDesk:
    """Take and cancel orders; remember the user references, which the engine does not know."""

    def __init__(self, engine: Engine, pairs: Mapping[str, Pair]) -> None:
        self._engine = engine
        self._pairs = pairs
        self.userrefs: dict[str, int] = {}  # by order id

    def add(self, account: Account, asked: Mapping[str, Any]) -> dict[str, Any]:
        pair = self._pairs.get(str(asked.get("pair", "")))
        if pair is None:
            raise KrakenError("EQuery:Unknown asset pair")
        self._check_deadline(asked.get("deadline"))
        if "cl_ord_id" in asked and "userref" in asked:
            raise KrakenError("EGeneral:Invalid arguments:cl_ord_id")
        wish = _wish(asked, pair)
        if str(asked.get("validate", "")).lower() == "true":
            self._engine.check_wish(account, wish)
            return {"descr": _described(wish, wish.quantity, pair)}
        order = self._engine.submit(account, wish)
        if "userref" in asked:
            self.userrefs[order.id] = int(asked["userref"])
        return {"descr": _described(wish, order.quantity, pair), "txid": [order.id]}

    def cancel(self, account: Account, asked: Mapping[str, Any]) -> dict[str, Any]:
        if "cl_ord_id" in asked:
            self._engine.cancel(account, client_id=str(asked["cl_ord_id"]))
            return {"count": 1}
        txid = str(asked.get("txid", ""))
        if not txid:
            raise KrakenError("EGeneral:Invalid arguments:txid")
        if re.fullmatch(r"-?\d+", txid):
            return {"count": self._cancel_userref(account, int(txid))}
        self._engine.cancel(account, order_id=txid)
        return {"count": 1}

    def _cancel_userref(self, account: Account, userref: int) -> int:
        orders: list[Order] = [
            order
            for order in self._engine.open_orders(account)
            if self.userrefs.get(order.id) == userref
        ]
        if not orders:
            raise RefusedError(Refusal.UNKNOWN_ORDER)
        for order in orders:
            self._engine.cancel(account, order_id=order.id)
        return len(orders)

    def _check_deadline(self, deadline: object) -> None:
        if deadline is None:
            return
        try:
            until = datetime.fromisoformat(str(deadline))
        except ValueError:
            raise KrakenError("EGeneral:Invalid arguments:deadline") from None
        left = until.replace(tzinfo=until.tzinfo or UTC).timestamp() - self._engine.clock.wall()
        if left > _DEADLINE_MAX_S:
            raise KrakenError("EGeneral:Invalid arguments:deadline")
        if left <= 0:
            raise KrakenError("EService:Deadline elapsed")


def complaints_of(asked: Mapping[str, Any], allowed: frozenset[str]) -> list[str]:
    """Return what no well-made client sends; Kraken itself would take no notice of it."""
    return [f"unknown parameter {name}={asked[name]}" for name in asked if name not in allowed]


def _wish(asked: Mapping[str, Any], pair: Pair) -> Wish:
    side, kind = _side(asked.get("type")), _KINDS.get(str(asked.get("ordertype")))
    if kind is None:
        raise KrakenError("EGeneral:Invalid arguments:ordertype")
    flags = frozenset(filter(None, str(asked.get("oflags", "")).split(",")))
    if not flags <= _FLAGS:
        raise KrakenError("EGeneral:Invalid arguments:oflags")
    client_id = str(asked.get("cl_ord_id", ""))
    if client_id and not _CLIENT_ID.fullmatch(client_id):
        raise KrakenError("EGeneral:Invalid arguments:cl_ord_id")
    price, trigger = _prices(kind, asked)
    volume = _number(asked, "volume")
    is_cost = "viqc" in flags
    leverage = _leverage(asked.get("leverage"))
    is_reduce_only = str(asked.get("reduce_only", "")).lower() == "true"
    if is_reduce_only and leverage is None:
        raise KrakenError("EGeneral:Invalid arguments:reduce_only")
    expires = int(float(str(asked.get("expiretm", "0")).lstrip("+") or 0))
    return Wish(
        symbol=pair.market.symbol,
        side=side,
        kind=kind,
        quantity=ZERO if is_cost else volume,
        cost=volume if is_cost else None,
        price=price,
        trigger=trigger,
        client_id=client_id,
        tif=_time_in_force(asked.get("timeinforce", "GTC")),
        is_reduce_only=is_reduce_only,
        is_post_only="post" in flags,
        leverage=leverage,
        expires_at=expires or None,
        attached=_closing(asked, side, pair, leverage),
    )


def _closing(
    asked: Mapping[str, Any], side: Side, pair: Pair, leverage: Decimal | None
) -> Wish | None:
    """Read the conditional close: one order, on the other side, in what is executed."""
    name = asked.get("close[ordertype]")
    if name is None:
        return None
    kind = _KINDS.get(str(name))
    if kind is None or kind is OrderKind.MARKET:
        raise KrakenError("EGeneral:Invalid arguments:close")
    inner = {key[6:-1]: value for key, value in asked.items() if key.startswith("close[")}
    price, trigger = _prices(kind, inner)
    return Wish(
        symbol=pair.market.symbol,
        side=side.other,
        kind=kind,
        price=price,
        trigger=trigger,
        leverage=leverage,
    )


def _prices(kind: OrderKind, asked: Mapping[str, Any]) -> tuple[Decimal | None, Decimal | None]:
    """Return limit and trigger."""
    if kind is OrderKind.MARKET:
        return None, None
    price = _number(asked, "price")
    if kind is OrderKind.LIMIT:
        return price, None
    if kind in (OrderKind.STOP, OrderKind.TAKE_PROFIT):
        return None, price
    return _number(asked, "price2"), price


def _number(asked: Mapping[str, Any], name: str) -> Decimal:
    try:
        value = Decimal(str(asked[name]))
    except (KeyError, InvalidOperation):
        raise KrakenError(f"EGeneral:Invalid arguments:{name}") from None
    if not value.is_finite() or value <= 0:
        raise KrakenError(f"EGeneral:Invalid arguments:{name}")
    return value


def _side(value: object) -> Side:
    try:
        return Side(str(value))
    except ValueError:
        raise KrakenError("EGeneral:Invalid arguments:type") from None


def _leverage(value: object) -> Decimal | None:
    if value is None or str(value) == "none":
        return None
    try:
        leverage = Decimal(str(value).removesuffix(":1"))
    except InvalidOperation:
        raise KrakenError("EGeneral:Invalid arguments:leverage") from None
    if leverage < 2 or leverage % 1:
        raise KrakenError("EGeneral:Invalid arguments:leverage")
    return leverage


def _time_in_force(value: object) -> TimeInForce:
    try:
        return time_in_force(str(value))
    except KeyError:
        raise KrakenError("EGeneral:Invalid arguments:timeinforce") from None


def _described(wish: Wish, quantity: Decimal, pair: Pair) -> dict[str, str]:
    """Return the short description that AddOrder gives: the texts alone."""
    whole = description(wish, wish.cost or quantity, pair)
    short = {"order": whole["order"]}
    if whole["close"]:
        short["close"] = whole["close"]
    return short
