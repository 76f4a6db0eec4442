"""Commands: exactly one outcome for each id, whatever comes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpproto import Command, ReplyState
from tcpproto.vocabulary import VOCABULARY, Place, Risk, Role
from tests.trading_tests.makers import (
    NOW,
    events_of,
    give,
    make_command,
    make_core,
    make_running_core,
    make_tick,
    of_kind,
    outcomes_of,
)
from trading.engine.command_call import Answer, Call
from trading.engine.commands import REMEMBERED_MAX, CommandDesk, Situation
from trading.engine.effects import RecordOutcome, ReportBug, SendReply
from trading.engine.status import EngineSnapshot

ENGINE_VERBS = sorted(name for name, verb in VOCABULARY.items() if verb.place is Place.ENGINE)
RAISING_VERB = next(name for name in ENGINE_VERBS if VOCABULARY[name].risk is Risk.RAISING)
REDUCING_VERB = next(name for name in ENGINE_VERBS if VOCABULARY[name].risk is Risk.REDUCING)


def state_of(command: Command, at: float = NOW) -> ReplyState:
    (outcome,) = outcomes_of(give(make_running_core(), command, at))
    return outcome.state


def text_of(command: Command, at: float = NOW) -> str:
    (outcome,) = outcomes_of(give(make_running_core(), command, at))
    return outcome.text


def test_a_repeated_id_gets_the_first_outcome_marked_as_repeat() -> None:
    core = make_running_core()
    (first,) = outcomes_of(give(core, make_command()))
    (again,) = give(core, make_command()._replace(verb="flatten", args=("x",)), NOW + 1_000)
    assert isinstance(again, SendReply)
    assert again.reply == first.to_reply(repeat=True)


def test_an_expired_command_expires_and_says_that_nothing_was_done() -> None:
    command = make_command(expires_at=NOW + 5)
    assert state_of(command, NOW + 5) is ReplyState.APPLIED
    assert state_of(command, NOW + 5.1) is ReplyState.EXPIRED
    assert "nothing was done" in text_of(command, NOW + 6)


def test_a_command_from_the_future_expires() -> None:
    assert state_of(make_command(issued_at=NOW + 29)) is ReplyState.APPLIED
    assert state_of(make_command(issued_at=NOW + 31)) is ReplyState.EXPIRED


def test_what_reduces_risk_is_obeyed_whichever_clock_is_wrong() -> None:
    ahead = make_command("stopbuying", role="admin", issued_at=NOW + 400, expires_at=NOW + 9_999)
    assert state_of(ahead) is ReplyState.APPLIED


def test_a_raising_command_is_old_after_half_a_minute_whatever_its_expiry_says() -> None:
    command = make_command(RAISING_VERB, expires_at=NOW + 9_999)
    assert state_of(command, NOW + 31) is ReplyState.EXPIRED


def test_a_reducing_command_may_have_waited_for_a_day() -> None:
    command = make_command(REDUCING_VERB, role="admin", expires_at=NOW + 86_400)
    assert state_of(command, NOW + 86_000) is not ReplyState.EXPIRED
    assert state_of(command._replace(expires_at=NOW + 99_999), NOW + 86_401) is ReplyState.EXPIRED


def test_a_viewer_may_read_and_nothing_else() -> None:
    assert state_of(make_command(role="viewer")) is ReplyState.APPLIED
    assert state_of(make_command(RAISING_VERB, role="viewer")) is ReplyState.REJECTED
    assert "needs the role" in text_of(make_command(RAISING_VERB, role="viewer"))


def test_an_unknown_role_may_nothing() -> None:
    assert state_of(make_command(role="emperor")) is ReplyState.REJECTED


def test_an_unknown_verb_is_rejected_with_the_nearest_one() -> None:
    assert "did you mean /getstatus" in text_of(make_command("getstatuss"))
    assert state_of(make_command("\x1b[2J")) is ReplyState.REJECTED
    assert "\x1b" not in text_of(make_command("\x1b[2J"))


def test_a_verb_of_the_bridge_is_no_command_of_the_engine() -> None:
    assert state_of(make_command("ping")) is ReplyState.REJECTED


def test_absurd_arguments_are_rejected_with_the_usage() -> None:
    assert state_of(make_command("getstatus", "a", "b", "\x00")) is ReplyState.REJECTED
    assert "Usage" in text_of(make_command("buy", "BTC/USDT", "-1"))


@pytest.mark.parametrize("verb", ENGINE_VERBS)
def test_each_verb_of_the_engine_is_answered(verb: str) -> None:
    row = VOCABULARY[verb]
    examples = [one.split()[1:] for one in row.examples if "@" not in one]
    example = examples[-1] if examples else []
    core = make_running_core()
    core.process(make_tick())
    command = make_command(verb, *example, role="admin", confirmed=True)
    (outcome,) = outcomes_of(give(core, command))
    if row.available and verb != "sell":
        assert outcome.state is ReplyState.APPLIED
    else:
        # Nothing is held that could be sold.
        assert outcome.state is ReplyState.REJECTED


def test_a_handler_that_breaks_costs_its_command_and_nothing_else() -> None:
    def break_down(_call: Call) -> Answer:
        raise ZeroDivisionError("oops")

    desk = CommandDesk({"getstatus": break_down})

    def no_snapshot() -> EngineSnapshot:
        raise AssertionError("not wanted here")

    effects = desk.handle(make_command(), Situation(no_snapshot, None, NOW))
    (outcome,) = outcomes_of(effects)
    assert outcome.state is ReplyState.REJECTED
    assert "ZeroDivisionError" in outcome.text
    assert len(of_kind(effects, ReportBug)) == 1
    assert [event.kind for event in events_of(effects)] == ["command_failed"]


def test_a_handler_that_breaks_at_each_command_is_told_once_a_window(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def break_down(_call: Call) -> Answer:
        raise ZeroDivisionError("oops")

    core = make_running_core()
    monkeypatch.setattr(core, "_desk", CommandDesk({"getstatus": break_down}))
    told = []
    for number in range(500):
        effects = give(core, make_command(command_id=f"c{number}"))
        assert len(outcomes_of(effects)) == 1
        told += events_of(effects)
    assert [event.kind for event in told] == ["command_failed"]


def test_memory_of_outcomes_is_bounded() -> None:
    core = make_running_core()
    for number in range(REMEMBERED_MAX + 10):
        give(core, make_command("nonsense", command_id=f"c{number}"))
    assert len(core._desk._remembered) == REMEMBERED_MAX


commands = st.builds(
    make_command,
    st.sampled_from([*ENGINE_VERBS, "ping", "nonsense"]),
    command_id=st.sampled_from([f"id-{number}" for number in range(8)]),
    role=st.sampled_from([*Role, "nobody"]),
    issued_at=st.floats(NOW - 90_000, NOW + 120),
    expires_at=st.floats(NOW - 200, NOW + 90_000),
)


@given(st.lists(st.tuples(commands, st.floats(NOW, NOW + 300)), max_size=40))
def test_any_sequence_gives_exactly_one_outcome_for_each_id(
    sequence: list[tuple[Command, float]],
) -> None:
    core = make_core()
    first: dict[str, tuple[ReplyState, str]] = {}
    for command, at in sequence:
        effects = give(core, command, at)
        recorded = of_kind(effects, RecordOutcome)
        if command.id in first:
            assert not recorded
            (repeat,) = of_kind(effects, SendReply)
            assert repeat.reply.repeat
            assert (repeat.reply.state, repeat.reply.text) == first[command.id]
        else:
            (outcome,) = [effect.outcome for effect in recorded]
            assert outcome.state.is_final
            first[command.id] = (outcome.state, outcome.text)
            if outcome.state is ReplyState.APPLIED:
                assert at <= command.expires_at
                assert VOCABULARY[command.verb].available
