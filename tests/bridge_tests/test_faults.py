"""A fault of our own that lasts: the bridge goes on, and its log does not fill with it."""

import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest

from tests.bridge_tests.harness import Harness
from tests.bridge_tests.scripted_bot import ScriptedBot

MakeBot = Callable[..., ScriptedBot]


def test_a_fault_at_every_turn_is_counted_and_told_once_a_minute(
    bridge: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    def break_down() -> None:
        raise ZeroDivisionError("oops")

    for _ in range(200):
        bridge.bridge.parts.intake.call(break_down)
        bridge.turn()
    assert bridge.bridge.parts.counters.faults == 200
    assert len([one for one in caplog.records if one.exc_info]) == 1
    assert bridge.say("/ping").text.startswith("[applied]")


@pytest.mark.parametrize("line", ["/stoptrading", "/sell BTC/USDT", "/emergency"])
def test_what_reduces_risk_works_while_no_command_can_be_read_or_written(
    bridge: Harness, make_bot: MakeBot, line: str
) -> None:
    bot = make_bot(bridge)
    _break_commands(bridge)
    bridge.say(line, id="tg:7:1")
    bridge.turn_until(lambda: bot.commands, f"{line} at the bot")
    assert bot.commands[0].id == "tg:7:1"
    bot.reply(0, "applied", "done")
    outcome = f"[applied] {line}"
    # There may be no message yet.
    bridge.turn_until(
        lambda: any(text.startswith(outcome) for text in bridge.chat.texts), "its outcome"
    )


@pytest.mark.parametrize("line", ["/starttrading", "/startbuying BTC/USDT"])
def test_what_raises_risk_is_refused_in_words_meanwhile(
    bridge: Harness, make_bot: MakeBot, line: str
) -> None:
    bot = make_bot(bridge)
    _break_commands(bridge)
    shown = bridge.say(line, id="tg:7:1")
    assert shown.text.startswith(f"[rejected] {line} — paper main PAPER: the bridge's disk:")
    assert bot.commands == []


def _break_commands(bridge: Harness) -> None:
    with closing(sqlite3.connect(bridge.database.path)) as damage:
        damage.execute("DROP TABLE command")
