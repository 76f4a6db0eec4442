"""The path of a command to a bot and of its outcome back to the chat."""

import logging
from collections.abc import Callable

import pytest

from telegram.bridge.records import CommandRecord
from tests.bridge_tests.command_tests.command_rows import stored_commands, wait_for_commands
from tests.bridge_tests.harness import CHAT, Harness
from tests.bridge_tests.scripted_bot import ScriptedBot, ThreeFieldPeer

MakeBridge = Callable[..., Harness]
MakeBot = Callable[..., ScriptedBot]


def test_an_answer_ends_the_command_with_one_line_below_its_body(
    bridge: Harness, make_bot: MakeBot
) -> None:
    bot = make_bot(bridge)
    bridge.say("/getstatus")
    wait_for_commands(bot, bridge, 1)
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
    wait_for_commands(bot, bridge, 1)
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
    wait_for_commands(bot, bridge, 1)
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
    bot.on_arrival = lambda: seen.append(stored_commands(bridge))
    bridge.say("/getstatus")
    bridge.turn_until(lambda: seen, "the command")
    assert [(one.verb, one.state) for one in seen[0]] == [("getstatus", "sent")]


def test_a_slow_command_is_one_message_that_is_edited_as_it_goes(
    bridge: Harness, make_bot: MakeBot
) -> None:
    bot = make_bot(bridge)
    bridge.say("/flatten")
    bridge.say("yes")
    wait_for_commands(bot, bridge, 1)
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


def test_without_an_answer_the_outcome_is_unknown_and_a_late_answer_resolves_it(
    bridge: Harness, make_bot: MakeBot
) -> None:
    bot = make_bot(bridge)
    bridge.say("/startbuying BTC/USDT")
    wait_for_commands(bot, bridge, 1)
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
    wait_for_commands(bot, bridge, 1)
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
    wait_for_commands(honest, bridge, 1)
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
        wait_for_commands(bot, bridge, 1)
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


def test_the_number_of_open_commands_is_bounded(make_bridge: MakeBridge, make_bot: MakeBot) -> None:
    bridge = make_bridge(settings={"commands": {"open_max": 2}})
    bot = make_bot(bridge)
    for _ in range(3):
        bridge.say("/starttrading")
    assert bridge.chat.last.text == (
        "[rejected] /starttrading — paper main PAPER: too many commands are waiting; nothing sent"
    )
    wait_for_commands(bot, bridge, 2)


def test_a_line_delivered_twice_under_one_id_acts_once(bridge: Harness, make_bot: MakeBot) -> None:
    bot = make_bot(bridge)
    for _ in range(2):
        bridge.say("/starttrading", id="tg:1:77")
    wait_for_commands(bot, bridge, 1)
    bot.reply(0, "applied", "on")
    bridge.turn_until(lambda: bridge.chat.messages, "the outcome")
    bridge.say("/starttrading", id="tg:1:77")
    bridge.turn()
    assert [one.id for one in bot.commands] == ["tg:1:77"]
    assert len(bridge.chat.messages) == 1


def test_a_bot_that_calls_a_fresh_command_expired_has_a_clock_to_be_set(
    bridge: Harness, make_bot: MakeBot
) -> None:
    bot = make_bot(bridge)
    for number, (wait_s, hint) in enumerate(((1, "the bot's is ahead"), (31, "nothing was done"))):
        bridge.say("/starttrading")
        wait_for_commands(bot, bridge, number + 1)
        bridge.advance(wait_s)
        bot.reply(number, "expired", "expired 70 s ago; nothing was done")
        bridge.turn_until(lambda: "[expired]" in bridge.chat.last.text, "the outcome")
        assert hint in bridge.chat.last.text
    assert "clock" not in bridge.chat.last.text
