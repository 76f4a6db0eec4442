"""What is done about a difference on a person's word: adopted, closed, or left alone for good.

Coins that are adopted were paid by nobody here: they come as a deposit in kind, at the last
price, and go as a withdrawal in kind. A position that is kept apart is taken over at the venue's
own entry price. Nothing here sends an order but by the one way that all orders go.
"""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Final

from trading.engine.announcer import Announcer
from trading.engine.command_call import NotPossibleError
from trading.engine.dealing import Dealer
from trading.engine.desks import AccountDesk
from trading.engine.difference_bookings import DifferenceBookings
from trading.engine.difference_desk import DifferenceDesk
from trading.engine.found_orders import id_of, instance_of, may_open, order_found, purpose_of
from trading.engine.journal import Journal
from trading.engine.transfers import Transfers
from trading.model.difference import Choice, Difference, DifferenceKind, OpenDifference
from trading.model.order import Order, OrderIntent, Purpose
from trading.model.venue_news import OpenOrderSeen
from trading.reports import difference_alerts as alerts
from trading.reports.numbers import quantity_text
from trading.risk.refusal import Refusal

Act = Callable[[OpenDifference, AccountDesk, str], str]
_ZERO: Final = Decimal(0)


class DifferenceAnswers:
    """Carry out answers."""

    def __init__(
        self,
        differences: DifferenceDesk,
        bookings: DifferenceBookings,
        transfers: Transfers,
        *,
        desks: Mapping[str, AccountDesk],
        dealer: Dealer,
        journal: Journal,
        announcer: Announcer,
        instances: Iterable[str] = (),
    ) -> None:
        self._differences = differences
        self._bookings = bookings
        self._transfers = transfers
        self._desks = desks
        self._dealer = dealer
        self._journal = journal
        self._announcer = announcer
        self._instances = tuple(instances)
        self._acts: Mapping[tuple[DifferenceKind, Choice], Act] = {
            (DifferenceKind.ORDER, Choice.ADOPT): self._adopt_order,
            (DifferenceKind.ORDER, Choice.CLOSE): self._cancel_order,
            (DifferenceKind.HOLDING, Choice.ADOPT): self._adopt,
            (DifferenceKind.HOLDING, Choice.CLOSE): self._close,
            (DifferenceKind.POSITION, Choice.ADOPT): self._adopt,
            (DifferenceKind.POSITION, Choice.CLOSE): self._close,
            (DifferenceKind.CASH, Choice.ADOPT): self._adopt_cash,
        }
        differences.take_up = self.take_up

    def answer(self, number: int, choice: Choice, author: str, shown: Decimal) -> str:
        """Do what a person wants done about a difference of the size that they were shown.

        NotPossibleError says why not.
        """
        one = self._differences.records.open.get(number)
        if one is None:
            raise NotPossibleError(
                f"no difference {number} is open; /reconcile shows those that are"
            )
        if why := self._differences.why_not_yet(one):
            raise NotPossibleError(f"difference {number}: {why}; try again in a moment")
        if choice not in one.difference.choices:
            allowed = " or ".join(one.difference.choices)
            raise NotPossibleError(f"{choice} is no answer to this one; allowed {allowed}")
        if self._differences.ask_again_if_moved(one, shown):
            was, now = quantity_text(shown), quantity_text(one.difference.amount)
            raise NotPossibleError(
                f"difference {number} is {now} now, and {was} was shown: nothing was done,"
                " and it is asked about again"
            )
        desk = self._desks[one.account]
        act = self._ignore if choice is Choice.IGNORE else self._acts[one.topic.kind, choice]
        what = act(one, desk, author)
        self._differences.settle(number)
        self._announcer.tell(alerts.difference_settled(one, desk.account, choice, author, what))
        # Whether it agrees now is seen, not believed.
        self._differences.ask(one.account)
        return what

    def take_up(self, desk: AccountDesk, seen: OpenOrderSeen) -> None:
        """Take over an open order that bears an id of ours and that the store has not open."""
        known = self._dealer.orders.get(seen.order_id)
        at = self._bookings.now
        if known is not None:
            # It was given up here, and what it was for was done by another one since.
            self._journal.cancel(desk.name, known.id)
            what = f"it is {known.state.value} here, so it is cancelled there"
            self._announcer.tell(alerts.order_adopted(known, desk.account, what, at))
            return
        instance = instance_of(seen, self._instances)
        purpose = self._purpose_of(desk, seen)
        order = order_found(desk.name, seen, purpose, at, instance=instance, reason="found again")
        what = "the store had lost it; it is followed again"
        try:
            self._follow(order, with_plan=purpose is Purpose.ENTRY)
        except NotPossibleError as error:
            self._journal.cancel(desk.name, order.id)
            what = f"the store had lost it, and it is cancelled there: {error}"
        self._announcer.tell(alerts.order_adopted(order, desk.account, what, at))

    def _purpose_of(self, desk: AccountDesk, seen: OpenOrderSeen) -> Purpose:
        orders = self._dealer.orders.open_orders(desk.markets[seen.symbol])
        held, can_short = desk.book.positions.get(seen.symbol), desk.account.can_short
        return purpose_of(seen, held, orders, can_short=can_short)

    def _follow(self, order: Order, *, with_plan: bool) -> None:
        """Take up an order, with the exits of the position that it may open."""
        order = self._bookings.with_plan(order) if with_plan else order
        self._dealer.orders.add(order)
        self._dealer.touched[order.key] = None

    def _adopt_order(self, one: OpenDifference, desk: AccountDesk, author: str) -> str:
        seen = one.difference.order
        assert seen is not None, "a difference about an order has it"
        self._check_market(desk, seen.symbol)
        if self._dealer.orders.knows(id_of(seen)):
            raise NotPossibleError("it had ended here before it came back: close or ignore it")
        purpose = self._purpose_of(desk, seen)
        if purpose is not Purpose.ENTRY:
            purpose = Purpose.EXIT
            if seen.symbol not in desk.book.positions:
                raise NotPossibleError(
                    f"it sells {seen.symbol}, of which this bot holds nothing: close or ignore it"
                )
        order = order_found(
            desk.name,
            seen,
            purpose,
            self._bookings.now,
            author=author,
            reason=f"adopted by {author}",
        )
        self._follow(order, with_plan=may_open(seen, can_short=desk.account.can_short))
        what = "an entry" if purpose is Purpose.ENTRY else "a way out"
        return f"kept as a person's order, id {order.id}; it counts as {what}"

    def _cancel_order(self, one: OpenDifference, desk: AccountDesk, _author: str) -> str:
        seen = one.difference.order
        assert seen is not None, "a difference about an order has it"
        self._journal.cancel(desk.name, id_of(seen))
        return f"the venue is asked to cancel order {seen.venue_id or seen.order_id}"

    def _adopt(
        self, one: OpenDifference, desk: AccountDesk, author: str, *, is_leaving: bool = False
    ) -> str:
        self._check_market(desk, one.symbol)
        before = self._bookings.figure(desk)
        done = self._bookings.adopt(desk, one.difference, author, is_leaving=is_leaving)
        # A booking that moves the figure is no news about the money.
        self._differences.move_cash_figure(desk.name, self._bookings.figure(desk) - before)
        return done

    def _close(self, one: OpenDifference, desk: AccountDesk, author: str) -> str:
        """Adopt, so that the book has what there is, and then leave what nobody wants."""
        held = desk.book.positions.get(one.symbol)
        self._adopt(one, desk, author, is_leaving=True)
        position = desk.book.positions.get(one.symbol)
        if position is None:
            return "nothing is left of it"
        if position.closing:
            return f"closing all {quantity_text(abs(position.quantity))} {one.symbol}"
        reason = f"/reconcile by {author}"
        if held is None or one.difference.is_missing:
            self._dealer.close(position, reason)
            return f"closing {quantity_text(abs(position.quantity))} {one.symbol} at the market"
        surplus = abs(position.quantity) - abs(held.quantity)
        intent = OrderIntent(
            desk.name,
            one.symbol,
            position.side.opposite,
            Purpose.EXIT,
            quantity=surplus,
            instance=position.instance,
            author=author,
            reason=reason,
            is_forced=True,
        )
        made = self._dealer.place(intent)
        if isinstance(made, Refusal):
            return f"adopted, but not closed: {made.text}"
        return f"closing {quantity_text(made.quantity)} {one.symbol} at the market"

    def _adopt_cash(self, one: OpenDifference, desk: AccountDesk, _author: str) -> str:
        amount = one.difference.amount
        self._transfers.book(desk, amount)
        self._differences.note_answered(desk, one.topic, "", _ZERO)
        what = "a withdrawal" if amount < 0 else "a deposit"
        return f"{quantity_text(abs(amount))} {one.topic.name} booked as {what}"

    def _ignore(self, one: OpenDifference, desk: AccountDesk, _author: str) -> str:
        difference: Difference = one.difference
        is_order = difference.topic.kind is DifferenceKind.ORDER
        self._differences.ignore(desk, difference.topic, _ZERO if is_order else difference.amount)
        return f"none of this bot's: {alerts.difference_text(difference)}"

    @staticmethod
    def _check_market(desk: AccountDesk, symbol: str) -> None:
        if symbol not in desk.markets:
            raise NotPossibleError(f"this bot does not trade {symbol}: close or ignore it")
