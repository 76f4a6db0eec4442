"""What of an account is read next: reads are all that is retried.

Look-ups of orders and missing executions first, then whatever is due longest: the polls while
orders are open, the look at the whole account, the venue's clock.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from daemonkit.clock import Clock
from trading.brokers.live.breaker import BreakerState
from trading.brokers.live.health import VenueHealth
from trading.brokers.live.limiter import RequestLimiter
from trading.brokers.live.looking import Looking
from trading.brokers.live.moment import Moment, moment_of
from trading.brokers.live.reads import AccountReads, Apply, Read, kind_of_find
from trading.brokers.live.settings import HINTS, Haste, LiveSettings, RequestBudget, RequestKind
from trading.brokers.live.stream_thread import StreamThread, StreamWish, TokenWanted
from trading.brokers.live.tracker import OrderTracker
from trading.brokers.venue import Abilities, FailureKind, Venue, VenueError, VenueOrder
from trading.model.report import Report
from trading.model.venue_news import AccountSeen, VenueNews

log = logging.getLogger(__name__)

CLOCK: Final = "clock"
CLOCK_STEP_S: Final = 1.0
# For the same reason as hints are paced: so often polls begin anew close together.
QUICK_POLLS: Final = RequestBudget(per_s=0.1, burst=10.0)


@dataclass(frozen=True, slots=True)
class Choice:
    """Hold a read that may be next, and how much it leaves to those that cannot wait."""

    due_at: float
    kind: RequestKind
    make: Callable[[], Read]
    haste: Haste = Haste.URGENT


class AccountReader:
    """Decide on the reads of one account, and judge the venue by what they bring."""

    def __init__(
        self,
        account: str,
        tracker: OrderTracker,
        health: VenueHealth,
        *,
        settings: LiveSettings,
        clock: Clock,
        actions: Callable[[], int],
        tell: Callable[[Report | VenueNews], None],
        stream: StreamThread | None = None,
    ) -> None:
        self._stream = stream
        self._token_at: float | None = None
        self._token_wanted = TokenWanted()
        # When something was heard that no read has shown yet.
        self._hint_at: float | None = None
        self._is_poll_wanted = False
        self._fills_asked_at = clock.monotonic()
        self._heard_fills = RequestLimiter(settings.hints, clock.monotonic())
        self._heard_orders = RequestLimiter(HINTS, clock.monotonic())
        self._quick_polls = RequestLimiter(QUICK_POLLS, clock.monotonic())
        self._tracker = tracker
        self._health = health
        self._settings = settings
        self._clock = clock
        self._tell = tell
        self._reads = AccountReads(
            account, tracker, clock=clock, cash_since=tracker.fills_since, tell=tell
        )
        self.looking = Looking(
            account,
            tracker.shelf,
            self._reads,
            settings=settings,
            clock=clock,
            actions=actions,
            told=lambda: tracker.fills_told,
            seen=self._seen,
        )
        self._poll_at = self._clock_at = self._fills_at = clock.monotonic()
        self._poll_step_s = settings.poll_first_s
        self._finds_at_once = 1
        self._gaps = 0
        self._offset_s = clock.wall() - clock.monotonic()

    def begin(self, abilities: Abilities) -> None:
        """Read from now on, beginning with the venue's clock and all of the account."""
        self._tracker.set_deadline(abilities.deadline_s)
        self._finds_at_once = abilities.finds_at_once
        self._clock_at = self._clock.monotonic()
        self.looking.begin(abilities)

    def note_action(self) -> None:
        """Poll at once, and then with growing steps: something was done."""
        self._poll_at = self._clock.monotonic()
        self._poll_step_s = self._poll_first_s

    def note_wish(self, stream: StreamThread, wish: StreamWish) -> None:
        """Take in what the stream wants; what it has heard only says what to read."""
        if isinstance(wish, TokenWanted):
            self._token_wanted, self._token_at = wish, self._clock.monotonic()
            return
        heard_at = stream.take_news(wish)
        if wish.is_execution and heard_at >= self._fills_asked_at:
            self._hint_at = heard_at
        now = self._clock.monotonic()
        if wish.is_execution and stream.is_healthy(now):
            return
        wait_s = self._heard_orders.wait_s(RequestKind.OPEN_ORDERS, now)
        self._poll_at = min(self._poll_at, now + wait_s)
        if not wait_s:
            self._heard_orders.take(RequestKind.OPEN_ORDERS, now)
            self._poll_closely()

    def next_read(self, moment: Moment) -> tuple[float, Read]:
        """Return the next read and how long it has to wait."""
        if self._gaps != self._health.gaps:
            # Whatever happened in the gap is found by a look at everything.
            self._gaps = self._health.gaps
            self.looking.want()
            self.note_action()
        offset_s = moment.at - moment.passed
        if abs(offset_s - self._offset_s) > CLOCK_STEP_S:
            # Our clock was set: what the venue's is to it has to be known for the next exit.
            self._offset_s, self._clock_at = offset_s, moment.passed
        urgent = self._urgent_choice()
        if urgent is not None and urgent.due_at <= moment.passed:
            # Cheaper ones must not use up what it is waiting for.
            return self._wait_s(urgent, moment), urgent.make()
        choices = [self._clock_choice(moment), self._look_choice()]
        if self._tracker.shelf.has_watched:
            choices.append(self._poll_choice(moment))
            fills = Choice(self._fills_at, RequestKind.FILLS, self._fills, Haste.ROUTINE)
            choices.append(fills)
        if urgent is not None:
            choices.append(urgent)
        if (hint_at := self._hint_due_at) is not None:
            choices.append(Choice(hint_at, RequestKind.FILLS, self._fills, Haste.WANTED))
        if self._token_at is not None and self._stream is not None:
            token = partial(self._token, self._stream, self._token_wanted)
            choices.append(Choice(self._token_at, RequestKind.STREAM, token, Haste.WANTED))
        waits = [(self._wait_s(choice, moment), choice.due_at) for choice in choices]
        first = min(range(len(choices)), key=waits.__getitem__)
        return waits[first][0], choices[first].make()

    def take_answer(self, read: Read, asked: Moment, apply: Apply) -> None:
        """Take in what a read has brought."""
        moment = moment_of(self._clock)
        # A token may be signed here: then nobody has answered.
        if read.kind is not RequestKind.STREAM:
            self._health.note_answer(read.kind, moment)
            if read.kind is not RequestKind.SERVER_TIME:
                self._health.note_good_key(moment)
        apply(asked)

    def take_failure(self, read: Read, error: VenueError) -> None:
        """Take in that a read failed."""
        moment = moment_of(self._clock)
        if read.kind is not RequestKind.STREAM:
            self._health.note_read_failure(read.kind, error, moment)
        elif error.kind is FailureKind.BUSY:
            # Of all its failures this one alone says something about the others.
            self._health.note_passing_refusal(
                error.retry_after_s or self._settings.retry_first_s, moment
            )
        read.failed(error, moment)

    def note_broken_off(self, read: Read) -> None:
        """Have a read asked again that gave way to an order, if its begin took it for done."""
        if read.kind is RequestKind.STREAM:
            # The stream waits for this answer, and for ever without one.
            self._token_at = self._clock.monotonic()

    def _wait_s(self, choice: Choice, moment: Moment) -> float:
        health_s = self._health.read_wait_s(choice.kind, moment, choice.haste)
        return max(0.0, choice.due_at - moment.passed, health_s)

    def _urgent_choice(self) -> Choice | None:
        now = self._clock.monotonic()
        finds = self._tracker.shelf.next_finds(now, self._finds_at_once)
        fills_at = self._tracker.fills_due_at
        choices: list[Choice] = []
        hint_at = self._hint_due_at
        if hint_at is not None and self._tracker.shelf.has_entries:
            fills_at = hint_at if fills_at is None else min(fills_at, hint_at)
        if fills_at is not None:
            fills_at = max(fills_at, self._fills_rested_at)
            # Executions come first: they often say all, and one request brings those of all orders.
            choices.append(Choice(fills_at, RequestKind.FILLS, self._fills))
        if finds and finds[0].look_at is not None:
            find = partial(self._reads.find, finds)
            choices.append(Choice(finds[0].look_at, kind_of_find(finds[0]), find))
        due = [choice for choice in choices if choice.due_at <= now]
        return due[0] if due else min(choices, key=lambda choice: choice.due_at, default=None)

    def _look_choice(self) -> Choice:
        looking, haste = self.looking, self.looking.haste
        if haste is Haste.WANTED and not self._tracker.shelf.has_entries:
            # There is nothing whose executions would have to be read at once.
            haste = Haste.URGENT
        return Choice(looking.due_at, looking.next_kind, looking.next_read, haste)

    def _poll_choice(self, moment: Moment) -> Choice:
        """Poll with what others leave, but never so rarely that nothing is seen for long."""
        haste, late_s = Haste.ROUTINE, moment.passed - self._poll_at
        if self._is_poll_wanted or late_s >= self._settings.poll_late_s:
            is_hinted = self._is_poll_wanted and self._tracker.shelf.has_entries
            is_urgent = is_hinted or late_s >= 2 * self._settings.poll_late_s
            haste = Haste.URGENT if is_urgent else Haste.WANTED
        return Choice(self._poll_at, RequestKind.OPEN_ORDERS, self._poll, haste)

    def _clock_choice(self, moment: Moment) -> Choice:
        is_down = self._health.breaker.state is not BreakerState.CLOSED
        is_down |= self._health.is_unasked(moment)
        # Of all reads it is the cheapest to see by whether the venue is back.
        due_at = moment.passed if is_down else self._clock_at
        return Choice(due_at, RequestKind.SERVER_TIME, self._server_time)

    def _poll(self) -> Read:
        return self._reads.open_orders(self._polled)

    def _fills(self) -> Read:
        def begin(moment: Moment) -> None:
            self._fills_asked_at = moment.passed
            is_paced = self._heard_fills.wait_s(RequestKind.FILLS, moment.passed) > 0
            if self._hint_at is not None and not is_paced:
                self._heard_fills.take(RequestKind.FILLS, moment.passed)

        return replace(self._reads.fills(self._read_fills), begin=begin)

    def _token(self, stream: StreamThread, wanted: TokenWanted) -> Read:
        """Ask for the token of the stream among the reads of the key; no failure is a trouble."""

        def ask(venue: Venue) -> Apply:
            token = stream.stream.ask_token(venue, wanted.challenge)
            return lambda _asked: wanted.give(token)

        def begin(_moment: Moment) -> None:
            self._token_at = None

        def failed(error: VenueError, _moment: Moment) -> None:
            wanted.give(error)

        return Read(RequestKind.STREAM, ask, begin, failed)

    def _server_time(self) -> Read:
        return self._reads.server_time(self._read_clock)

    def _polled(self, _orders: Sequence[VenueOrder]) -> None:
        self._is_poll_wanted = False
        self._poll_at = self._clock.monotonic() + self._poll_step_s
        longest_s = self._settings.poll_stream_s if self._is_streaming else self._settings.poll_s
        self._poll_step_s = min(longest_s, self._poll_step_s * 2)

    def _read_fills(self, new: int) -> None:
        self._fills_at = self._clock.monotonic() + self._settings.fills_s
        if self._hint_at is not None and self._hint_at <= self._fills_asked_at:
            self._end_hint(new)
        if new:
            self._poll_closely()

    def _end_hint(self, new: int) -> None:
        """Have the open orders read after what was heard: they tell what executions lag behind."""
        self._hint_at = None
        self._is_poll_wanted = not new
        wait_s = self._settings.poll_s if new else 0.0
        self._poll_at = min(self._poll_at, self._clock.monotonic() + wait_s)
        self._poll_closely()

    def _poll_closely(self) -> None:
        """Have the next polls follow each other closely: where something came, more may come."""
        now = self._clock.monotonic()
        if not self._quick_polls.wait_s(RequestKind.OPEN_ORDERS, now):
            self._quick_polls.take(RequestKind.OPEN_ORDERS, now)
            self._poll_step_s = self._poll_first_s

    @property
    def _hint_due_at(self) -> float | None:
        """Return when what was heard of is to be read: at once, unless much was heard lately."""
        now = self._clock.monotonic()
        if self._hint_at is None:
            return None
        wait_s = self._heard_fills.wait_s(RequestKind.FILLS, now)
        return max(now + wait_s if wait_s else self._hint_at, self._fills_rested_at)

    @property
    def _fills_rested_at(self) -> float:
        """Return from when on executions are read again: what comes close together is one read."""
        return self._fills_asked_at + self._settings.fills_rest_s

    @property
    def _is_streaming(self) -> bool:
        return self._stream is not None and self._stream.is_healthy(self._clock.monotonic())

    @property
    def _poll_first_s(self) -> float:
        settings = self._settings
        is_sparing = settings.poll_stream_s > settings.poll_s and self._is_streaming
        return settings.poll_s if is_sparing else settings.poll_first_s

    def _read_clock(self, server_at: float, asked: Moment, answered: Moment) -> None:
        """Judge the clocks: half of the round trip may be on either way."""
        half_trip_s = (answered.passed - asked.passed) / 2
        skew_s = server_at - (answered.at - half_trip_s)
        is_off = abs(skew_s) - half_trip_s > self._settings.clock_skew_max_s
        if is_off:
            text = f"this machine's clock and the exchange's are {abs(skew_s):.1f} s apart"
            self._health.troubles.set(CLOCK, text, answered.at)
        else:
            self._reads.note_clock(server_at)
            self._health.troubles.clear(CLOCK, answered.at)
        settings = self._settings
        wait_s = settings.clock_retry_s if is_off else settings.reconcile_s
        self._clock_at = answered.passed + wait_s

    def _seen(self, seen: AccountSeen) -> None:
        self._tell(seen)
        self._health.note_seen(moment_of(self._clock))
