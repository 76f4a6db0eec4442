"""What a bridge that was killed or restarted had begun: said, and never done again."""

from collections.abc import Callable
from dataclasses import replace

from telegram.bridge.hearing.interruptions import interruption_texts
from telegram.bridge.messenger import Place
from telegram.bridge.store.inbound import InboundRow
from tests.bridge_tests.people_tests.moments import arrived
from tests.bridge_tests.scripted_bot import ScriptedBot
from tests.bridge_tests.telegram_desk import ANN, EVE, Desk

MakeBot = Callable[..., ScriptedBot]
MakeDesk = Callable[..., Desk]


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


def test_an_outcome_that_was_shown_before_a_kill_is_not_shown_twice(
    make_desk: MakeDesk, make_bot: MakeBot
) -> None:
    old = make_desk()
    bot = make_bot(old.harness)
    old.write("/sell BTC/USDT")
    arrived(old, bot)
    bot.reply(0, "applied", "sold")
    old.harness.turn_until(lambda: "[applied]" in "".join(old.texts()), "the outcome")
    old.harness.database.close()
    desk = make_desk(seed=2)
    desk.chat(Place(ANN))
    assert [state for _, state in desk.states()] == ["received"], "its end was not noted"
    desk.intake.take_up()
    desk.harness.turn()
    assert desk.texts() == []


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


def test_what_only_looks_is_to_be_sent_again_and_nothing_else_is() -> None:
    looking = [InboundRow(n, "tg:7", n, 7, f"/{n}", None, 0.0, 0.0) for n in range(2)]
    looking.append(InboundRow(2, "tg:7", 2, 7, "/why BTC/USDT", None, 0.0, 0.0))
    (text,) = interruption_texts(looking).values()
    assert text.splitlines() == [
        "interrupted at 00:00 UTC before it was answered, send it again:",
        *("  /0", "  /1", "  /why BTC/USDT"),
    ]
    for other in (
        replace(looking[0], text="/stop"),
        replace(looking[0], text="yes"),
        replace(looking[0], pressed="0123456789ab:0"),
    ):
        (text,) = interruption_texts([*looking, other]).values()
        assert "result unknown, check /orders" in text


def test_old_rows_are_forgotten_in_time(desk: Desk) -> None:
    desk.write("/ping")
    desk.harness.advance(2 * 86_400)
    desk.write("/ping")
    desk.journal.flush()
    assert len(desk.states()) == 1
