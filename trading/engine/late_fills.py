"""Executions that are told after a person has answered what they explain: they count once.

What was executed before a look began is in what the look showed. Once a topic was adopted or
ignored as shown, such an execution moves nothing any more: what stood in for it is taken back, and
the execution itself is booked, with its own price, fee and order. It goes by the venue's clock and
ours: where a difference of both may have decided, the account is looked at at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from typing import Final

from trading.engine.command_call import NotPossibleError
from trading.engine.dealing import Dealer
from trading.engine.desks import AccountDesk
from trading.engine.difference_bookings import DifferenceBookings
from trading.engine.difference_desk import CLOCKS_S, DifferenceDesk
from trading.engine.transfers import Transfers
from trading.model.account import MarketType
from trading.model.difference import Answered, DifferenceKind, Gone, Topic
from trading.model.instrument import Instrument
from trading.model.order import Fill, Order, Purpose
from trading.model.values import replace

REASON: Final = "taken back: its execution came in late"
_ZERO: Final = Decimal(0)
_EXACT: Final = Context(prec=100)


@dataclass(frozen=True, slots=True)
class _Expected:
    """Hold how a book was before an execution is booked that an answer may have in it already."""

    figure: Decimal
    closing: str
    has_money: bool
    # The answer that is still to make room for it.
    answered: Answered | None


class LateFills:
    """Take back what stands in the book for an execution that is told late."""

    def __init__(
        self,
        differences: DifferenceDesk,
        bookings: DifferenceBookings,
        transfers: Transfers,
        desks: Mapping[str, AccountDesk],
        instruments: Mapping[str, Instrument],
        *,
        dealer: Dealer,
    ) -> None:
        self._differences = differences
        self._bookings = bookings
        self._transfers = transfers
        self._desks = desks
        self._instruments = instruments
        self._dealer = dealer
        self._expected: _Expected | None = None
        self._is_doubtful = False
        # Whether the coins that paid the fee of that execution are booked as gone already.
        self.has_fee = False

    def before(self, fill: Fill, order: Order | None = None) -> None:
        """Take in that an execution is about to be booked: the quantity makes room for it.

        One that the venue has forced is of no order of ours.
        """
        desk = self._desks[fill.account]
        self._expected, self.has_fee, self._is_doubtful = None, False, False
        if not self._differences.records.answered.get(desk.name):
            return
        held = desk.book.positions.get(fill.symbol)
        topic = self._topic_of(desk, fill.symbol)
        answered = self._contains(desk, topic, fill, order)
        coins = Topic(DifferenceKind.HOLDING, fill.fee_currency)
        self.has_fee = self._contains(desk, coins, fill, order) is not None
        has_room = answered is not None and self._has_room(desk, answered, fill, order)
        if answered is not None and has_room:
            self._make_room(desk, answered, fill)
        money = Topic(DifferenceKind.CASH, desk.account.currency)
        has_money = self._contains(desk, money, fill, order) is not None
        if answered is not None or has_money:
            # Without an answer about the money it still differs, and the execution explains it.
            self._expected = _Expected(
                self._bookings.figure(desk),
                "" if held is None else held.closing,
                has_money,
                None if has_room else answered,
            )

    def after(self, fill: Fill) -> None:
        """Take in that it was booked: the money makes room, and what was wanted is still so."""
        expected, self._expected = self._expected, None
        desk = self._desks[fill.account]
        if expected is not None:
            self._let_follow(desk, fill, expected)
        if expected is not None or self._is_doubtful:
            # Whether it agrees now is seen, not believed.
            self._differences.ask(desk.name)

    def _let_follow(self, desk: AccountDesk, fill: Fill, expected: _Expected) -> None:
        if expected.has_money:
            self._give_back(desk, self._bookings.figure(desk) - expected.figure)
        if expected.answered is not None:
            self._make_room(desk, expected.answered, fill)
        position = desk.book.positions.get(fill.symbol)
        if position is not None and expected.closing and not position.closing:
            self._dealer.keep_position(replace(position, closing=expected.closing))

    def gone(self, fill: Fill) -> Gone | None:
        """Return the position that it was of, if that was booked as gone since."""
        desk = self._desks[fill.account]
        answered = self._contains(desk, self._topic_of(desk, fill.symbol), fill, None)
        gone = None if answered is None else answered.gone
        return gone if gone is not None and gone.opened_at <= fill.at else None

    def _contains(
        self, desk: AccountDesk, topic: Topic, fill: Fill, order: Order | None
    ) -> Answered | None:
        """Return the answer that has an execution in it already, or None.

        How much of its order the look showed cannot tell: a look that shows more than was told is
        not taken, so that what comes late is in none of them.
        """
        answered = self._differences.answered(desk, topic)
        if answered is None:
            return None
        # A clock that is behind makes no older one of what was sent after the answer.
        if order is not None and order.created_at >= answered.at:
            return None
        self._is_doubtful |= abs(fill.at - answered.seen_at) <= CLOCKS_S
        return answered if fill.at < answered.seen_at else None

    def _topic_of(self, desk: AccountDesk, symbol: str) -> Topic:
        if desk.account.market_type is MarketType.SPOT:
            return Topic(DifferenceKind.HOLDING, self._instruments[symbol].base)
        return Topic(DifferenceKind.POSITION, symbol)

    def _move_of(self, fill: Fill) -> Decimal:
        with localcontext(_EXACT):
            kept = fill.fee if fill.fee_currency == self._instruments[fill.symbol].base else _ZERO
            return fill.side.sign * fill.quantity - kept

    def _has_room(
        self, desk: AccountDesk, answered: Answered, fill: Fill, order: Order | None
    ) -> bool:
        """Tell whether it can be taken back first: what was sold since is not sold short."""
        if order is None or order.purpose is not Purpose.ENTRY:
            return True
        held, move = desk.book.positions.get(answered.symbol), self._move_of(fill)
        return held is not None and held.quantity * move > 0 and abs(held.quantity) >= abs(move)

    def _make_room(self, desk: AccountDesk, answered: Answered, fill: Fill) -> None:
        move = self._move_of(fill)
        if answered.is_ignored:
            self._ignore_rest(desk, self._topic_of(desk, fill.symbol), move)
            return
        figure, equity = self._bookings.figure(desk), desk.book.equity()
        try:
            self._bookings.fill(desk, answered.symbol, -move, answered.price, REASON, hurries=False)
        except NotPossibleError:
            # Without a price nothing can be booked; the next look shows what is too much.
            return
        moved = self._bookings.figure(desk) - figure
        if desk.account.market_type is MarketType.SPOT:
            self._transfers.book(desk, -moved)
        else:
            self._transfers.shift_bases(desk, desk.book.equity() - equity)
            self._differences.move_cash_figure(desk.name, moved)

    def _give_back(self, desk: AccountDesk, moved: Decimal) -> None:
        topic = Topic(DifferenceKind.CASH, desk.account.currency)
        answered = self._differences.answered(desk, topic)
        if answered is not None and answered.is_ignored:
            self._ignore_rest(desk, topic, moved)
        elif moved:
            self._transfers.book(desk, -moved)

    def _ignore_rest(self, desk: AccountDesk, topic: Topic, move: Decimal) -> None:
        """Let an execution count as ours of what was said to be none of ours.

        One that goes the other way had hidden as much of that.
        """
        there = self._differences.ignored(desk, topic)
        if there and move:
            less = there if there * move > 0 and abs(move) > abs(there) else move
            self._differences.records.ignore(desk.name, topic, -less)
            self._differences.keep()
