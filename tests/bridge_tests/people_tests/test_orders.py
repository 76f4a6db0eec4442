"""People who buy on a messenger: what is done once, what is not, and what they are told."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from telegram.bridge.messenger import Place, Trouble
from tests.bridge_tests.people_tests.moments import arrived, prices, tell
from tests.bridge_tests.scripted_bot import ScriptedBot
from tests.bridge_tests.telegram_desk import ANN, BOT_ID, EVE, FORUM, GROUP, TOPIC, Desk

MakeBot = Callable[..., ScriptedBot]
MakeDesk = Callable[..., Desk]


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
