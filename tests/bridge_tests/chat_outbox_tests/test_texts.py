"""What bots say that is no event: all of it, in order, in few messages, behind every alert."""

import pytest

from telegram.bridge.chat_outbox.lanes import Lane
from telegram.bridge.chat_outbox.posts import JOINED_LEN_MAX, Bounds, Post, Posts
from telegram.bridge.messenger import Place
from tests.bridge_tests.chat_outbox_tests.conftest import MakeDesk
from tests.bridge_tests.chat_outbox_tests.desk import Desk, arrived, said
from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.server import FakeBotApi


def _lines(count: int, first: int = 0) -> list[str]:
    return [f"old: line {number} of a bot" for number in range(first, first + count)]


def test_an_alert_overtakes_a_bot_that_says_much(desk: Desk, phone: Phone) -> None:
    desk.run(1)
    for second in range(60):
        for line in _lines(5, 5 * second):
            desk.chat.pass_on(line, is_urgent=False)
        desk.run(1)
    desk.raise_event("SOLD")
    desk.run(1.9)
    assert arrived(phone) == [1]


def _kind(number: int) -> tuple[str, str]:
    return ("sold", "notice") if number % 9 == 0 else ("order_placed", "info")


def test_an_alert_in_a_group_does_not_wait_behind_orders_that_are_placed_all_the_time(
    api: FakeBotApi, make_desk: MakeDesk, phone: Phone
) -> None:
    api.limit_speed()
    group = api.rooms.group("Desk", [phone.person])
    desk = make_desk(Place(group.id))
    there = api.phone(phone.person, group)
    for number in range(1, 91):
        desk.raise_event("SOLD" if number % 9 == 0 else "order placed", *_kind(number))
        desk.run(1)
        if number % 9 == 0:
            assert number in arrived(there), f"alert {number}"
        desk.run(1)
    desk.run(60)
    assert sorted(arrived(there)) == list(range(1, 91))


def test_what_a_bot_says_in_a_flood_comes_whole_in_order_and_in_few_messages(
    desk: Desk, phone: Phone
) -> None:
    for line in _lines(300):
        desk.chat.pass_on(line, is_urgent=False)
    desk.run(60)
    texts = said(phone).splitlines()
    assert [text for text in texts if text.startswith("old")] == _lines(300)
    assert len(phone.bot_messages) <= 3
    desk.chat.pass_on("alone", is_urgent=False)
    desk.run(5)
    assert phone.last.text == "alone"
    assert not phone.last.is_silent


@pytest.mark.parametrize("trouble", ["bad_gateway", "unauthorized"])
def test_what_a_bot_has_said_during_an_outage_is_a_file(
    desk: Desk, phone: Phone, trouble: str
) -> None:
    rule = getattr(desk.api.faults, trouble)(times=None, method="sendMessage")
    for minute in range(120):
        for line in _lines(100, 100 * minute):
            desk.chat.pass_on(line, is_urgent=False)
        desk.run(60)
    assert desk.chat.count(Lane.TEXT) == 12_000
    rule.clear()
    desk.runner.run(desk.sender.ask_token())
    desk.run(120)
    assert len(phone.bot_messages) == 2
    assert phone.last.document is not None
    assert phone.last.document.decode().splitlines() == _lines(12_000)
    assert desk.chat.count(Lane.TEXT) == 0


def test_what_is_said_while_a_text_is_on_its_way_is_a_message_of_its_own(
    desk: Desk, phone: Phone
) -> None:
    desk.chat.pass_on("first", is_urgent=False)
    late = desk.api.faults.drop(acts=True, method="sendMessage")
    desk.run(0.1)
    assert late.met
    for line in _lines(300):
        desk.chat.pass_on(line, is_urgent=False)
    desk.run(60)
    assert phone.texts[0] == "first"
    texts = said(phone).splitlines()
    assert texts.count("(perhaps shown before)") == 1
    assert [text for text in texts if text.startswith("old")] == _lines(300)
    assert all(len(message.texts) == 1 for message in phone.bot_messages), "nothing is edited"


class _Muted:
    """Wish for silence but for what is critical."""

    def localize(self, text: str, /) -> str:
        return text

    def is_silent(self, severity: str, /) -> bool:
        return severity != "critical"


def test_a_muted_chat_is_silent_but_for_what_is_urgent(desk: Desk, phone: Phone) -> None:
    desk.chat.obey(_Muted())
    for line in _lines(300):
        desk.chat.pass_on(line, is_urgent=False)
    desk.run(30)
    assert phone.bot_messages
    assert phone.sounds == []
    desk.chat.pass_on("state.db is not written", is_urgent=True)
    desk.chat.pass_on("tick", is_urgent=False)
    desk.run(30)
    assert [one.text for one in phone.sounds] == ["state.db is not written\ntick"]


def test_joined_texts_stay_in_bounds_and_in_order() -> None:
    posts = Posts(Bounds())
    for number in range(30):
        posts.put(Post(number, Lane.TEXT, chr(97 + number) * 50_000, 0.0))
    posts.join(Lane.TEXT, skip=1)
    waiting = posts.waiting(Lane.TEXT, 0.0)
    assert len(waiting) == 4
    assert all(len(one.text) <= JOINED_LEN_MAX + 10 for one in waiting)
    assert (posts.count(Lane.TEXT), posts.rows(Lane.TEXT)) == (30, 4)
    assert "".join(one.text for one in waiting).replace("\n", "") == "".join(
        chr(97 + number) * 50_000 for number in range(30)
    )
    for one in waiting:
        posts.remove(one)
    posts.put(Post(99, Lane.TEXT, "x", 0.0))
    assert posts.count(Lane.TEXT) == 1
