"""What the state of the store leaves of a command: every cell of the table, and what it means."""

import pytest

from tcpproto import ReplyState
from tcpproto.vocabulary import Risk
from tests.trading_tests.engine.floor import Floor
from tests.trading_tests.makers import BTC, of_kind
from trading.engine.commands import ADMISSION, Verdict
from trading.engine.effects import AnswerNow, RecordOutcome
from trading.engine.events import StoreTrouble

ACT, REFUSE, LEAVE = Verdict.ACT, Verdict.REFUSE, Verdict.LEAVE_UNKNOWN
TABLE = {
    # (the store writes, it could be asked): reading, setting, raising, reducing
    (True, True): (ACT, ACT, ACT, ACT),
    (True, False): (ACT, LEAVE, LEAVE, ACT),
    (False, True): (ACT, REFUSE, REFUSE, ACT),
    (False, False): (ACT, LEAVE, LEAVE, ACT),
}
RISKS = (Risk.READING, Risk.SETTING, Risk.RAISING, Risk.REDUCING)


@pytest.mark.parametrize(("writes", "is_known"), TABLE)
def test_every_cell_of_the_table_says_what_it_should(writes: bool, is_known: bool) -> None:
    found = tuple(ADMISSION[writes, is_known, risk] for risk in RISKS)
    assert found == TABLE[writes, is_known]


def test_the_table_has_no_other_cell() -> None:
    assert len(ADMISSION) == len(TABLE) * len(Risk)
    assert set(RISKS) == set(Risk)


def floor_with_position() -> Floor:
    floor = Floor()
    floor.tick(100.0)
    floor.do("buy", BTC, "1")
    floor.tick(100.0)
    return floor


@pytest.mark.parametrize("is_known", [True, False])
@pytest.mark.parametrize("writes", [True, False])
@pytest.mark.parametrize(
    ("verb", "args", "risk"),
    [
        ("getstatus", (), Risk.READING),
        ("buy", (BTC, "1"), Risk.RAISING),
        ("starttrading", (), Risk.RAISING),
        ("stopselling", (BTC,), Risk.RAISING),
        ("sell", (BTC,), Risk.REDUCING),
        ("pause", (), Risk.REDUCING),
        ("emergency", (), Risk.REDUCING),
    ],
)
def test_commands_meet_the_table(
    verb: str, args: tuple[str, ...], risk: Risk, writes: bool, is_known: bool
) -> None:
    floor = floor_with_position()
    if not writes:
        floor.break_store()
    answer = floor.do(verb, *args, is_history_known=is_known)
    expected = {
        ACT: ReplyState.APPLIED,
        REFUSE: ReplyState.REJECTED,
        LEAVE: ReplyState.UNKNOWN,
    }[ADMISSION[writes, is_known, risk]]
    assert answer.state is expected
    assert bool(of_kind(floor.effects, AnswerNow)) is not writes
    assert bool(of_kind(floor.effects, RecordOutcome)) is writes
    if expected is ReplyState.REJECTED:
        assert "store is not writing (disk full)" in answer.text
    if expected is ReplyState.UNKNOWN:
        assert "not done now" in answer.text


@pytest.mark.parametrize("trouble", StoreTrouble)
def test_what_is_held_is_sold_and_protected_in_every_trouble(trouble: StoreTrouble) -> None:
    floor = floor_with_position()
    floor.break_store(trouble)
    assert floor.do("sell", BTC, "0.4").state is ReplyState.APPLIED
    floor.tick(100.0)
    assert float(floor.position().quantity) == 0.6
    floor.tick(94.0)
    assert floor.held() is None


def test_nothing_new_is_risked_in_trouble_and_everything_is_kept_when_it_is_over() -> None:
    floor = floor_with_position()
    floor.break_store()
    floor.do("sell", BTC, command_id="s1")
    floor.tick(99.0)
    assert floor.held() is None
    assert len(floor.memory.positions) == 1, "nothing was kept yet"
    floor.mend_store()
    assert not floor.memory.positions
    assert len(floor.memory.trades) == 1
    kept = of_kind(floor.effects, RecordOutcome)
    assert [(one.outcome.command_id, one.announce) for one in kept] == [("s1", False)]


def test_a_full_outbox_bars_entries_and_no_exits() -> None:
    floor = floor_with_position()
    floor.sample(outbox_room=0)
    refused = floor.do("buy", BTC, "1")
    assert refused.state is ReplyState.REJECTED
    assert "the outbox is full" in refused.text
    assert floor.do("sell", BTC).state is ReplyState.APPLIED
    floor.tick(100.0)
    floor.sample()
    assert floor.do("buy", BTC, "1").state is ReplyState.APPLIED
