"""What follows from what a venue shows of orders: a list, a look-up, executions.

It concludes from no list and from no single look. A list may be older than the order that it
lacks, and a look-up may ask a copy that is behind; what was asked before something was done about
an order says nothing about it.
"""

from collections.abc import Iterable
from typing import Final

from trading.brokers.live.fill_book import OVERLAP_S
from trading.brokers.live.moment import Moment
from trading.brokers.live.order_shelf import OrderShelf
from trading.brokers.live.order_steps import OrderSteps
from trading.brokers.live.phases import Phase, PhaseTrigger
from trading.brokers.live.settings import LiveSettings
from trading.brokers.live.tracked import FIND_AT_ONCE_MAX, TrackedOrder, order_of
from trading.brokers.venue import VenueFill, VenueOrder, VenueOrderState
from trading.model.order import OrderType
from trading.model.report import NEVER_REACHED, OrderCancelled, Report

FOREIGN_MAX: Final = 1_000
ABSENCES_MIN: Final = 2
NEVER_THERE: Final = NEVER_REACHED
GONE: Final = "the exchange has it no longer"
NOT_SHOWN: Final = "the exchange does not show it"


class Sightings:
    """Take in what the venue shows."""

    def __init__(
        self, account: str, settings: LiveSettings, shelf: OrderShelf, steps: OrderSteps
    ) -> None:
        self._account = account
        self._settings = settings
        self._shelf = shelf
        self._steps = steps
        # Set when the venue is known: what it refuses by itself because it came too late.
        self.deadline_s: float | None = None

    def saw_open(self, shown: Iterable[VenueOrder], asked: Moment, moment: Moment) -> list[Report]:
        """Take in the list of open orders that was asked for at a moment."""
        reports: list[Report] = []
        seen: set[str] = set()
        for one in shown:
            tracked = self._shelf.find(one) or self._take_in_foreign(one, moment)
            if tracked is not None:
                seen.add(tracked.order.id)
                reports += self._shown_open(tracked, one, moment)
        for tracked in self._shelf.open.values():
            is_missing = tracked.is_watched and tracked.order.id not in seen
            if is_missing and tracked.acted_at <= asked.passed and tracked.look_at is None:
                self._look_for(tracked, moment)
        return reports + self._steps.place_again(moment)

    def found(
        self, tracked: TrackedOrder, shown: VenueOrder | None, asked: Moment, moment: Moment
    ) -> list[Report]:
        """Take in what a look-up of an order, asked for at a moment, has shown."""
        tracked.look_at = None
        if shown is not None:
            tracked.find_at_once = FIND_AT_ONCE_MAX
        self._shelf.trust(tracked)
        if tracked.phase is Phase.SENDING:
            return []
        if asked.passed < tracked.acted_at:
            tracked.look_at = moment.passed
            return []
        if shown is None:
            return self._absent(tracked, asked, moment)
        self._steps.note_shown(tracked, shown, moment)
        reports = self._steps.place_again(moment)
        if shown.state is VenueOrderState.OPEN:
            return reports + self._found_open(tracked, shown, moment)
        return reports + self._found_closed(tracked, shown, moment)

    def saw_fills(self, fills: Iterable[VenueFill], asked: Moment, moment: Moment) -> list[Report]:
        """Take in executions that were asked for at a moment."""
        reports = self._steps.take_in_fills(fills, asked, moment)
        for tracked in list(self._shelf.open.values()):
            if tracked.ending is not None:
                reports += self._steps.try_end(tracked, asked, moment)
            elif self._is_given_up(tracked, asked):
                self._shelf.settle(tracked)
                reason = GONE if tracked.was_there else NEVER_THERE
                reports.append(OrderCancelled(self._account, tracked.order.id, reason, moment.at))
        return reports

    def _look_for(self, tracked: TrackedOrder, moment: Moment) -> None:
        """Have an order looked up that a list lacks; executions, one read for all, come first."""
        tracked.look_at, tracked.look_step_s = moment.passed, 0.0
        if tracked.phase is Phase.LIVE:
            self._steps.need_fills(moment)
            tracked.look_at += self._settings.find_first_s

    def _take_in_foreign(self, shown: VenueOrder, moment: Moment) -> TrackedOrder | None:
        """Watch an order that is not from here: its end is told as that of any other."""
        if sum(one.is_foreign for one in self._shelf.open.values()) >= FOREIGN_MAX:
            return None
        order = order_of(self._account, shown)
        tracked = TrackedOrder(
            order, Phase.LIVE, moment.passed, moment.passed, shown.at - OVERLAP_S
        )
        tracked.is_foreign = tracked.was_there = True
        self._shelf.file(tracked)
        return tracked

    def _shown_open(self, tracked: TrackedOrder, shown: VenueOrder, moment: Moment) -> list[Report]:
        """Take in an order that a list of open orders has."""
        if tracked.phase is Phase.SETTLED:
            # It came back, or the list is older than its end: it is looked up.
            self._shelf.doubt(tracked, moment.passed)
            return []
        self._steps.note_shown(tracked, shown, moment)
        is_news = tracked.phase in (Phase.UNCLEAR, Phase.QUEUED) and tracked.ending is None
        return self._steps.take(tracked, shown.venue_id, moment) if is_news else []

    def _found_open(self, tracked: TrackedOrder, shown: VenueOrder, moment: Moment) -> list[Report]:
        if tracked.phase is Phase.SETTLED:
            if not (tracked.is_complete or tracked.ending is not None):
                self._shelf.bring_back(tracked)
            # Otherwise a copy that is behind: what has ended at a venue stays so.
            return []
        if tracked.ending is not None or tracked.phase is Phase.CANCELLING:
            self._steps.look_again(tracked, moment)
        elif tracked.phase in (Phase.UNCLEAR, Phase.QUEUED):
            return self._steps.take(tracked, shown.venue_id, moment)
        elif tracked.order.type is OrderType.MARKET:
            # It does not rest, and what it brings needs a stop: no poll is waited for.
            self._steps.look_again(tracked, moment)
        return []

    def _found_closed(
        self, tracked: TrackedOrder, shown: VenueOrder, moment: Moment
    ) -> list[Report]:
        if tracked.phase is Phase.SETTLED:
            if shown.filled <= tracked.known:
                return []
            # Executed after it was given up.
            self._shelf.bring_back(tracked)
        if tracked.phase is Phase.QUEUED:
            tracked.move(PhaseTrigger.TAKE)
        if tracked.ending is None:
            tracked.ended_at = moment.passed
        elif shown.filled < tracked.ending.filled:
            return []
        tracked.ending, tracked.cancel_at = shown, None
        return self._steps.try_end(tracked, moment, moment)

    def _absent(self, tracked: TrackedOrder, asked: Moment, moment: Moment) -> list[Report]:
        """Take in that a clean look did not find an order."""
        if tracked.phase in (Phase.SETTLED, Phase.QUEUED):
            return []
        self._steps.look_again(tracked, moment)
        if tracked.ending is not None:
            return []
        settled_at = tracked.sent_at + self._settle_s
        if asked.passed < settled_at:
            # It may be on its way, or not in the venue's index yet.
            wait_s = min(tracked.look_step_s, max(0.0, settled_at - moment.passed))
            tracked.look_at = moment.passed + wait_s
            return []
        tracked.absences += 1
        tracked.absent_at = asked.passed
        tracked.look_at = moment.passed + self._settings.find_first_s
        # One read of executions is enough for all that are looked up now.
        waits = [one.look_at for one in self._shelf.open.values() if one.look_at is not None]
        is_last = min(waits) > moment.passed
        self._steps.need_fills(moment, 0.0 if is_last else self._settings.find_first_s)
        return self._steps.lose(tracked, NOT_SHOWN, moment)

    def _is_given_up(self, tracked: TrackedOrder, asked: Moment) -> bool:
        """Tell whether two clean looks, and executions read after them, know nothing of it."""
        return (
            tracked.phase is Phase.UNCLEAR
            and tracked.absences >= ABSENCES_MIN
            and tracked.absent_at <= asked.passed
        )

    @property
    def _settle_s(self) -> float:
        if self.deadline_s is None:
            return self._settings.unknown_settle_s
        # The venue's clock may be behind ours by as much as is allowed.
        return self.deadline_s + self._settings.clock_skew_max_s
