"""Commands over restarts of the bridge and of the bot, and those that take long."""

from collections.abc import Callable
from pathlib import Path

from daemonkit.clock import ManualClock
from telegram.bridge.chat import Buttons
from telegram.bridge.receipts import State
from tests.bridge_tests.command_tests.command_rows import stored_commands, wait_for_commands
from tests.bridge_tests.harness import CHAT, Harness, RecordingChat
from tests.bridge_tests.scripted_bot import ScriptedBot

MakeBridge = Callable[..., Harness]
MakeBot = Callable[..., ScriptedBot]


def test_a_restarted_bridge_sends_open_commands_again_under_their_id(
    tmp_path: Path, make_bridge: MakeBridge, make_bot: MakeBot, clock: ManualClock
) -> None:
    chat = RecordingChat()
    first = make_bridge(folder=tmp_path, clock=clock, chat=chat)
    bot = make_bot(first)
    first.say("/starttrading")
    wait_for_commands(bot, first, 1)
    # As after a kill: nothing is said and nothing more is written.
    second = make_bridge(folder=tmp_path, clock=clock, chat=chat, seed=2)
    clock.advance(20)
    again = make_bot(second)
    wait_for_commands(again, second, 1)
    assert again.commands == bot.commands
    again.reply(0, "applied", "buying is on", repeat=True)
    second.turn_until(lambda: chat.messages, "the outcome")
    assert chat.last.text == "[applied] /starttrading — paper main PAPER: buying is on"


def test_a_restarted_bridge_calls_an_old_command_unknown_and_sends_nothing(
    tmp_path: Path, make_bridge: MakeBridge, make_bot: MakeBot, clock: ManualClock
) -> None:
    chat = RecordingChat()
    first = make_bridge(folder=tmp_path, clock=clock, chat=chat)
    bot = make_bot(first)
    first.say("/buy BTC/USDT")
    first.say("yes")
    wait_for_commands(bot, first, 1)
    clock.advance(60)
    second = make_bridge(folder=tmp_path, clock=clock, chat=chat, seed=2)
    again = make_bot(second)
    second.turn()
    assert chat.last.last_line.startswith("[unknown] /buy BTC/USDT — paper main PAPER: no answer")
    assert again.commands == []


def test_a_waiting_command_survives_a_restart_with_its_cancel_button(
    tmp_path: Path, make_bridge: MakeBridge, make_bot: MakeBot, clock: ManualClock
) -> None:
    chat = RecordingChat()
    first = make_bridge(folder=tmp_path, clock=clock, chat=chat)
    make_bot(first).stop()
    first.away("paper")
    shown = first.say("/stoptrading")
    first.advance(3)
    first.close()
    second = make_bridge(folder=tmp_path, clock=clock, chat=chat, seed=2)
    assert "[queued]" in shown.text
    second.press(shown.data[0])
    assert shown.text == "[rejected] /stoptrading — paper main PAPER: cancelled; nothing sent"


def test_what_a_bot_has_accepted_is_waited_for_longer_and_told_as_it_goes(
    bridge: Harness, make_bot: MakeBot
) -> None:
    bot = make_bot(bridge)
    shown = bridge.say("/flatten")
    bridge.say("yes")
    wait_for_commands(bot, bridge, 1)
    bot.reply(0, "accepted", "closing 3 positions")
    bridge.turn_until(lambda: bridge.bridge.parts.outbound.open_in(CHAT)[0].text, "the first word")
    bridge.advance(3_600)
    assert shown.text == "[accepted] /flatten — paper main PAPER: closing 3 positions"
    bot.reply(0, "accepted", "closing 1 position")
    bridge.turn_until(lambda: "1 position" in shown.text, "more progress")
    bridge.advance(3_600)
    bot.reply(0, "applied", "flat, verified")
    bridge.turn_until(lambda: "[applied]" in shown.text, "the outcome")
    assert shown.text == "[applied] /flatten — paper main PAPER: flat, verified"
    assert len(bridge.chat.messages) == 1


def test_what_was_accepted_goes_on_in_the_next_run_of_the_bot(
    bridge: Harness, make_bot: MakeBot
) -> None:
    bot = make_bot(bridge)
    shown = bridge.say("/flatten")
    bridge.say("yes")
    wait_for_commands(bot, bridge, 1)
    bot.reply(0, "accepted", "closing 3 positions")
    bridge.advance(1)
    bridge.turn_until(lambda: "[accepted]" in shown.text, "the progress")
    bot.stop()
    bridge.away("paper")
    bridge.advance(600)
    assert shown.text.startswith("[accepted] /flatten — paper main PAPER: accepted, but not finish")
    again = make_bot(bridge)
    wait_for_commands(again, bridge, 1)
    assert again.commands[0].id == bot.commands[0].id
    again.reply(0, "accepted", "closing 1 position")
    bridge.turn_until(lambda: "1 position" in shown.text, "more progress")
    again.reply(0, "applied", "flat")
    bridge.turn_until(lambda: "[applied]" in shown.text, "the outcome")
    assert len(bridge.chat.messages) == 1


def test_an_accepted_command_goes_on_over_a_restart_of_the_bridge(
    tmp_path: Path, make_bridge: MakeBridge, make_bot: MakeBot, clock: ManualClock
) -> None:
    chat = RecordingChat()
    first = make_bridge(folder=tmp_path, clock=clock, chat=chat)
    bot = make_bot(first)
    shown = first.say("/flatten")
    first.say("yes")
    wait_for_commands(bot, first, 1)
    bot.reply(0, "accepted", "closing 3 positions")
    first.advance(1)
    first.turn_until(lambda: "[accepted]" in shown.text, "the progress")
    first.advance(3)
    clock.advance(600)
    # As after a kill: nothing is said and nothing more is written.
    second = make_bridge(folder=tmp_path, clock=clock, chat=chat, seed=2)
    again = make_bot(second)
    wait_for_commands(again, second, 1)
    again.reply(0, "applied", "flat", repeat=True)
    second.turn_until(lambda: "[applied]" in shown.text, "the outcome")
    assert len(chat.messages) == 1


def test_an_accepted_command_whose_end_is_never_told_is_given_up_after_a_day(
    bridge: Harness, make_bot: MakeBot
) -> None:
    bot = make_bot(bridge)
    shown = bridge.say("/flatten")
    bridge.say("yes")
    wait_for_commands(bot, bridge, 1)
    bot.reply(0, "accepted", "closing 3 positions")
    bridge.advance(1)
    bridge.turn_until(lambda: "[accepted]" in shown.text, "the progress")
    bridge.advance(86_410)
    assert shown.text == (
        "[unknown] /flatten — paper main PAPER: "
        "accepted, but its end was never told; see /getstatus"
    )


def test_what_goes_to_all_bots_is_written_down_for_all_before_the_first_is_sent_or_told(
    make_bridge: MakeBridge, make_bot: MakeBot
) -> None:
    counts: list[int] = []

    class Watching(RecordingChat):
        def send(self, text: str, buttons: Buttons = (), *, command_id: str | None = None) -> int:
            counts.append(len(stored_commands(bridge)))
            return super().send(text, buttons, command_id=command_id)

    bridge = make_bridge(chat=Watching())
    for name in ("one", "two", "three"):
        make_bot(bridge, name).stop()
        bridge.away(name)
    bridge.say("/stoptrading @all")
    assert counts == [3, 3, 3]
    states = [(one.bot, one.state) for one in stored_commands(bridge)]
    assert sorted(states) == [(bot, State.QUEUED) for bot in ("one", "three", "two")]


def test_what_is_refused_for_a_bot_that_is_away_is_not_written_down_as_sent(
    tmp_path: Path, make_bridge: MakeBridge, make_bot: MakeBot, clock: ManualClock
) -> None:
    chat = RecordingChat()
    first = make_bridge(folder=tmp_path, clock=clock, chat=chat)
    here, gone = make_bot(first, "here"), make_bot(first, "gone")
    gone.stop()
    first.away("gone")
    first.say("/starttrading @all")
    wait_for_commands(here, first, 1)
    assert [(one.bot, one.state) for one in stored_commands(first)] == [("here", State.SENT)]
