"""One order of an account as its worker knows it, and the reports that follow from that."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from trading.brokers.live.moment import Moment
from trading.brokers.live.phases import Phase, PhaseTrigger, advance_phase
from trading.brokers.venue import VenueFill, VenueOrder, VenueOrderState
from trading.model.order import Fill, Order, Purpose
from trading.model.report import OrderCancelled, OrderExpired, OrderRejected, Report

# More than any venue shows at once.
FIND_AT_ONCE_MAX: Final = 1_000
_ZERO: Final = Decimal(0)


@dataclass(slots=True)
class TrackedOrder:
    """Hold what is known of an order; times are those of the monotonic clock.

    `told` is what was told of it in executions, `saved` what had been booked before the start,
    `seen_filled` the most that the venue itself said,
    `sent_at` when it was sent at the latest, `acted_at` when a request about it last ended.
    `look_at` is when it is to be looked up, `find_at_once` with how many others at the most,
    `cancel_at` when its cancel is to be asked for,
    `cancel_said` what was said to that last.
    `ending` is how the venue showed it once it was closed, `absences` how many clean looks in a
    row did not find it, the last of them asked at `absent_at`.
    """

    order: Order
    phase: Phase
    sent_at: float
    acted_at: float
    fills_from_at: float
    venue_id: str = ""
    told: Decimal = _ZERO
    saved: Decimal = _ZERO
    seen_filled: Decimal = _ZERO
    look_at: float | None = None
    look_step_s: float = 0.0
    find_at_once: int = FIND_AT_ONCE_MAX
    cancel_at: float | None = None
    cancel_step_s: float = 0.0
    cancel_said: str = ""
    is_cancel_wanted: bool = False
    was_there: bool = False
    is_lost_told: bool = False
    is_foreign: bool = False
    ending: VenueOrder | None = None
    ended_at: float = 0.0
    surplus_looks: int = 0
    absences: int = 0
    absent_at: float = 0.0

    def move(self, trigger: PhaseTrigger) -> None:
        """Move along the table of phases."""
        self.phase = advance_phase(self.phase, trigger)

    @property
    def is_watched(self) -> bool:
        """Tell whether the venue has it, or may have it."""
        return self.phase in (Phase.LIVE, Phase.UNCLEAR, Phase.CANCELLING)

    def can_be_found_with_others(self, now: float) -> bool:
        """Tell whether it is to be looked up now by the venue's id, and not alone."""
        is_due = self.look_at is not None and self.look_at <= now
        return is_due and bool(self.venue_id) and self.find_at_once > 1

    @property
    def known(self) -> Decimal:
        """Return how much of it the engine has booked at least.

        What was booked before the start may be told again or not, and counts only once.
        """
        return max(self.told, self.saved)

    @property
    def is_complete(self) -> bool:
        """Tell whether its executions make up all of it."""
        return self.known >= self.order.quantity

    @property
    def lacks_fills(self) -> bool:
        """Tell whether executions are missing, or may be."""
        return self.phase is Phase.UNCLEAR or self.seen_filled > self.known


def fill_of(account: str, order_id: str, fill: VenueFill) -> Fill:
    """Return an execution of an order as the engine books it."""
    return Fill(
        fill_id=fill.fill_id,
        account=account,
        order_id=order_id,
        symbol=fill.symbol,
        side=fill.side,
        quantity=fill.quantity,
        price=fill.price,
        fee=fill.fee,
        fee_currency=fill.fee_currency,
        at=fill.at,
        is_maker=fill.is_maker,
        fee_worth=fill.fee_worth,
    )


def order_of(account: str, shown: VenueOrder) -> Order:
    """Return an order that is not from here as one that can be watched and cancelled.

    Its id is its client id, or the venue's id where it has none.
    """
    return Order(
        id=shown.client_id or shown.venue_id,
        account=account,
        symbol=shown.symbol,
        side=shown.side,
        type=shown.type,
        purpose=Purpose.EXIT if shown.is_reduce_only else Purpose.ENTRY,
        quantity=shown.quantity,
        created_at=shown.at,
        limit_price=shown.limit_price,
        stop_price=shown.stop_price,
        reduce_only=shown.is_reduce_only,
        venue_id=shown.venue_id,
    )


def end_report(tracked: TrackedOrder, shown: VenueOrder, moment: Moment) -> Report | None:
    """Return the goodbye of an order whose executions were all told; None: they say it."""
    order, at = tracked.order, moment.at
    if tracked.is_complete:
        return None
    if shown.state is VenueOrderState.EXPIRED:
        return OrderExpired(order.account, order.id, at)
    if shown.state is VenueOrderState.REJECTED and not tracked.known:
        return OrderRejected(order.account, order.id, shown.note or "the exchange refused it", at)
    if shown.state is VenueOrderState.FILLED:
        # The venue sold less than was ordered, and takes that for all of it.
        part = f"the exchange filled {tracked.known:f} of {order.quantity:f}"
        return OrderCancelled(order.account, order.id, shown.note or part, at)
    return OrderCancelled(order.account, order.id, shown.note or "cancelled", at)
