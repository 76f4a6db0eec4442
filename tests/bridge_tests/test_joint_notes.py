"""A command for a bot and the update it came of: one commit where that can be, else two."""

import logging
import sqlite3
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest

from tcpproto.vocabulary import Role
from telegram.bridge.chat import Author, ChatInput
from telegram.bridge.intake import Intake, IntakeLimits
from telegram.bridge.joint_note import JointNote, Unnoted
from telegram.bridge.receipts import State
from telegram.bridge.records import CommandRecord
from telegram.bridge.store.commands import CommandTable
from telegram.bridge.store.database import Database
from telegram.bridge.store.inbound import InboundRow, InboundTable
from tests.bridge_tests.harness import NOW, Harness
from tests.bridge_tests.scripted_bot import ScriptedBot
from tests.bridge_tests.telegram_desk import ANN, Desk
from tests.waiting import wait_until

MakeBot = Callable[..., ScriptedBot]
ROW = InboundRow(1, "tg:7", 501, 7, "/getstatus", None, NOW, NOW)
RECORD = CommandRecord(
    id="tg:1:7:501",
    bot="paper",
    verb="getstatus",
    args=(),
    author="tg:7",
    role=Role.ADMIN,
    chat="tg:7",
    issued_at=NOW,
    expires_at=NOW + 20.0,
    state=State.SENT,
)
SAID = ChatInput("tg:7", Author("tg:7", Role.ADMIN), "/getstatus", NOW)


@pytest.fixture
def make_desk(make_bridge: Callable[..., Harness], closing: ExitStack) -> Callable[..., Desk]:
    def make(**arguments: object) -> Desk:
        desk = Desk(make_bridge(**arguments))
        closing.callback(desk.close)
        return desk

    return make


@pytest.fixture
def desk(make_desk: Callable[..., Desk]) -> Desk:
    return make_desk()


@pytest.fixture
def database(tmp_path: Path, closing: ExitStack) -> Database:
    database = Database(tmp_path / "bridge.db")
    closing.callback(database.close)
    return database


def arrived(desk: Desk, bot: ScriptedBot, number: int = 1) -> None:
    desk.harness.turn_until(lambda: len(bot.commands) >= number, "the command")
    desk.harness.turn()
    assert len(bot.commands) == number


def rename(desk: Desk, table: str, name: str) -> None:
    with desk.harness.database.writing() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO {name}")


def test_a_command_and_its_update_are_written_as_one(database: Database) -> None:
    table, other = CommandTable(database), replace(RECORD, id="tg:1:7:500")
    table.save([replace(other, state=State.QUEUED)])
    assert table.add(RECORD, ROW, [other])
    assert [one.update_id for one in InboundTable(database).read_open()] == [1]
    assert sorted(one.id for one in table.read_open()) == [other.id, RECORD.id]
    assert table.read_one(other.id) == other


def test_an_update_that_is_noted_writes_no_command(database: Database) -> None:
    table = CommandTable(database)
    assert InboundTable(database).add(ROW)
    assert not table.add(RECORD, ROW)
    assert table.read_one(RECORD.id) is None


def test_a_command_that_is_known_is_left_as_it_is_and_notes_no_update(database: Database) -> None:
    table, done = CommandTable(database), replace(RECORD, state=State.APPLIED, text="done")
    table.save([done])
    with pytest.raises(sqlite3.IntegrityError):
        table.add(RECORD, ROW)
    assert table.read_one(RECORD.id) == done
    assert InboundTable(database).read_open() == []


def test_a_note_is_taken_once() -> None:
    note = JointNote(ROW)
    assert [note.take(), note.take()] == [True, False]


def test_a_note_that_nobody_takes_is_taken_back() -> None:
    note = JointNote(ROW)
    assert not note.wait(0.01)
    assert not note.take()


def test_whoever_has_begun_is_waited_for() -> None:
    note, told = JointNote(ROW), list[bool]()
    assert note.take()
    waiting = Thread(target=lambda: told.append(note.wait(0.01)))
    waiting.start()
    waiting.join(0.1)
    assert waiting.is_alive()
    note.end(is_noted=True)
    wait_until(lambda: told == [True], 5.0, "the word")
    waiting.join()


def test_only_a_loop_that_rests_is_offered_something() -> None:
    intake, unnoted = Intake(IntakeLimits()), Unnoted(SAID, JointNote(ROW))
    assert not intake.add_unnoted(unnoted)
    taken: list[object] = []
    resting = Thread(target=lambda: taken.extend(intake.take(5.0).items))
    resting.start()
    wait_until(lambda: intake.add_unnoted(unnoted), 5.0, "the loop to rest")
    # What it has not taken yet is before this one.
    intake.add_unnoted(unnoted)
    resting.join()
    assert taken == [unnoted]


@pytest.mark.parametrize(("is_busy", "is_stuck"), [(False, False), (True, False), (False, True)])
@pytest.mark.parametrize("line", ["/getstatus", "/startbuying BTC/USDT", "/stop"])
def test_a_command_takes_its_way_however_the_bridge_fares(
    desk: Desk, make_bot: MakeBot, line: str, is_busy: bool, is_stuck: bool
) -> None:
    bot = make_bot(desk.harness)
    desk.is_busy, desk.is_stuck = is_busy, is_stuck
    desk.write(line)
    arrived(desk, bot)
    bot.reply(0, "applied", "done")
    desk.harness.turn_until(lambda: "[applied]" in "".join(desk.texts()), "the outcome")
    desk.let_poll()
    assert len(desk.texts()) == 1
    assert desk.states() == [(line, "done")]


def test_what_comes_again_after_a_kill_is_done_once(
    make_desk: Callable[..., Desk], make_bot: MakeBot
) -> None:
    old = make_desk()
    make_bot(old.harness)
    said = old.write("/sell BTC/USDT")
    old.harness.close()
    desk = make_desk(seed=2)
    # Telegram had not been told that it was taken.
    desk.give(said)
    bot = make_bot(desk.harness)
    arrived(desk, bot)
    assert bot.commands[0].id.endswith(f":{said.message_id}")
    assert len(desk.states()) == 1


def test_a_command_that_needs_an_answer_first_is_noted_before_it_is_asked(
    desk: Desk, make_bot: MakeBot
) -> None:
    bot = make_bot(desk.harness)
    desk.write("/buy BTC/USDT")
    assert "are you sure?" in desk.last().text
    assert [text for text, _ in desk.states()] == ["/buy BTC/USDT"]
    assert bot.commands == []


@pytest.mark.parametrize("line", ["/getstatus", "/stop"])
def test_what_cannot_be_sent_at_once_goes_the_other_way(desk: Desk, line: str) -> None:
    desk.write(line)
    assert desk.last().text
    assert len(desk.texts()) == 1
    assert [text for text, _ in desk.states()] == [line]


def test_a_command_that_the_disk_does_not_take_is_given_back_and_refused(
    desk: Desk, make_bot: MakeBot
) -> None:
    bot = make_bot(desk.harness)
    rename(desk, "command", "gone")
    desk.write("/startbuying BTC/USDT")
    assert desk.last().text.startswith("[rejected] /startbuying BTC/USDT")
    assert "nothing sent" in desk.last().text
    assert len(desk.texts()) == 1
    desk.write("/stop")
    arrived(desk, bot)
    assert [one.verb for one in bot.commands] == ["stoptrading"]
    rename(desk, "gone", "command")


def test_a_fault_after_the_commit_is_told_and_nothing_is_tried_again(
    desk: Desk, make_bot: MakeBot, caplog: pytest.LogCaptureFixture
) -> None:
    bot = make_bot(desk.harness)
    outbound = desk.harness.bridge.parts.outbound

    class Broken:
        def send(self, _name: str, _message: object) -> bool:
            raise ValueError("broken")

    outbound._link = Broken()  # type: ignore[assignment]
    with caplog.at_level(logging.ERROR):
        desk.write("/startbuying BTC/USDT")
    assert "fault in /startbuying BTC/USDT" in caplog.text
    assert desk.texts() == [
        "[unknown] /startbuying BTC/USDT — the bridge failed at this, see its log"
    ]
    assert bot.commands == []
    assert CommandTable(desk.harness.database).read_open()[0].chat == f"tg:{ANN}"
