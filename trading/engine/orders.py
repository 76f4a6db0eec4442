"""The orders of all accounts: every report moves one along its table, each fill counts once.

Keeps open orders by id and by market, and ended ones for a while, because a late or repeated
report must be told from a strange one. Every change goes into the journal.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from trading.engine.journal import Journal
from trading.errors import IllegalTransitionError
from trading.model.account import MarketKey
from trading.model.order import Fill, Order, Purpose
from trading.model.order_states import ENDED, OPEN, OrderState, OrderTrigger, advance_order
from trading.model.report import (
    OrderAccepted,
    OrderCancelled,
    OrderExpired,
    OrderFilled,
    OrderLost,
    OrderRejected,
    OrderTriggered,
    Report,
)
from trading.model.values import copier, quickly_made, replace

ENDED_KEPT_MAX: Final = 2_000
FILLS_KEPT_MAX: Final = 20_000
_TRIGGERS: Final[Mapping[type, OrderTrigger]] = {
    OrderAccepted: OrderTrigger.ACCEPT,
    OrderRejected: OrderTrigger.REJECT,
    OrderCancelled: OrderTrigger.CANCEL,
    OrderExpired: OrderTrigger.EXPIRE,
    OrderLost: OrderTrigger.LOSE,
}
# What every approved order becomes once it is sent, and at a venue that takes it in at once.
_SENT: Final = advance_order(OrderState.NEW, OrderTrigger.SEND)
_TAKEN: Final = advance_order(_SENT, OrderTrigger.ACCEPT)
# What most orders go through.
_accepted: Final = copier(Order, "state", "updated_at", "venue_id", "accepted_at")
_filled: Final = copier(Order, "state", "filled", "cost", "fees", "accepted_at", "updated_at")
_cancelled: Final = copier(Order, "state", "is_cancelling", "updated_at", "note")


@quickly_made
@dataclass(frozen=True, slots=True)
class OrderChange:
    """Tell what a report did: the order before and after, its market, and a new fill if any."""

    before: Order
    after: Order
    key: MarketKey
    fill: Fill | None = None


class OrderDesk:
    """Hold the orders of one bot."""

    def __init__(
        self,
        journal: Journal,
        orders: Iterable[Order] = (),
        fill_ids: Iterable[tuple[str, str]] = (),
    ) -> None:
        self._journal = journal
        # Asked for with each wish and each view: by id, oldest first.
        self.open: dict[str, Order] = {}
        self._by_key: dict[MarketKey, dict[str, Order]] = {}
        self._ended: OrderedDict[str, Order] = OrderedDict()
        self._fill_ids: OrderedDict[tuple[str, str], None] = OrderedDict.fromkeys(fill_ids)
        for order in orders:
            self._file(order, order.key)

    def add(self, order: Order) -> None:
        """Take up a new order; an id that is known is a bug."""
        if order.id in self.open or order.id in self._ended:
            raise IllegalTransitionError(f"order {order.id} exists already")
        self._journal.keep_order(order)
        self._file(order, order.key)

    def get(self, order_id: str) -> Order | None:
        """Return an order that is open or ended not long ago."""
        return self.open.get(order_id) or self._ended.get(order_id)

    def open_orders(self, key: MarketKey | None = None) -> Sequence[Order]:
        """Return the open orders of a market, or of all, oldest first."""
        if key is None:
            return list(self.open.values())
        found = self._by_key.get(key)
        return () if found is None else list(found.values())

    def open_of_account(self, account: str) -> Sequence[Order]:
        """Return the open orders of an account."""
        if not self.open:
            return ()
        return [one for one in self.open.values() if one.account == account]

    def knows_fill(self, fill: Fill) -> bool:
        """Tell whether an execution was booked."""
        return (fill.account, fill.fill_id) in self._fill_ids

    def knows(self, order_id: str) -> bool:
        """Tell whether an order has this id."""
        return order_id in self.open or order_id in self._ended

    @property
    def has_open(self) -> bool:
        """Tell whether any order is open."""
        return bool(self.open)

    def update(self, order: Order) -> None:
        """Take over an order as it is now."""
        self._journal.keep_order(order)
        self._file(order, order.key)

    def note_cancelling(self, order: Order, at: float) -> None:
        """Note that the venue was asked to cancel an order."""
        self.update(replace(order, is_cancelling=True, updated_at=at))

    def cancel(self, order: Order, reason: str, at: float) -> OrderChange:
        """Note that the venue was asked to cancel an order, and has done so at once."""
        state = advance_order(order.state, OrderTrigger.CANCEL)
        return self._change(order, _cancelled(order, state, True, at, reason))

    def apply(self, report: Report) -> OrderChange | None:
        """Take in what a venue says; None when it is a repeat or about no order of ours.

        Raises IllegalTransitionError for a report that the table does not allow.
        """
        if type(report) is OrderFilled:
            return self._apply_fill(report.fill)
        before = self.get(report.order_id)
        if before is None or before.account != report.account:
            return None
        if isinstance(report, OrderTriggered):
            return self._change(before, replace(before, is_triggered=True, updated_at=report.at))
        if before.state in ENDED:
            # What has ended stays ended; a second goodbye says nothing new.
            return None
        return self._change(before, _advanced(before, report))

    def _apply_fill(self, fill: Fill) -> OrderChange | None:
        before = self.open.get(fill.order_id) or self._ended.get(fill.order_id)
        fill_key = fill.account, fill.fill_id
        if before is None or before.account != fill.account or fill_key in self._fill_ids:
            return None
        self._fill_ids[fill_key] = None
        if len(self._fill_ids) > FILLS_KEPT_MAX:
            self._fill_ids.popitem(last=False)
        filled = before.filled + fill.quantity
        trigger = OrderTrigger.COMPLETE if filled >= before.quantity else OrderTrigger.FILL
        after = _filled(
            before,
            # More than was ordered is a venue's fault, but it is held all the same.
            before.state
            if before.state is OrderState.FILLED
            else advance_order(before.state, trigger),
            filled,
            before.cost + fill.price * fill.quantity,
            before.fees + fill.fee_cost,
            before.accepted_at if before.accepted_at is not None else fill.at,
            fill.at,
        )
        return self._change(before, after, fill)

    def _change(self, before: Order, after: Order, fill: Fill | None = None) -> OrderChange:
        key = after.key
        self._journal.keep_order(after)
        self._file(after, key)
        return OrderChange(before, after, key, fill)

    def _file(self, order: Order, key: MarketKey) -> None:
        order_id = order.id
        if order.state in OPEN:
            of_market = self._by_key.get(key)
            if of_market is None:
                of_market = self._by_key[key] = {}
            if order_id in self._ended:
                del self._ended[order_id]
            of_market[order_id] = self.open[order_id] = order
            return
        if self.open.pop(order_id, None) is not None:
            of_market = self._by_key[key]
            del of_market[order_id]
            if not of_market:
                del self._by_key[key]
        self._ended[order_id] = order
        if len(self._ended) > ENDED_KEPT_MAX:
            self._ended.popitem(last=False)


def open_entries(orders: Sequence[Order]) -> list[Order]:
    """Return the orders that may still raise risk."""
    return [one for one in orders if one.purpose is Purpose.ENTRY]


def moved(order: Order, trigger: OrderTrigger, at: float) -> Order:
    """Return an order one step further along the table."""
    return replace(order, state=advance_order(order.state, trigger), updated_at=at)


def sent(order: Order, at: float) -> Order:
    """Return an approved order as it is once it goes to its venue."""
    return replace(order, state=_SENT, updated_at=at)


def taken(order: Order, venue_id: str, at: float) -> Order:
    """Return an approved order as it is when its venue takes it in at once."""
    return _accepted(order, _TAKEN, at, venue_id, at)


def _advanced(order: Order, report: Report) -> Order:
    state, at = advance_order(order.state, _TRIGGERS[type(report)]), report.at
    if isinstance(report, OrderAccepted):
        return replace(
            order,
            state=state,
            updated_at=at,
            venue_id=report.venue_id or order.venue_id,
            accepted_at=order.accepted_at if order.accepted_at is not None else at,
        )
    if isinstance(report, OrderRejected | OrderCancelled | OrderLost):
        return replace(order, state=state, updated_at=at, note=report.reason)
    return replace(order, state=state, updated_at=at)
