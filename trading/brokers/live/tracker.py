"""Every order of one account that has not ended, from its place in the queue to its known end.

It is told what is wanted and what the venue answers and shows, and says what to report and what to
do next. All executions of an order are reported before its end. Pure: no venue, clock or thread.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from trading.brokers.live.fill_book import OVERLAP_S
from trading.brokers.live.moment import Moment
from trading.brokers.live.order_shelf import OrderShelf
from trading.brokers.live.order_steps import OrderSteps
from trading.brokers.live.phases import Phase, PhaseTrigger
from trading.brokers.live.settings import LiveSettings
from trading.brokers.live.sightings import Sightings
from trading.brokers.live.tracked import TrackedOrder
from trading.brokers.venue import (
    CancelAnswer,
    CancelOutcome,
    FailureKind,
    Refused,
    SubmitAnswer,
    Taken,
    Unclear,
    VenueFill,
    VenueOrder,
)
from trading.model.order import Order, OrderType
from trading.model.order_states import ENDED, OrderState
from trading.model.report import OrderCancelled, OrderRejected, Report

STOPPED_BEFORE: Final = "the bot stopped before the exchange's answer was known"
CANCELLED_UNSENT: Final = "cancelled before it was sent"
_WAITING: Final = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.BRACKET})
# One order that a venue does not know, or shows in a way that cannot be read, fails all others.
_FOR_ONE_OF_THEM: Final = frozenset({FailureKind.REFUSED, FailureKind.BAD_ANSWER})
_UNKNOWN_AT_START: Final = frozenset({OrderState.NEW, OrderState.SENT, OrderState.UNKNOWN})


class OrderTracker:
    """Follow the orders of one account."""

    def __init__(self, account: str, settings: LiveSettings, *, fills_since: float) -> None:
        self._account = account
        self._settings = settings
        self.shelf = OrderShelf()
        self._steps = OrderSteps(account, settings, self.shelf, fills_since=fills_since)
        self._sightings = Sightings(account, settings, self.shelf, self._steps)

    def set_deadline(self, deadline_s: float | None) -> None:
        """Say after what time the venue refuses an order by itself because it came too late."""
        self._sightings.deadline_s = deadline_s

    # The next look-up is the shelf's; these are the other things to do next.

    @property
    def fills_due_at(self) -> float | None:
        """Return when executions are to be read because some are missing; None: not at all."""
        return self._steps.fills_due_at

    @property
    def fills_since(self) -> float:
        """Return from when on executions are to be read, in the venue's time."""
        return self._steps.fills_since

    def know_fills_until(self, at: float) -> None:
        """Note that all executions until a time, the venue's own, were read."""
        self._steps.know_fills_until(at)

    @property
    def fills_told(self) -> int:
        """Return how many executions were told so far."""
        return self._steps.fills_told

    @property
    def cancels_due_at(self) -> float | None:
        """Return when the next cancel is to be asked for; None: none is."""
        times = [one.cancel_at for one in self.shelf.cancelling if one.cancel_at is not None]
        return min(times, default=None)

    def take_due_cancels(self, now: float) -> Sequence[str]:
        """Return the orders whose cancel is to be asked for now, each until it is answered."""
        due = [one for one in self.shelf.cancelling if one.cancel_at is not None]
        due = [one for one in due if one.cancel_at is not None and one.cancel_at <= now]
        for tracked in due:
            tracked.cancel_at = None
        return [one.order.id for one in due]

    # What the engine wants.

    def restore(self, orders: Iterable[Order], moment: Moment) -> list[Report]:
        """Take up what was saved; whatever may have been sent is lost until it is found."""
        reports: list[Report] = []
        for order in orders:
            tracked = TrackedOrder(
                order, Phase.LIVE, moment.passed, moment.passed, order.created_at - OVERLAP_S
            )
            tracked.saved = order.filled
            self.shelf.file(tracked)
            if order.state in ENDED:
                self.shelf.settle(tracked)
                continue
            tracked.look_at = moment.passed
            tracked.is_cancel_wanted = order.is_cancelling
            if order.state in _UNKNOWN_AT_START:
                reports += self._steps.lose(tracked, STOPPED_BEFORE, moment)
            else:
                tracked.was_there = True
                self._steps.follow_cancel_wish(tracked, moment)
        return reports

    def add(self, order: Order, moment: Moment) -> None:
        """Take up a new order, which waits to be sent."""
        fills_from_at = min(order.created_at, moment.at) - OVERLAP_S
        self.shelf.file(
            TrackedOrder(order, Phase.QUEUED, moment.passed, moment.passed, fills_from_at)
        )

    def begin_send(self, order_id: str) -> Order | None:
        """Return an order that is sent now; None when it is not to be sent, or not any more."""
        tracked = self.shelf.open.get(order_id)
        if tracked is None or tracked.phase is not Phase.QUEUED:
            return None
        tracked.move(PhaseTrigger.SEND)
        return tracked.order

    def refuse(self, order_id: str, reason: str, moment: Moment) -> list[Report]:
        """Let an order go that was not sent and never will be."""
        tracked = self.shelf.open.get(order_id)
        if tracked is None or tracked.phase is not Phase.QUEUED:
            return []
        self.shelf.settle(tracked)
        return [OrderRejected(self._account, order_id, reason, moment.at)]

    def ask_cancel(self, order_id: str, moment: Moment) -> list[Report]:
        """Want an order cancelled: at once, or as soon as it is known to be there."""
        tracked = self.shelf.open.get(order_id)
        if tracked is None:
            return []
        if tracked.phase is Phase.QUEUED:
            self.shelf.settle(tracked)
            return [OrderCancelled(self._account, order_id, CANCELLED_UNSENT, moment.at)]
        tracked.is_cancel_wanted = True
        self._steps.follow_cancel_wish(tracked, moment)
        return []

    # What the venue answers.

    def answered(self, order_id: str, answer: SubmitAnswer, moment: Moment) -> list[Report]:
        """Take in the answer to an order that was sent."""
        tracked = self.shelf.open[order_id]
        # Whatever was asked before this answer is out of date.
        tracked.sent_at = tracked.acted_at = moment.passed
        if isinstance(answer, Taken) and tracked.order.type in _WAITING:
            # Polls tell when it is triggered: the budget is for what needs a stop.
            return self._steps.take(tracked, answer.venue_id, moment)
        self._steps.need_fills(moment)
        if isinstance(answer, Taken):
            return self._taken(tracked, answer, moment)
        if tracked.is_complete:
            # All of it was executed meanwhile, whatever the answer says.
            return self._steps.take(tracked, tracked.venue_id, moment)
        if isinstance(answer, Refused) and not (tracked.told or tracked.was_there):
            self.shelf.settle(tracked)
            return [OrderRejected(self._account, order_id, answer.reason, moment.at)]
        return self._steps.lose(tracked, answer.reason, moment)

    def _taken(self, tracked: TrackedOrder, answer: Taken, moment: Moment) -> list[Report]:
        reports = self._steps.take(tracked, answer.venue_id, moment)
        if tracked.phase is Phase.LIVE and tracked.order.type is OrderType.MARKET:
            # If it was not executed at once it is looked up, and not left to the polls.
            self._steps.look_again(tracked, moment)
        return reports

    def postpone(self, order_id: str, reason: str, moment: Moment) -> list[Report]:
        """Have an order wait again that was definitely refused, but for a passing reason."""
        tracked = self.shelf.open[order_id]
        if tracked.told or tracked.was_there:
            return self.answered(order_id, Unclear(reason), moment)
        tracked.move(PhaseTrigger.POSTPONE)
        return self.ask_cancel(order_id, moment) if tracked.is_cancel_wanted else []

    def cancel_answered(self, order_id: str, answer: CancelOutcome, moment: Moment) -> list[Report]:
        """Take in the answer to a cancel; what became of the order is looked up if not shown."""
        tracked = self.shelf.open.get(order_id)
        if tracked is None:
            return []
        tracked.acted_at = moment.passed
        if isinstance(answer, VenueOrder):
            # Nothing that is asked later can say more: it comes from where the order was ended.
            return self.found(order_id, answer, moment, moment)
        self._look_after_cancel(tracked, answer, moment)
        return []

    def _look_after_cancel(
        self, tracked: TrackedOrder, answer: CancelAnswer, moment: Moment
    ) -> None:
        tracked.look_at, tracked.look_step_s = moment.passed, 0.0
        if tracked.phase is not Phase.CANCELLING:
            return
        # It is asked for again while the order is still shown: soon, if nobody knows it was heard.
        settings = self._settings
        doubled = max(settings.cancel_first_s, tracked.cancel_step_s * 2)
        tracked.cancel_step_s = min(settings.cancel_longest_s, doubled)
        wait_s = tracked.cancel_step_s
        if answer is CancelAnswer.UNCLEAR:
            wait_s = settings.cancel_first_s
        tracked.cancel_at = moment.passed + wait_s

    # What the venue shows.

    def saw_open(self, shown: Iterable[VenueOrder], asked: Moment, moment: Moment) -> list[Report]:
        """Take in the list of open orders that was asked for at a moment."""
        reports = self._sightings.saw_open(shown, asked, moment)
        return reports + self._steps.tell_still_lost(moment)

    def found(
        self, order_id: str, shown: VenueOrder | None, asked: Moment, moment: Moment
    ) -> list[Report]:
        """Take in what a look-up of an order, asked for at a moment, has shown."""
        tracked = self.shelf.get(order_id)
        if tracked is None:
            return []
        reports = self._sightings.found(tracked, shown, asked, moment)
        return reports + self._steps.tell_still_lost(moment)

    def found_some(
        self,
        asked_for: Iterable[Order],
        shown: Iterable[VenueOrder],
        asked: Moment,
        moment: Moment,
    ) -> list[Report]:
        """Take in what a look-up of several orders has shown; one it left out is found alone."""
        by_id = {one.venue_id: one for one in shown}
        reports: list[Report] = []
        for order in asked_for:
            if one := by_id.get(order.venue_id):
                reports += self.found(order.id, one, asked, moment)
            else:
                self._find_with_fewer(order.id, 1)
        return reports

    def find_failed(self, orders: Sequence[Order], failure: FailureKind, moment: Moment) -> None:
        """Look orders up again later: nobody could say anything about them."""
        for order in orders:
            tracked = self.shelf.get(order.id)
            if tracked is not None and tracked.look_at is not None:
                self._steps.look_again(tracked, moment)
            if failure in _FOR_ONE_OF_THEM:
                self._find_with_fewer(order.id, max(1, len(orders) // 2))

    def _find_with_fewer(self, order_id: str, count_max: int) -> None:
        tracked = self.shelf.get(order_id)
        if tracked is not None:
            tracked.find_at_once = count_max

    def saw_fills(self, fills: Iterable[VenueFill], asked: Moment, moment: Moment) -> list[Report]:
        """Take in executions that were asked for at a moment."""
        reports = self._sightings.saw_fills(fills, asked, moment)
        return reports + self._steps.tell_still_lost(moment)
