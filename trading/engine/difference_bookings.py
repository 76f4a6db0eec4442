"""Bookings without an order: what is there becomes a position, what is gone leaves one.

The book and the store see a fill of an order that was never sent, so that positions, trades and
exits follow as from any other; only cash and the bases of the limits are set right afterwards.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from trading.engine.command_call import NotPossibleError
from trading.engine.dealing import Dealer
from trading.engine.desks import AccountDesk
from trading.engine.difference_desk import DifferenceDesk
from trading.engine.differences import cash_figure
from trading.engine.markets import Markets
from trading.engine.order_ids import OrderIds
from trading.engine.orders import sent
from trading.engine.transfers import Transfers
from trading.model.account import MarketType
from trading.model.difference import Difference, DifferenceKind, Gone
from trading.model.instrument import Instrument, round_to_step, to_decimal
from trading.model.order import ExitPlan, Fill, Order, OrderIntent, OrderType, Purpose, Side
from trading.model.report import OrderFilled
from trading.model.values import replace
from trading.reports.numbers import price_text, quantity_text
from trading.risk.exit_plan import ExitPlans
from trading.risk.refusal import Refusal

_ZERO: Final = Decimal(0)
OUTSIDE: Final = "changed outside"


class DifferenceBookings:
    """Book what a person has adopted."""

    def __init__(
        self,
        differences: DifferenceDesk,
        transfers: Transfers,
        dealer: Dealer,
        *,
        markets: Markets,
        instruments: Mapping[str, Instrument],
        ids: OrderIds,
        plans: ExitPlans,
    ) -> None:
        self._differences = differences
        self._transfers = transfers
        self._dealer = dealer
        self._markets = markets
        self._instruments = instruments
        self._ids = ids
        self._plans = plans

    @property
    def now(self) -> float:
        """Return the market time."""
        return self._markets.now

    def adopt(
        self, desk: AccountDesk, difference: Difference, author: str, *, is_leaving: bool = False
    ) -> str:
        """Bring the book in line with what the venue shows; say what was done.

        What is to be left anyway may be added to a position that is being closed.
        """
        if not (difference.is_missing or is_leaving):
            self._check_open(desk, difference.symbol)
        if difference.topic.kind is DifferenceKind.POSITION:
            return self._adopt_position(desk, difference, author)
        if difference.amount > 0:
            return self._adopt_coins(desk, difference, author)
        return self._drop_coins(desk, difference, author)

    @staticmethod
    def figure(desk: AccountDesk) -> Decimal:
        """Return what the venue should show for the account's cash."""
        apart = desk.account.market_type is not MarketType.SPOT
        held = desk.book.positions.values()
        return cash_figure(desk.book.cash, held, has_positions_apart=apart)

    def with_plan(self, order: Order) -> Order:
        """Return an entry with the exit plan that every position has."""
        price = order.limit_price or order.stop_price or self._price(order.symbol)
        return replace(order, exit_plan=self._plan(order, price))

    def _adopt_coins(self, desk: AccountDesk, difference: Difference, author: str) -> str:
        symbol, price = difference.symbol, self._price(difference.symbol)
        instrument = self._instruments[symbol]
        quantity = round_to_step(difference.amount, instrument.quantity_step)
        held = desk.book.positions.get(symbol)
        least = max(instrument.quantity_min, instrument.cost_min / price)
        if held is None and quantity < least:
            raise NotPossibleError(
                f"{quantity_text(quantity)} {instrument.base} is less than can be sold there"
                f" ({quantity_text(least)}): ignore it"
            )
        before = self.figure(desk)
        self.fill(desk, symbol, quantity, price, f"adopted by {author}")
        self._transfers.book(desk, before - self.figure(desk))
        self._differences.note_answered(desk, difference.topic, symbol, price)
        return f"{_quantity(quantity, instrument)} booked as a position at {price_text(price)}"

    def _drop_coins(self, desk: AccountDesk, difference: Difference, _author: str) -> str:
        """Take what is gone from what was never ours first, and then from positions."""
        instrument = self._instruments[difference.symbol]
        of_base = [
            (position, self._price(symbol))
            for symbol, position in desk.book.positions.items()
            if self._instruments[symbol].base == instrument.base
        ]
        missing = -difference.amount
        missing -= self._differences.forget_ignored(desk, difference.topic, missing)
        before, gone = self.figure(desk), _ZERO
        for position, price in of_base:
            taken = min(missing - gone, position.quantity)
            if taken > 0:
                self.fill(desk, position.symbol, -taken, price, OUTSIDE)
                gone += taken
        self._transfers.book(desk, before - self.figure(desk))
        for position, price in of_base[:1]:
            self._differences.note_answered(desk, difference.topic, position.symbol, price)
        return f"{_quantity(gone, instrument)} booked as {OUTSIDE}"

    def _adopt_position(self, desk: AccountDesk, difference: Difference, author: str) -> str:
        symbol, price = difference.symbol, self._price(difference.symbol)
        held = desk.book.positions.get(symbol)
        before = _ZERO if held is None else held.quantity
        # By how much, and not to how much: what was traded since the look stays as it is.
        move = difference.amount + self._differences.ignored(desk, difference.topic)
        entry = (difference.entry_price or price) if held is None else price
        equity = desk.book.equity()
        if move:
            self.fill(desk, symbol, move, entry, OUTSIDE if before else f"adopted by {author}")
            desk.book.mark(symbol, float(price))
            # What it has earned before it was ours is no profit of ours.
            self._transfers.shift_bases(desk, desk.book.equity() - equity)
        self._differences.forget_ignored(desk, difference.topic, None)
        gone = Gone(held.opened_at, held.entry_price) if held and difference.is_missing else None
        self._differences.note_answered(desk, difference.topic, symbol, entry, gone=gone)
        after = before + move
        shown = f"the book has {quantity_text(after)} {symbol} now"
        return f"{shown}, at {price_text(entry)}" if after else f"booked as {OUTSIDE}"

    def fill(
        self,
        desk: AccountDesk,
        symbol: str,
        move: Decimal,
        price: Decimal,
        reason: str,
        *,
        hurries: bool = True,
    ) -> None:
        """Book an execution of an order that goes nowhere; see `Dealer.book_outside`."""
        held = desk.book.positions.get(symbol)
        after = move if held is None else held.quantity + move
        is_entry = held is None or after * held.quantity < 0 or abs(after) > abs(held.quantity)
        order = Order(
            id=self._ids.next_id(desk.name, ""),
            account=desk.name,
            symbol=symbol,
            side=Side.BUY if move > 0 else Side.SELL,
            type=OrderType.MARKET,
            purpose=Purpose.ENTRY if is_entry else Purpose.EXIT,
            quantity=abs(move),
            created_at=self._markets.now,
            reduce_only=not is_entry,
            instance="" if held is None else held.instance,
            reason=reason,
        )
        if held is None or after * held.quantity < 0:
            order = replace(order, exit_plan=self._plan(order, price))
        order = sent(order, self._markets.now)
        self._dealer.orders.add(order)
        fill = Fill(
            f"book-{order.id}",
            desk.name,
            order.id,
            symbol,
            order.side,
            order.quantity,
            price,
            _ZERO,
            "",
            self._markets.now,
        )
        self._dealer.book_outside(OrderFilled(fill), hurries=hurries)

    def _plan(self, order: Order, price: Decimal) -> ExitPlan:
        intent = OrderIntent(order.account, order.symbol, order.side, Purpose.ENTRY)
        plan = self._plans.complete(intent, price, self._instruments[order.symbol])
        if isinstance(plan, Refusal):
            raise NotPossibleError(plan.text)
        return plan

    def _price(self, symbol: str) -> Decimal:
        price = self._markets.find(symbol).price
        if price is None or symbol not in self._instruments:
            raise NotPossibleError(f"{symbol} has no price yet; try again in a moment")
        return to_decimal(price)

    def _check_open(self, desk: AccountDesk, symbol: str) -> None:
        """Refuse to keep what would be sold with a position that is being closed."""
        held = desk.book.positions.get(symbol)
        if held is None or not held.closing:
            return
        why = self._dealer.stuck.reason_of(held.key)
        stuck = f", which is refused for now: {why}" if why else ""
        raise NotPossibleError(
            f"{symbol} is being closed ({held.closing}){stuck}. What is adopted now would be sold"
            " with it: answer close to have that, ignore to leave it alone, or adopt it once"
            " the position is closed"
        )


def _quantity(quantity: Decimal, instrument: Instrument) -> str:
    return f"{quantity_text(quantity)} {instrument.base}"
