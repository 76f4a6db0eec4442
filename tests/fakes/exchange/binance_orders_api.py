"""What Binance spot does with orders: taken, cancelled, one or all of a market."""

from tests.fakes.exchange.binance_orders import (
    RESPONSE_KINDS,
    check_filters,
    check_known,
    in_binance_words,
    read_client_id,
    read_wish,
)
from tests.fakes.exchange.binance_reads import Asked, asked_market, find_order
from tests.fakes.exchange.binance_refusals import illegal, unknown_order_to_cancel
from tests.fakes.exchange.binance_shapes import Json, cancelled_order, placed_order
from tests.fakes.exchange.engine import Engine
from tests.fakes.exchange.terms import ApiKey, Market, OrderKind, RefusedError, Wish

# What is not asked for: a limit or market order answers in full, a stop with its id only.
_FULL_KINDS = frozenset({OrderKind.MARKET, OrderKind.LIMIT})


def place_order(engine: Engine, key: ApiKey, asked: Asked) -> Json:
    """Take a new order and answer as much as was asked for."""
    wish, market = _checked(engine, key, asked)
    default = "FULL" if wish.kind in _FULL_KINDS else "ACK"
    kind = asked.get("newOrderRespType", default)
    if kind not in RESPONSE_KINDS:
        raise illegal("newOrderRespType", "^(ACK|RESULT|FULL)$")
    try:
        order = engine.submit(key.account, wish)
    except RefusedError as error:
        raise in_binance_words(error.refusal) from None
    return placed_order(order, market, kind)


def check_order(engine: Engine, key: ApiKey, asked: Asked) -> Json:
    """Check a new order as if it were taken."""
    wish, _market = _checked(engine, key, asked)
    try:
        engine.check_wish(key.account, wish)
    except RefusedError as error:
        raise in_binance_words(error.refusal) from None
    return {}


def _checked(engine: Engine, key: ApiKey, asked: Asked) -> tuple[Wish, Market]:
    market = asked_market(engine, asked)
    wish = read_wish(asked, market)
    in_market = [
        order for order in engine.open_orders(key.account) if order.symbol == market.symbol
    ]
    check_filters(wish, market, engine.tapes[market.symbol].last, in_market)
    return wish, market


def cancel_order(engine: Engine, key: ApiKey, asked: Asked) -> Json:
    """Cancel an open order; its answer bears the client id of the cancel."""
    check_known(
        asked,
        {"symbol", "orderId", "origClientOrderId", "newClientOrderId", "cancelRestrictions"},
    )
    market = asked_market(engine, asked)
    cancel_id = read_client_id(asked, "newClientOrderId")
    order = find_order(engine, key.account, market, asked)
    if order is None or not order.is_open:
        raise unknown_order_to_cancel()
    engine.cancel(key.account, order_id=order.id)
    return cancelled_order(order, market, cancel_id or f"cancel{order.number}")


def cancel_all(engine: Engine, key: ApiKey, asked: Asked) -> list[Json]:
    """Cancel the open orders of a market; none is an error."""
    check_known(asked, {"symbol"})
    market = asked_market(engine, asked)
    orders = engine.cancel_all(key.account, market.symbol)
    if not orders:
        raise unknown_order_to_cancel()
    return [cancelled_order(order, market, f"cancel{order.number}") for order in orders]
