"""What reaches a phone: order, edits, packing, troubles of one chat and of all."""

from html import escape
from random import Random

from daemonkit.clock import ManualClock
from telegram.bridge.chat import Button, RichChat
from telegram.bridge.chat_outbox.digest import LogLine
from telegram.bridge.chat_outbox.lanes import Lane
from telegram.bridge.chat_outbox.posts import Attachment
from telegram.bridge.chat_outbox.sender import Sender, open_chat
from telegram.bridge.messenger import Place
from tests.bridge_tests.chat_outbox_tests.conftest import MakeDesk
from tests.bridge_tests.chat_outbox_tests.desk import Desk, arrived, said
from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.server import FakeBotApi
from tests.fakes_tests.raw_caller import PNG


def test_a_message_is_sent_and_then_edited(desk: Desk, phone: Phone) -> None:
    number = desk.chat.send("queued", [[Button("Cancel", "c:1")]])
    desk.run(1)
    assert phone.texts == ["queued"]
    assert phone.last.button_texts == ["Cancel"]
    desk.chat.edit(number, "applied")
    desk.run(1)
    assert phone.texts == ["applied"]
    assert phone.last.button_texts == []


def test_an_edit_of_what_is_not_sent_yet_replaces_it(desk: Desk, phone: Phone) -> None:
    number = desk.chat.send("queued")
    desk.chat.edit(number, "accepted")
    desk.chat.edit(number, "applied")
    desk.run(1)
    assert phone.last.texts == ["applied"]


def test_edits_wait_for_their_turn_and_the_latest_is_shown(desk: Desk, phone: Phone) -> None:
    numbers = [desk.chat.send(f"message {number}") for number in range(3)]
    desk.run(0)
    for step in range(100):
        desk.chat.edit(numbers[0], f"step {step}")
    desk.run(5)
    assert phone.texts[0] == "step 99"
    assert len(desk.api.requests("editMessageText")) == 1


def test_a_message_is_edited_after_a_restart_too(desk: Desk, phone: Phone) -> None:
    number = desk.chat.send("queued")
    desk.run(1)
    desk.restart()
    desk.chat.edit(number, "applied")
    desk.run(3)
    assert phone.texts == ["applied"]


def test_numbers_are_never_given_out_twice(desk: Desk) -> None:
    seen = {desk.chat.send("one"), desk.chat.send("two")}
    for _ in range(3):
        desk.restart()
        seen.add(desk.chat.send("again"))
    assert len(seen) == 5


def test_alerts_are_packed_and_each_keeps_its_line(desk: Desk, phone: Phone) -> None:
    desk.raise_events([f"BOUGHT {number}" for number in range(15)])
    desk.run(5)
    assert len(phone.texts) == 1
    assert arrived(phone) == list(range(1, 16))
    assert len(phone.sounds) == 1


def test_a_burst_without_an_outage_needs_no_summary(desk: Desk, phone: Phone) -> None:
    desk.run(1)
    desk.raise_events([f"BOUGHT {number}" for number in range(300)])
    desk.run(60)
    assert arrived(phone) == list(range(1, 301))
    assert "waiting" not in said(phone)


def test_an_alert_overtakes_a_log_that_is_full(
    desk: Desk, phone: Phone, clock: ManualClock
) -> None:
    for number in range(200):
        desk.chat.add_log([LogLine("ERROR", f"{chr(97 + number % 26)} broke {'x' * 200}")])
    desk.run(3)
    desk.chat.add_log([LogLine("ERROR", "again")] * 200)
    at = clock.wall()
    desk.raise_event("SOLD")
    desk.run(1.9)
    assert arrived(phone) == [1]
    assert clock.wall() - at < 2


def test_notices_are_silent_and_come_after_alerts(desk: Desk, phone: Phone) -> None:
    desk.raise_event("order placed", "order_placed", "info")
    desk.raise_event("SOLD")
    desk.run(5)
    assert arrived(phone) == [2, 1]
    assert [message.is_silent for message in phone.bot_messages] == [False, True]


def test_old_notices_are_left_out_and_counted(desk: Desk, phone: Phone, clock: ManualClock) -> None:
    desk.raise_event("order placed", "order_placed", "info")
    clock.advance(7 * 3_600)
    desk.raise_event("order placed", "order_placed", "info")
    desk.run(5)
    assert arrived(phone) == [2]
    assert desk.sender.counters()[0].dropped[Lane.NOTICE] == 1


def test_a_reply_that_is_too_old_is_dropped(desk: Desk, phone: Phone, clock: ManualClock) -> None:
    desk.chat.send("pong")
    clock.advance(61)
    desk.run(1)
    assert phone.texts == []
    assert desk.chat.dropped(Lane.REPLY) == 1


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


def test_bad_html_is_shown_as_text(desk: Desk, phone: Phone) -> None:
    desk.api.expect_refusal("can't parse")
    desk.chat.post("<b>1 &lt; 2</b> <wrong>x</wrong>", is_html=True)
    desk.run(5)
    assert phone.texts == ["1 < 2 x"]


def test_a_long_text_comes_in_pieces_and_a_very_long_one_as_a_file(
    desk: Desk, phone: Phone
) -> None:
    text = "\n".join(f"line {number}" for number in range(600))
    desk.chat.send(text)
    desk.run(20)
    assert "\n".join(phone.texts) == text
    long = "\n".join(f"line {number}" for number in range(6_000))
    desk.chat.send(f"{long}\n[applied] /logs")
    desk.run(20)
    assert phone.texts[-2] == "[applied] /logs"
    assert phone.last.document == f"{long}\n[applied] /logs".encode()


def test_an_event_that_is_too_long_comes_as_a_file(desk: Desk, phone: Phone) -> None:
    desk.raise_events(["one", "x" * 3_990, "three"])
    desk.run(20)
    assert arrived(phone) == [1, 2, 3]


def test_pictures_and_files_are_sent(desk: Desk, phone: Phone) -> None:
    desk.chat.post("trades", attachment=Attachment(b"a,b\n", "trades.csv"))
    desk.run(3)
    assert phone.last.document == b"a,b\n"
    assert phone.last.text == "trades"


def test_a_status_is_one_pinned_message_that_is_edited_now_and_then(
    desk: Desk, phone: Phone
) -> None:
    for second in range(60):
        desk.chat.show_status("live", f"as of {second}", is_pinned=True)
        desk.run(1)
    desk.run(20)
    assert phone.texts == ["as of 59"]
    assert phone.pinned == [phone.last]
    assert 5 <= len(desk.api.requests("editMessageText")) <= 8
    desk.restart()
    desk.chat.show_status("live", "as of tomorrow", is_pinned=True)
    desk.run(20)
    assert phone.texts == ["as of tomorrow"]
    phone.delete(phone.last)
    desk.api.expect_refusal("message to edit not found")
    desk.chat.show_status("live", "anew", is_pinned=True)
    desk.run(20)
    assert phone.texts == ["anew"]


def test_an_answer_that_never_came_has_the_alert_repeated_and_marked(
    desk: Desk, phone: Phone
) -> None:
    desk.api.faults.drop(acts=True, method="sendMessage")
    desk.raise_event("SOLD")
    desk.run(10)
    assert arrived(phone) == [1, 1]
    assert "perhaps shown before" not in phone.texts[0]
    assert "perhaps shown before" in phone.texts[1]


def test_an_answer_that_never_came_has_a_reply_dropped(desk: Desk, phone: Phone) -> None:
    desk.api.faults.drop(acts=True, method="sendMessage")
    desk.chat.send("pong")
    desk.run(10)
    assert phone.texts == ["pong"]
    assert desk.chat.dropped(Lane.REPLY) == 1


def test_a_refused_token_has_all_wait_until_it_works(desk: Desk, phone: Phone) -> None:
    desk.api.faults.unauthorized(times=None, method="sendMessage")
    desk.raise_event("SOLD")
    desk.run(600)
    assert len(desk.api.requests("sendMessage")) == 1
    assert desk.sender.paused_because
    desk.api.faults.clear()
    desk.runner.run(desk.sender.ask_token())
    desk.run(5)
    assert arrived(phone) == [1]


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


def test_texts_are_dressed_where_that_fits(
    make_desk: MakeDesk, phone: Phone, api: FakeBotApi
) -> None:
    desk = make_desk(Place(phone.chat.id))
    desk.restart(dress=lambda text: f"<pre>{escape(text)}</pre>")
    desk.chat.send("1 < 2")
    desk.raise_event("BOUGHT & held")
    desk.run(5)
    assert [message.entities[0]["type"] for message in phone.bot_messages] == ["pre", "pre"]
    assert phone.texts == ["1 < 2", "#1 paper notice: BOUGHT & held"]
    desk.restart(dress=lambda text: f"<wrong>{text}")
    desk.chat.send("plain")
    desk.run(5)
    assert phone.texts[-1] == "plain"


class _Calm:
    """Wish for silence but for what is critical, and for another zone."""

    def localize(self, text: str, /) -> str:
        return text.replace("12:00 UTC", "14:00 CEST")

    def is_silent(self, severity: str, /) -> bool:
        return severity != "critical"


def test_events_and_answers_come_as_their_readers_wish(desk: Desk, phone: Phone) -> None:
    desk.chat.obey(_Calm())
    desk.raise_event("SOLD at 12:00 UTC")
    desk.run(5)
    desk.chat.send("it is 12:00 UTC")
    desk.run(5)
    desk.raise_event("limit", "limit_tripped", "critical")
    desk.run(5)
    assert [message.is_silent for message in phone.bot_messages] == [True, False, False]
    assert phone.texts[0].endswith("SOLD at 14:00 CEST")
    assert phone.texts[1] == "it is 14:00 CEST"


def test_a_chat_is_rich(desk: Desk, phone: Phone) -> None:
    assert isinstance(desk.chat, RichChat)
    desk.chat.send_picture(PNG, "BTC/USDT")
    desk.chat.send_document(b"1", "log.txt", "the log")
    desk.chat.show_live("as of now")
    desk.run(20)
    assert [bool(message.photo) for message in phone.bot_messages] == [True, False, False]
    assert phone.pinned[0].text == "as of now"


def test_a_stream_is_one_silent_message(desk: Desk, phone: Phone) -> None:
    number = desk.chat.show_stream(None, "line 0")
    desk.run(1)
    for line in range(1, 50):
        desk.chat.show_stream(number, f"line {line}")
        desk.run(0.1)
    desk.run(10)
    assert phone.texts == ["line 49"]
    assert phone.last.is_silent
    assert len(desk.api.requests("editMessageText")) <= 8


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


def test_what_waits_and_what_was_dropped_is_counted(
    desk: Desk, phone: Phone, clock: ManualClock
) -> None:
    desk.api.faults.bad_gateway(times=None)
    desk.chat.send("pong")
    desk.run(1)
    desk.raise_events(["SOLD", "SOLD again"])
    desk.chat.add_log([LogLine("ERROR", "lost")] * 3)
    desk.run(30)
    counters = desk.sender.counters()[0]
    assert counters.waiting[Lane.REPLY] == 1
    assert counters.waiting[Lane.ALERT] == 2
    assert counters.waiting[Lane.LOG] == 3
    assert counters.blocked_because
    lines = counters.lines(clock.wall())
    assert "  waiting  2 alert" in lines
    assert all(len(line) <= 34 for line in lines)
