"""After an outage: one summary on top, every alert in order, and no flood."""

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from random import Random
from typing import cast

import pytest

from daemonkit.clock import ManualClock
from telegram.bridge.bot import PtbMessenger
from telegram.bridge.chat_outbox.digest import LogLine
from telegram.bridge.chat_outbox.lanes import Lane
from telegram.bridge.messenger import Place
from tests.bridge_tests.chat_outbox_tests.conftest import MakeDesk
from tests.bridge_tests.chat_outbox_tests.desk import Desk, arrived, said
from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.refusals import RefusalError
from tests.fakes.bot_api.server import FakeBotApi


def _summaries(phone: Phone) -> list[str]:
    return [text for text in phone.texts if "all alerts follow" in text]


def test_five_fills_during_a_minute_of_502_come_after_one_summary(desk: Desk, phone: Phone) -> None:
    desk.run(1)
    trouble = desk.api.faults.bad_gateway(times=None)
    for fill in range(5):
        for number in range(100):
            desk.chat.add_log([LogLine("ERROR", f"connection {number} lost")])
        desk.raise_event(f"BOUGHT {fill}")
        desk.run(12)
    trouble.clear()
    desk.run(120)
    assert phone.texts[0] == _summaries(phone)[0]
    assert len(_summaries(phone)) == 1
    assert "5 fills" in phone.texts[0]
    assert "500 log lines (not sent, see /logs)" in phone.texts[0]
    assert arrived(phone) == [1, 2, 3, 4, 5]
    assert len(phone.texts) == 2


def test_a_short_outage_needs_no_summary(desk: Desk, phone: Phone) -> None:
    desk.api.faults.bad_gateway(times=3)
    desk.raise_event("SOLD")
    desk.run(30)
    assert arrived(phone) == [1]
    assert _summaries(phone) == []
    assert "perhaps" not in said(phone)


def test_pauses_between_tries_grow(desk: Desk, phone: Phone) -> None:
    trouble = desk.api.faults.bad_gateway(times=None)
    desk.raise_event("SOLD")
    desk.run(3_600)
    assert 60 <= len(trouble.met) <= 90
    trouble.clear()
    desk.run(61)
    assert arrived(phone) == [1]


def test_a_process_that_was_away_for_long_sums_up(
    desk: Desk, phone: Phone, clock: ManualClock
) -> None:
    desk.raise_events([f"SOLD {number}" for number in range(30)])
    clock.advance(600)
    desk.restart()
    desk.run(60)
    assert "while the bridge was not running" in phone.texts[0]
    assert "30 fills" in phone.texts[0]
    assert arrived(phone) == list(range(1, 31))


class _Asleep:
    """Wish for silence, and for times of another zone."""

    def localize(self, text: str, /) -> str:
        return text.replace("Z", " CEST")

    def is_silent(self, severity: str, /) -> bool:
        return severity != "critical"


def test_a_summary_comes_as_its_readers_wish_and_alerts_tell_their_times(
    desk: Desk, phone: Phone
) -> None:
    desk.chat.obey(_Asleep())
    desk.run(1)
    trouble = desk.api.faults.bad_gateway(times=None)
    desk.raise_event("SOLD")
    desk.run(600)
    trouble.clear()
    desk.run(60)
    summary, alert = phone.texts
    assert summary.count(" CEST") == 2
    assert re.search(r"^#1 paper notice \(at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d CEST\): SOLD$", alert)
    assert phone.sounds == []


def test_a_status_is_current_after_an_outage(desk: Desk, phone: Phone) -> None:
    desk.chat.show_status("live", "before")
    desk.run(20)
    trouble = desk.api.faults.bad_gateway(times=None)
    for minute in range(10):
        desk.chat.show_status("live", f"minute {minute}")
        desk.raise_event("SOLD")
        desk.run(60)
    trouble.clear()
    desk.run(120)
    assert phone.texts[0] == "minute 9"
    assert arrived(phone) == list(range(1, 11))


def test_one_chat_that_hears_again_wakes_the_others(
    api: FakeBotApi, make_desk: MakeDesk, phone: Phone
) -> None:
    other = api.phone(api.person("Bob"), has_met_bot=True)
    desk = make_desk(Place(phone.chat.id), Place(other.chat.id))
    trouble = api.faults.bad_gateway(times=None)
    desk.raise_event("SOLD")
    desk.run(600)
    trouble.clear()
    desk.chats[0].enable()
    while not arrived(phone) and not arrived(other):
        desk.run(0.5)
    desk.run(5)
    assert (arrived(phone), arrived(other)) == ([1], [1])


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_day_without_telegram_loses_no_alert_and_floods_nobody(
    desk: Desk, phone: Phone, clock: ManualClock
) -> None:
    """First it answers 502, then nothing at all, then nobody listens: eight hours each."""
    desk.run(1)
    desk.runner.run(cast("PtbMessenger", desk.messenger).close())
    # It hangs more than a thousand times, and each time is waited for in real time.
    desk.messenger = desk.make_messenger(read_s=0.02)
    desk.restart()
    began, tries = clock.wall(), 0
    for number in range(300):
        if number == 0:
            trouble = desk.api.faults.bad_gateway(times=None)
        elif number == 100:
            tries += len(trouble.met)
            trouble.clear()
            trouble = desk.api.faults.hang(times=None)
        elif number == 200:
            tries += len(trouble.met)
            trouble.clear()
            desk.api.go_down()
        desk.raise_event(f"SOLD {number}")
        for _ in range(3):
            desk.chat.add_log(
                [LogLine("ERROR", f"line {line} of {'x' * (line % 50)}") for line in range(112)]
            )
            desk.chat.send("pong")
            desk.run(96)
    assert clock.wall() - began > 86_399
    assert 900 < tries < 1_500
    assert desk.chat.count(Lane.REPLY) <= 2
    assert len(desk.chat._log._alike) <= 200
    before = clock.wall()
    desk.api.come_up()
    desk.run(180)
    assert len(_summaries(phone)) == 1
    assert phone.texts[0].startswith("This chat could not be written to from")
    assert "300 fills" in phone.texts[0]
    assert "100,800 log lines" in phone.texts[0]
    assert list(dict.fromkeys(arrived(phone))) == list(range(1, 301))
    assert len(phone.bot_messages) <= 7
    assert clock.wall() - before < 200
    with desk.database.reading() as connection:
        for table, most in (("event", 300), ("chat_cursor", 2), ("chat_message", 5)):
            count = connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar()
            assert count is not None
            assert count <= most


def test_what_is_urgent_waits_for_hours_and_an_answer_does_not(desk: Desk, phone: Phone) -> None:
    trouble = desk.api.faults.bad_gateway(times=None)
    shown: list[str] = []
    desk.chat.tell("paper: state.db is not written", lambda: shown.append("yes"))
    desk.chat.send("pong")
    desk.run(3 * 3_600)
    assert shown == []
    trouble.clear()
    desk.run(120)
    assert shown == ["yes"]
    assert phone.texts == ["paper: state.db is not written"]
    assert len(phone.sounds) == 1


def test_a_command_that_ended_during_an_outage_does_not_stand_there_as_under_way(
    desk: Desk, phone: Phone
) -> None:
    number = desk.chat.send("[sent] /buy BTC/USDT")
    desk.run(1)
    trouble = desk.api.faults.bad_gateway(times=None)
    desk.chat.edit(number, "[rejected] /buy BTC/USDT")
    desk.run(3 * 3_600)
    trouble.clear()
    desk.run(120)
    assert phone.texts == ["[rejected] /buy BTC/USDT"]


def test_what_waits_is_sent_at_once_when_questions_for_news_are_answered_again(
    desk: Desk, phone: Phone
) -> None:
    trouble = desk.api.faults.bad_gateway(times=None)
    desk.raise_event("SOLD")
    desk.run(600)
    trouble.clear()
    desk.runner.run(desk.sender.hear_back())
    desk.run(1)
    assert arrived(phone) == [1]


def test_a_database_that_is_locked_loses_nothing_and_repeats_nothing(
    desk: Desk, phone: Phone
) -> None:
    desk.raise_events([f"SOLD {number}" for number in range(3)])
    with closing(sqlite3.connect(desk.database.path)) as foreign:
        foreign.execute("BEGIN IMMEDIATE")
        desk.run(30)
        desk.chat.send("pong")
        desk.run(30)
    assert arrived(phone) == [1, 2, 3]
    assert phone.texts[-1] == "pong"
    desk.raise_event("SOLD again")
    desk.run(30)
    desk.restart()
    desk.run(30)
    assert arrived(phone) == [1, 2, 3, 4]


def test_events_that_are_refused_are_tried_for_minutes(desk: Desk, phone: Phone) -> None:
    refusal = RefusalError(400, "Bad Request: something is not allowed here")
    desk.api.expect_refusal("not allowed here")
    trouble = desk.api.faults.refuse(refusal, times=None)
    desk.raise_event("SOLD")
    desk.run(100)
    trouble.clear()
    desk.run(120)
    assert arrived(phone) == [1]


def test_an_event_that_is_always_refused_does_not_keep_the_others_out(
    desk: Desk, phone: Phone
) -> None:
    refusal = RefusalError(400, "Bad Request: something is not allowed here")
    trouble = desk.api.faults.refuse(refusal, times=None)
    desk.raise_event("SOLD")
    desk.run(1_000)
    trouble.clear()
    desk.raise_event("SOLD again")
    desk.run(60)
    assert arrived(phone) == [2]
    assert desk.sender.counters()[0].dropped[Lane.ALERT] == 1
    assert any("dropped  1 alert" in line for line in desk.sender.counters()[0].lines(0.0))


@pytest.mark.parametrize("seed", range(5))
def test_restarts_at_any_call_lose_nothing_and_repeat_at_most_one_message(
    desk: Desk, phone: Phone, seed: int
) -> None:
    rng, kills = Random(seed), 0
    for number in range(40):
        desk.raise_events([f"SOLD {number}" for _ in range(rng.randrange(1, 30))])
        if rng.random() < 0.4:
            kills += 1
            _kill_during_a_call(desk, rng)
        desk.run(rng.random() * 10)
    desk.run(120)
    check_stream(phone, kills)


def _kill_during_a_call(desk: Desk, rng: Random) -> None:
    """End in the middle of a call: what it was about to note is never noted."""
    acts = rng.random() < 0.5
    rule = desk.api.faults.drop(acts=acts, method=("sendMessage", "sendDocument"))
    sender = desk.sender.chats[0]
    done: Callable[..., None] = lambda *_: None  # noqa: E731
    sender._fail = done  # type: ignore[method-assign]
    while not rule.met and (wait_s := desk.step()) is not None:
        desk.clock.advance(wait_s)
    rule.clear()
    desk.restart()


def check_stream(phone: Phone, kills: int) -> None:
    """Check that all came in order, what was repeated was one message per kill, and marked."""
    shown: list[int] = []
    repeats = 0
    for message in phone.bot_messages:
        text = message.text if message.document is None else message.document.decode()
        ids = [int(line.split()[0][1:]) for line in text.splitlines() if line.startswith("#")]
        seen = [one for one in ids if shown and one <= shown[-1]]
        if seen:
            assert seen == ids, "a message is repeated whole"
            assert all("perhaps shown" in line for line in text.splitlines() if line[0] == "#")
            repeats += 1
        shown += [one for one in ids if one not in seen]
    assert shown == list(range(1, len(shown) + 1))
    assert repeats <= kills
