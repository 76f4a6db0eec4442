"""Commands to one account of a bot, and what bots with several accounts are asked."""

from collections.abc import Callable

import pytest

from telegram.bridge.store.commands import CommandTable
from tests.bridge_tests.harness import Harness
from tests.bridge_tests.scripted_bot import ScriptedBot, ThreeFieldPeer

MakeBot = Callable[..., ScriptedBot]
TWO: dict[str, object] = {
    "accounts": [{"name": "main", "mode": "LIVE"}, {"name": "second", "mode": "PAPER"}]
}


@pytest.fixture
def bot(bridge: Harness, make_bot: MakeBot) -> ScriptedBot:
    """Connect a bot with two accounts."""
    made = make_bot(bridge)
    tell(bridge, made, TWO)
    return made


def tell(bridge: Harness, bot: ScriptedBot, fields: dict[str, object]) -> None:
    """Let a bot tell something, and the bridge hear it."""
    bot.show(fields)
    session = bridge.bridge.parts.sessions.get(bot.name)
    bridge.turn_until(lambda: session and session.status_fields == fields, "the status")


def test_an_account_that_is_named_is_sent_along_and_named_in_the_receipt(
    bridge: Harness, bot: ScriptedBot
) -> None:
    bridge.say("/sell BTC/USDT @paper:Second")
    bridge.turn_until(lambda: bot.commands, "the command")
    assert (bot.commands[0].account, bot.commands[0].confirmed) == ("second", False)
    bot.reply(0, "applied", "sold")
    bridge.turn_until(lambda: bridge.chat.messages, "the outcome")
    assert bridge.chat.last.text == "[applied] /sell BTC/USDT — paper second PAPER: sold"


def test_a_purchase_asks_which_account_and_says_whose_money_it_is(
    bridge: Harness, bot: ScriptedBot
) -> None:
    shown = bridge.say("/buy BTC/USDT 0.01")
    assert shown.text == "/buy BTC/USDT 0.01 — which account?"
    assert shown.buttons == ["paper main LIVE", "paper second PAPER", "Cancel"]
    bridge.say("1")
    assert shown.text == "/buy BTC/USDT 0.01 on paper main LIVE — are you sure?"
    bridge.say("yes")
    bridge.turn_until(lambda: bot.commands, "the command")
    command = bot.commands[0]
    assert (command.args, command.account, command.confirmed) == (
        ("BTC/USDT", "0.01"),
        "main",
        True,
    )


def test_an_account_that_is_named_is_not_asked_for(bridge: Harness, bot: ScriptedBot) -> None:
    shown = bridge.say("/buy @:second")
    assert shown.text == "/buy — which market?"
    bridge.say("ALL SYMBOLS")
    assert shown.text == "/buy ALL on paper second PAPER — are you sure?"
    assert bot.commands == []


def test_what_is_for_all_accounts_names_them_all(bridge: Harness, bot: ScriptedBot) -> None:
    assert bridge.say("/flatten").text.startswith(
        "/flatten on paper main LIVE, second PAPER — are you sure?"
    )
    assert bot.commands == []


def test_an_account_that_a_bot_does_not_have_is_refused(bridge: Harness, bot: ScriptedBot) -> None:
    assert bridge.say("/flatten @:third").text == (
        "[rejected] /flatten — paper has no account third; it has main, second"
    )
    assert bot.commands == []


def test_a_question_about_a_bot_that_went_away_says_how_old_it_is(
    bridge: Harness, bot: ScriptedBot
) -> None:
    tell(bridge, bot, {"mode": "PAPER", "positions": 2, "orders": 1})
    bot.stop()
    bridge.away("paper")
    bridge.advance(125)
    shown = bridge.say("/flatten")
    assert shown.text == (
        "/flatten on paper main PAPER — are you sure?\n"
        "  closes 2 positions, cancels 1 order, stops entries\n"
        "  as the bot told 2m 05s ago"
    )
    bridge.say("yes")
    assert shown.text.startswith("[queued] /flatten")


def test_a_yes_and_an_account_survive_the_bridge_and_the_bot(
    bridge: Harness, bot: ScriptedBot, make_bot: MakeBot
) -> None:
    bot.stop()
    bridge.away("paper")
    bridge.say("/flatten @:second")
    bridge.say("yes")
    (record,) = CommandTable(bridge.database).read_open()
    assert (record.account, record.confirmed) == ("second", True)
    again = make_bot(bridge)
    bridge.turn_until(lambda: again.commands, "the command")
    assert (again.commands[0].account, again.commands[0].confirmed) == ("second", True)


def test_a_lift_is_asked_about_only_when_there_is_something_to_lift(
    bridge: Harness, make_bot: MakeBot
) -> None:
    bot = make_bot(bridge)
    bridge.say("/resume")
    bridge.turn_until(lambda: bot.commands, "the command")
    assert not bot.commands[0].confirmed
    tell(bridge, bot, {"mode": "PAPER", "kill": "the kill latch is set"})
    shown = bridge.say("/resume")
    assert shown.text.endswith("are you sure?\n  resets the latch: the kill latch is set")
    bridge.say("yes")
    bridge.turn_until(lambda: len(bot.commands) == 2, "the second command")
    assert bot.commands[1].confirmed


def test_a_three_field_peer_has_no_accounts(bridge: Harness) -> None:
    peer = ThreeFieldPeer(bridge.port)
    peer.send("hello")
    bridge.turn_until(lambda: bridge.chat.messages, "its text")
    assert "a three-field peer knows no accounts; nothing sent" in (
        bridge.say("/sell BTC/USDT @:second").text
    )
    shown = bridge.say("/buy BTC/USDT")
    assert shown.text == "/buy BTC/USDT on legacy-1 (three-field peer) — are you sure?"
    bridge.say("yes")
    assert peer.receive()["message"] == "buy:BTC/USDT"
    # What it cannot be told is refused without a question.
    assert "nothing sent" in bridge.say("/buy BTC/USDT 1").text
    peer.close()
