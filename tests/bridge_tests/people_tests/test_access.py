"""Who is heard on a messenger, where the answers stand, and who gets which menu."""

import logging
from collections.abc import Callable
from dataclasses import replace

import pytest

from tcpproto.vocabulary import Role
from telegram.bridge.hearing.access import TelegramAccess
from telegram.bridge.messenger import Me, Place
from tests.bridge_tests.people_tests.moments import arrived
from tests.bridge_tests.scripted_bot import ScriptedBot
from tests.bridge_tests.telegram_desk import (
    ACCESS,
    ANN,
    BOB,
    BOT_ID,
    CAT,
    EVE,
    FORUM,
    GROUP,
    TOPIC,
    Desk,
)

MakeBot = Callable[..., ScriptedBot]
MakeDesk = Callable[..., Desk]


def test_a_tap_by_another_person_in_the_group_does_nothing(desk: Desk, make_bot: MakeBot) -> None:
    bot = make_bot(desk.harness)
    group = Place(GROUP)
    desk.write("/buy BTC/USDT", place=group)
    shown = desk.last(group)
    desk.press(shown, "Yes", BOB, group)
    desk.press(shown, "Yes", EVE, group)
    desk.let_poll()
    said = [call[2] for call in desk.messenger.calls if call[0] == "answer"]
    assert said == ["that question was put to somebody else"]
    assert "are you sure?" in shown.text
    desk.press(shown, "Yes", ANN, group)
    arrived(desk, bot)


def test_strangers_get_one_line_in_the_log_in_an_hour_and_nothing_else(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        for _ in range(50):
            desk.write("/start", EVE)
        desk.write("/start", EVE, place=Place(GROUP))
        assert caplog.text.count("a stranger writes: user 666") == 1
        desk.harness.advance(3_601)
        desk.write("/start", EVE)
    assert caplog.text.count("a stranger writes: user 666") == 2
    assert (desk.texts(Place(EVE)), desk.states()) == ([], [])


def test_an_unknown_group_is_left(desk: Desk) -> None:
    desk.write("/buy BTC/USDT", place=Place(-99))
    desk.write("hello", EVE, place=Place(-99))
    desk.let_poll()
    assert desk.messenger.calls == [("leave", -99)]
    assert desk.texts(Place(-99)) == []


def test_whoever_is_taken_from_the_list_is_a_stranger_at_once(
    desk: Desk, make_bot: MakeBot
) -> None:
    bot = make_bot(desk.harness)
    desk.write("/buy BTC/USDT", BOB)
    shown = desk.last(Place(BOB))
    desk.intake.access = TelegramAccess({ANN: Role.ADMIN}, ACCESS.chats)
    desk.press(shown, "Yes", BOB)
    desk.write("/buy BTC/USDT", BOB)
    assert bot.commands == []
    assert len(desk.texts(Place(BOB))) == 1


def test_a_viewer_looks_and_does_not_touch(desk: Desk, make_bot: MakeBot) -> None:
    bot = make_bot(desk.harness)
    desk.write("/sell BTC/USDT", CAT)
    assert "this needs the role trader; yours is viewer" in desk.last(Place(CAT)).text
    desk.write("/getstatus", CAT)
    arrived(desk, bot)
    assert [command.verb for command in bot.commands] == ["getstatus"]


@pytest.mark.parametrize("place", [Place(GROUP), Place(FORUM, TOPIC)])
def test_answers_stand_where_the_command_was_written(
    desk: Desk, make_bot: MakeBot, place: Place
) -> None:
    bot = make_bot(desk.harness)
    desk.write("/sell@desk_bot BTC/USDT", place=place)
    arrived(desk, bot)
    bot.reply(0, "applied", "sold")
    desk.harness.turn_until(lambda: desk.texts(place), "the receipt")
    desk.harness.turn_until(lambda: "[applied]" in desk.last(place).text, "the outcome")
    assert desk.texts() == []


def test_the_talk_of_a_group_is_no_answer_but_the_reply_of_whoever_was_asked(
    desk: Desk, make_bot: MakeBot
) -> None:
    bot = make_bot(desk.harness)
    group = Place(GROUP)
    desk.write("good morning", place=group)
    desk.write("yes", BOB, place=group)
    assert desk.texts(group) == []
    desk.write("/flatten", place=group)
    desk.write("yes", BOB, place=group, is_reply=True)
    # Said to somebody else in the group.
    desk.write("yes", place=group)
    assert bot.commands == []
    desk.write("yes", place=group, is_reply=True)
    arrived(desk, bot)


def test_a_group_that_moves_keeps_its_place_also_after_a_restart(
    make_desk: MakeDesk, make_bot: MakeBot
) -> None:
    group, moved = Place(GROUP), Place(-1_009)
    old = make_desk()
    said = old.write("/ping", place=group)
    old.write("", place=group, migrated_to=-1_009)
    old.write("/ping", place=moved)
    assert len(old.texts(group)) == 2
    old.harness.close()
    desk = make_desk(seed=2)
    bot = make_bot(desk.harness)
    # The messages of the new group are counted from the start again.
    desk.give(replace(said, update_id=said.update_id + 1_000_000, place=moved, text="/sell A/B"))
    arrived(desk, bot)
    assert bot.commands[0].id == f"tg:{BOT_ID}:-1009:{said.message_id}"
    assert bot.commands[0].chat == group.name
    desk.let_poll()
    assert desk.messenger.calls == []


def test_whoever_has_written_gets_a_menu_and_keeps_it_current(
    make_desk: MakeDesk, make_bot: MakeBot
) -> None:
    old = make_desk()
    old.write("/start", BOB)
    old.write("/ping", BOB)
    old.write("/ping", place=Place(GROUP))
    old.let_poll()
    assert [call[1] for call in old.messenger.calls] == [None, BOB]
    old.harness.close()
    desk = make_desk(seed=2)
    desk.intake.on_ready(Me(1, "desk_bot", can_read_groups=False))
    desk.let_poll()
    assert [call[1] for call in desk.messenger.calls] == [None, BOB]


def test_an_unknown_command_gets_the_nearest_one(desk: Desk) -> None:
    desk.write("/stoptradng")
    assert "did you mean /stoptrading?" in desk.last().text


@pytest.mark.parametrize(("user", "words"), [(ANN, "everything"), (BOB, "trade"), (CAT, "look")])
def test_start_greets_by_role_and_never_trades(
    desk: Desk, make_bot: MakeBot, user: int, words: str
) -> None:
    bot = make_bot(desk.harness)
    desk.write("/start abc123", user)
    assert f"You may {words}" in desk.last(Place(user)).text.replace("do everything", "everything")
    assert bot.commands == []
