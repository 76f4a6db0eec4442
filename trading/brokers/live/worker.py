"""The worker of one live account: takes what the engine wants, asks the venue, tells what it says.

All of it happens in `step`, on the thread `broker-<account>`: one request at a time, orders and
cancels before reads. With a second connection the reads run beside it and only their answers are
taken in here. It owns no trading state: what it tells are reports of orders and news of the venue.
"""

import logging
import os
import threading
from collections.abc import Callable, Iterable
from random import Random
from typing import Final

from daemonkit.clock import Clock
from trading.brokers.account_stream import AccountStream
from trading.brokers.allowance import Allowance
from trading.brokers.live.breaker import BreakerState
from trading.brokers.live.connecting import Connecting, refuse_unsafe_key
from trading.brokers.live.health import VenueHealth
from trading.brokers.live.moment import Moment, moment_of
from trading.brokers.live.pages import ReadPages
from trading.brokers.live.reading import AccountReader
from trading.brokers.live.reads_thread import ReadAnswer, ReadsThread, ask
from trading.brokers.live.sending import STOPPED, OrderSender, SubmitIf
from trading.brokers.live.settings import LiveSettings, RequestKind
from trading.brokers.live.stream_thread import StreamThread, TokenWanted, Woken
from trading.brokers.live.tracker import OrderTracker
from trading.brokers.live.troubles import Troubles
from trading.brokers.live.wishes import (
    Ask,
    Cancel,
    NoEntries,
    Prepare,
    Stop,
    Submit,
    Wish,
    Wishes,
    Withhold,
)
from trading.brokers.venue import FailureKind, KeyRights, Venue, VenueError
from trading.model.order import Order
from trading.model.report import OrderRejected, Report
from trading.model.venue_news import InstrumentsKnown, VenueConnected, VenueNews
from trading.risk.approval import ApprovedOrder

log = logging.getLogger(__name__)

# A read that has given way to orders so often in a row is finished first: fills must be seen too.
GIVE_WAY_MAX: Final = 3
# A thread that has nothing to do shows this often that it lives.
IDLE_S_MAX: Final = 1.0
# An order that is ready waits so long for its commit; on a slower disk it goes the usual way.
LEAVE_S_MAX: Final = 0.02
Tell = Callable[[Report | VenueNews], None]


class AccountWorker:
    """Work one account.

    `submit`, `cancel`, `withhold` and `ask` may be called on any thread and never wait; `tell` is
    called on the worker's thread and must not wait. Without `start` a test calls `begin` once and
    `step` again and again: nothing sleeps, and time is the clock's.
    """

    def __init__(  # noqa: PLR0913 - it is where everything around a venue comes together
        self,
        account: str,
        venue: Venue,
        *,
        settings: LiveSettings,
        clock: Clock,
        rng: Random,
        tell: Tell,
        reads: Venue | None = None,
        check_key: Callable[[KeyRights], str] = refuse_unsafe_key,
        check_read_key: Callable[[KeyRights], str] = lambda _rights: "",
        fills_since: float | None = None,
        stream: AccountStream | None = None,
        submit_if: SubmitIf | None = None,
        allowance: Allowance | None = None,
    ) -> None:
        self.account = account
        self.beat = now = clock.monotonic()
        self._venue = venue
        self._settings = settings
        self._clock = clock
        self._tell = tell
        self._wishes = Wishes(clock)
        self._ahead: Order | None = None
        self._stop_at: float | None = None
        self._is_connected = self._is_reading = False
        # How often a read gave way to an order.
        self._gave_way = 0
        self._troubles = Troubles(account, tell)
        self._health = VenueHealth(venue.name, settings, self._troubles, rng, now, allowance)
        self._pages = ReadPages(settings.budget, self._health.limiter)
        self._connecting = Connecting(
            venue, self._health, settings=settings, clock=clock, check_key=check_key
        )
        first_at = clock.wall() - settings.fills_lookback_s
        since = first_at if fills_since is None else min(first_at, fills_since)
        self._tracker = OrderTracker(account, settings, fills_since=since)
        self._sender = OrderSender(
            venue,
            self._tracker,
            self._health,
            settings=settings,
            clock=clock,
            say=self._say,
            submit_if=submit_if,
        )
        self._stream = None
        if stream is not None:
            self._stream = StreamThread(
                account, stream, settings=settings, clock=clock, rng=rng, put=self._wishes.put
            )
        self._reader = AccountReader(
            account,
            self._tracker,
            self._health,
            settings=settings,
            clock=clock,
            actions=lambda: self._sender.actions,
            tell=tell,
            stream=self._stream,
        )
        self._reads = None
        if reads is not None:
            self._reads = ReadsThread(
                account, reads, clock, self._wishes.put, check_read_key, begin=self._pages.begin
            )
        name = f"broker-{account}"[:15]
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    # What the engine's side calls.

    def prepare(self, approved: ApprovedOrder) -> None:
        """Make an order ready that is being committed; without `submit` it never leaves."""
        self._wishes.put(Prepare(approved.order))

    def submit(self, approved: ApprovedOrder) -> None:
        """Send an order, once."""
        order = approved.order
        if not self._wishes.put(Submit(order, self._clock.monotonic())):
            self._reject(order, STOPPED)

    def cancel(self, account: str, order_id: str) -> None:
        """Ask for a cancellation; an order that is not from here goes by the venue's id as well."""
        assert account == self.account, "each account has a worker of its own"
        self._wishes.put(Cancel(order_id))

    def withhold(self, approved: ApprovedOrder, reason: str) -> None:
        """Say that an order was not sent and never will be."""
        if not self._wishes.put(Withhold(approved.order, reason)):
            self._reject(approved.order, reason)

    def ask(self, number: int) -> None:
        """Have all of the account looked at; the answer carries the number."""
        self._wishes.put(Ask(number))

    # Its life.

    def start(self, saved_orders: Iterable[Order]) -> None:
        """Take up the saved orders, open and recently ended ones, and work from now on."""
        self.begin(saved_orders)
        if self._reads is not None:
            self._reads.start()
        if self._stream is not None:
            self._stream.start()
        self._thread.start()

    def begin(self, saved_orders: Iterable[Order]) -> None:
        """Take up the saved orders; whatever may have been sent is told as lost at once."""
        self._say(self._tracker.restore(saved_orders, moment_of(self._clock)))

    def send_no_entries(self) -> None:
        """Send no entry any more, and go on with everything else: a stop is ahead."""
        self._wishes.put(NoEntries())

    def ask_to_stop(self, within_s: float | None = None) -> None:
        """Send no entry any more, the rest for a time, and then end."""
        self._wishes.put(Stop(self._settings.stop_within_s if within_s is None else within_s))

    def join(self, timeout_s: float) -> bool:
        """Wait for the end; False if it has not come: then a request is still on the wire."""
        if self._thread.ident is None:
            return True
        ends_at = self._clock.monotonic() + timeout_s
        self._thread.join(timeout_s)
        is_over = not self._thread.is_alive()
        if self._reads is not None:
            is_over &= self._reads.join(max(0.0, ends_at - self._clock.monotonic()))
        if self._stream is not None:
            is_over &= self._stream.join(max(0.0, ends_at - self._clock.monotonic()))
        return is_over

    def is_alive(self) -> bool:
        """Tell whether its threads run."""
        return self._thread.is_alive() and (self._reads is None or self._reads.is_alive())

    @property
    def is_dead(self) -> bool:
        """Tell whether a thread ended although nobody said it may."""
        is_started = self._thread.ident is not None
        return is_started and not (self._wishes.is_closed or self.is_alive())

    @property
    def is_busy(self) -> bool:
        """Tell whether something is about to be sent or answered; may be asked on any thread."""
        is_awaited = self._tracker.shelf.is_awaited
        return is_awaited or self._sender.has_orders or not self._wishes.is_empty

    def orders_wait(self) -> bool:
        """Tell a read on the worker's own thread whether to break off for an order."""
        if not self._is_connected or self._gave_way >= GIVE_WAY_MAX:
            return False
        return self._wishes.has_orders or self._sender.wait_s(moment_of(self._clock)) == 0

    def read_waits(self) -> bool:
        """Tell a read on the worker's own thread whether to break off before its next request."""
        return self.orders_wait() or self.page_waits()

    def page_waits(self) -> bool:
        """Tell a read whether its next page is more than may be asked now."""
        now = self._clock.monotonic()
        # Whoever caused a pause: who goes on in it is banned.
        is_paused = self._is_connected and self._health.limiter.pause_s(now) > 0
        return is_paused or self._pages.next_waits(now)

    @property
    def trouble(self) -> str:
        """Return why the account takes no new risk, or nothing."""
        return self._troubles.reason

    @property
    def breaker_state(self) -> BreakerState:
        """Return whether the venue is asked."""
        return self._health.breaker.state

    # Its work.

    def step(self) -> float:
        """Do the next thing that is due, and return how long until there is another."""
        self.beat = self._clock.monotonic()
        self._take_wishes()
        ahead, self._ahead = self._ahead, None
        if self._wishes.is_closed:
            return IDLE_S_MAX
        if self._stop_at is not None:
            return self._wind_up(self._stop_at)
        if not self._is_connected:
            return self._connect()
        if self._send_ahead(ahead) or self._sender.do_next():
            self._reader.note_action()
            return 0.0
        moment = moment_of(self._clock)
        wait_s = IDLE_S_MAX
        if (send_wait_s := self._sender.wait_s(moment)) is not None:
            wait_s = min(wait_s, send_wait_s)
        return min(wait_s, self._read(moment))

    def _connect(self) -> float:
        self._sender.refuse_all_old()
        moment = moment_of(self._clock)
        self._health.tell_pause(moment)
        if wait_s := self._connecting.wait_s(moment):
            return min(wait_s, IDLE_S_MAX)
        self._health.limiter.take(RequestKind.CONNECT, self._clock.monotonic())
        connected = self._connecting.try_once()
        if connected is None:
            return 0.0
        self._is_connected = True
        at, can = self._clock.wall(), connected.abilities
        self._tell(InstrumentsKnown(connected.instruments, at))
        self._tell(VenueConnected(self.account, can.stops, can.brackets, at))
        self._reader.begin(can)
        return 0.0

    def _read(self, moment: Moment) -> float:
        self._health.tell_pause(moment)
        if self._is_reading:
            return IDLE_S_MAX
        wait_s, read = self._reader.next_read(moment)
        if wait_s > 0:
            return wait_s
        self._health.limiter.take(read.kind, moment.passed)
        read.begin(moment)
        if self._reads is None:
            self._pages.begin(read.kind)
            self._take_answer(ask(self._venue, read, self._clock))
            return 0.0
        self._is_reading = True
        self._reads.put(read)
        return IDLE_S_MAX

    def _take_answer(self, answer: ReadAnswer) -> None:
        if isinstance(answer.outcome, VenueError) and answer.outcome.kind is FailureKind.GAVE_WAY:
            # It is still due, and asked again once the order is out, or as much may be asked.
            self._gave_way += self.orders_wait()
            self._reader.note_broken_off(answer.read)
            return
        self._gave_way = 0
        self._pages.end(answer.read.kind)
        if isinstance(answer.outcome, VenueError):
            self._reader.take_failure(answer.read, answer.outcome)
        else:
            # What waits by now was not known when this was asked.
            self._reader.take_answer(answer.read, answer.asked, answer.outcome)

    def _take_wishes(self) -> None:
        while (wish := self._wishes.take()) is not None:
            self._take_wish(wish)

    def _take_wish(self, wish: Wish) -> None:
        match wish:
            case Prepare(order):
                self._ahead = order
            case Submit(order, since):
                self._take_order(order, since)
            case Cancel(order_id):
                if not self._sender.cancel(order_id):
                    log.warning(
                        "cancel of an unknown order account=%s id=%s", self.account, order_id
                    )
                    self._reader.looking.want()
            case Withhold(order, reason):
                self._reject(order, reason)
            case Ask(number):
                self._reader.looking.want(number)
            case NoEntries():
                self._sender.refuse_entries()
            case Stop(within_s):
                self._stop_at = self._clock.monotonic() + within_s
                self._sender.stop(within_s)
            case TokenWanted() | Woken():
                assert self._stream is not None, "nobody else wishes this"
                self._reader.note_wish(self._stream, wish)
            case _:
                self._is_reading = False
                self._take_answer(wish)

    def _take_order(self, order: Order, since: float) -> None:
        if self._tracker.shelf.get(order.id) is not None:
            # Whoever gave it twice: it is sent once.
            log.error("order came twice account=%s id=%s", self.account, order.id)
            return
        self._sender.take_in(order, since)

    def _send_ahead(self, order: Order | None) -> bool:
        """Have an order written while it is committed, and sent once it may leave."""
        if order is None:
            return False
        # The store is on its way to the disk. A thread that is woken may take the core from the one
        # that woke it, even where another is free: the disk would begin when the order is ready.
        os.sched_yield()

        def is_released() -> bool:
            submit = self._wishes.await_submit(order, LEAVE_S_MAX)
            if submit is not None:
                self._take_order(submit.order, submit.since)
            return submit is not None

        return self._sender.send_ahead(order, is_released)

    def _wind_up(self, stop_at: float) -> float:
        """Send what reduces risk while there is time, then refuse the rest and end."""
        moment = moment_of(self._clock)
        if moment.passed < stop_at and self._is_connected:
            if self._sender.do_next():
                return 0.0
            if self._sender.has_orders:
                wait_s = self._sender.wait_s(moment)
                return min(stop_at - moment.passed, IDLE_S_MAX if wait_s is None else wait_s)
        self._wishes.close()
        self._take_wishes()
        self._sender.refuse_unsent()
        if self._reads is not None:
            self._reads.stop()
        if self._stream is not None:
            self._stream.stop()
        self._venue.close()
        return IDLE_S_MAX

    def _run(self) -> None:
        while not self._wishes.is_closed:
            try:
                wait_s = self.step()
            except Exception as error:
                # The thread's boundary: positions still have to be left, but nothing new is risked.
                log.exception("worker failed account=%s", self.account)
                self._troubles.set("worker", f"the worker failed: {error}", self._clock.wall())
                wait_s = IDLE_S_MAX
            if wait_s > 0 and not self._wishes.is_closed:
                wish = self._wishes.take(wait_s)
                if wish is not None:
                    self._take_wish(wish)

    def _say(self, reports: Iterable[Report]) -> None:
        for report in reports:
            self._tell(report)

    def _reject(self, order: Order, reason: str) -> None:
        self._tell(OrderRejected(order.account, order.id, reason, self._clock.wall()))
