"""The store thread: one transaction for what belongs together, released in order after it."""

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tcpproto import ReplyState
from tests.trading_tests.makers import NOW, make_event
from tests.trading_tests.store.rig import StoreRig, store_rig
from tests.waiting import wait_until
from trading.engine.effects import (
    CommittedEffect,
    RaiseEvent,
    RecordOutcome,
    SaveState,
    SendReply,
)
from trading.model.event import Severity
from trading.model.outcome import CommandOutcome
from trading.store.database import StoreLimits
from trading.store.outbox import BODY_LEN_MAX


def outcome(command_id: str, text: str = "done", at: float = NOW) -> CommandOutcome:
    return CommandOutcome(command_id, "getstatus", "42", ReplyState.APPLIED, text, at, {"n": 1})


def test_an_event_gets_its_number_and_wakes_the_link(tmp_path: Path) -> None:
    with store_rig(tmp_path) as rig:
        rig.store.submit([RaiseEvent(make_event("one", fields={"a": 1}))])
        rig.store.submit([RaiseEvent(make_event("two"))])
        rig.settle()
        first, second = rig.events()
        assert (first.epoch, first.seq, first.text, first.fields) == (rig.epoch, 1, "one", {"a": 1})
        assert (second.seq, second.severity) == (2, "notice")
        assert rig.seen.wakes >= 1
        assert rig.store.health.last_seq == 2
        assert rig.store.health.outbox_rows == 2


def test_an_answer_leaves_after_its_outcome_is_committed(tmp_path: Path) -> None:
    with store_rig(tmp_path) as rig:
        committed: list[object] = []
        answer = rig.seen.answer

        def look_then_answer(reply: object) -> None:
            committed.append(rig.database.outcomes.find("c1"))
            answer(reply)  # type: ignore[arg-type]

        rig.seen.answer = look_then_answer  # type: ignore[method-assign]
        rig.store.submit([RecordOutcome(outcome("c1"))])
        rig.settle()
        assert committed == [outcome("c1")]
        assert rig.seen.replies == [outcome("c1").to_reply()]


def test_answers_leave_in_the_order_of_their_commands(tmp_path: Path) -> None:
    with store_rig(tmp_path) as rig:
        for number in range(500):
            rig.store.submit([RecordOutcome(outcome(f"c{number}"))])
            rig.store.submit([SendReply(outcome(f"c{number}").to_reply(repeat=True))])
        rig.settle()
        ids = [(reply.reply_to, reply.repeat) for reply in rig.seen.replies]
        assert ids == [(f"c{n}", again) for n in range(500) for again in (False, True)]
        assert rig.store.health.commits < 500


def test_an_outcome_that_is_not_announced_is_kept_without_an_answer(tmp_path: Path) -> None:
    with store_rig(tmp_path) as rig:
        rig.store.submit([RecordOutcome(outcome("c1"), announce=False)])
        rig.settle()
        assert rig.database.outcomes.find("c1") == outcome("c1")
        assert not rig.seen.replies


def test_the_first_outcome_of_an_id_stays(tmp_path: Path) -> None:
    with store_rig(tmp_path) as rig:
        rig.store.submit([RecordOutcome(outcome("c1", "first"))])
        rig.store.submit([RecordOutcome(outcome("c1", "second"))])
        rig.settle()
        found = rig.database.outcomes.find("c1")
        assert found is not None
        assert found.text == "first"


def test_an_unknown_id_has_no_outcome(tmp_path: Path) -> None:
    with store_rig(tmp_path) as rig:
        assert rig.database.outcomes.find("nobody") is None


def test_values_are_kept_over_a_restart(tmp_path: Path) -> None:
    with store_rig(tmp_path) as rig:
        assert rig.database.load_saved() == {}
        rig.store.submit([SaveState("a", "1"), SaveState("b", "2")])
        rig.store.submit([SaveState("a", "3")])
    with store_rig(tmp_path) as rig:
        assert rig.database.load_saved() == {"a": "3", "b": "2"}


def test_each_opening_numbers_under_a_new_epoch_and_keeps_old_rows_in_order(
    tmp_path: Path,
) -> None:
    with store_rig(tmp_path) as first:
        first.store.submit([RaiseEvent(make_event("one"))])
    with store_rig(tmp_path) as second:
        assert second.store.health.outbox_rows == 1
        assert second.store.health.last_seq == 0
        second.store.submit([RaiseEvent(make_event("two"))])
        second.settle()
        events = second.events()
        assert [event.text for event in events] == ["one", "two"]
        assert [(event.epoch, event.seq) for event in events] == [
            (first.epoch, 1),
            (second.epoch, 1),
        ]


def test_acknowledged_rows_go_and_others_stay(tmp_path: Path) -> None:
    with store_rig(tmp_path) as first:
        first.store.submit([RaiseEvent(make_event("old"))])
    with store_rig(tmp_path) as rig:
        for number in range(10):
            rig.store.submit([RaiseEvent(make_event(f"new {number}"))])
        rig.settle()
        rig.store.acknowledge(rig.epoch, 4)
        rig.store.acknowledge(rig.epoch, 7)
        rig.store.acknowledge("an epoch of nobody", 99)
        wait_until(lambda: rig.store.health.outbox_rows == 4, 5, "seven rows are gone")
        assert [event.text for event in rig.events()] == ["old", "new 7", "new 8", "new 9"]
        rig.store.acknowledge(first.epoch, 1)
        wait_until(lambda: rig.store.health.outbox_rows == 3, 5, "the old row is gone")


def test_row_ids_never_go_back_while_the_process_lives(tmp_path: Path) -> None:
    with store_rig(tmp_path) as rig:
        seen = 0
        for number in range(5):
            rig.store.submit([RaiseEvent(make_event(str(number)))])
            rig.settle()
            (row,) = rig.database.outbox.read_after(0, 10)
            assert row.row_id > seen
            seen = row.row_id
            rig.store.acknowledge(rig.epoch, row.seq)
            wait_until(lambda: rig.store.health.outbox_rows == 0, 5, "the row is gone")


def test_a_full_outbox_refuses_lesser_events_counts_them_and_takes_grave_ones(
    tmp_path: Path,
) -> None:
    with store_rig(tmp_path, limits=StoreLimits(outbox_rows_max=3)) as rig:
        for number in range(5):
            rig.store.submit(
                [SaveState("n", str(number)), RaiseEvent(make_event(f"note {number}"))]
            )
        rig.settle()
        rig.store.submit([RaiseEvent(make_event("grave", severity=Severity.CRITICAL))])
        rig.settle()
        assert [event.text for event in rig.events()] == ["note 0", "note 1", "note 2", "grave"]
        assert rig.store.health.events_refused == 2
        assert rig.store.health.outbox_room == 0
        assert rig.database.load_saved() == {"n": "4"}
        rig.store.acknowledge(rig.epoch, 99)
        wait_until(lambda: rig.store.health.outbox_room == 3, 5, "there is room again")
        rig.store.submit([RaiseEvent(make_event("note again"))])
        rig.settle()
        assert [event.text for event in rig.events()] == ["note again"]


def test_an_event_that_no_frame_could_hold_is_sent_without_its_fields(tmp_path: Path) -> None:
    with store_rig(tmp_path) as rig:
        rig.store.submit([RaiseEvent(make_event("big", fields={"x": "y" * BODY_LEN_MAX}))])
        rig.store.submit([RaiseEvent(make_event("odd", fields={"x": {1, 2}}))])
        deep: object = "x"
        for _ in range(300):
            deep = [deep]
        rig.store.submit([RaiseEvent(make_event("\ud800 deep", fields={"x": deep}))])
        rig.settle()
        big, odd, deep_event = rig.events()
        assert big.fields == {"fields_left_out": True}
        assert odd.text == "odd"
        assert deep_event.text == "? deep"


def test_old_outcomes_are_pruned_by_age_and_by_number(tmp_path: Path) -> None:
    limits = StoreLimits(outcome_age_max_s=3_600.0, outcome_rows_max=10)
    with store_rig(tmp_path, limits=limits) as rig:
        now = 4_000_000_000.0
        for number in range(5):
            rig.store.submit([RecordOutcome(outcome(f"old{number}", at=1_000.0))])
        for number in range(30):
            rig.store.submit([RecordOutcome(outcome(f"new{number}", at=now + number))])
        rig.settle()
        find = rig.database.outcomes.find
        wait_until(lambda: find("new19") is None, 5, "twenty of the new ones are gone")
        assert find("old0") is None
        assert all(find(f"new{number}") for number in range(20, 30))


def test_a_stop_commits_everything_that_was_submitted(tmp_path: Path) -> None:
    with store_rig(tmp_path) as rig:
        for number in range(5_000):
            rig.store.submit([RaiseEvent(make_event(str(number)))])
        assert rig.store.is_behind
        assert rig.store.stop(10.0)
        assert [event.text for event in rig.events()] == [str(n) for n in range(5_000)]


def test_a_bug_in_the_store_is_reported_and_nothing_is_claimed(tmp_path: Path) -> None:
    with store_rig(tmp_path) as rig:
        rig.store.submit([SaveState("key", None)])  # type: ignore[arg-type]
        wait_until(lambda: rig.seen.failures, 5, "the failure")
        rig.store.submit([RecordOutcome(outcome("c1"))])
        assert not rig.store.is_alive or not rig.seen.replies


effects = st.one_of(
    st.builds(SaveState, st.sampled_from("abc"), st.text("xyz", max_size=3)),
    st.builds(lambda n: RaiseEvent(make_event(str(n))), st.integers(0, 99)),
    st.builds(lambda n: RecordOutcome(outcome(f"c{n}")), st.integers(0, 9)),
)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(effects, min_size=1, max_size=4), max_size=30))
def test_what_is_submitted_is_what_is_stored(
    tmp_path_factory: object, units: list[list[CommittedEffect]]
) -> None:
    folder = tmp_path_factory.mktemp("store")  # type: ignore[attr-defined]
    with store_rig(folder) as rig:
        for unit in units:
            rig.store.submit(unit)
        rig.settle()
        check_stored(rig, [effect for unit in units for effect in unit])


def check_stored(rig: StoreRig, flat: list[CommittedEffect]) -> None:
    values = {one.key: one.value for one in flat if isinstance(one, SaveState)}
    texts = [one.event.text for one in flat if isinstance(one, RaiseEvent)]
    answered = [one.outcome.command_id for one in flat if isinstance(one, RecordOutcome)]
    assert rig.database.load_saved() == values
    assert [event.text for event in rig.events()] == texts
    assert [event.seq for event in rig.events()] == list(range(1, len(texts) + 1))
    assert [reply.reply_to for reply in rig.seen.replies] == answered


def test_what_waits_to_be_committed_takes_up_room_in_the_outbox(tmp_path: Path) -> None:
    """A disk that hangs gives no error, and the queue before it must not grow without end."""
    rig = StoreRig(tmp_path, limits=StoreLimits(outbox_rows_max=100))
    for number in range(60):
        rig.store.submit([RaiseEvent(make_event(str(number)))])
    assert rig.store.health.outbox_room == 40
    rig.store.start()
    rig.settle()
    assert rig.store.health.outbox_room == 40
    rig.store.stop(5.0)
    rig.database.close()
