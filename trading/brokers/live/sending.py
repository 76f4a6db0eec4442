"""What is sent to the venue: orders and cancels, one at a time, each order at most once.

Only a definite no for a passing reason lets a reducing order be tried again. An entry goes out
while it is fresh and nothing is wrong, or not at all.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Final

from daemonkit.clock import Clock
from trading.brokers.live.health import VenueHealth
from trading.brokers.live.job_queue import Job, JobQueue, JobRank
from trading.brokers.live.moment import Moment, moment_of
from trading.brokers.live.phases import Phase
from trading.brokers.live.settings import LiveSettings, RequestKind
from trading.brokers.live.tracker import OrderTracker
from trading.brokers.venue import (
    CancelAnswer,
    CancelOutcome,
    Refused,
    SubmitAnswer,
    Taken,
    Unclear,
    Venue,
    VenueOrder,
)
from trading.model.order import Order
from trading.model.report import Report
from trading.model.values import replace

log = logging.getLogger(__name__)

STOPPED: Final = "stopped before it was sent"
QUEUE_FULL: Final = "too many orders wait to be sent"
REFUSE_EVERY_S: Final = 1.0
# Writes an order, asks whether it may leave, and sends it or nothing.
SubmitIf = Callable[[Order, Callable[[], bool]], SubmitAnswer | None]


class OrderSender:
    """Send what one account wants."""

    def __init__(
        self,
        venue: Venue,
        tracker: OrderTracker,
        health: VenueHealth,
        *,
        settings: LiveSettings,
        clock: Clock,
        say: Callable[[Sequence[Report]], None],
        submit_if: SubmitIf | None = None,
    ) -> None:
        self._venue = venue
        self._tracker = tracker
        self._health = health
        self._settings = settings
        self._clock = clock
        self._say = say
        self._submit_if = submit_if
        self._queue = JobQueue(settings.queue_len_max)
        self._stop_at: float | None = None
        self._takes_entries = True
        # Counts what was sent and cancelled, before and after each.
        self.actions = 0

    def take_in(self, order: Order, since: float) -> None:
        """Have an order sent that came at a moment, unless it is refused at once."""
        moment = moment_of(self._clock)
        self._tracker.add(order, moment)
        rank = _rank_of(order)
        fault = self._refusal(rank, since, moment)
        if not fault and not self._queue.add(Job(rank, order.id, since, moment.passed)):
            fault = QUEUE_FULL
        if fault:
            self._say(self._tracker.refuse(order.id, fault, moment))

    def cancel(self, order_id: str) -> bool:
        """Have an order cancelled, by our id or the venue's; False when it is not known."""
        shelf = self._tracker.shelf
        tracked = shelf.get(order_id) or shelf.find_by_venue_id(order_id)
        if tracked is None:
            return False
        self._say(self._tracker.ask_cancel(tracked.order.id, moment_of(self._clock)))
        if tracked.phase is Phase.SETTLED:
            self._queue.remove(tracked.order.id)
        return True

    def do_next(self) -> bool:
        """Send one thing, or refuse what cannot be sent; False when nothing is due."""
        moment = moment_of(self._clock)
        for order_id in self._tracker.take_due_cancels(moment.passed):
            self._queue.add(Job(JobRank.CANCEL, order_id, moment.passed, moment.passed))
        if self._refuse_old(moment):
            return True
        if self._health.order_wait_s(moment) > 0:
            return False
        job = self._queue.take(moment.passed)
        if job is None:
            return False
        if job.rank is JobRank.CANCEL:
            self._ask_cancel(job)
        else:
            self._send(job)
        return True

    def send_ahead(self, order: Order, is_released: Callable[[], bool]) -> bool:
        """Have an order written, and sent as soon as it was taken in; False when it was not sent.

        `is_released` waits for that. Whatever keeps the order from leaving here, it is not told
        and not kept: once it was taken in it goes the usual way.
        """
        if self._submit_if is None or not self._can_go_next(order):
            return False
        begun: list[Job] = []

        def may_leave() -> bool:
            # Nothing else waits, so the next is this one, unless it was refused.
            job = self._queue.take(moment_of(self._clock).passed) if is_released() else None
            if job is not None and self._begin(job) is not None:
                begun.append(job)
            return bool(begun)

        try:
            answer = self._submit_if(order, may_leave)
        except Exception as error:
            log.exception("submit raised order=%s", order.id)
            answer = Unclear(f"{type(error).__name__}: {error}")
        if not begun:
            return False
        self._count_after()
        self._take_answer(begun[0], answer or Unclear("nobody knows whether it left"))
        return True

    def refuse_all_old(self) -> None:
        """Refuse what has waited too long for a venue that cannot be asked."""
        while self._refuse_old(moment_of(self._clock)):
            pass

    def wait_s(self, moment: Moment) -> float | None:
        """Return how long until something is to be sent or refused; None: nothing is."""
        queue_s, cancel_at = self._queue.wait_s(moment.passed), self._tracker.cancels_due_at
        waits = [] if queue_s is None else [queue_s]
        waits += [] if cancel_at is None else [max(0.0, cancel_at - moment.passed)]
        if not waits:
            return None
        # Not longer, also in a pause: what waits may get too old meanwhile.
        return min(REFUSE_EVERY_S, max(min(waits), self._health.order_wait_s(moment)))

    def refuse_entries(self) -> None:
        """Send no entry any more."""
        self._takes_entries = False
        self._refuse(self._queue.take_all(JobRank.ENTRY), STOPPED)

    def stop(self, within_s: float) -> None:
        """Send no entry any more, and the rest only for a time."""
        self._stop_at = self._clock.monotonic() + within_s
        self.refuse_entries()

    def refuse_unsent(self) -> None:
        """Refuse all orders that wait: nothing is sent any more."""
        self._refuse(self._queue.take_all(JobRank.EXIT, JobRank.ENTRY), STOPPED)

    @property
    def has_orders(self) -> bool:
        """Tell whether an order or a cancel waits to be sent, now or later."""
        return len(self._queue) > 0

    def _send(self, job: Job) -> None:
        order = self._begin(job)
        if order is None:
            return
        answer = self._submit(order)
        self._count_after()
        self._take_answer(job, answer)

    def _begin(self, job: Job) -> Order | None:
        """Return the order that leaves now, unless it is refused or not wanted any more."""
        moment = moment_of(self._clock)
        fault = self._refusal(job.rank, job.since, moment)
        if fault:
            self._say(self._tracker.refuse(job.order_id, fault, moment))
            return None
        order = self._tracker.begin_send(job.order_id)
        if order is not None:
            self._count(RequestKind.ORDER, moment)
        return order

    def _can_go_next(self, order: Order) -> bool:
        """Tell whether an order would be sent at once if it were taken in now."""
        moment = moment_of(self._clock)
        cancel_at = self._tracker.cancels_due_at
        return (
            not self.has_orders
            and (cancel_at is None or cancel_at > moment.passed)
            and self._tracker.shelf.get(order.id) is None
            and self._health.order_wait_s(moment) <= 0
            and not self._refusal(_rank_of(order), moment.passed, moment)
        )

    def _submit(self, order: Order) -> SubmitAnswer:
        try:
            return self._venue.submit(order)
        except Exception as error:
            # A bug of the venue's adapter, at whatever point of the request: nobody knows.
            log.exception("submit raised order=%s", order.id)
            return Unclear(f"{type(error).__name__}: {error}")

    def _take_answer(self, job: Job, answer: SubmitAnswer) -> None:
        moment = moment_of(self._clock)
        log.info("sent order=%s %s: %s", job.order_id, job.rank.name.lower(), _words_of(answer))
        if isinstance(answer, Unclear):
            self._health.note_failure(answer.reason, moment)
        elif isinstance(answer, Refused) and answer.is_passing:
            self._health.note_passing_refusal(answer.retry_after_s, moment)
            if job.rank is JobRank.EXIT and self._try_later(job, answer, moment):
                return
        else:
            self._health.note_answer(RequestKind.ORDER, moment)
        self._say(self._tracker.answered(job.order_id, answer, moment))

    def _try_later(self, job: Job, answer: Refused, moment: Moment) -> bool:
        """Have a reducing order wait that definitely did not arrive; False: it waited enough."""
        wait_s = answer.retry_after_s or self._health.wait_before_retry_s(job.tries)
        again_at = moment.passed + wait_s
        ends = [job.since + self._settings.exit_retry_s]
        ends += [self._stop_at] if self._stop_at is not None else []
        if again_at > min(ends):
            return False
        job.not_before, job.tries = again_at, job.tries + 1
        self._say(self._tracker.postpone(job.order_id, answer.reason, moment))
        self._queue.put_back(job)
        return True

    def _ask_cancel(self, job: Job) -> None:
        tracked = self._tracker.shelf.get(job.order_id)
        if tracked is None or not tracked.is_watched:
            return
        self._count(RequestKind.CANCEL, moment_of(self._clock))
        answer: CancelOutcome
        try:
            answer = self._venue.cancel(replace(tracked.order, venue_id=tracked.venue_id))
        except Exception:
            log.exception("cancel raised order=%s", job.order_id)
            answer = CancelAnswer.UNCLEAR
        self._count_after()
        moment = moment_of(self._clock)
        # It is asked again and again while the venue is away: said when the answer is another one.
        said = f"gone, {answer.filled:f} filled" if isinstance(answer, VenueOrder) else str(answer)
        level = logging.DEBUG if said == tracked.cancel_said else logging.INFO
        log.log(level, "cancel order=%s: %s", job.order_id, said)
        tracked.cancel_said = said
        if answer is CancelAnswer.UNCLEAR:
            self._health.note_failure("a cancel was not answered", moment)
        else:
            self._health.note_answer(RequestKind.CANCEL, moment)
        self._say(self._tracker.cancel_answered(job.order_id, answer, moment))

    def _refusal(self, rank: JobRank, since: float, moment: Moment) -> str:
        """Return why an order is not sent now and never will be, or nothing."""
        waited_s = moment.passed - since
        if rank is JobRank.EXIT:
            limit_s = self._settings.exit_retry_s
            return f"waited {waited_s:.1f} s for the exchange" if waited_s > limit_s else ""
        if not self._takes_entries:
            return STOPPED
        if reason := self._health.troubles.reason:
            return reason
        limit_s = self._settings.entry_age_max_s
        return f"waited {waited_s:.1f} s to be sent" if waited_s > limit_s else ""

    def _refuse_old(self, moment: Moment) -> bool:
        """Refuse the orders that waited too long, also while nothing may be sent."""
        old = [job for job in self._queue.orders if self._refusal(job.rank, job.since, moment)]
        for job in old:
            self._queue.remove(job.order_id)
            fault = self._refusal(job.rank, job.since, moment)
            self._say(self._tracker.refuse(job.order_id, fault, moment))
        return bool(old)

    def _refuse(self, jobs: Sequence[Job], reason: str) -> None:
        moment = moment_of(self._clock)
        for job in jobs:
            self._say(self._tracker.refuse(job.order_id, reason, moment))

    def _count(self, kind: RequestKind, moment: Moment) -> None:
        self.actions += 1
        self._health.limiter.take(kind, moment.passed)

    def _count_after(self) -> None:
        self.actions += 1


def _rank_of(order: Order) -> JobRank:
    return JobRank.EXIT if order.reduce_only else JobRank.ENTRY


def _words_of(answer: SubmitAnswer) -> str:
    match answer:
        case Taken():
            return f"taken, {answer.venue_id}"
        case Refused():
            return f"refused: {answer.reason}"
        case Unclear():
            return f"unclear: {answer.reason}"
