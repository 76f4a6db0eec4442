"""Receipts whose messages say less than is known when the bridge starts."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from daemonkit.clock import ManualClock
from tcpproto.vocabulary import Role
from telegram.bridge.commands.owed_receipts import OWED_AGE_MAX_S, OWED_MAX, OwedReceipts
from telegram.bridge.receipts import State
from telegram.bridge.records import CommandRecord
from telegram.bridge.store.commands import CommandTable
from telegram.bridge.store.database import Database
from tests.bridge_tests.command_tests.command_rows import stored_commands, wait_for_commands
from tests.bridge_tests.harness import NOW, Harness
from tests.bridge_tests.scripted_bot import ScriptedBot

ENDED = CommandRecord(
    id="0",
    bot="paper",
    verb="flatten",
    args=(),
    author="tg:7",
    role=Role.ADMIN,
    chat="tg:7",
    issued_at=NOW - 60,
    expires_at=NOW,
    state=State.APPLIED,
    text="flat",
    message_id=1,
    finished_at=NOW - 30,
    receipt_owed=True,
)


@pytest.fixture
def table(tmp_path: Path) -> Iterator[CommandTable]:
    database = Database(tmp_path / "bridge.db")
    yield CommandTable(database)
    database.close()


def _shown_at_start(table: CommandTable, clock: ManualClock) -> list[str]:
    shown: list[str] = []

    def show(record: CommandRecord) -> int:
        shown.append(record.id)
        return 7

    OwedReceipts(table, clock, show).restore()
    return shown


def test_what_was_shown_is_not_shown_again(table: CommandTable, clock: ManualClock) -> None:
    table.save([ENDED, replace(ENDED, id="1", receipt_owed=False)])
    assert _shown_at_start(table, clock) == ["0"]
    OwedReceipts(table, clock, lambda _record: 7).note_shown(ENDED)
    assert _shown_at_start(table, clock) == []


def test_a_later_outcome_is_still_owed_though_the_one_before_it_was_shown(
    table: CommandTable, clock: ManualClock
) -> None:
    lost = replace(ENDED, state=State.UNKNOWN, finished_at=NOW - 40)
    table.save([ENDED])
    OwedReceipts(table, clock, lambda _record: 7).note_shown(lost)
    assert _shown_at_start(table, clock) == ["0"]


def test_a_start_edits_the_newest_of_a_day_and_no_more(
    table: CommandTable, clock: ManualClock
) -> None:
    old = replace(ENDED, id="old", finished_at=NOW - OWED_AGE_MAX_S - 1)
    many = [replace(ENDED, id=f"{n:03}", finished_at=NOW - 900 + n) for n in range(OWED_MAX + 20)]
    table.save([old, *many])
    assert _shown_at_start(table, clock) == [f"{n:03}" for n in range(20, OWED_MAX + 20)]


def test_what_is_saved_after_it_was_shown_is_owed_no_more(
    table: CommandTable, clock: ManualClock
) -> None:
    table.save([ENDED])
    OwedReceipts(table, clock, lambda _record: 7).note_shown(ENDED)
    table.save([replace(ENDED, message_id=2)])
    assert _shown_at_start(table, clock) == []
    table.save([replace(ENDED, finished_at=NOW - 10)])
    assert _shown_at_start(table, clock) == ["0"], "another outcome"


def test_the_message_that_tells_of_it_at_a_start_is_known_afterwards(
    table: CommandTable, clock: ManualClock
) -> None:
    table.save([replace(ENDED, message_id=None)])
    assert _shown_at_start(table, clock) == ["0"]
    found = table.read_at("tg:7", 7)
    assert found is not None
    assert found.receipt_owed


def test_a_disk_that_takes_nothing_keeps_no_bridge_from_starting(
    table: CommandTable, clock: ManualClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    table.save([ENDED])
    with closing(sqlite3.connect(tmp_path / "bridge.db")) as full:
        full.execute(
            "CREATE TRIGGER full BEFORE INSERT ON command BEGIN SELECT RAISE(FAIL, 'full'); END"
        )
    assert _shown_at_start(table, clock) == ["0"]
    assert "receipts may be told twice" in caplog.text


def test_a_chat_that_shows_all_at_once_is_owed_nothing(
    bridge: Harness, make_bot: Callable[..., ScriptedBot]
) -> None:
    bot = make_bot(bridge)
    shown = bridge.say("/flatten")
    bridge.say("yes")
    wait_for_commands(bot, bridge, 1)
    bot.reply(0, "applied", "flat")
    bridge.turn_until(lambda: "[applied] /flatten" in shown.text, "the outcome")
    assert [one.receipt_owed for one in stored_commands(bridge)] == [False]
