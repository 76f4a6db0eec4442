"""What a chat refuses or a broken database withholds costs no alert and keeps nothing else out."""

import re
import sqlite3
from contextlib import closing

import pytest

from telegram.bridge.chat_outbox.lanes import Lane
from telegram.bridge.messenger import Place
from tests.bridge_tests.chat_outbox_tests.conftest import MakeDesk
from tests.bridge_tests.chat_outbox_tests.desk import Desk, arrived, said
from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.refusals import RefusalError
from tests.fakes.bot_api.server import FakeBotApi

NO_FILES = RefusalError(400, "Bad Request: not enough rights to send documents to the chat")
NOT_ALLOWED = RefusalError(400, "Bad Request: something is not allowed here")


def test_alerts_of_an_outage_come_as_messages_where_files_are_refused(
    desk: Desk, phone: Phone
) -> None:
    desk.api.expect_refusal("send documents")
    desk.api.faults.refuse(NO_FILES, method="sendDocument", times=None)
    _be_away(desk, 300)
    desk.run(3_600)
    assert arrived(phone) == list(range(1, 301))


def test_an_event_too_long_for_a_message_is_cut_where_files_are_refused(
    desk: Desk, phone: Phone
) -> None:
    desk.api.expect_refusal("send documents")
    desk.api.faults.refuse(NO_FILES, method="sendDocument", times=None)
    desk.raise_event("SOLD " + "x" * 9_000)
    desk.raise_event("SOLD again")
    desk.run(3_600)
    assert arrived(phone) == [1, 2]


def test_a_summary_that_is_refused_does_not_keep_the_alerts_out(desk: Desk, phone: Phone) -> None:
    desk.api.expect_refusal("not allowed here")
    desk.api.faults.refuse(
        NOT_ALLOWED,
        when=lambda record: "waiting:" in str(record.parameters.get("text")),
        times=None,
    )
    _be_away(desk, 300)
    desk.run(120)
    assert arrived(phone) == list(range(1, 301))


def test_an_event_that_is_refused_takes_no_other_with_it_and_shows_its_number(
    desk: Desk, phone: Phone
) -> None:
    desk.api.expect_refusal("not allowed here")
    desk.api.faults.refuse(
        NOT_ALLOWED, when=lambda record: "odd" in str(record.parameters.get("text")), times=None
    )
    desk.api.faults.refuse(NO_FILES, method="sendDocument", times=None)
    desk.api.expect_refusal("send documents")
    desk.raise_events(["SOLD", "SOLD", "odd", "SOLD", "SOLD"])
    desk.run(3_600)
    assert arrived(phone) == [1, 2, 3, 4, 5]
    assert re.search(
        r"^#3 paper notice \(at .*Z\): cannot be shown here, see /logs$", said(phone), re.MULTILINE
    )
    assert desk.sender.counters()[0].dropped[Lane.ALERT] == 0


def test_a_database_that_cannot_be_read_keeps_no_answer_back(
    desk: Desk, phone: Phone, caplog: pytest.LogCaptureFixture
) -> None:
    with desk.api.is_down():
        desk.chat.tell("in the dark")
        desk.run(10)
    with closing(sqlite3.connect(desk.database.path)) as damage:
        damage.execute("ALTER TABLE event RENAME TO gone")
    desk.chat.send("pong")
    desk.run(120)
    assert phone.texts == ["in the dark", "pong"]
    assert "cannot be summed up" in caplog.text


def test_what_was_said_before_a_group_moved_is_never_edited_into_what_came_after(
    api: FakeBotApi, make_desk: MakeDesk, phone: Phone
) -> None:
    group = api.rooms.group("Desk", [phone.person])
    moving = make_desk(Place(group.id))
    for _ in range(3):
        moving.chat.send("hello")
        moving.run(5)
    waiting = moving.chat.send("waiting")
    moving.run(5)
    api.expect_refusal("upgraded to a supergroup")
    moved = api.phone(phone.person, api.rooms.migrate(group))
    for number in range(5):
        moving.chat.tell(f"alert {number}")
        moving.run(10)
    moving.restart()
    moving.chat.edit(waiting, "[applied]")
    moving.run(5)
    assert moved.texts == [*(f"alert {number}" for number in range(5)), "[applied]"]


def test_others_are_told_of_a_group_whose_main_topic_is_closed(
    api: FakeBotApi, make_desk: MakeDesk, phone: Phone
) -> None:
    group = api.rooms.supergroup("Desk", [phone.person], topics=[])
    there = make_desk(Place(group.id), Place(phone.chat.id))
    api.expect_refusal("TOPIC_CLOSED")
    closed = RefusalError(400, "Bad Request: TOPIC_CLOSED")
    rule = api.faults.refuse(closed, chat=group.id, method="sendMessage", times=None)
    there.raise_event("SOLD")
    there.run(30)
    assert f"tg:{group.id} gets no more messages: Topic_closed" in phone.texts
    rule.clear()
    there.run(3_600)
    assert arrived(api.phone(phone.person, group)) == [1]


def test_long_events_are_not_all_held_in_memory(desk: Desk) -> None:
    with desk.api.is_down():
        desk.run(1)
        desk.raise_events(["y" * 40_000] * 300)
        desk.run(1)
        assert 1 <= desk.sender.counters()[0].waiting[Lane.ALERT] <= 250


def _be_away(desk: Desk, count: int) -> None:
    with desk.api.is_down():
        for number in range(count):
            desk.raise_event(f"SOLD {number}")
            desk.run(2)
