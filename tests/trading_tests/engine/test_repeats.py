"""Coalescing of repeated events."""

from hypothesis import given
from hypothesis import strategies as st

from tests.trading_tests.makers import NOW, make_event
from trading.engine.repeats import KEYS_MAX, RepeatFilter


def test_events_without_a_key_all_pass() -> None:
    repeats = RepeatFilter(60.0)
    assert [len(repeats.admit(make_event())) for _ in range(3)] == [1, 1, 1]
    assert not repeats.flush()


def test_repeats_within_the_window_become_one_with_a_count() -> None:
    repeats = RepeatFilter(60.0)
    passed = [
        event
        for second in range(60)
        for event in repeats.admit(make_event("broken", key="k", at=NOW + second))
    ]
    assert len(passed) == 1
    assert not repeats.due(NOW + 59)
    (counted,) = repeats.due(NOW + 60)
    assert counted.text == "broken (59 more in 60 s)"
    assert counted.fields["repeats"] == 59


def test_an_error_that_goes_on_is_told_once_a_window() -> None:
    repeats = RepeatFilter(60.0)
    told = 0
    for second in range(600):
        told += len(repeats.admit(make_event(key="k", at=NOW + second)))
        told += len(repeats.due(NOW + second))
    assert told <= 11


def test_an_error_that_lasts_is_told_less_and_less_often() -> None:
    repeats = RepeatFilter(60.0)
    told: list[float] = []
    for second in range(0, 86_400, 10):
        event = make_event("broken", key="k", at=NOW + second)
        told += [second] * len(repeats.admit(event) + repeats.due(NOW + second))
    assert told[:5] == [0, 60, 360, 2_160, 16_560]
    assert len(told) <= 10


def test_an_error_that_comes_back_after_a_rest_is_told_at_once() -> None:
    repeats = RepeatFilter(60.0)
    for second in range(3_600):
        repeats.admit(make_event("broken", key="k", at=NOW + second))
        repeats.due(NOW + second)
    (counted,) = repeats.due(NOW + 3_900)
    assert counted.fields["repeats"] > 1_000
    (told,) = repeats.admit(make_event("broken", key="k", at=NOW + 4_000))
    assert told.text == "broken"


def test_a_rest_that_nobody_has_looked_at_is_one_all_the_same() -> None:
    repeats = RepeatFilter(60.0)
    for second in (0, 30):
        repeats.admit(make_event("broken", key="k", at=NOW + second))
    counted, told = repeats.admit(make_event("broken", key="k", at=NOW + 4_000))
    assert (counted.fields["repeats"], told.text) == (1, "broken")


def test_a_clock_that_is_set_back_silences_nothing() -> None:
    repeats = RepeatFilter(60.0)
    repeats.admit(make_event(key="k", at=NOW))
    back = NOW - 6 * 3600
    (told,) = repeats.admit(make_event("broken", key="k", at=back))
    assert told.text.startswith("broken")
    assert not repeats.admit(make_event("broken", key="k", at=back + 1))
    (counted,) = repeats.due(back + 60)
    assert counted.fields["repeats"] == 1


def test_the_table_of_keys_is_bounded_and_loses_no_count() -> None:
    repeats = RepeatFilter(60.0)
    repeats.admit(make_event(key="first"))
    repeats.admit(make_event(key="first"))
    told = [
        event
        for number in range(KEYS_MAX + 5)
        for event in repeats.admit(make_event(key=f"k{number}"))
    ]
    assert "1 more" in "".join(event.text for event in told)
    assert len(repeats._windows) <= KEYS_MAX


@given(
    st.lists(st.tuples(st.sampled_from(["", "a", "b"]), st.floats(0, 30)), min_size=1, max_size=60)
)
def test_every_event_is_either_passed_or_counted(steps: list[tuple[str, float]]) -> None:
    repeats = RepeatFilter(60.0)
    at, seen = NOW, 0
    for key, pause_s in steps:
        at += pause_s
        told = [*repeats.admit(make_event(key=key, at=at)), *repeats.due(at)]
        seen += sum(event.fields.get("repeats", 1) for event in told)
    seen += sum(event.fields["repeats"] for event in repeats.flush())
    assert seen == len(steps)
