"""What a venue shows of an account against what our book has: a pure comparison, nothing more.

Cash is compared as one figure. On spot it is the holding of the account's currency against the
book's cash: a purchase takes both down at once. Where positions are kept apart it is the venue's
collateral, which opening a position does not touch, and the book's cash is less by each purchase
at its price: collateral = cash + the sum of quantity times entry price, short positions counting
below zero. Fees and what was realised are in both. An order that we have and the venue does not
show is no difference: its worker looks it up.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal, localcontext
from typing import Final

from trading.model.difference import Difference, DifferenceKind, Topic
from trading.model.instrument import Instrument
from trading.model.order import Order
from trading.model.order_states import OrderState
from trading.model.position import Position
from trading.model.venue_news import AccountSeen, PositionSeen

_ZERO: Final = Decimal(0)
_EXACT: Final = Context(prec=100)
# Venues round each fee in their own way: what that comes to is nobody's question.
_CASH_SLACK_FRACTION: Final = Decimal("1e-6")
_CASH_SLACK_MIN: Final = Decimal("1e-8")
_ON_ITS_WAY: Final = frozenset({OrderState.NEW, OrderState.SENT, OrderState.UNKNOWN})


@dataclass(frozen=True, slots=True)
class Believed:
    """Hold what our book has of an account.

    `residues` are amounts of base currencies that belong to no position any more; `ignored` is
    what a person has said to be none of ours. `orders` are the open ones.
    """

    account: str
    currency: str
    cash: Decimal
    positions: Mapping[str, Position]
    orders: Sequence[Order]
    instruments: Mapping[str, Instrument]
    symbols: Collection[str]
    residues: Mapping[str, Decimal] = field(default_factory=dict)
    ignored: Mapping[Topic, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Hold what differs, and of which topics nothing can be said now."""

    found: Sequence[Difference]
    unsure_symbols: frozenset[str]

    def is_sure_of(self, topic: Topic, symbol: str) -> bool:
        """Tell whether a topic that is not among the differences agrees."""
        if topic.kind is DifferenceKind.ORDER:
            return True
        if topic.kind is DifferenceKind.CASH:
            return not self.unsure_symbols
        return symbol not in self.unsure_symbols


def unsure_symbols(orders: Iterable[Order]) -> frozenset[str]:
    """Return the markets in which something of ours is on its way."""
    return frozenset(one.symbol for one in orders if one.state in _ON_ITS_WAY or one.is_cancelling)


def cash_figure(
    cash: Decimal, positions: Iterable[Position], *, has_positions_apart: bool
) -> Decimal:
    """Return the figure that a venue shows for a book's cash."""
    if not has_positions_apart:
        return cash
    with localcontext(_EXACT):
        return sum((one.quantity * one.entry_price for one in positions), cash)


def compare(believed: Believed, seen: AccountSeen, is_ours: Collection[str]) -> Comparison:
    """Return every difference; `is_ours` are the client ids among the seen ones that we made."""
    unsure = unsure_symbols(believed.orders)
    found = list(_strange_orders(believed, seen, is_ours))
    if seen.positions is None:
        found += _holdings(believed, seen, unsure)
    else:
        found += _positions(believed, seen.positions, unsure)
    if not unsure:
        found += _cash(believed, seen)
    return Comparison(found, unsure)


def _strange_orders(
    believed: Believed, seen: AccountSeen, is_ours: Collection[str]
) -> Iterator[Difference]:
    ids = {one.id for one in believed.orders}
    venue_ids = {one.venue_id for one in believed.orders if one.venue_id}
    for one in seen.orders:
        topic = Topic(DifferenceKind.ORDER, one.venue_id or one.order_id)
        is_known = one.order_id in ids or one.venue_id in venue_ids
        if not is_known and topic not in believed.ignored:
            whose = one.order_id in is_ours
            yield Difference(topic, one.symbol, _ZERO, one.quantity, order=one, is_ours=whose)


def _holdings(
    believed: Believed, seen: AccountSeen, unsure: frozenset[str]
) -> Iterator[Difference]:
    """Compare what is owned of each base currency; less than can be traded is no difference."""
    by_base: dict[str, list[str]] = {}
    for symbol in sorted(believed.symbols):
        if symbol in believed.instruments:
            by_base.setdefault(believed.instruments[symbol].base, []).append(symbol)
    for base, symbols in by_base.items():
        if base == believed.currency or not unsure.isdisjoint(symbols):
            continue
        held = [one for one in symbols if one in believed.positions]
        topic = Topic(DifferenceKind.HOLDING, base)
        with localcontext(_EXACT):
            expected = sum((believed.positions[one].quantity for one in held), _ZERO)
            expected += believed.residues.get(base, _ZERO) + believed.ignored.get(topic, _ZERO)
            amount = seen.holdings.get(base, _ZERO) - expected
        symbol = (held or symbols)[0]
        if abs(amount) >= believed.instruments[symbol].quantity_step:
            yield Difference(topic, symbol, expected, seen.holdings.get(base, _ZERO))


def _positions(
    believed: Believed, seen: Iterable[PositionSeen], unsure: frozenset[str]
) -> Iterator[Difference]:
    shown = {one.symbol: one for one in seen}
    for symbol in sorted(shown.keys() | believed.positions.keys()):
        if symbol in unsure:
            continue
        there, held = shown.get(symbol), believed.positions.get(symbol)
        topic = Topic(DifferenceKind.POSITION, symbol)
        expected = _ZERO if held is None else held.quantity
        expected += believed.ignored.get(topic, _ZERO)
        quantity = _ZERO if there is None else there.quantity
        instrument = believed.instruments.get(symbol)
        step = _ZERO if instrument is None else instrument.quantity_step
        if quantity != expected and abs(quantity - expected) >= step:
            entry = None if there is None else there.entry_price
            yield Difference(topic, symbol, expected, quantity, entry_price=entry)


def has_moved(difference: Difference, shown: Decimal, step: Decimal) -> bool:
    """Tell whether a difference has another size than was shown; dust is none."""
    moved = abs(difference.amount - shown)
    if difference.topic.kind is not DifferenceKind.CASH:
        return moved > step
    return moved > _slack(difference.expected, difference.seen)


def _slack(expected: Decimal, shown: Decimal) -> Decimal:
    return max(max(abs(expected), abs(shown)) * _CASH_SLACK_FRACTION, _CASH_SLACK_MIN)


def _cash(believed: Believed, seen: AccountSeen) -> Iterator[Difference]:
    topic = Topic(DifferenceKind.CASH, believed.currency)
    held, shown = believed.positions.values(), seen.holdings.get(believed.currency, _ZERO)
    apart = seen.positions is not None
    expected = cash_figure(believed.cash, held, has_positions_apart=apart)
    expected += believed.ignored.get(topic, _ZERO)
    if abs(shown - expected) > _slack(expected, shown):
        yield Difference(topic, "", expected, shown)
