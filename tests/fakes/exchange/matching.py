"""What becomes of orders when the price moves, and when they come in."""

from decimal import ROUND_DOWN, Decimal
from typing import Final

from tests.fakes.exchange.books import Books, OrderChanged, settle
from tests.fakes.exchange.terms import (
    ZERO,
    Order,
    OrderKind,
    OrderState,
    Side,
    TimeInForce,
    Wish,
)

_STOPS: Final = frozenset({OrderKind.STOP, OrderKind.STOP_LIMIT, OrderKind.BRACKET})
_TARGETS: Final = frozenset({OrderKind.TAKE_PROFIT, OrderKind.TAKE_PROFIT_LIMIT})
_TRIGGERED: Final = _STOPS | _TARGETS
# What trades at any price once it is triggered.
_AT_MARKET: Final = frozenset(
    {OrderKind.MARKET, OrderKind.STOP, OrderKind.TAKE_PROFIT, OrderKind.BRACKET}
)
_ROUNDS_MAX: Final = 100


def is_reached(order_wish: Wish, price: Decimal) -> bool:
    """Say whether a price is at or beyond the trigger of an order."""
    trigger = order_wish.trigger
    if trigger is None or order_wish.kind not in _TRIGGERED:
        return False
    waits_for_rise = (order_wish.side is Side.BUY) is (order_wish.kind in _STOPS)
    return price >= trigger if waits_for_rise else price <= trigger


def walk(books: Books, symbol: str) -> None:
    """Trigger and fill what the present price reaches, until nothing more happens."""
    for _round in range(_ROUNDS_MAX):
        before = len(books.trades)
        expire(books, symbol)
        waiting = sorted(books.open[symbol].values(), key=_priority)
        for order in waiting:
            if order.is_open:
                _advance(books, order)
        if len(books.trades) == before:
            return
    raise AssertionError(f"{symbol}: orders beget orders without end")


def arrive(books: Books, order: Order) -> None:
    """Fill at once what a new order can take."""
    books.tell(OrderChanged.of(order))
    tape = books.tapes[order.symbol]
    if order.wish.tif is TimeInForce.FOK and tape.left is not None and tape.left < order.left:
        books.end(order, OrderState.CANCELLED, "could not be filled at once")
        return
    _advance(books, order)
    order.taken_at_once = len(order.trades)
    if order.is_open and order.wish.tif is not TimeInForce.GTC:
        books.end(order, OrderState.CANCELLED, "what was left could not be filled at once")
    order.is_resting = True
    walk(books, order.symbol)


def expire(books: Books, symbol: str) -> None:
    now = books.clock.wall()
    for order in list(books.open[symbol].values()):
        if order.wish.expires_at is not None and order.wish.expires_at <= now:
            books.end(order, OrderState.EXPIRED, "its time is over")


def liquidate(books: Books, symbol: str) -> None:
    """Close what the price has carried beyond its liquidation price."""
    price = books.tapes[symbol].last
    assert price is not None
    for position in [each for each in books.positions.values() if each.market.symbol == symbol]:
        limit = position.liquidation_price
        is_long = position.quantity > 0
        if (is_long and price > limit) or (not is_long and (not limit or price < limit)):
            continue
        side = Side.SELL if is_long else Side.BUY
        wish = Wish(
            symbol=symbol,
            side=side,
            kind=OrderKind.MARKET,
            quantity=abs(position.quantity),
            is_reduce_only=True,
            leverage=position.leverage,
        )
        number = books.next_number()
        order = Order(
            books.rules.make_id("O", number),
            number,
            position.account,
            wish,
            wish.quantity,
            books.clock.wall(),
            reason="liquidation",
        )
        books.orders[order.id] = books.open[symbol][order.id] = order
        _fill(books, order, books.tapes[symbol].touch(side), makes=False)


def _priority(order: Order) -> tuple[int, Decimal, int]:
    """Order by price, then time: what trades at any price comes first."""
    if order.wish.price is None or order.wish.kind in _AT_MARKET:
        return (0, ZERO, order.number)
    return (1, -order.wish.price * order.side.sign, order.number)


def _advance(books: Books, order: Order) -> None:
    tape, wish = books.tapes[order.symbol], order.wish
    if tape.last is None:
        return
    if not order.is_triggered and is_reached(wish, tape.last):
        order.is_triggered = True
        order.is_resting = False
        order.updated_at = books.clock.wall()
        books.tell(OrderChanged.of(order))
        _end_group(books, order)
    if wish.kind in _TRIGGERED and not order.is_triggered:
        if wish.kind is OrderKind.BRACKET:
            _take_limit(books, order)
        return
    if wish.kind is OrderKind.BRACKET and books.rules.bracket_cushion is not None:
        _take_cushioned(books, order, books.rules.bracket_cushion)
        return
    if wish.kind in _AT_MARKET:
        _fill(books, order, tape.touch(order.side), makes=False)
        return
    _take_limit(books, order)
    order.is_resting = True


def _take_cushioned(books: Books, order: Order, cushion: Decimal) -> None:
    """Fill the stop of a bracket unless the price has gone beyond its cushion: then it rests."""
    tape, trigger = books.tapes[order.symbol], order.wish.trigger
    assert trigger is not None
    assert tape.last is not None
    step, sign = books.markets[order.symbol].price_step, order.side.sign
    worst = (trigger * (1 + cushion * sign) / step).to_integral_value() * step
    price = tape.last if order.is_resting else tape.touch(order.side)
    if (worst - price) * sign >= 0:
        _fill(books, order, worst if order.is_resting else price, makes=order.is_resting)
    order.is_resting = True


def _take_limit(books: Books, order: Order) -> None:
    """Fill a limit that is reached: at the touch when it comes in, at its own price later."""
    tape, limit = books.tapes[order.symbol], order.wish.price
    assert limit is not None
    assert tape.last is not None
    if not order.is_resting:
        touch = tape.touch(order.side)
        if order.crosses(touch):
            _fill(books, order, touch, makes=False)
        return
    if order.crosses(tape.last):
        _fill(books, order, limit, makes=True)


def _fill(books: Books, order: Order, price: Decimal, *, makes: bool) -> None:
    tape, market = books.tapes[order.symbol], books.markets[order.symbol]
    quantity = order.left if tape.left is None else min(order.left, tape.left)
    quantity = (quantity / market.quantity_step).to_integral_value(
        ROUND_DOWN
    ) * market.quantity_step
    if order.wish.is_reduce_only:
        quantity = min(quantity, _reducible(books, order))
        if not _reducible(books, order):
            books.end(order, OrderState.CANCELLED, "no position to reduce")
            return
    if not quantity:
        return
    if not _is_affordable(books, order, quantity, price):
        books.end(order, OrderState.CANCELLED, "insufficient funds")
        return
    if tape.left is not None:
        tape.left -= quantity
    trade = settle(books, order, quantity, price, makes=makes)
    _end_group(books, order)
    if order.left == 0:
        order.state, order.closed_at = OrderState.FILLED, trade.at
        books.open[order.symbol].pop(order.id, None)
    books.tell(OrderChanged.of(order, trade))
    if order.is_open and order.wish.is_reduce_only and not _reducible(books, order):
        books.end(order, OrderState.CANCELLED, "no position to reduce")
    if order.wish.attached is not None:
        place_attached(books, order, order.wish.attached, quantity)


def place_attached(books: Books, order: Order, wish: Wish, quantity: Decimal) -> None:
    number = books.next_number()
    child = Order(
        books.rules.make_id("O", number),
        number,
        order.account,
        wish,
        quantity,
        books.clock.wall(),
        updated_at=books.clock.wall(),
        parent_id=order.id,
        is_resting=True,
    )
    books.orders[child.id] = books.open[child.symbol][child.id] = child
    books.tell(OrderChanged.of(child))


def _end_group(books: Books, order: Order) -> None:
    if not order.wish.group:
        return
    for other in books.open_of(order.account):
        if other is not order and other.wish.group == order.wish.group:
            books.end(other, OrderState.CANCELLED, "the other order of its group was executed")


def _reducible(books: Books, order: Order) -> Decimal:
    position = books.position(order.account, order.symbol)
    if position is None or position.quantity * order.side.sign > 0:
        return ZERO
    return abs(position.quantity)


def _is_affordable(books: Books, order: Order, quantity: Decimal, price: Decimal) -> bool:
    """Say whether coins are there, as a gap may make a stop dearer than what it has held."""
    if books.is_leveraged(order):
        return True
    market = books.markets[order.symbol]
    currency, own_hold = books.hold_of(order)
    free = books.ledger.total(order.account.name, currency) + own_hold
    free -= books.used(order.account).get(currency, ZERO)
    if order.side is Side.SELL:
        return free >= quantity
    cost = quantity * price
    fee, fee_currency = books.fee(order, cost, quantity, order.account.fees.taker)
    return free >= cost + (fee if fee_currency == market.quote else ZERO)
