"""What reaches a phone and when: order, edits, packing, what waits and what is dropped."""

from daemonkit.clock import ManualClock
from telegram.bridge.chat import Button
from telegram.bridge.chat_outbox.digest import LogLine
from telegram.bridge.chat_outbox.lanes import Lane
from tests.bridge_tests.chat_outbox_tests.desk import Desk, arrived, said
from tests.fakes.bot_api.phone import Phone


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


def test_a_last_word_is_said_again_marked_and_waits_for_hours(desk: Desk, phone: Phone) -> None:
    told: list[str] = []
    desk.api.faults.drop(acts=True, method="sendMessage")
    desk.chat.settle(None, "[applied] /stop", lambda: told.append("once"))
    desk.run(5)
    assert phone.texts == ["[applied] /stop", "(perhaps shown before)\n[applied] /stop"]
    with desk.api.is_down():
        number = desk.chat.send("[sent] /flatten")
        desk.run(5)
        desk.chat.settle(number, "[applied] /flatten", lambda: told.append("twice"))
        desk.run(7_200)
    desk.run(120)
    assert phone.texts[2:] == ["[applied] /flatten"]
    assert told == ["once", "twice"]
    assert desk.chat.dropped(Lane.REPLY) == 0


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
    # A reason is told to its end.
    assert counters.blocked_because.split()[-1] in lines[-1]
    assert all(len(line) <= 34 for line in lines)
