"""The ledger: exact accounting of fills into cash, positions and closed trades of one account.

Sums are kept and prices are derived from them by division, for showing only: what trades and
open positions earned adds up to the change of equity to the last digit, but for fees paid in a
third currency: they lower profits, and not this book's cash. Marked values are floats, for the
hot path. Must not know orders' states, limits or where a fill comes from.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, getcontext, localcontext, setcontext
from typing import Final

from trading.engine.exit_prices import first_exits, follow_plan
from trading.engine.residues import Residue
from trading.model.account import Account
from trading.model.instrument import Instrument
from trading.model.order import ExitPlan, Fill, Order, Purpose, Side
from trading.model.position import Position, Trade
from trading.model.values import quickly_made, replace

_ZERO: Final = Decimal(0)
_NO_PLAN: Final = ExitPlan()
# Room for a product of two long figures and for sums of millions of them: nothing is rounded.
_EXACT: Final = Context(prec=100)
# Quotients are prices to show; a float has at most 17 digits, so a single price passes unchanged.
_QUOTIENT: Final = Context(prec=18)


@quickly_made
@dataclass(frozen=True, slots=True)
class BookChange:
    """Say what a fill made of a book.

    `position` is what is held now, None when flat; `trade` is the one that the fill closed. A
    fill that crosses through zero gives both. `realised` is the gross profit that it took.
    """

    position: Position | None
    trade: Trade | None
    cash: Decimal
    realised: Decimal = _ZERO


@quickly_made
@dataclass(frozen=True, slots=True)
class _Move:
    """Hold what a fill does to the holding: a signed quantity at a price, and what it costs.

    `paid` is the part of the fees that this book's cash has paid beside the price.
    """

    quantity: Decimal
    price: Decimal
    fees: Decimal
    paid: Decimal


class AccountBook:
    """Keep the cash, the positions and their marked value of one account."""

    __slots__ = (
        "_cash_value",
        "_entry_orders",
        "_next_trade_number",
        "_quantities",
        "_residue_value",
        "account",
        "cash",
        "positions",
        "residues",
        "values",
    )

    def __init__(
        self,
        account: Account,
        cash: Decimal,
        positions: Iterable[Position],
        next_trade_number: Callable[[], int],
        residues: Mapping[str, Residue] | None = None,
    ) -> None:
        self.account = account
        self.cash = cash
        self.positions: dict[str, Position] = {}
        self.residues = dict(residues or {})
        self._next_trade_number = next_trade_number
        # Cash, and what the residues are worth: both stand still from one price to the next.
        self._residue_value = sum(float(one.cost) for one in self.residues.values())
        self._cash_value = float(cash) + self._residue_value
        self._quantities: dict[str, float] = {}
        # What each position is worth at its last price.
        self.values: dict[str, float] = {}
        # The entry order whose exit plan a position has taken over last.
        self._entry_orders: dict[str, str] = {}
        for position in positions:
            self._put(position, float(position.entry_price))

    def apply(self, fill: Fill, order: Order, instrument: Instrument) -> BookChange:
        """Book one execution of an order; whoever calls has made sure that it is a new one."""
        # Not localcontext(): it copies the context each time.
        before = getcontext()
        setcontext(_EXACT)
        try:
            move = _move_of(fill, instrument)
            cash = self.cash - move.quantity * move.price - move.paid
            position, trade, realised = self._moved(move, fill, order, instrument)
        finally:
            setcontext(before)
        # Only here, so that a fill that cannot be booked changes nothing.
        self._set_cash(cash)
        if position is None:
            self._remove(fill.symbol)
        else:
            self._put(position, float(fill.price))
        return BookChange(position, trade, cash, realised)

    def write_off(self, symbol: str, price: Decimal, at: float, reason: str) -> Trade:
        """Close a position that is too small to be sold: what is left becomes a residue.

        The trade counts it as sold at this price; no cash comes of it.
        """
        held = self.positions[symbol]
        with localcontext(_EXACT):
            move = _Move(-held.quantity, price, _ZERO, _ZERO)
            trade = _closed(held, move, at, reason, self._next_trade_number)
            before = self.residues.get(symbol, Residue(_ZERO, _ZERO))
            self.residues[symbol] = Residue(
                before.quantity + held.quantity, before.cost + held.quantity * price
            )
            self._residue_value += float(held.quantity * price)
        self._set_cash(self.cash)
        self._remove(symbol)
        return trade

    def spend_residue(self, symbol: str, quantity: Decimal) -> None:
        """Take some of what is too small to be sold away: a fee was paid with it."""
        rest = self.residues.pop(symbol)
        with localcontext(_EXACT):
            left = rest.quantity - quantity
            cost = _QUOTIENT.divide(rest.cost * left, rest.quantity)
        if left:
            self.residues[symbol] = Residue(left, cost)
        self._residue_value += float(cost - rest.cost)
        self._set_cash(self.cash)

    def mark_residues(self, prices: Mapping[str, float]) -> None:
        """Value what is too small to be sold; what has no price stays at its cost."""
        self._residue_value = sum(
            float(one.quantity) * prices[symbol] if symbol in prices else float(one.cost)
            for symbol, one in self.residues.items()
        )
        self._set_cash(self.cash)

    def _set_cash(self, cash: Decimal) -> None:
        self.cash = cash
        self._cash_value = float(cash) + self._residue_value

    def add_cash(self, amount: Decimal) -> Decimal:
        """Book money that came or went although nothing was traded; return what there is now."""
        with localcontext(_EXACT):
            cash = self.cash + amount
        self._set_cash(cash)
        return cash

    def keep(self, position: Position) -> None:
        """Take over a position of which only the ways to leave it have changed."""
        held = self.positions.get(position.symbol)
        if held is None or held.quantity != position.quantity:
            found = "none" if held is None else held.quantity
            raise ValueError(f"{position.symbol}: holds {found}, not {position.quantity}")
        self.positions[position.symbol] = position

    def mark(self, symbol: str, price: float) -> tuple[float, float]:
        """Value a position at a price; return its value, 0 without one, and the equity then."""
        quantity = self._quantities.get(symbol)
        if quantity is None:
            return 0.0, self.equity()
        values = self.values
        value = values[symbol] = quantity * price
        return value, self._cash_value + (sum(values.values()) if len(values) > 1 else value)

    def held(self, symbol: str) -> tuple[float, float]:
        """Return what is held of a market, and the cash beside it, to value runs of prices by."""
        return self._quantities.get(symbol, 0.0), self._cash_value

    def equity(self) -> float:
        """Return cash and the marked value of all positions."""
        values = self.values
        return self._cash_value + sum(values.values()) if values else self._cash_value

    def exposure(self) -> float:
        """Return the gross marked value of all positions: long and short ones add up."""
        return sum(map(abs, self.values.values()))

    def value(self, symbol: str) -> float:
        """Return the marked value of a position, negative when short, or 0 without one."""
        return self.values.get(symbol, 0.0)

    def unrealised(self, symbol: str) -> float:
        """Return what is still held has gained since its entry, without fees."""
        position = self.positions.get(symbol)
        if position is None:
            return 0.0
        return self.values[symbol] - self._quantities[symbol] * float(position.entry_price)

    def open_profit(self, symbol: str) -> float:
        """Return the net profit of the open trade so far: taken and not yet taken, less fees."""
        position = self.positions.get(symbol)
        if position is None:
            return 0.0
        unrealised = self.values[symbol] - self._quantities[symbol] * float(position.entry_price)
        return unrealised + float(position.realised - position.fees)

    def _moved(
        self, move: _Move, fill: Fill, order: Order, instrument: Instrument
    ) -> tuple[Position | None, Trade | None, Decimal]:
        """Return what is held after a move, the trade that it closed, and what it realised."""
        held = self.positions.get(fill.symbol)
        if held is None:
            position = self._opened(move, fill, order, instrument) if move.quantity else None
            return position, None, _ZERO
        if not move.quantity or (move.quantity > 0) == (held.quantity > 0):
            return self._added(held, move, order, instrument), None, _ZERO
        if abs(move.quantity) < abs(held.quantity):
            reduced = _with_exit(held, move)
            return reduced, None, reduced.realised - held.realised
        closing, position = move, None
        if move.quantity != -held.quantity:
            closing, opening = _split(move, -held.quantity)
            position = self._opened(opening, fill, order, instrument)
        # Numbered last: what cannot be booked leaves no gap. And by closing: none comes late.
        reason = reason_of_exit(held, order, fill)
        trade = _closed(held, closing, fill.at, reason, self._next_trade_number)
        return position, trade, trade.gross - held.realised

    def _opened(self, move: _Move, fill: Fill, order: Order, instrument: Instrument) -> Position:
        self._entry_orders[fill.symbol] = order.id
        size, plan = abs(move.quantity), order.exit_plan or _NO_PLAN
        stop_price, target_price = first_exits(
            move.price, 1 if move.quantity > 0 else -1, plan, instrument.price_step
        )
        # By position, in the order of the fields: so many names would cost more than the rest.
        return Position(
            fill.account,
            fill.symbol,
            move.quantity,
            move.price,
            fill.at,
            order.instance,
            size,
            size * move.price,
            _ZERO,
            _ZERO,
            move.fees,
            _ZERO,
            stop_price,
            target_price,
            plan.trail,
            best_price=float(move.price),
        )

    def _added(self, held: Position, move: _Move, order: Order, instrument: Instrument) -> Position:
        is_new_order = self._entry_orders.get(held.symbol) != order.id
        self._entry_orders[held.symbol] = order.id
        added = _with_entry(held, move)
        if order.exit_plan is None:
            return added
        return follow_plan(
            held, added, order.exit_plan, instrument.price_step, is_new_order=is_new_order
        )

    def _put(self, position: Position, price: float) -> None:
        symbol = position.symbol
        self.positions[symbol] = position
        quantity = self._quantities[symbol] = float(position.quantity)
        self.values[symbol] = quantity * price

    def _remove(self, symbol: str) -> None:
        self.positions.pop(symbol, None)
        self._quantities.pop(symbol, None)
        self.values.pop(symbol, None)
        self._entry_orders.pop(symbol, None)


def profit_at(position: Position, price: Decimal) -> Decimal:
    """Return exactly what the open trade has earned at a price, net of its fees so far."""
    with localcontext(_EXACT):
        return _brought(position, position.side) + position.quantity * price - position.fees


def _move_of(fill: Fill, instrument: Instrument) -> _Move:
    quantity = fill.side.sign * fill.quantity
    if fill.fee_currency == instrument.base:
        # The venue keeps a part of the coins: less is held, and its worth is the fee.
        fees = fill.fee * fill.price
        return _Move(quantity - fill.fee, fill.price, fees, fees)
    if fill.fee_currency in ("", instrument.quote):
        return _Move(quantity, fill.price, fill.fee, fill.fee)
    # A fee in a third currency is paid from a holding that this book does not keep.
    return _Move(quantity, fill.price, fill.fee_worth or _ZERO, _ZERO)


def _split(move: _Move, closing: Decimal) -> tuple[_Move, _Move]:
    """Return the part that closes a position and the rest, which opens the next one."""
    fees = _QUOTIENT.divide(move.fees * closing, move.quantity)
    return (
        _Move(closing, move.price, fees, _ZERO),
        _Move(move.quantity - closing, move.price, move.fees - fees, _ZERO),
    )


# What a position has realised follows from its other figures, here and below: a rounded mean price
# so moves money between realised and unrealised; none is made or lost.


def _with_entry(held: Position, move: _Move) -> Position:
    size = abs(move.quantity)
    quantity = held.quantity + move.quantity
    cost = abs(held.quantity) * held.entry_price + size * move.price
    entry_price = _QUOTIENT.divide(cost, abs(quantity))
    entry_cost = held.entry_cost + size * move.price
    return replace(
        held,
        quantity=quantity,
        entry_price=entry_price,
        entry_quantity=held.entry_quantity + size,
        entry_cost=entry_cost,
        fees=held.fees + move.fees,
        realised=(held.exit_cost - entry_cost) * held.side.sign + quantity * entry_price,
    )


def _with_exit(held: Position, move: _Move) -> Position:
    size = abs(move.quantity)
    quantity = held.quantity + move.quantity
    exit_cost = held.exit_cost + size * move.price
    return replace(
        held,
        quantity=quantity,
        exit_quantity=held.exit_quantity + size,
        exit_cost=exit_cost,
        fees=held.fees + move.fees,
        realised=(exit_cost - held.entry_cost) * held.side.sign + quantity * held.entry_price,
    )


def _brought(position: Position, side: Side) -> Decimal:
    """Return what exits and entries came to, as if what is still held were worth nothing."""
    return (position.exit_cost - position.entry_cost) * side.sign


def _closed(
    held: Position, move: _Move, at: float, reason: str, number: Callable[[], int]
) -> Trade:
    """Return the trade that a position becomes by a move that takes all of it."""
    side, size = held.side, abs(move.quantity)
    exit_cost = held.exit_cost + size * move.price
    gross, fees = (exit_cost - held.entry_cost) * side.sign, held.fees + move.fees
    entry_price = _QUOTIENT.divide(held.entry_cost, held.entry_quantity)
    exit_price = _QUOTIENT.divide(exit_cost, held.exit_quantity + size)
    profit = gross - fees
    # By position, in the order of the fields: so many names would cost more than the rest.
    return Trade(
        number(),
        held.account,
        held.symbol,
        held.instance,
        side,
        held.entry_quantity,
        entry_price,
        exit_price,
        held.opened_at,
        at,
        gross,
        fees,
        profit,
        reason,
    )


def reason_of_exit(position: Position, order: Order, fill: Fill) -> str:
    """Say why a position is left; of a protective order, which of its two prices was reached."""
    if order.purpose is not Purpose.PROTECTION:
        return order.reason or position.closing or order.purpose.value
    target = order.limit_price
    # A sell at its target or above, a buy back at it or below.
    if target is not None and (target - fill.price) * order.side.sign >= 0:
        return "target"
    return "stop"
