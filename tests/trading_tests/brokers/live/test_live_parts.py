"""The pure parts around a venue: the queue, the budget, the breaker, health, and their tables."""

from decimal import Decimal
from itertools import product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trading_tests.makers import BTC
from trading.brokers.live import breaker, phases
from trading.brokers.live.breaker import BreakerState, BreakerTrigger, CircuitBreaker
from trading.brokers.live.fill_book import OVERLAP_S, FillBook
from trading.brokers.live.health import VenueHealth
from trading.brokers.live.job_queue import Job, JobQueue, JobRank
from trading.brokers.live.limiter import RequestLimiter
from trading.brokers.live.moment import Moment
from trading.brokers.live.phases import Phase, PhaseTrigger
from trading.brokers.live.settings import LiveSettings, RequestBudget, RequestKind
from trading.brokers.live.troubles import Troubles
from trading.brokers.venue import FailureKind, VenueError, VenueFill
from trading.errors import IllegalTransitionError
from trading.model.order import Side
from trading.model.venue_news import VenueTrouble


def job(rank: JobRank, order_id: str, not_before: float = 0.0) -> Job:
    return Job(rank, order_id, 0.0, not_before)


def fill(fill_id: str, at: float) -> VenueFill:
    one = Decimal(1)
    return VenueFill(fill_id, "v1", "", BTC, Side.BUY, one, one, Decimal(0), "USDT", at)


def test_every_pair_of_phase_and_trigger_moves_or_raises() -> None:
    for phase, trigger in product(Phase, PhaseTrigger):
        if (phase, trigger) in phases.TRANSITIONS:
            assert phases.advance_phase(phase, trigger) in Phase
        else:
            with pytest.raises(IllegalTransitionError):
                phases.advance_phase(phase, trigger)


def test_an_order_is_sent_from_the_queue_only_and_returns_to_it_by_a_definite_no_only() -> None:
    sending = [pair for pair, after in phases.TRANSITIONS.items() if after is Phase.SENDING]
    queued = [pair for pair, after in phases.TRANSITIONS.items() if after is Phase.QUEUED]
    assert sending == [(Phase.QUEUED, PhaseTrigger.SEND)]
    assert queued == [(Phase.SENDING, PhaseTrigger.POSTPONE)]


def test_every_pair_of_breaker_state_and_trigger_moves_or_raises() -> None:
    for state, trigger in product(BreakerState, BreakerTrigger):
        if (state, trigger) in breaker.TRANSITIONS:
            assert breaker.advance_breaker(state, trigger) in BreakerState
        else:
            with pytest.raises(IllegalTransitionError):
                breaker.advance_breaker(state, trigger)


def test_the_breaker_waits_longer_each_time_and_lets_a_probe_out() -> None:
    made = CircuitBreaker(failures_max=2, first_s=1.0, longest_s=10.0, rng=Random(1))
    assert not made.fail("slow", 0.0)
    assert made.fail("dead", 0.0)
    assert made.reason == "dead"
    waits, now = [], 0.0
    for _ in range(6):
        wait_s = made.wait_s(now)
        waits.append(wait_s)
        now += wait_s
        assert made.wait_s(now) == 0.0
        assert made.state is BreakerState.HALF_OPEN
        assert not made.fail("still dead", now)
    assert all(0.5 * 2**n <= wait_s <= 2**n for n, wait_s in enumerate(waits[:4]))
    assert max(waits) <= 10.0
    made.wait_s(now + 10.0)
    assert made.succeed()
    assert not made.succeed()


def test_jobs_are_taken_by_rank_and_within_it_as_they_came() -> None:
    queue = JobQueue(10)
    ranks = [JobRank.CANCEL, JobRank.ENTRY, JobRank.EXIT, JobRank.ENTRY, JobRank.EXIT]
    for number, rank in enumerate(ranks):
        assert queue.add(job(rank, f"o{number}"))
    taken = [queue.take(0.0) for _ in range(6)]
    assert [one.order_id for one in taken if one] == ["o2", "o4", "o1", "o3", "o0"]
    assert taken[-1] is None


def test_a_job_that_waits_lets_others_go_first() -> None:
    queue = JobQueue(10)
    queue.add(job(JobRank.EXIT, "o1", not_before=5.0))
    queue.add(job(JobRank.ENTRY, "o2"))
    assert queue.wait_s(0.0) == 0.0
    first = queue.take(0.0)
    assert first is not None
    assert first.order_id == "o2"
    assert queue.take(0.0) is None
    assert queue.wait_s(0.0) == 5.0


def test_a_full_queue_takes_exits_and_cancels_when_it_takes_no_entry() -> None:
    queue = JobQueue(2)
    assert [queue.add(job(JobRank.ENTRY, f"e{number}")) for number in range(3)] == [1, 1, 0]
    assert [queue.add(job(JobRank.EXIT, f"x{number}")) for number in range(3)] == [1, 1, 0]
    assert all(queue.add(job(JobRank.CANCEL, f"c{number}")) for number in range(9))


@given(
    st.lists(st.tuples(st.sampled_from(list(RequestKind)), st.floats(0, 3)), max_size=60),
    st.floats(0.1, 10),
    st.floats(1, 20),
)
def test_reads_never_exceed_the_budget_and_orders_never_wait(
    asked: list[tuple[RequestKind, float]], per_s: float, burst: float
) -> None:
    limiter = RequestLimiter(RequestBudget(per_s, burst), 0.0)
    now, reads = 0.0, 0
    for kind, pause_s in asked:
        now += pause_s
        wait_s = limiter.wait_s(kind, now)
        if kind in (RequestKind.ORDER, RequestKind.CANCEL):
            assert wait_s == 0.0
        else:
            now += wait_s
            reads += 1
            assert reads <= burst + now * per_s + 0.001
        limiter.take(kind, now)


def test_reads_wait_until_what_orders_took_on_credit_is_paid_back() -> None:
    limiter = RequestLimiter(RequestBudget(per_s=1.0, burst=2.0, weights={}), 0.0)
    for _ in range(5):
        assert limiter.wait_s(RequestKind.ORDER, 0.0) == 0.0
        limiter.take(RequestKind.ORDER, 0.0)
    assert limiter.wait_s(RequestKind.FIND, 0.0) == pytest.approx(4.0)


def test_a_pause_holds_for_every_kind() -> None:
    limiter = RequestLimiter(RequestBudget(), 0.0)
    limiter.pause(7.0, 0.0)
    limiter.pause(3.0, 1.0)
    assert {limiter.wait_s(kind, 2.0) for kind in RequestKind} == {5.0}


def test_executions_are_new_once_in_whatever_order_they_come() -> None:
    book = FillBook(since=1_000.0)
    assert book.since == 1_000.0
    late, early = fill("f2", 1_100.0), fill("f1", 1_050.0)
    assert book.take_new([late, early, late], 1_200.0) == [early, late]
    book.note_told(early)
    book.note_unplaced(late)
    assert book.take_new([early], 1_200.0) == [late]
    assert book.since == 1_100.0 - OVERLAP_S


def test_a_clock_that_is_ahead_hides_no_execution() -> None:
    book = FillBook(since=1_000.0)
    book.take_new([fill("f1", 9_000.0)], now_at=1_200.0)
    assert book.since == 1_200.0 - OVERLAP_S


def test_a_kind_of_read_that_keeps_failing_is_told_although_others_work() -> None:
    told: list[VenueTrouble] = []
    health = VenueHealth("model", LiveSettings(), Troubles("main", told.append), Random(1), 0.0)
    error = VenueError("half an answer", FailureKind.BAD_ANSWER)
    for number in range(4):
        health.note_read_failure(RequestKind.HOLDINGS, error, Moment(number, number))
        health.note_answer(RequestKind.FILLS, Moment(number, number))
    assert [one.reason for one in told] == ["model does not tell the holdings: half an answer"]
    health.note_answer(RequestKind.HOLDINGS, Moment(9.0, 9.0))
    assert told[-1].reason == ""


def test_a_rate_limit_pauses_orders_too_and_counts_as_no_failure() -> None:
    health = VenueHealth("model", LiveSettings(), Troubles("main", lambda _: None), Random(1), 0.0)
    busy = VenueError("slow down", FailureKind.BUSY, retry_after_s=9.0)
    for _ in range(5):
        health.note_read_failure(RequestKind.FILLS, busy, Moment(0.0, 0.0))
    assert health.order_wait_s(Moment(1.0, 1.0)) == 8.0
    assert health.breaker.state is BreakerState.CLOSED
