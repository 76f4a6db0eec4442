"""Questions that outlive what they were asked for: a role, their time, a token of one's own."""

import sqlite3
from collections.abc import Callable
from contextlib import ExitStack, closing

import pytest

from tcpproto.vocabulary import Role
from telegram.bridge.chat import Author
from telegram.bridge.hearing.access import TelegramAccess
from telegram.bridge.messenger import Place
from tests.bridge_tests.harness import NOW, Harness
from tests.bridge_tests.scripted_bot import ScriptedBot
from tests.bridge_tests.telegram_desk import ACCESS, ANN, BOB, GROUP, Desk

MakeBot = Callable[..., ScriptedBot]


@pytest.fixture
def desk(make_bridge: Callable[..., Harness], closing: ExitStack) -> Desk:
    desk = Desk(make_bridge())
    closing.callback(desk.close)
    return desk


@pytest.mark.parametrize("how", ["press", "word"])
def test_whoever_may_no_longer_trade_confirms_nothing(
    desk: Desk, make_bot: MakeBot, how: str
) -> None:
    bot = make_bot(desk.harness)
    desk.write("/buy BTC/USDT", BOB)
    shown = desk.last(Place(BOB))
    desk.intake.access = TelegramAccess({BOB: Role.VIEWER}, ACCESS.chats)
    if how == "press":
        desk.press(shown, "Yes", BOB)
    else:
        desk.write("yes", BOB)
    assert shown.text == ("[rejected] /buy BTC/USDT — this needs the role trader; yours is viewer")
    assert (shown.buttons, bot.commands) == ([], [])


def test_a_role_that_grew_since_the_question_is_the_one_that_counts(
    desk: Desk, make_bot: MakeBot
) -> None:
    bot = make_bot(desk.harness)
    desk.write("/buy BTC/USDT", BOB)
    desk.intake.access = TelegramAccess({BOB: Role.ADMIN}, ACCESS.chats)
    desk.press(desk.last(Place(BOB)), "Yes", BOB)
    desk.harness.turn_until(lambda: bot.commands, "the command")
    assert bot.commands[0].role == "admin"


@pytest.mark.parametrize("how", ["press", "word"])
@pytest.mark.parametrize("clock", ["both", "wall"])
def test_an_answer_is_too_late_though_nobody_has_noticed_the_time_yet(
    desk: Desk, make_bot: MakeBot, how: str, clock: str
) -> None:
    """A machine that slept, or a loop that was held up, has not let the question run out."""
    bot = make_bot(desk.harness)
    desk.write("/buy BTC/USDT")
    shown = desk.last()
    if clock == "wall":
        desk.harness.clock.set_wall(NOW + 3_600)
    else:
        desk.harness.clock.advance(31)
    if how == "press":
        desk.press(shown, "Yes")
    else:
        desk.write("yes")
    assert shown.text == "[expired] /buy BTC/USDT — not answered in time; nothing sent"
    assert (shown.buttons, bot.commands) == ([], [])


def test_while_the_token_is_shared_no_typed_yes_buys(desk: Desk, make_bot: MakeBot) -> None:
    bot = make_bot(desk.harness)
    desk.write("/buy BTC/USDT")
    asked = desk.last()
    desk.intake.on_conflict(True)
    for word in ("yes", "1", "ok"):
        desk.write(word)
        assert f"[rejected] {word} — another program uses this bot's token" in desk.last().text
    assert bot.commands == []
    desk.write("cancel")
    assert asked.text == "[rejected] /buy BTC/USDT — cancelled; nothing sent"
    desk.write("/flatten")
    desk.write("yes")
    desk.harness.turn_until(lambda: bot.commands, "the command")
    assert [command.verb for command in bot.commands] == ["flatten"]


@pytest.fixture
def waiting(desk: Desk, make_bot: MakeBot) -> Desk:
    """A desk where /stoptrading waits for a bot that is away."""
    make_bot(desk.harness).stop()
    desk.harness.away("paper")
    for place in (Place(GROUP), Place(ANN)):
        desk.write("/stoptrading", place=place)
    return desk


@pytest.mark.parametrize("word", ["no", "n"])
def test_talk_does_not_take_back_a_stop_that_waits(waiting: Desk, word: str) -> None:
    for place in (Place(GROUP), Place(ANN)):
        waiting.write(word, place=place)
    waiting.write("cancel", place=Place(GROUP))
    assert [text.split()[0] for text in waiting.texts(Place(GROUP))] == ["[queued]"]
    assert waiting.texts()[0].startswith("[queued] /stoptrading")


def test_a_cancel_that_came_too_late_for_a_question_takes_back_no_stop(
    waiting: Desk, make_bot: MakeBot
) -> None:
    make_bot(waiting.harness, "other")
    waiting.write("/buy BTC/USDT @other")
    waiting.harness.advance(31)
    waiting.write("cancel")
    assert waiting.texts()[0].startswith("[queued] /stoptrading")
    assert waiting.last().text == (
        "no question is open; press Cancel at the command that is to be taken back"
    )


def test_a_yes_means_the_question_though_a_stop_was_queued_since(
    desk: Desk, make_bot: MakeBot
) -> None:
    make_bot(desk.harness).stop()
    desk.harness.away("paper")
    other = make_bot(desk.harness, "other")
    desk.write("/buy BTC/USDT @other")
    desk.write("/stoptrading @paper")
    desk.write("yes")
    desk.harness.turn_until(lambda: other.commands, "the command")
    assert [one.verb for one in other.commands] == ["buy"]


def test_at_the_console_too_a_role_is_looked_at_again(bridge: Harness, make_bot: MakeBot) -> None:
    bot = make_bot(bridge)
    shown = bridge.say("/buy BTC/USDT", Author("tg:3", Role.TRADER))
    bridge.say("yes", Author("tg:3", Role.VIEWER))
    assert "this needs the role trader" in shown.text
    assert bot.commands == []


@pytest.fixture
def make_desk(make_bridge: Callable[..., Harness], closing: ExitStack) -> Callable[..., Desk]:
    def make(seed: int) -> Desk:
        desk = Desk(make_bridge(seed=seed))
        closing.callback(desk.close)
        desk.chat(Place(ANN))
        return desk

    return make


def test_a_second_tap_that_comes_to_the_next_bridge_shows_the_receipt_of_the_first(
    make_desk: Callable[..., Desk], make_bot: MakeBot
) -> None:
    old = make_desk(1)
    bot = make_bot(old.harness)
    old.write("/buy BTC/USDT")
    data = old.last().data[0]
    old.press_data(data, message_id=1)
    old.harness.turn_until(lambda: bot.commands, "the command")
    bot.reply(0, "applied", "bought")
    old.harness.turn_until(lambda: "[applied]" in old.last().text, "the outcome")
    desk = make_desk(2)
    desk.chat(Place(ANN)).send("as it was last shown")
    desk.press_data(data, message_id=1)
    desk.let_poll()
    assert desk.texts() == ["[applied] /buy BTC/USDT — paper main PAPER: bought"]
    (answer,) = desk.messenger.calls
    assert answer[2].startswith("answered before the bridge was restarted")


@pytest.mark.parametrize("is_over", [True, False])
def test_a_press_that_was_interrupted_is_followed_to_its_outcome(
    make_desk: Callable[..., Desk], make_bot: MakeBot, is_over: bool
) -> None:
    old = make_desk(1)
    bot = make_bot(old.harness)
    old.write("/buy BTC/USDT")
    old.press_data(old.last().data[0], message_id=1)
    old.harness.turn_until(lambda: bot.commands, "the command")
    if is_over:
        bot.reply(0, "applied", "bought")
        old.harness.turn_until(lambda: "[applied]" in old.last().text, "the outcome")
    desk = make_desk(2)
    desk.chat(Place(ANN)).send("are you sure?")
    desk.harness.turn()
    desk.intake.take_up()
    receipt, *others = desk.texts()
    if is_over:
        assert receipt == "[applied] /buy BTC/USDT — paper main PAPER: bought"
        assert others == []
    else:
        assert receipt.startswith("[sent] /buy BTC/USDT")
        (other,) = others
        assert other.splitlines()[0].endswith(
            "what was under way goes on, its receipt tells how it ends:"
        )
        assert other.splitlines()[1].endswith("/buy BTC/USDT (goes on, see its receipt)")


def test_a_stop_that_waits_for_its_bot_is_not_called_interrupted_for_good(
    make_desk: Callable[..., Desk], make_bot: MakeBot
) -> None:
    old = make_desk(1)
    make_bot(old.harness).stop()
    old.harness.away("paper")
    old.write("/stoptrading")
    desk = make_desk(2)
    desk.intake.take_up()
    assert "result unknown" not in "".join(desk.texts())
    assert "what was under way goes on" in desk.last().text


TOKEN = "7001234567:AACanaryCanaryCanaryCanaryCanaryCan"


@pytest.mark.parametrize("line", [f"/help {TOKEN}", f"/buy BTC/USDT {TOKEN}", f"/{TOKEN}"])
@pytest.mark.parametrize("age_s", [0.0, 3_600.0])
def test_a_token_that_somebody_writes_is_not_written_down(
    desk: Desk, line: str, age_s: float
) -> None:
    desk.write(line, age_s=age_s)
    desk.write(f"{'x' * 60} {TOKEN}")
    desk.intake.on_lost(desk.write(f"/help {'x' * 60} {TOKEN}", age_s=age_s))
    written = str(desk.states()) + "".join(desk.texts())
    assert "help" in written
    assert "Canary" not in written


def test_a_press_that_cannot_be_looked_up_holds_up_no_stop(desk: Desk, make_bot: MakeBot) -> None:
    bot = make_bot(desk.harness)
    with closing(sqlite3.connect(desk.harness.database.path)) as damage:
        damage.execute("DROP TABLE command")
    desk.press_data("0000ffffffffff:0")
    desk.write("/stoptrading")
    desk.harness.turn_until(lambda: bot.commands, "the stop at the bot")
    desk.let_poll()
    # That nothing came of it is not said: nobody knows.
    calls = [call[0] for call in desk.messenger.calls]
    assert "edit" not in calls
    assert "answer" in calls
