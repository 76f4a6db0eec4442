"""Commands for a bot that is away or was: what waits, is sent again, expires or is cancelled."""

from collections.abc import Callable

import pytest

from tests.bridge_tests.command_tests.command_rows import wait_for_commands
from tests.bridge_tests.harness import Harness
from tests.bridge_tests.scripted_bot import ScriptedBot

MakeBot = Callable[..., ScriptedBot]


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
    wait_for_commands(again, bridge, 1)
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
    wait_for_commands(bot, bridge, 1)
    bot.stop()
    bridge.away("paper")
    bridge.advance(10)
    again = make_bot(bridge)
    wait_for_commands(again, bridge, 1)
    assert again.commands == bot.commands
    again.reply(0, "applied", "bought", repeat=True)
    bridge.turn_until(lambda: "[applied]" in bridge.chat.last.text, "the outcome")


def test_an_expired_command_is_not_sent_again(bridge: Harness, make_bot: MakeBot) -> None:
    bot = make_bot(bridge)
    bridge.say("/buy BTC/USDT")
    bridge.say("yes")
    wait_for_commands(bot, bridge, 1)
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
    wait_for_commands(bot, bridge, 1)
    bot.stop()
    bridge.away("paper")
    bridge.advance(3_600)
    assert bridge.chat.last.text.startswith("[sent] /stoptrading")
    assert "sent again when it is back" in bridge.chat.last.text
    again = make_bot(bridge)
    wait_for_commands(again, bridge, 1)
    assert again.commands[0].id == bot.commands[0].id
