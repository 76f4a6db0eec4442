"""The call timer: it counts the time that a call really had, whatever happened to the process."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from trading.guard.call_timer import INTERRUPTIONS_MIN, CallTimer, Sight, Verdict
from trading.guard.limits import GuardLimits

LIMITS = GuardLimits(budget_s=0.25, frozen_s=10.0, interval_s=0.05)
IDLE = Sight(now=100.0, used_s=1.0, number=0, serial=5, began=90.0, beat=1.0)


class Story:
    """Looks one after the other."""

    def __init__(self) -> None:
        self.timer = CallTimer(LIMITS)
        self.sight = IDLE
        self.timer.look(IDLE)

    def look(self, after_s: float = 0.05, used_s: float | None = None, **changed: float) -> Verdict:
        """Look again a while later; unless said otherwise the engine worked all that time."""
        now = self.sight.now + after_s
        used = self.sight.used_s + (after_s if used_s is None else used_s)
        self.sight = replace(self.sight, now=now, used_s=used, **changed)  # type: ignore[arg-type]
        return self.timer.look(self.sight)

    def begin_call(self, after_s: float = 0.05, used_s: float | None = None) -> Verdict:
        """See a new call that began just before this look."""
        began = self.sight.now + after_s - 0.01
        serial = self.sight.serial + 1
        return self.look(after_s, used_s, number=1, serial=serial, began=began)

    def looks_until(self, wanted: Verdict, looks_max: int = 10_000) -> int:
        """Count the looks until one leads to this."""
        return next(n for n in range(1, looks_max) if self.look() is wanted)


def test_a_call_is_interrupted_once_its_budget_is_used_up_and_at_each_look_from_then_on() -> None:
    story = Story()
    assert story.begin_call() is Verdict.FINE
    assert [story.look() for _ in range(7)] == [Verdict.FINE] * 4 + [Verdict.OVER_BUDGET] * 3


def test_a_call_that_heeds_nothing_is_frozen_in_the_end() -> None:
    story = Story()
    story.begin_call()
    assert 199 <= story.looks_until(Verdict.FROZEN) <= 201


def test_calls_that_follow_each_other_are_each_counted_alone() -> None:
    story = Story()
    assert {story.begin_call() for _ in range(1_000)} == {Verdict.FINE}


def test_a_stopped_process_ages_no_call() -> None:
    story = Story()
    story.begin_call()
    assert story.look(after_s=3_600.0, used_s=0.0) is Verdict.FINE
    assert story.timer.ran_s < LIMITS.budget_s


def test_a_stop_that_a_call_began_before_is_not_counted_against_it() -> None:
    story = Story()
    began = story.sight.now + 0.02
    verdict = story.look(15.0, used_s=0.03, number=1, serial=6, began=began)
    assert verdict is Verdict.FINE


def test_a_call_that_let_no_other_thread_run_is_over_its_budget_at_the_first_look() -> None:
    story = Story()
    began = story.sight.now + 0.02
    assert story.look(5.0, number=1, serial=6, began=began) is Verdict.OVER_BUDGET


def test_a_call_that_has_just_begun_pays_for_none_of_those_before() -> None:
    story = Story()
    assert story.begin_call(after_s=5.0) is Verdict.FINE


def test_nobody_is_frozen_before_he_was_interrupted_a_few_times() -> None:
    story = Story()
    story.look(60.0, number=1, serial=6, began=story.sight.now)
    assert story.looks_until(Verdict.FROZEN) == INTERRUPTIONS_MIN


def test_an_engine_without_a_beat_is_stalled_after_three_times_as_long() -> None:
    story = Story()
    assert 599 <= story.looks_until(Verdict.STALLED) <= 601


def test_an_engine_that_beats_or_calls_is_not_stalled() -> None:
    story = Story()
    for number in range(2_000):
        assert story.look(beat=float(number)) is Verdict.FINE
    for number in range(2_000):
        assert story.look(serial=number) is Verdict.FINE


def test_a_stopped_process_is_not_stalled() -> None:
    story = Story()
    assert story.look(after_s=86_400.0, used_s=0.0) is Verdict.FINE


@given(
    gaps=st.lists(
        st.tuples(st.floats(0, 100), st.floats(0, 1)), min_size=1, max_size=30
    )  # how long until the look, and the share of it that the engine worked
)
def test_a_call_never_ages_more_than_the_time_that_passed(gaps: list[tuple[float, float]]) -> None:
    story = Story()
    story.begin_call()
    passed_s = worked_s = 0.01
    for after_s, share in gaps:
        story.look(after_s, used_s=after_s * share)
        passed_s += after_s
        worked_s += max(after_s * share, min(after_s, LIMITS.on_time_s))
        assert story.timer.ran_s <= min(passed_s, worked_s) + 1e-6
