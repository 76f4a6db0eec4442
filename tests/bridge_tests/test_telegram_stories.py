"""People on a messenger and a bridge: what is done, what is not, and what they are told."""

import logging
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace

import pytest

from tcpproto.vocabulary import Role
from telegram.bridge.hearing.access import TelegramAccess
from telegram.bridge.hearing.interruptions import interruption_texts
from telegram.bridge.messenger import Me, Place, Trouble
from telegram.bridge.store.inbound import InboundRow
from tests.bridge_tests.harness import Harness
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

MakeBridge = Callable[..., Harness]
MakeBot = Callable[..., ScriptedBot]
MakeDesk = Callable[..., Desk]


@pytest.fixture
def make_desk(make_bridge: MakeBridge, closing: ExitStack) -> MakeDesk:
    def make(access: TelegramAccess = ACCESS, bot_id: int = BOT_ID, **arguments: object) -> Desk:
        desk = Desk(make_bridge(**arguments), access, bot_id)
        closing.callback(desk.close)
        return desk

    return make


@pytest.fixture
def desk(make_desk: MakeDesk) -> Desk:
    return make_desk()


def tell(desk: Desk, bot: ScriptedBot, fields: dict[str, object]) -> None:
    """Have the bridge know a bot's status."""
    session = desk.harness.bridge.parts.sessions.get(bot.name)
    assert session is not None
    before = session.status_fields
    bot.show(fields)
    desk.harness.turn_until(lambda: session.status_fields != before, "the status")


def prices(**values: float) -> dict[str, object]:
    rows = [{"symbol": f"{name}/USDT", "price": price} for name, price in values.items()]
    return {"mode": "PAPER", "prices": rows}


def arrived(desk: Desk, bot: ScriptedBot, number: int = 1) -> None:
    desk.harness.turn_until(lambda: len(bot.commands) >= number, "the command")


def test_a_purchase_goes_its_way_from_the_question_to_the_receipt(
    desk: Desk, make_bot: MakeBot
) -> None:
    bot = make_bot(desk.harness)
    said = desk.write("/buy BTC/USDT 0.1")
    shown = desk.last()
    assert shown.text == "/buy BTC/USDT 0.1 on paper main PAPER — are you sure?"
    desk.press(shown, "Yes")
    arrived(desk, bot)
    command = bot.commands[0]
    assert command.id == f"tg:{BOT_ID}:{ANN}:{said.message_id}"
    assert (command.author, command.role, command.confirmed) == (f"tg:{ANN}", "admin", True)
    bot.reply(0, "applied", "bought")
    desk.harness.turn_until(lambda: "[applied]" in shown.text, "the outcome")
    assert (shown.buttons, len(desk.texts())) == ([], 1)
    desk.let_poll()
    assert [call[0] for call in desk.messenger.calls if call[0] != "menu"] == ["answer"]
    assert [state for _, state in desk.states()] == ["done", "done"]


def test_the_row_is_written_before_anything_is_done(desk: Desk, make_bot: MakeBot) -> None:
    make_bot(desk.harness)
    desk.write("/getstatus")
    assert desk.states() == [("/getstatus", "received")]


def test_an_update_that_comes_twice_is_done_once(desk: Desk, make_bot: MakeBot) -> None:
    bot = make_bot(desk.harness)
    said = desk.write("/sell BTC/USDT")
    desk.give(said)
    # Also when it comes with another number, as the message itself is known.
    desk.give(replace(said, update_id=said.update_id + 100_000))
    arrived(desk, bot)
    desk.harness.turn()
    assert len(bot.commands) == 1


def test_a_new_bot_that_counts_from_the_start_again_is_heard(
    make_desk: MakeDesk, make_bot: MakeBot
) -> None:
    old = make_desk()
    said = old.write("/ping")
    old.harness.close()
    desk = make_desk(seed=2, bot_id=BOT_ID + 1)
    bot = make_bot(desk.harness)
    desk.give(replace(said, update_id=said.update_id + 1_000_000, text="/stoptrading"))
    arrived(desk, bot)
    assert bot.commands[0].verb == "stoptrading"


@pytest.mark.parametrize("times", [2, 5])
def test_a_double_tap_makes_one_order(desk: Desk, make_bot: MakeBot, times: int) -> None:
    bot = make_bot(desk.harness)
    desk.write("/buy BTC/USDT")
    desk.press(desk.last(), "Yes", times=times)
    arrived(desk, bot)
    desk.harness.turn()
    desk.let_poll()
    assert len(bot.commands) == 1
    answers = [call[2] for call in desk.messenger.calls if call[0] == "answer"]
    assert answers == ["", *["that question is no longer open"] * (times - 1)]
    assert len(desk.texts()) == 1


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


def test_a_tap_that_comes_too_late_does_nothing(desk: Desk, make_bot: MakeBot) -> None:
    bot = make_bot(desk.harness)
    desk.write("/buy BTC/USDT")
    shown = desk.last()
    data = shown.data[0]
    desk.harness.advance(31)
    assert shown.text == "[expired] /buy BTC/USDT — not answered in time; nothing sent"
    assert shown.buttons == []
    desk.press_data(data)
    desk.let_poll()
    assert desk.messenger.calls[-1][2] == "that question is no longer open"
    assert bot.commands == []


def test_a_tap_after_a_restart_says_to_send_it_again_and_takes_the_buttons_away(
    make_desk: MakeDesk, make_bot: MakeBot
) -> None:
    old = make_desk()
    make_bot(old.harness)
    old.write("/buy BTC/USDT")
    data = old.last().data[0]
    old.harness.close()
    desk = make_desk(seed=2)
    bot = make_bot(desk.harness)
    desk.press_data(data)
    desk.let_poll()
    answer, edit = desk.messenger.calls
    assert answer[2] == "expired: asked before a restart, send the command again"
    assert edit[:3] == ("edit", Place(ANN), 400)
    assert edit[3].startswith("[expired] asked before the bridge was restarted; nothing sent")
    assert edit[4] == ()
    assert bot.commands == []


def test_what_a_killed_bridge_had_begun_is_said_and_never_done_again(
    make_desk: MakeDesk, make_bot: MakeBot
) -> None:
    old = make_desk()
    make_bot(old.harness)
    old.intake.on_inbound(replace(old.write("/ping"), update_id=90_001, text="/buy BTC/USDT 1"))
    old.harness.database.close()
    desk = make_desk(seed=2)
    bot = make_bot(desk.harness)
    desk.chat(Place(ANN))
    desk.intake.take_up()
    (text,) = desk.texts()
    assert text.splitlines() == [
        "interrupted at 14:13 UTC, result unknown, check /orders; nothing is done again:",
        "  /ping",
        "  /buy BTC/USDT 1",
    ]
    assert {state for _, state in desk.states()} == {"interrupted"}
    desk.harness.turn()
    assert bot.commands == []
    again = make_desk(seed=3)
    again.intake.take_up()
    assert again.texts() == []


def test_a_command_whose_outcome_is_known_was_not_interrupted(
    make_desk: MakeDesk, make_bot: MakeBot
) -> None:
    old = make_desk()
    bot = make_bot(old.harness)
    old.write("/sell BTC/USDT")
    arrived(old, bot)
    bot.reply(0, "applied", "sold")
    old.harness.turn_until(lambda: "[applied]" in "".join(old.texts()), "the outcome")
    desk = make_desk(seed=2)
    desk.intake.take_up()
    assert desk.texts() == []


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"is_edited": True}, "changing a message does nothing"),
        ({"is_forwarded": True}, "forwarded messages are not followed"),
        ({"age_s": 31.0}, "written 31 s ago, allowed 30 s"),
        ({"age_s": -31.0}, "check the clock"),
        ({"user": None, "place": Place(GROUP), "is_anonymous": True}, ""),
        ({"user": EVE}, ""),
        ({"user": EVE, "place": Place(GROUP)}, ""),
        ({"place": Place(FORUM, TOPIC + 1)}, ""),
    ],
)
def test_a_purchase_in_disguise_or_at_the_wrong_time_buys_nothing(
    desk: Desk, make_bot: MakeBot, fields: dict[str, object], said: str
) -> None:
    bot = make_bot(desk.harness)
    inbound = desk.write("/buy BTC/USDT", **fields)  # type: ignore[arg-type]
    texts = desk.texts(inbound.place)
    assert len(texts) == (1 if said else 0)
    assert said in "".join(texts)
    desk.harness.turn()
    desk.let_poll()
    assert (bot.commands, desk.messenger.calls) == ([], [])


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


def test_a_yes_that_was_held_up_answers_nothing(desk: Desk, make_bot: MakeBot) -> None:
    bot = make_bot(desk.harness)
    desk.write("/flatten")
    desk.write("yes", age_s=40.0)
    assert "[expired] yes — written 40 s ago" in desk.last().text
    assert bot.commands == []


def test_while_the_token_is_shared_buying_is_off_and_stopping_is_not(
    desk: Desk, make_bot: MakeBot
) -> None:
    bot = make_bot(desk.harness)
    desk.write("/buy BTC/USDT")
    asked = desk.last()
    desk.intake.on_conflict(True)
    desk.intake.on_conflict(True)
    news = [text for text in desk.texts() if "/revoke" in text]
    assert len(news) == 1
    desk.press(asked, "Yes")
    desk.let_poll()
    assert "another program uses this bot's token" in desk.messenger.calls[-1][2]
    desk.write("/buy ETH/USDT")
    assert "another program uses this bot's token" in desk.last().text
    desk.write("/stop")
    arrived(desk, bot)
    assert [command.verb for command in bot.commands] == ["stoptrading"]
    desk.intake.on_conflict(False)
    assert "all works again" in desk.last().text
    desk.write("/buy ETH/USDT")
    assert "are you sure?" in desk.last().text


def test_the_price_is_looked_at_again_when_the_yes_comes(desk: Desk, make_bot: MakeBot) -> None:
    bot = make_bot(desk.harness)
    tell(desk, bot, prices(BTC=100.0))
    desk.write("/buy BTC/USDT")
    shown = desk.last()
    tell(desk, bot, prices(BTC=100.6))
    desk.press(shown, "Yes")
    assert shown.text == (
        "/buy BTC/USDT on paper main PAPER — are you sure?\n"
        "  the price of BTC/USDT moved from 100.00 to 100.60\n"
        "  price 100.60"
    )
    assert shown.buttons == ["Yes: buy BTC/USDT — PAPER", "Cancel"]
    assert bot.commands == []
    tell(desk, bot, prices(BTC=101.1))
    desk.press(shown, "Yes")
    arrived(desk, bot)


def test_a_warning_that_is_new_when_the_yes_comes_is_asked_about(
    desk: Desk, make_bot: MakeBot
) -> None:
    bot = make_bot(desk.harness)
    tell(desk, bot, prices(BTC=100.0))
    desk.write("/buy BTC/USDT")
    shown = desk.last()
    tell(desk, bot, prices(BTC=100.0) | {"trading_on": False, "mode": "LIVE"})
    desk.press(shown, "Yes")
    assert "it is paper main LIVE now" in shown.text
    assert "new: overrides: trading is OFF" in shown.text
    desk.press(shown, "Cancel")
    assert shown.text == "[rejected] /buy BTC/USDT — cancelled; nothing sent"
    assert bot.commands == []


def test_a_failing_answer_to_a_press_changes_nothing(desk: Desk, make_bot: MakeBot) -> None:
    bot = make_bot(desk.harness)
    desk.messenger.trouble = Trouble.DOWN
    desk.write("/buy BTC/USDT")
    desk.press(desk.last(), "Yes")
    desk.let_poll()
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


def test_a_disk_that_takes_no_row_keeps_nobody_from_stopping(desk: Desk, make_bot: MakeBot) -> None:
    bot = make_bot(desk.harness)
    desk.write("/buy BTC/USDT")
    asked = desk.last()
    with desk.harness.database.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE inbound RENAME TO gone")
    desk.press(asked, "Yes")
    assert desk.last().text == "the bridge's disk: this cannot be noted; nothing sent"
    desk.write("/startbuying ALL")
    assert desk.last().text == "the bridge's disk: this cannot be noted; nothing sent"
    desk.write("/ping")
    assert "pong" in desk.last().text
    desk.write("/stop")
    arrived(desk, bot)
    assert [command.verb for command in bot.commands] == ["stoptrading"]
    assert not desk.journal.flush()
    with desk.harness.database.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE gone RENAME TO inbound")
    assert desk.journal.flush()


def test_an_update_that_is_given_up_is_told_of_only_to_whoever_is_listed(desk: Desk) -> None:
    said = desk.write("/ping")
    desk.intake.on_lost(replace(said, text="/sell BTC/USDT"))
    assert desk.last().text == "/sell BTC/USDT could not be worked on, see the log; nothing sent"
    desk.intake.on_lost(desk.write("/ping", EVE))
    assert desk.texts(Place(EVE)) == []


def test_many_interrupted_messages_are_one_message() -> None:
    rows = [
        InboundRow(number, "tg:7", number, 7, f"/sell C{number}/USDT", None, 0.0, 60.0 * number)
        for number in range(14)
    ]
    (text,) = interruption_texts(rows).values()
    lines = text.splitlines()
    assert lines[0].startswith("interrupted at 00:13 UTC, result unknown, check /orders")
    assert (len(lines), lines[-1]) == (12, "  … 4 more")


def test_old_rows_are_forgotten_in_time(desk: Desk) -> None:
    desk.write("/ping")
    desk.harness.advance(2 * 86_400)
    desk.write("/ping")
    desk.journal.flush()
    assert len(desk.states()) == 1
