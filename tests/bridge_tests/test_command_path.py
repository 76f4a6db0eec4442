"""The path of a command to a bot and of its outcome back to the chat."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from daemonkit.clock import ManualClock
from telegram.bridge.records import CommandRecord
from telegram.bridge.store.commands import CommandTable
from tests.bridge_tests.harness import CHAT, Harness, RecordingChat
from tests.bridge_tests.scripted_bot import ScriptedBot, ThreeFieldPeer

MakeBridge = Callable[..., Harness]
MakeBot = Callable[..., ScriptedBot]


def _commands(harness: Harness) -> list[CommandRecord]:
    with harness.database.reading() as connection:
        ids = [row[0] for row in connection.exec_driver_sql("SELECT id FROM command")]
    return [one for each in ids if (one := CommandTable(harness.database).read_one(each))]


def _wait_for(bot: ScriptedBot, harness: Harness, count: int) -> None:
    harness.turn_until(lambda: len(bot.commands) >= count, f"{count} commands at {bot.name}")


def test_an_answer_ends_the_command_with_one_line_below_its_body(
    bridge: Harness, make_bot: MakeBot
) -> None:
    bot = make_bot(bridge)
    bridge.say("/getstatus")
    _wait_for(bot, bridge, 1)
    assert not bridge.chat.messages
    bot.reply(0, "applied", "engine RUNNING\nBTC/USDT 93,320.20")
    bridge.turn_until(lambda: bridge.chat.messages, "the answer")
    assert bridge.chat.texts == [
        "engine RUNNING\nBTC/USDT 93,320.20\n[applied] /getstatus — paper main PAPER"
    ]
    assert bridge.chat.last.command_id == bot.commands[0].id


def test_the_log_says_who_commanded_what_and_how_it_ended(
    bridge: Harness, make_bot: MakeBot, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "telegram.bridge.commands.outbound")
    bot = make_bot(bridge)
    bridge.say("/getstatus")
    _wait_for(bot, bridge, 1)
    bot.reply(0, "applied", "engine RUNNING\nfor the chat alone")
    bridge.turn_until(lambda: bridge.chat.messages, "the answer")
    bot.stop()
    bridge.turn_until(lambda: not bridge.bridge.parts.sessions.is_connected("paper"), "the end")
    bridge.say("/getstatus")
    lines = [one.getMessage() for one in caplog.records]
    assert lines[0] == "command /getstatus of os:tester to paper: applied engine RUNNING"
    assert lines[1].startswith("command /getstatus of os:tester to paper: rejected not connected")


def test_the_bot_is_told_who_asks_when_and_until_when(bridge: Harness, make_bot: MakeBot) -> None:
    bot = make_bot(bridge)
    bridge.say("/sell btc-usdt 0.10")
    _wait_for(bot, bridge, 1)
    command = bot.commands[0]
    assert (command.verb, command.args) == ("sell", ("BTC/USDT", "0.1"))
    assert (command.author, command.role, command.chat) == ("os:tester", "admin", CHAT)
    assert command.issued_at == bridge.clock.wall()
    assert command.expires_at == command.issued_at + 300


def test_a_command_is_in_the_database_before_it_is_on_the_wire(
    bridge: Harness, make_bot: MakeBot
) -> None:
    bot = make_bot(bridge)
    seen: list[list[CommandRecord]] = []
    bot.on_arrival = lambda: seen.append(_commands(bridge))
    bridge.say("/getstatus")
    bridge.turn_until(lambda: seen, "the command")
    assert [(one.verb, one.state) for one in seen[0]] == [("getstatus", "sent")]


def test_a_slow_command_is_one_message_that_is_edited_as_it_goes(
    bridge: Harness, make_bot: MakeBot
) -> None:
    bot = make_bot(bridge)
    bridge.say("/flatten")
    bridge.say("yes")
    _wait_for(bot, bridge, 1)
    bridge.advance(1)
    shown = bridge.chat.last
    assert shown.text == "[sent] /flatten — paper main PAPER: waiting for its answer"
    bot.reply(0, "accepted", "closing 3 positions")
    bridge.turn_until(lambda: "[accepted]" in shown.text, "the progress")
    assert shown.text == "[accepted] /flatten — paper main PAPER: closing 3 positions"
    bot.reply(0, "applied", "flat")
    bridge.turn_until(lambda: "[applied]" in shown.text, "the outcome")
    assert shown.text == "[applied] /flatten — paper main PAPER: flat"
    assert len(bridge.chat.messages) == 1


@pytest.mark.parametrize(
    "line", ["/getstatus", "/buy BTC/USDT", "/buy", "/starttrading", "/mode x active"]
)
def test_while_a_bot_is_away_nothing_but_a_reducing_command_is_sent_later(
    bridge: Harness, make_bot: MakeBot, line: str
) -> None:
    bot = make_bot(bridge)
    bot.stop()
    bridge.away("paper")
    bridge.advance(125)
    shown = bridge.say(line)
    assert shown.text.startswith(f"[rejected] {line} — paper main PAPER: not connected for 2m 05s")
    assert "nothing sent; its last status is 2m 05s old" in shown.text
    again = make_bot(bridge)
    bridge.turn()
    assert again.commands == []


def test_a_reducing_command_waits_for_its_bot_and_is_sent_once(
    bridge: Harness, make_bot: MakeBot
) -> None:
    bot = make_bot(bridge)
    bot.stop()
    bridge.away("paper")
    shown = bridge.say("/stoptrading")
    assert shown.text.startswith("[queued] /stoptrading — paper main PAPER: not connected")
    assert shown.buttons == ["Cancel"]
    bridge.advance(3_600)
    again = make_bot(bridge)
    _wait_for(again, bridge, 1)
    assert shown.text.startswith("[sent] /stoptrading")
    assert shown.buttons == []
    assert again.commands[0].expires_at == again.commands[0].issued_at + 86_400
    again.reply(0, "applied", "trading is off")
    bridge.turn_until(lambda: "[applied]" in shown.text, "the outcome")
    assert shown.text == "[applied] /stoptrading — paper main PAPER: trading is off"
    assert len(bridge.chat.messages) == 1


@pytest.mark.parametrize("how", ["cancel", "1", "button"])
def test_a_waiting_command_can_be_cancelled(bridge: Harness, make_bot: MakeBot, how: str) -> None:
    make_bot(bridge).stop()
    bridge.away("paper")
    shown = bridge.say("/stoptrading")
    if how == "button":
        bridge.press(shown.data[0])
    else:
        bridge.say(how)
    assert shown.text == "[rejected] /stoptrading — paper main PAPER: cancelled; nothing sent"
    again = make_bot(bridge)
    bridge.turn()
    assert again.commands == []


def test_a_waiting_command_expires_after_a_day(bridge: Harness, make_bot: MakeBot) -> None:
    make_bot(bridge).stop()
    bridge.away("paper")
    shown = bridge.say("/stoptrading")
    bridge.advance(86_399)
    assert "[queued]" in shown.text
    bridge.advance(2)
    assert shown.last_line.startswith("[expired] /stoptrading — paper main PAPER:")
    assert "nothing sent" in shown.text


def test_after_a_reconnect_the_same_id_is_sent_again(bridge: Harness, make_bot: MakeBot) -> None:
    bot = make_bot(bridge)
    bridge.say("/buy BTC/USDT")
    bridge.say("yes")
    _wait_for(bot, bridge, 1)
    bot.stop()
    bridge.away("paper")
    bridge.advance(10)
    again = make_bot(bridge)
    _wait_for(again, bridge, 1)
    assert again.commands == bot.commands
    again.reply(0, "applied", "bought", repeat=True)
    bridge.turn_until(lambda: "[applied]" in bridge.chat.last.text, "the outcome")


def test_an_expired_command_is_not_sent_again(bridge: Harness, make_bot: MakeBot) -> None:
    bot = make_bot(bridge)
    bridge.say("/buy BTC/USDT")
    bridge.say("yes")
    _wait_for(bot, bridge, 1)
    bot.stop()
    bridge.away("paper")
    bridge.advance(31)
    again = make_bot(bridge)
    bridge.advance(5)
    assert again.commands == []
    assert bridge.chat.last.last_line.startswith("[unknown] /buy BTC/USDT — paper main PAPER:")
    assert "may or may not have been carried out" in bridge.chat.last.text


def test_an_unanswered_reducing_command_survives_the_loss_of_its_bot_for_a_day(
    bridge: Harness, make_bot: MakeBot
) -> None:
    bot = make_bot(bridge)
    bridge.say("/stoptrading")
    _wait_for(bot, bridge, 1)
    bot.stop()
    bridge.away("paper")
    bridge.advance(3_600)
    assert bridge.chat.last.text.startswith("[sent] /stoptrading")
    assert "sent again when it is back" in bridge.chat.last.text
    again = make_bot(bridge)
    _wait_for(again, bridge, 1)
    assert again.commands[0].id == bot.commands[0].id


def test_without_an_answer_the_outcome_is_unknown_and_a_late_answer_resolves_it(
    bridge: Harness, make_bot: MakeBot
) -> None:
    bot = make_bot(bridge)
    bridge.say("/startbuying BTC/USDT")
    _wait_for(bot, bridge, 1)
    bridge.advance(34)
    bridge.advance(2)
    shown = bridge.chat.last
    assert shown.last_line.startswith(
        "[unknown] /startbuying BTC/USDT — paper main PAPER: no answer"
    )
    bot.reply(0, "rejected", "the daily loss limit has tripped")
    bridge.turn_until(lambda: "[rejected]" in shown.text, "the late answer")
    assert len(bridge.chat.messages) == 1


def test_a_second_different_answer_changes_nothing(bridge: Harness, make_bot: MakeBot) -> None:
    bot = make_bot(bridge)
    bridge.say("/starttrading")
    _wait_for(bot, bridge, 1)
    bot.reply(0, "applied", "buying is on")
    bridge.turn_until(lambda: bridge.chat.messages, "the outcome")
    bot.reply(0, "rejected", "no")
    bot.reply(0, "applied", "buying is on", repeat=True)
    bot.text("done")
    bridge.turn_until(lambda: "paper: done" in bridge.chat.texts, "what was sent after")
    assert (
        bridge.chat.messages[1].text == "[applied] /starttrading — paper main PAPER: buying is on"
    )
    assert bridge.chat.messages[1].edits == []


def test_a_bot_cannot_answer_for_another(bridge: Harness, make_bot: MakeBot) -> None:
    honest, other = make_bot(bridge, "honest"), make_bot(bridge, "other")
    bridge.say("/starttrading @honest")
    _wait_for(honest, bridge, 1)
    other.commands = honest.commands
    other.reply(0, "applied", "surely")
    other.text("done")
    bridge.turn_until(lambda: "other: done" in bridge.chat.texts, "what was sent after")
    assert not any("[applied]" in text for text in bridge.chat.texts)


def test_all_reaches_every_bot_and_each_has_its_own_outcome(
    bridge: Harness, make_bot: MakeBot
) -> None:
    one, two = make_bot(bridge, "one"), make_bot(bridge, "two", mode="LIVE")
    bridge.say("/getstatus @all")
    for bot in (one, two):
        _wait_for(bot, bridge, 1)
        bot.reply(0, "applied", "fine")
    bridge.turn_until(lambda: len(bridge.chat.messages) == 2, "both answers")
    assert sorted(bridge.chat.texts) == [
        "[applied] /getstatus — one main PAPER: fine",
        "[applied] /getstatus — two main LIVE: fine",
    ]
    assert one.commands[0].id != two.commands[0].id


def test_a_three_field_peer_is_sent_the_old_words_and_never_waited_for(bridge: Harness) -> None:
    peer = ThreeFieldPeer(bridge.port)
    peer.send("hello from before")
    bridge.turn_until(lambda: bridge.chat.messages, "its text")
    assert bridge.chat.last.text == "legacy-1: hello from before"
    shown = bridge.say("/sell BTC/USDT")
    assert peer.receive()["message"] == "sell:BTC/USDT"
    assert shown.text == (
        "[unknown] /sell BTC/USDT — legacy-1 (three-field peer): sent; this peer gives no answers"
    )
    assert "does not know this command; nothing sent" in bridge.say("/flatten").text
    peer.close()
    bridge.away("legacy-1")
    assert "no bot is connected" in bridge.say("/stoptrading").text


def test_a_restarted_bridge_sends_open_commands_again_under_their_id(
    tmp_path: Path, make_bridge: MakeBridge, make_bot: MakeBot, clock: ManualClock
) -> None:
    chat = RecordingChat()
    first = make_bridge(folder=tmp_path, clock=clock, chat=chat)
    bot = make_bot(first)
    first.say("/starttrading")
    _wait_for(bot, first, 1)
    # As after a kill: nothing is said and nothing more is written.
    second = make_bridge(folder=tmp_path, clock=clock, chat=chat, seed=2)
    clock.advance(20)
    again = make_bot(second)
    _wait_for(again, second, 1)
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
    _wait_for(bot, first, 1)
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


def test_the_number_of_open_commands_is_bounded(make_bridge: MakeBridge, make_bot: MakeBot) -> None:
    bridge = make_bridge(settings={"commands": {"open_max": 2}})
    bot = make_bot(bridge)
    for _ in range(3):
        bridge.say("/starttrading")
    assert bridge.chat.last.text == (
        "[rejected] /starttrading — paper main PAPER: too many commands are waiting; nothing sent"
    )
    _wait_for(bot, bridge, 2)


def test_a_line_delivered_twice_under_one_id_acts_once(bridge: Harness, make_bot: MakeBot) -> None:
    bot = make_bot(bridge)
    for _ in range(2):
        bridge.say("/starttrading", id="tg:1:77")
    _wait_for(bot, bridge, 1)
    bot.reply(0, "applied", "on")
    bridge.turn_until(lambda: bridge.chat.messages, "the outcome")
    bridge.say("/starttrading", id="tg:1:77")
    bridge.turn()
    assert [one.id for one in bot.commands] == ["tg:1:77"]
    assert len(bridge.chat.messages) == 1


def test_what_a_bot_has_accepted_is_waited_for_longer_and_told_as_it_goes(
    bridge: Harness, make_bot: MakeBot
) -> None:
    bot = make_bot(bridge)
    shown = bridge.say("/flatten")
    bridge.say("yes")
    _wait_for(bot, bridge, 1)
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
    _wait_for(bot, bridge, 1)
    bot.reply(0, "accepted", "closing 3 positions")
    bridge.advance(1)
    bridge.turn_until(lambda: "[accepted]" in shown.text, "the progress")
    bot.stop()
    bridge.away("paper")
    bridge.advance(600)
    assert shown.text.startswith("[accepted] /flatten — paper main PAPER: accepted, but not finish")
    again = make_bot(bridge)
    _wait_for(again, bridge, 1)
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
    _wait_for(bot, first, 1)
    bot.reply(0, "accepted", "closing 3 positions")
    first.advance(1)
    first.turn_until(lambda: "[accepted]" in shown.text, "the progress")
    first.advance(3)
    clock.advance(600)
    # As after a kill: nothing is said and nothing more is written.
    second = make_bridge(folder=tmp_path, clock=clock, chat=chat, seed=2)
    again = make_bot(second)
    _wait_for(again, second, 1)
    again.reply(0, "applied", "flat", repeat=True)
    second.turn_until(lambda: "[applied]" in shown.text, "the outcome")
    assert len(chat.messages) == 1


def test_an_accepted_command_whose_end_is_never_told_is_given_up_after_a_day(
    bridge: Harness, make_bot: MakeBot
) -> None:
    bot = make_bot(bridge)
    shown = bridge.say("/flatten")
    bridge.say("yes")
    _wait_for(bot, bridge, 1)
    bot.reply(0, "accepted", "closing 3 positions")
    bridge.advance(1)
    bridge.turn_until(lambda: "[accepted]" in shown.text, "the progress")
    bridge.advance(86_410)
    assert shown.text == (
        "[unknown] /flatten — paper main PAPER: "
        "accepted, but its end was never told; see /getstatus"
    )
