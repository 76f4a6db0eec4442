"""The steps that an order takes whoever caused them: taken, lost, cancelled, executed, ended."""

from collections.abc import Iterable
from typing import Final

from trading.brokers.live.fill_book import FillBook
from trading.brokers.live.moment import Moment
from trading.brokers.live.order_shelf import OrderShelf
from trading.brokers.live.phases import Phase, PhaseTrigger
from trading.brokers.live.settings import LiveSettings
from trading.brokers.live.tracked import TrackedOrder, end_report, fill_of
from trading.brokers.venue import VenueFill, VenueOrder
from trading.model.report import FORCED, OrderAccepted, OrderFilled, OrderLost, Report

FILLS_MISSING: Final = "fills missing"
NOT_FOUND: Final = "executed in part, and not found yet"


class OrderSteps:
    """Move orders on, and note when executions are to be read because some are missing."""

    def __init__(
        self, account: str, settings: LiveSettings, shelf: OrderShelf, *, fills_since: float
    ) -> None:
        self._account = account
        self._settings = settings
        self._shelf = shelf
        self._fills = FillBook(fills_since)
        self.fills_due_at: float | None = None

    @property
    def fills_since(self) -> float:
        """Return from when on executions are to be read, in the venue's time."""
        lacking = [one.fills_from_at for one in self._shelf.open.values() if one.lacks_fills]
        return min([self._fills.since, *lacking])

    @property
    def fills_told(self) -> int:
        """Return how many executions were told so far."""
        return self._fills.told_count

    def know_fills_until(self, at: float) -> None:
        """Note that all executions until a time, the venue's own, were read."""
        self._fills.know_all_until(at)

    def need_fills(self, moment: Moment, wait_s: float = 0.0) -> None:
        """Have executions read soon."""
        due_at = moment.passed + wait_s
        if self.fills_due_at is None or due_at < self.fills_due_at:
            self.fills_due_at = due_at

    def look_again(self, tracked: TrackedOrder, moment: Moment) -> None:
        """Have an order looked up again, a little later each time."""
        settings = self._settings
        doubled = max(settings.find_first_s, tracked.look_step_s * 2)
        tracked.look_step_s = min(settings.find_longest_s, doubled)
        tracked.look_at = moment.passed + tracked.look_step_s

    def follow_cancel_wish(self, tracked: TrackedOrder, moment: Moment) -> None:
        """Have an order cancelled that is known to be there, if that is wanted."""
        if tracked.is_cancel_wanted and tracked.phase is Phase.LIVE:
            tracked.move(PhaseTrigger.CANCEL)
            tracked.cancel_at, tracked.cancel_step_s = moment.passed, 0.0

    def take(self, tracked: TrackedOrder, venue_id: str, moment: Moment) -> list[Report]:
        """Note that the venue has an order."""
        tracked.move(PhaseTrigger.TAKE)
        tracked.was_there, tracked.is_lost_told, tracked.absences = True, False, 0
        self._shelf.bind(tracked, venue_id)
        accepted = OrderAccepted(self._account, tracked.order.id, tracked.venue_id, moment.at)
        reports: list[Report] = [accepted, *self.place_again(moment)]
        if tracked.phase is Phase.LIVE and tracked.is_complete:
            self._shelf.settle(tracked)
        self.follow_cancel_wish(tracked, moment)
        return reports

    def lose(self, tracked: TrackedOrder, reason: str, moment: Moment) -> list[Report]:
        """Note that nobody knows what became of an order, and have it looked up."""
        if tracked.phase is not Phase.UNCLEAR:
            tracked.move(PhaseTrigger.LOSE)
        tracked.cancel_at = None
        if tracked.look_at is None and tracked.ending is None:
            tracked.look_at, tracked.look_step_s = moment.passed, 0.0
        if tracked.is_lost_told:
            return []
        tracked.is_lost_told = True
        return [OrderLost(self._account, tracked.order.id, reason, moment.at)]

    def tell_still_lost(self, moment: Moment) -> list[Report]:
        """Tell again what is still looked up although a part of it was executed."""
        reports: list[Report] = []
        for tracked in list(self._shelf.open.values()):
            if tracked.phase is Phase.UNCLEAR and not tracked.is_lost_told:
                reason = FILLS_MISSING if tracked.ending is not None else NOT_FOUND
                reports += self.lose(tracked, reason, moment)
        return reports

    def note_shown(self, tracked: TrackedOrder, shown: VenueOrder, moment: Moment) -> None:
        """Note that the venue shows an order, and how much of it was executed."""
        self._shelf.bind(tracked, shown.venue_id)
        tracked.was_there, tracked.absences = True, 0
        tracked.seen_filled = max(tracked.seen_filled, shown.filled)
        if tracked.seen_filled > tracked.known:
            self.need_fills(moment)

    def try_end(self, tracked: TrackedOrder, asked: Moment, moment: Moment) -> list[Report]:
        """Say goodbye to a closed order, unless executions of it are still missing."""
        shown = tracked.ending
        assert shown is not None, "only a closed order ends"
        is_ahead = tracked.known > shown.filled and not tracked.is_complete
        if is_ahead and not tracked.surplus_looks:
            # The executions are ahead of the order: look once more, perhaps there are others.
            tracked.surplus_looks += 1
            tracked.ending, tracked.look_at = None, moment.passed
            return []
        if tracked.known >= shown.filled:
            self._shelf.settle(tracked)
            report = end_report(tracked, shown, moment)
            return [] if report is None else [report]
        if asked.passed - tracked.ended_at < self._settings.fills_patience_s:
            # Later each time: they cost more than most reads.
            waited_s = moment.passed - tracked.ended_at
            self.need_fills(moment, max(self._settings.find_first_s, waited_s))
            return []
        # From now on with patience; the venue may also correct what it says of the order.
        self.need_fills(moment, self._settings.find_longest_s)
        tracked.look_at = moment.passed + self._settings.find_longest_s
        return self.lose(tracked, FILLS_MISSING, moment)

    def take_in_fills(
        self, fills: Iterable[VenueFill], asked: Moment, moment: Moment
    ) -> list[Report]:
        """Tell the executions that were not told yet."""
        if self.fills_due_at is not None and self.fills_due_at <= asked.passed:
            # What was wanted after this was asked is still to be read.
            self.fills_due_at = None
        return self._tell(self._fills.take_new(fills, moment.at), moment)

    def place_again(self, moment: Moment) -> list[Report]:
        """Tell the executions whose order has become known."""
        while self._shelf.mistaken:
            self._fills.untell(self._shelf.mistaken.pop())
        return self._tell(self._fills.unplaced, moment)

    def _tell(self, fills: Iterable[VenueFill], moment: Moment) -> list[Report]:
        reports: list[Report] = []
        for fill in fills:
            tracked = self._shelf.get(fill.client_id) or self._shelf.find_by_venue_id(fill.venue_id)
            order_id = tracked.order.id if tracked is not None else fill.client_id
            if fill.is_forced and (tracked is None or tracked.is_foreign):
                order_id = f"{FORCED}{fill.venue_id}"
            if not order_id:
                self._fills.note_unplaced(fill)
                continue
            self._fills.note_told(fill, is_foreign=tracked is not None and tracked.is_foreign)
            reports.append(OrderFilled(fill_of(self._account, order_id, fill)))
            if tracked is not None:
                self._note_execution(tracked, fill, moment)
        return reports

    def _note_execution(self, tracked: TrackedOrder, fill: VenueFill, moment: Moment) -> None:
        tracked.told += fill.quantity
        tracked.was_there, tracked.absences = True, 0
        self._shelf.bind(tracked, fill.venue_id)
        # The engine takes an order that is executed for one that is known.
        tracked.is_lost_told = False
        if tracked.phase is Phase.QUEUED:
            # Whatever was said of it, the venue has it: it is not sent again.
            tracked.move(PhaseTrigger.TAKE)
        if tracked.is_watched and tracked.is_complete:
            self._shelf.settle(tracked)
        elif tracked.phase is Phase.UNCLEAR and tracked.ending is None:
            tracked.look_at, tracked.look_step_s = moment.passed, 0.0
