"""Chats, groups and topics: each gets its own, and what befalls one is no matter for the others."""

from random import Random

from telegram.bridge.chat_outbox.sender import Sender, open_chat
from telegram.bridge.messenger import Place
from tests.bridge_tests.chat_outbox_tests.conftest import MakeDesk
from tests.bridge_tests.chat_outbox_tests.desk import arrived, said
from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.server import FakeBotApi


def test_a_chat_that_must_wait_does_not_delay_another(
    api: FakeBotApi, make_desk: MakeDesk, phone: Phone
) -> None:
    other = api.phone(api.person("Bob"), has_met_bot=True)
    desk = make_desk(Place(phone.chat.id), Place(other.chat.id))
    api.faults.too_many_requests(30, chat=phone.chat.id)
    desk.raise_event("SOLD")
    desk.run(1)
    assert (arrived(phone), arrived(other)) == ([], [1])
    desk.run(31)
    assert arrived(phone) == [1]


def test_group_and_topic_get_what_is_theirs(
    api: FakeBotApi, make_desk: MakeDesk, phone: Phone
) -> None:
    group = api.rooms.supergroup("Desk", [phone.person], topics=["Alerts"])
    topic = next(iter(group.topics))
    there = api.phone(phone.person, group, thread=topic)
    desk = make_desk(Place(group.id, topic))
    desk.chat.send("pong")
    desk.raise_event("SOLD")
    desk.run(5)
    assert there.texts[0] == "pong"
    assert arrived(there) == [1]
    api.expect_refusal("thread not found")
    api.rooms.delete_topic(group, group.topics[topic])
    desk.raise_event("SOLD again")
    desk.run(10)
    assert arrived(api.phone(phone.person, group)) == [2]


def test_a_group_that_was_migrated_is_followed(
    api: FakeBotApi, make_desk: MakeDesk, phone: Phone
) -> None:
    group = api.rooms.group("Desk", [phone.person])
    desk = make_desk(Place(group.id))
    desk.raise_event("before")
    desk.run(5)
    api.expect_refusal("upgraded to a supergroup")
    new = api.rooms.migrate(group)
    desk.raise_event("after")
    desk.run(20)
    assert arrived(api.phone(phone.person, new)) == [2]
    desk.restart()
    assert desk.chat.place == Place(new.id)
    assert desk.chat.name == f"tg:{group.id}"
    assert desk.sender.find(new.id, None) is desk.chat


def test_a_chat_that_shuts_the_bot_out_is_left_alone_and_the_others_are_told(
    api: FakeBotApi, make_desk: MakeDesk, phone: Phone
) -> None:
    other = api.phone(api.person("Bob"), has_met_bot=True)
    desk = make_desk(Place(phone.chat.id), Place(other.chat.id))
    api.expect_refusal("blocked by the user")
    phone.block()
    desk.raise_event("SOLD")
    desk.run(300)
    assert len([one for one in api.requests("sendMessage") if one.chat_id == phone.chat.id]) == 1
    assert f"{desk.chat.name} gets no more messages" in said(other)
    desk.restart()
    desk.run(10)
    assert desk.sender.counters()[0].blocked_because
    phone.unblock()
    desk.chat.enable()
    desk.run(10)
    assert arrived(phone) == [1]


def test_a_closed_chat_is_tried_once_an_hour_at_a_start_and_when_somebody_writes_there(
    api: FakeBotApi, make_desk: MakeDesk, phone: Phone
) -> None:
    other = api.phone(api.person("Bob"), has_met_bot=True)
    desk = make_desk(Place(phone.chat.id), Place(other.chat.id))
    api.expect_refusal("blocked by the user")

    def tries() -> int:
        return len([one for one in api.requests("sendMessage") if one.chat_id == phone.chat.id])

    phone.block()
    desk.raise_event("SOLD")
    desk.run(10)
    assert tries() == 1
    desk.run(2 * 3_600)
    assert tries() == 3
    desk.runner.run(desk.sender.open(desk.chat.name))
    desk.run(10)
    assert tries() == 4
    assert said(other).count("gets no more messages") == 1
    desk.restart()
    desk.run(10)
    assert tries() == 5
    phone.unblock()
    desk.run(3_600)
    assert arrived(phone) == [1]
    assert not desk.sender.counters()[0].blocked_because


def test_a_new_chat_begins_with_the_events_to_come(
    api: FakeBotApi, make_desk: MakeDesk, phone: Phone
) -> None:
    desk = make_desk()
    desk.raise_events(["old", "older"])
    desk.places.append(Place(phone.chat.id))
    desk.restart()
    desk.raise_event("new")
    desk.run(5)
    assert arrived(phone) == [3]


def test_a_place_for_answers_gets_no_events(make_desk: MakeDesk, phone: Phone) -> None:
    desk = make_desk()
    chat = open_chat(Place(phone.chat.id), desk.database, desk.clock, shows_events=False)
    desk.sender = Sender(desk.messenger, [chat], desk.database, clock=desk.clock, rng=Random(1))
    desk.raise_events(["SOLD"] * 50)
    chat.wake()
    desk.run(200)
    chat.send("pong")
    desk.run(5)
    assert phone.texts == ["pong"]
