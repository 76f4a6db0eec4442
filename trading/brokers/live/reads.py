"""The reads of one account: what each asks, and how its answer is taken in and told.

A read may be asked on a thread of its own; its answer is applied on the worker's.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from daemonkit.clock import Clock
from trading.brokers.live.fill_book import OVERLAP_S
from trading.brokers.live.moment import Moment, moment_of
from trading.brokers.live.settings import RequestKind
from trading.brokers.live.tracked import TrackedOrder
from trading.brokers.live.tracker import OrderTracker
from trading.brokers.venue import (
    CashMove,
    Holding,
    Venue,
    VenueError,
    VenueOrder,
    VenuePosition,
)
from trading.model.report import OrderFilled, Report
from trading.model.venue_news import CashMoved, VenueNews

CASH_IDS_MAX: Final = 5_000
# How late an execution or a booking may show up that its venue dates back. A later one is still
# found: an execution because its order lacks it, a booking because the money differs.
FILLS_LATE_S: Final = 3_600.0
CASH_LATE_S: Final = 6 * 3_600.0
Apply = Callable[[Moment], None]


def kind_of_find(tracked: TrackedOrder) -> RequestKind:
    """Return which look-up an order needs: by the venue's id it is cheaper at some."""
    return RequestKind.FIND_BY_ID if tracked.venue_id else RequestKind.FIND


def nothing_more(_moment: Moment) -> None:
    """Do nothing."""


def nothing_else(_error: VenueError, _moment: Moment) -> None:
    """Do nothing."""


@dataclass(frozen=True, slots=True)
class Read:
    """Hold one read: `ask` runs where the venue is, all else on the worker's thread.

    `begin` is called right before it is asked, what `ask` returns with the moment of that, and
    `failed` when it could not be answered.
    """

    kind: RequestKind
    ask: Callable[[Venue], Apply]
    begin: Callable[[Moment], None] = nothing_more
    failed: Callable[[VenueError, Moment], None] = nothing_else


class AccountReads:
    """Make the reads of one account."""

    def __init__(
        self,
        account: str,
        tracker: OrderTracker,
        *,
        clock: Clock,
        cash_since: float,
        tell: Callable[[Report | VenueNews], None],
    ) -> None:
        self._account = account
        self._tracker = tracker
        self._clock = clock
        self._tell = tell
        self._cash_since = cash_since
        self._cash_ids: OrderedDict[str, None] = OrderedDict()
        # The venue's clock as it was last read, if it agrees with ours.
        self._venue_at: float | None = None

    def note_clock(self, server_at: float) -> None:
        """Take in the venue's clock: what is asked from now on shows what was before that."""
        self._venue_at = server_at

    def find(self, together: Sequence[TrackedOrder]) -> Read:
        """Look up an order, or several at once by the venue's ids."""
        # The venue's id of one may have become known after it was sent.
        orders = [replace(one.order, venue_id=one.venue_id) for one in together]

        def ask(venue: Venue) -> Apply:
            if len(orders) > 1:
                some = venue.find_all(orders)
                return lambda asked: self._say(
                    self._tracker.found_some(orders, some, asked, moment_of(self._clock))
                )
            shown = venue.find(orders[0])
            return lambda asked: self._say(
                self._tracker.found(orders[0].id, shown, asked, moment_of(self._clock))
            )

        def failed(error: VenueError, moment: Moment) -> None:
            self._tracker.find_failed(orders, error.kind, moment)

        return Read(kind_of_find(together[0]), ask, failed=failed)

    def open_orders(self, then: Callable[[Sequence[VenueOrder]], None]) -> Read:
        """Read the open orders."""

        def ask(venue: Venue) -> Apply:
            orders = venue.open_orders()

            def apply(asked: Moment) -> None:
                self._say(self._tracker.saw_open(orders, asked, moment_of(self._clock)))
                then(orders)

            return apply

        return Read(RequestKind.OPEN_ORDERS, ask)

    def fills(self, then: Callable[[int], None]) -> Read:
        """Read executions, and say how many of them were new."""
        since, venue_at = self._tracker.fills_since, self._venue_at

        def ask(venue: Venue) -> Apply:
            fills = venue.fills(since)

            def apply(asked: Moment) -> None:
                if venue_at is not None:
                    self._tracker.know_fills_until(venue_at - FILLS_LATE_S)
                reports = self._tracker.saw_fills(fills, asked, moment_of(self._clock))
                self._say(reports)
                then(sum(isinstance(one, OrderFilled) for one in reports))

            return apply

        return Read(RequestKind.FILLS, ask)

    def holdings(self, then: Callable[[Mapping[str, Holding]], None]) -> Read:
        """Read what the account has."""

        def ask(venue: Venue) -> Apply:
            holdings = venue.holdings()
            return lambda _asked: then(holdings)

        return Read(RequestKind.HOLDINGS, ask)

    def positions(self, then: Callable[[Sequence[VenuePosition]], None]) -> Read:
        """Read the account's positions."""

        def ask(venue: Venue) -> Apply:
            positions = venue.positions()
            return lambda _asked: then(positions)

        return Read(RequestKind.POSITIONS, ask)

    def cash_moves(self, then: Callable[[float], None]) -> Read:
        """Read the bookings that no execution explains, and say of when the last new one is."""
        since, venue_at = self._cash_since, self._venue_at

        def ask(venue: Venue) -> Apply:
            moves = venue.cash_moves(since)

            def apply(_asked: Moment) -> None:
                if venue_at is not None:
                    self._cash_since = max(self._cash_since, venue_at - CASH_LATE_S)
                then(self._tell_cash(moves))

            return apply

        return Read(RequestKind.CASH_MOVES, ask)

    def server_time(self, then: Callable[[float, Moment, Moment], None]) -> Read:
        """Read the venue's clock; the moments are those before and after."""

        def ask(venue: Venue) -> Apply:
            asked_at = moment_of(self._clock)
            server_at = venue.server_time()
            answered = moment_of(self._clock)
            return lambda _asked: then(server_at, asked_at, answered)

        return Read(RequestKind.SERVER_TIME, ask)

    def _say(self, reports: Sequence[Report]) -> None:
        for report in reports:
            self._tell(report)

    def _tell_cash(self, moves: Sequence[CashMove]) -> float:
        new = [one for one in moves if one.id not in self._cash_ids]
        for one in new:
            self._cash_ids[one.id] = None
            self._cash_since = max(self._cash_since, one.at - OVERLAP_S)
            kind = one.kind.value
            self._tell(CashMoved(self._account, one.id, one.currency, one.amount, kind, one.at))
        while len(self._cash_ids) > CASH_IDS_MAX:
            self._cash_ids.popitem(last=False)
        return max((one.at for one in new), default=0.0)
