"""Whether the fake exchange takes an order at all: sizes, steps, ids, positions, funds."""

from decimal import ROUND_DOWN, Decimal
from typing import Final

from tests.fakes.exchange.books import Books
from tests.fakes.exchange.matching import is_reached
from tests.fakes.exchange.terms import (
    ZERO,
    Account,
    ClientIds,
    Market,
    MarketKind,
    Order,
    OrderKind,
    Refusal,
    RefusedError,
    Wish,
)

_LIMITS: Final = frozenset(
    {OrderKind.LIMIT, OrderKind.STOP_LIMIT, OrderKind.TAKE_PROFIT_LIMIT, OrderKind.BRACKET}
)
_WITHOUT_TRIGGER: Final = frozenset({OrderKind.MARKET, OrderKind.LIMIT})


def build_order(books: Books, account: Account, wish: Wish) -> Order:
    """Return the order of a wish that is in order by itself, or raise RefusedError."""
    market = books.markets.get(wish.symbol)
    if market is None:
        raise RefusedError(Refusal.UNKNOWN_MARKET)
    _check_client_id(books, account, wish.client_id)
    now = books.clock.wall()
    quantity = _quantity(books, wish, market)
    number = books.next_number()
    order_id = books.rules.make_id("O", number)
    order = Order(order_id, number, account, wish, quantity, now, updated_at=now)
    _check_prices(books, order, market)
    _check_size(books, order, market)
    _check_position(books, order, market)
    return order


def check_funds(books: Books, order: Order) -> None:
    """Raise RefusedError for an order that the account cannot pay for."""
    currency, needed = books.hold_of(order)
    if needed > books.free(order.account, currency):
        raise RefusedError(Refusal.INSUFFICIENT_FUNDS)


def _check_client_id(books: Books, account: Account, client_id: str) -> None:
    rule = books.rules.client_ids
    if not client_id or rule is ClientIds.NONE:
        return
    among = books.orders.values() if rule is ClientIds.ALL else books.open_of(account)
    if any(each.account is account and each.client_id == client_id for each in among):
        raise RefusedError(Refusal.DUPLICATE_CLIENT_ID)


def _quantity(books: Books, wish: Wish, market: Market) -> Decimal:
    if wish.cost is None:
        return wish.quantity
    touch = books.tapes[wish.symbol].touch(wish.side)
    if not touch:
        raise RefusedError(Refusal.NO_PRICE)
    steps = (wish.cost / touch / market.quantity_step).to_integral_value(ROUND_DOWN)
    return steps * market.quantity_step


def _check_prices(books: Books, order: Order, market: Market) -> None:
    wish, tape = order.wish, books.tapes[order.symbol]
    needs_trigger = wish.kind not in _WITHOUT_TRIGGER
    if (wish.kind in _LIMITS and wish.price is None) or (needs_trigger and wish.trigger is None):
        raise RefusedError(Refusal.MISSING_PRICE)
    for price in (wish.price, wish.trigger):
        if price is not None and (price <= 0 or price % market.price_step):
            raise RefusedError(Refusal.BAD_PRICE)
    if tape.last is None:
        if wish.kind is OrderKind.MARKET:
            raise RefusedError(Refusal.NO_PRICE)
        return
    if books.rules.refuses_reached_triggers and is_reached(wish, tape.last):
        raise RefusedError(Refusal.WOULD_TRIGGER)
    if wish.is_post_only and wish.price is not None and order.crosses(tape.touch(wish.side)):
        raise RefusedError(Refusal.WOULD_TAKE)


def _check_size(books: Books, order: Order, market: Market) -> None:
    if order.quantity <= 0 or order.quantity % market.quantity_step:
        raise RefusedError(Refusal.BAD_QUANTITY)
    if order.quantity < market.quantity_min:
        raise RefusedError(Refusal.BELOW_MINIMUM)
    price = order.wish.price or order.wish.trigger or books.tapes[order.symbol].last or ZERO
    if order.quantity * market.contract_size * price < market.cost_min:
        raise RefusedError(Refusal.BELOW_COST)


def _check_position(books: Books, order: Order, market: Market) -> None:
    wish, leverage = order.wish, books.leverage_of(order)
    if not Decimal(1) <= leverage <= market.leverage_max or (
        wish.leverage is not None and market.kind is MarketKind.SPOT
    ):
        raise RefusedError(Refusal.BAD_LEVERAGE)
    if wish.is_reduce_only and books.rules.needs_position_to_reduce:
        position = books.position(order.account, order.symbol)
        if position is None or position.quantity * order.side.sign > 0:
            raise RefusedError(Refusal.NO_POSITION)
