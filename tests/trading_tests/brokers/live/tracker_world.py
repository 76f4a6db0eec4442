"""A tracker between the engine's desk of orders and a venue whose answers come late, old or never.

Reads are asked at one moment and delivered at another, some by a copy of the venue that is behind.
It checks at every report that nothing was told that is not so.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal

from daemonkit.clock import ManualClock
from tests.trading_tests.brokers.live.venue_model import ModelVenue
from tests.trading_tests.brokers.live.worker_desk import ACCOUNT, make_order
from tests.trading_tests.makers import NOW
from trading.brokers.live.moment import Moment, moment_of
from trading.brokers.live.phases import Phase
from trading.brokers.live.settings import LiveSettings
from trading.brokers.live.tracked import TrackedOrder
from trading.brokers.live.tracker import OrderTracker
from trading.brokers.venue import (
    Refused,
    SubmitAnswer,
    VenueFill,
    VenueOrder,
    VenueOrderState,
)
from trading.engine.journal import Journal
from trading.engine.orders import OrderDesk, sent
from trading.model.order import Order
from trading.model.order_states import OrderState
from trading.model.report import (
    OrderCancelled,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    Report,
)
from trading.model.values import replace

# How far a copy of the venue is behind at most, and how late an order arrives at most: together
# less than what the tracker waits before it gives an order up.
BEHIND_S, LATE_S = 5.0, 10.0
ENDS = (OrderCancelled, OrderExpired)


class TrackerWorld:
    """Hold both sides of a tracker and what is on the way between them."""

    def __init__(self) -> None:
        self.clock = ManualClock(NOW, 1_000.0)
        self.venue = ModelVenue(self.clock)
        self.venue.late_s, self.venue.trip_s = LATE_S, 0.0
        self.venue.fills_at_once = False
        self.desk = OrderDesk(Journal())
        self.tracker = self._make_tracker()
        self.sends: dict[str, int] = {}
        self.busy: dict[str, int] = {}
        self._told_fills: set[str] = set()
        self._answer: tuple[str, SubmitAnswer] | None = None
        self._reads: list[Callable[[], Sequence[Report]]] = []
        self._past: list[tuple[float, list[VenueOrder], list[VenueFill]]] = []
        self._count = 0

    # What may happen, in any order; `n` picks among the possibilities.

    def submit(self, n: int) -> None:
        """Let the engine want an order."""
        self._count += 1
        order = make_order(
            f"o{self._count}", quantity=str(1 + n % 7), reduces=n % 2 == 0, at=self.clock.wall()
        )
        self.desk.add(sent(order, self.clock.wall()))
        self.tracker.add(self._order(order.id), self._now())

    def send(self, n: int) -> None:
        """Send what waits; what the venue does with it and what it says are two things."""
        waiting = [one for one in self.tracker.shelf.open.values() if one.phase is Phase.QUEUED]
        if self._answer is not None or not waiting:
            return
        order = self.tracker.begin_send(waiting[n % len(waiting)].order.id)
        assert order is not None
        self.sends[order.id] = self.sends.get(order.id, 0) + 1
        word = ("", "lost", "", "late", "dropped", "refused", "busy")[n % 7]
        self.venue.script("submit", word)
        self._answer = order.id, self.venue.submit(order)

    def answer(self, _n: int) -> None:
        """Let the answer to what was sent come in."""
        if self._answer is None:
            return
        (order_id, answer), self._answer = self._answer, None
        if isinstance(answer, Refused) and answer.is_passing and self._order(order_id).reduce_only:
            self.busy[order_id] = self.busy.get(order_id, 0) + 1
            self._hear(self.tracker.postpone(order_id, answer.reason, self._now()))
        else:
            self._hear(self.tracker.answered(order_id, answer, self._now()))

    def fill(self, n: int) -> None:
        """Have an order executed, by one or by all that is left."""
        if shown := self._pick_open(n):
            left = shown.quantity - shown.filled
            self.venue.fill(shown.client_id, str(Decimal(1) if n % 4 else left))

    def end(self, n: int) -> None:
        """Have the venue end an order."""
        shown = self._pick_open(n)
        # Seldom enough for cancels to find something.
        if shown is not None and n % 3 == 0:
            states = (VenueOrderState.CANCELLED, VenueOrderState.EXPIRED)
            self.venue.end(shown.client_id, states[n % 2])

    def cancel(self, n: int) -> None:
        """Let the engine want an order cancelled."""
        wanted = [one for one in self.desk.open_orders() if not one.is_cancelling]
        if wanted:
            order = wanted[n % len(wanted)]
            self.desk.note_cancelling(order, self.clock.wall())
            self._hear(self.tracker.ask_cancel(order.id, self._now()))

    def ask_cancels(self, n: int) -> None:
        """Ask for the cancels that are due."""
        for order_id in self.tracker.take_due_cancels(self._now().passed):
            tracked = self.tracker.shelf.get(order_id)
            assert tracked is not None
            shown = self.venue._of(tracked.order)
            if n % 3 and shown is not None and shown.state is VenueOrderState.OPEN:
                # They cross.
                self.venue.fill(order_id, "1")
            self.venue.script("cancel", ("", "lost", "", "dropped")[n % 4])
            self.venue.shows_cancelled = n % 4 == 0
            answer = self.venue.cancel(tracked.order)
            self._hear(self.tracker.cancel_answered(order_id, answer, self._now()))

    def ask(self, n: int) -> None:
        """Ask for a list, executions or an order; the answer is on its way."""
        asked = self._now()
        orders, fills = self._past_of(n) if n % 2 else (self._orders(), self.venue.executions[:])
        kind = n // 2 % 3
        if kind == 0:
            self._reads.append(lambda: self.tracker.saw_fills(fills, asked, self._now()))
        elif kind == 1:
            listed = [one for one in orders if one.state is VenueOrderState.OPEN]
            self._reads.append(lambda: self.tracker.saw_open(listed, asked, self._now()))
        elif together := self.tracker.shelf.next_finds(asked.passed, 1 + n % 4):
            self._reads.append(self._look_up(together, orders, asked))

    def _look_up(
        self, together: Sequence[TrackedOrder], orders: Sequence[VenueOrder], asked: Moment
    ) -> Callable[[], Sequence[Report]]:
        if len(together) > 1:
            wanted = [replace(one.order, venue_id=one.venue_id) for one in together]
            # A copy that is behind may not know one of them yet.
            return lambda: self.tracker.found_some(wanted, orders, asked, self._now())
        order_id = together[0].order.id
        shown = next((one for one in orders if one.client_id == order_id), None)
        return lambda: self.tracker.found(order_id, shown, asked, self._now())

    def deliver(self, n: int) -> None:
        """Let one answer to a read come in, perhaps twice."""
        if self._reads:
            read = self._reads[n % len(self._reads)]
            if n % 3:
                self._reads.remove(read)
            self._hear(read())

    def wait(self, n: int) -> None:
        """Let time pass."""
        now = self.clock.wall()
        self._past.append((now, self._orders(), self.venue.executions[:]))
        self.clock.advance(0.1 * (1 + n) ** 1.5)
        self._past = [one for one in self._past if one[0] >= self.clock.wall() - BEHIND_S]
        # Nothing is on its way for longer than a request may take.
        self._reads = self._reads[-3:] if n < 8 else []

    def restart(self, n: int) -> None:
        """Drop the tracker and all that is on its way, and make one from what the engine kept."""
        if n % 5:
            # Seldom enough for something to happen in between.
            return
        self._answer, self._reads, self._told_fills = None, [], set()
        self.tracker = self._make_tracker()
        self._hear(self.tracker.restore(self.desk.open_orders(), self._now()))

    # How it ends.

    def come_to_rest(self) -> None:
        """Let everything work again for long enough."""
        self.answer(0)
        for _ in range(120):
            self.send(0)
            self.answer(0)
            self.ask_cancels(0)
            asked = self._now()
            self._hear(self.tracker.saw_open(self.venue.open_now(), asked, asked))
            due = self.tracker.shelf.next_find()
            while due is not None and due.look_at is not None and due.look_at <= asked.passed:
                shown = self.venue._of(due.order)
                self._hear(self.tracker.found(due.order.id, shown, asked, asked))
                due = self.tracker.shelf.next_find()
            if self.tracker.fills_due_at is not None:
                since = self.tracker.fills_since
                fills = [one for one in self.venue.executions if one.at >= since]
                self._hear(self.tracker.saw_fills(fills, asked, asked))
            self.clock.advance(1.0)

    def check_all_known(self) -> None:
        """Hold what the engine believes against what the venue has."""
        truth = {one.client_id: one for one in self._orders()}
        for number in range(1, self._count + 1):
            order = self._order(f"o{number}")
            shown = truth.get(order.id)
            if shown is None:
                assert order.state in (OrderState.REJECTED, OrderState.CANCELLED), order
                continue
            assert order.filled == shown.filled, (order, shown)
            is_open = order.state in (OrderState.WORKING, OrderState.PARTIAL)
            assert is_open == (shown.state is VenueOrderState.OPEN), (order, shown)
            # Once, and once more for each definite no.
            assert self.sends[order.id] <= 1 + self.busy.get(order.id, 0)
        assert len({one.client_id for one in self._orders()}) == len(self._orders())

    def _hear(self, reports: Sequence[Report]) -> None:
        for report in reports:
            if isinstance(report, OrderFilled):
                assert report.fill.fill_id not in self._told_fills, "told twice"
                self._told_fills.add(report.fill.fill_id)
            self.desk.apply(report)
            if isinstance(report, (*ENDS, OrderRejected)):
                self._check_end(report)

    def _check_end(self, report: Report) -> None:
        shown = self.venue._of(self._order(report.order_id))
        if shown is None:
            return
        assert not isinstance(report, OrderRejected), "refused, and there"
        assert shown.state is not VenueOrderState.OPEN, (report, shown)
        assert self._order(report.order_id).filled == shown.filled, (report, shown)

    def _make_tracker(self) -> OrderTracker:
        since = self.clock.wall() - 3_600
        return OrderTracker(ACCOUNT, LiveSettings(), fills_since=since)

    def _now(self) -> Moment:
        return moment_of(self.clock)

    def _order(self, order_id: str) -> Order:
        order = self.desk.get(order_id)
        assert order is not None
        return order

    def _orders(self) -> list[VenueOrder]:
        self.venue._arrive()
        return list(self.venue.orders.values())

    def _pick_open(self, n: int) -> VenueOrder | None:
        shown = list(self.venue.open_now())
        return shown[n % len(shown)] if shown else None

    def _past_of(self, n: int) -> tuple[list[VenueOrder], list[VenueFill]]:
        if not self._past:
            return self._orders(), self.venue.executions[:]
        _, orders, fills = self._past[n % len(self._past)]
        return orders, fills


ACTS: dict[str, Callable[[TrackerWorld, int], None]] = {
    "submit": TrackerWorld.submit,
    "send": TrackerWorld.send,
    "answer": TrackerWorld.answer,
    "fill": TrackerWorld.fill,
    "end": TrackerWorld.end,
    "cancel": TrackerWorld.cancel,
    "ask cancels": TrackerWorld.ask_cancels,
    "ask": TrackerWorld.ask,
    "deliver": TrackerWorld.deliver,
    "wait": TrackerWorld.wait,
    "restart": TrackerWorld.restart,
}
