"""Questions and answers: which bot, which market, are you sure, and who may answer."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from tcpproto.vocabulary import VOCABULARY, Role
from telegram.bridge.chat import Author
from tests.bridge_tests.harness import Harness
from tests.bridge_tests.scripted_bot import ScriptedBot

MakeBridge = Callable[..., Harness]
MakeBot = Callable[..., ScriptedBot]

# As in a version that carries every command out.
ALL_AVAILABLE = {name: replace(verb, available=True) for name, verb in VOCABULARY.items()}
OTHER = Author("tg:2", Role.ADMIN)


@pytest.fixture
def full(make_bridge: MakeBridge) -> Harness:
    return make_bridge(vocabulary=ALL_AVAILABLE)


def test_with_two_bots_it_is_asked_which_and_the_receipt_takes_the_question_s_place(
    bridge: Harness, make_bot: MakeBot
) -> None:
    make_bot(bridge, "kraken", mode="LIVE")
    paper = make_bot(bridge)
    shown = bridge.say("/getstatus")
    assert shown.text == "/getstatus — which bot?"
    assert shown.buttons == ["kraken main LIVE", "paper main PAPER", "Cancel"]
    bridge.say("2")
    bridge.turn_until(lambda: paper.commands, "the command")
    paper.reply(0, "applied", "fine")
    bridge.turn_until(lambda: "[applied]" in shown.text, "the answer")
    assert shown.text == "[applied] /getstatus — paper main PAPER: fine"
    assert shown.buttons == []
    assert len(bridge.chat.messages) == 1


def test_a_selected_bot_is_not_asked_for_also_after_a_restart(
    bridge: Harness, make_bot: MakeBot, make_bridge: MakeBridge
) -> None:
    make_bot(bridge, "kraken")
    make_bot(bridge)
    assert bridge.say("/use paper").text == "[applied] /use paper — commands go to paper main PAPER"
    bridge.close()
    again = make_bridge()
    make_bot(again, "kraken")
    paper = make_bot(again)
    again.say("/getstatus")
    again.turn_until(lambda: paper.commands, "the command")


def test_use_asks_and_knows_only_bots_that_exist(bridge: Harness, make_bot: MakeBot) -> None:
    assert bridge.say("/use").text == "[rejected] /use — no bot has connected yet"
    make_bot(bridge, "kraken")
    shown = bridge.say("/use")
    assert shown.text == "/use — which bot shall commands go to?"
    bridge.say("kraken")
    assert shown.text == "[applied] /use — commands go to kraken main PAPER"
    assert "did you mean kraken?" in bridge.say("/use krakken").text


def test_a_market_that_the_bot_does_not_have_is_refused_before_anything_is_asked(
    full: Harness, make_bot: MakeBot
) -> None:
    bot = make_bot(full)
    bot.show({"mode": "PAPER", "prices": [{"symbol": "BTC/USDT"}, {"symbol": "ETH/USDT"}]})
    session = full.bridge.parts.sessions.get("paper")
    full.turn_until(lambda: session and "prices" in session.status_fields, "the prices")
    shown = full.say("/buy ETX/USDT").text
    assert shown == "[rejected] /buy ETX/USDT — no market ETX/USDT; did you mean ETH/USDT?"
    assert "there is BTC/USDT, ETH/USDT" in full.say("/sell DOGE/EUR").text


@pytest.mark.parametrize("word", ["yes", "Y", "1"])
def test_a_purchase_asks_for_the_market_then_for_a_yes(
    full: Harness, make_bot: MakeBot, word: str
) -> None:
    bot = make_bot(full)
    bot.show({"mode": "PAPER", "prices": [{"symbol": "BTC/USDT"}, {"symbol": "ETH/USDT"}]})
    session = full.bridge.parts.sessions.get("paper")
    full.turn_until(lambda: session and "prices" in session.status_fields, "the prices")
    shown = full.say("/buy")
    assert shown.text == "/buy — which market?"
    assert shown.buttons == ["ALL SYMBOLS", "BTC/USDT", "ETH/USDT", "Cancel"]
    full.say("eth/usdt")
    assert shown.text == "/buy ETH/USDT on paper main PAPER — are you sure?"
    full.say(word)
    full.turn_until(lambda: bot.commands, "the command")
    assert (bot.commands[0].verb, bot.commands[0].args) == ("buy", ("ETH/USDT",))
    assert bot.commands[0].confirmed
    bot.reply(0, "applied", "bought")
    full.turn_until(lambda: "[applied]" in shown.text, "the outcome")
    assert len(full.chat.messages) == 1


def test_symbols_that_a_bot_makes_up_are_not_offered(full: Harness, make_bot: MakeBot) -> None:
    bot = make_bot(full)
    wild = [{"symbol": "\x1b[2J"}, {"symbol": 7}, "BTC", {"symbol": "ok/usdt"}, {"symbol": "A/B"}]
    bot.show({"mode": "PAPER", "prices": wild})
    session = full.bridge.parts.sessions.get("paper")
    full.turn_until(lambda: session and "prices" in session.status_fields, "the prices")
    assert full.say("/sell").buttons == ["ALL SYMBOLS", "A/B", "Cancel"]


@pytest.mark.parametrize("word", ["cancel", "no", "button"])
def test_nothing_is_sent_without_a_yes(full: Harness, make_bot: MakeBot, word: str) -> None:
    bot = make_bot(full)
    shown = full.say("/buy BTC/USDT")
    if word == "button":
        full.press(shown.data[-1])
    else:
        full.say(word)
    assert shown.text == "[rejected] /buy BTC/USDT — cancelled; nothing sent"
    full.turn()
    assert bot.commands == []


def test_a_yes_that_comes_too_late_does_nothing(full: Harness, make_bot: MakeBot) -> None:
    bot = make_bot(full)
    shown = full.say("/flatten")
    full.advance(29)
    assert "are you sure?" in shown.text
    full.advance(2)
    assert shown.text == "[expired] /flatten — not answered in time; nothing sent"
    assert "no question is open" in full.say("yes").text
    assert full.press("0123456789ab:0").text == "that question is no longer open"
    assert bot.commands == []


def test_a_stop_without_its_slash_is_told_what_it_would_be(full: Harness) -> None:
    assert full.say("STOP!").text == "no question is open; commands begin with /, see /help"
    for said, verb in (("stop", "stop"), ("Flatten now", "flatten"), ("panic", "emergency")):
        shown = full.say(said)
        assert shown.text == f"no question is open; commands begin with /: did you mean /{verb}?"


def test_a_double_tap_acts_once(full: Harness, make_bot: MakeBot) -> None:
    bot = make_bot(full)
    data = full.say("/buy BTC/USDT").data[0]
    full.press(data)
    assert full.press(data).text == "that question is no longer open"
    full.turn_until(lambda: bot.commands, "the command")
    full.turn()
    assert len(bot.commands) == 1


def test_a_tap_by_another_person_does_nothing(full: Harness, make_bot: MakeBot) -> None:
    bot = make_bot(full)
    shown = full.say("/buy BTC/USDT")
    assert full.press(shown.data[0], OTHER).text == "that question was put to somebody else"
    assert "no question is open" in full.say("yes", OTHER).text
    assert "are you sure?" in shown.text
    assert bot.commands == []


def test_an_answer_that_fits_nothing_is_told_what_fits(full: Harness, make_bot: MakeBot) -> None:
    make_bot(full)
    full.say("/buy BTC/USDT")
    assert full.say("maybe").text == "answer with one of: 1 Yes: buy BTC/USDT — PAPER, 2 Cancel"
    assert full.say("3").text == "answer with one of: 1 Yes: buy BTC/USDT — PAPER, 2 Cancel"
    assert full.say("0").text == "answer with one of: 1 Yes: buy BTC/USDT — PAPER, 2 Cancel"


def test_the_last_question_is_the_one_that_words_answer(full: Harness, make_bot: MakeBot) -> None:
    make_bot(full)
    first, second = full.say("/buy BTC/USDT"), full.say("/sell ALL")
    full.say("cancel")
    assert "[rejected] /sell ALL" in second.text
    assert "are you sure?" in first.text
    full.say("cancel")
    assert "[rejected] /buy BTC/USDT" in first.text


def test_a_second_yes_confirms_nothing_that_was_asked_before(
    full: Harness, make_bot: MakeBot
) -> None:
    bot = make_bot(full)
    forgotten = full.say("/buy BTC/USDT")
    full.say("/sell ALL")
    full.say("yes")
    full.turn_until(lambda: bot.commands, "the command")
    shown = full.say("yes")
    assert "the last question is answered" in shown.text
    assert [one.verb for one in bot.commands] == ["sell"]
    assert "are you sure?" in forgotten.text
    full.say("no")
    assert "[rejected] /buy BTC/USDT" in forgotten.text, "taking back goes on as ever"


def test_a_viewer_may_look_and_not_act(bridge: Harness, make_bot: MakeBot) -> None:
    bot = make_bot(bridge)
    viewer = Author("tg:3", Role.VIEWER)
    assert bridge.say("/buy BTC/USDT", viewer).text == (
        "[rejected] /buy BTC/USDT — this needs the role trader; yours is viewer"
    )
    assert bridge.say("/stoptrading", viewer).text.startswith("[rejected]")
    assert bridge.say("/ping", viewer).text.startswith("[applied]")
    bridge.say("/getstatus", viewer)
    bridge.turn_until(lambda: bot.commands, "the command")
    assert bot.commands[0].role == "viewer"


@pytest.mark.parametrize(
    ("line", "age_s", "is_too_old"),
    [
        ("/buy BTC/USDT", 31, True),
        ("/buy BTC/USDT", 29, False),
        ("/stoptrading", 299, False),
        ("/getstatus", 599, False),
    ],
)
def test_a_command_that_was_written_long_ago_is_not_carried_out(
    bridge: Harness, make_bot: MakeBot, line: str, age_s: float, is_too_old: bool
) -> None:
    bot = make_bot(bridge)
    shown = bridge.say(line, written_at=bridge.clock.wall() - age_s)
    if is_too_old:
        assert shown.text == (
            f"[expired] {line} — written {age_s} s ago, allowed 30 s; nothing sent"
        )
        assert bot.commands == []
    else:
        if line.startswith("/buy"):
            bridge.say("yes")
        bridge.turn_until(lambda: bot.commands, "the command")


@pytest.mark.parametrize("late_s", [301, 7_200])
def test_what_reduces_risk_and_comes_late_is_done_after_a_yes_and_only_then(
    bridge: Harness, make_bot: MakeBot, late_s: float
) -> None:
    bot = make_bot(bridge)
    shown = bridge.say("/stoptrading", written_at=bridge.clock.wall() - late_s)
    ago = {301: "301 s", 7_200: "2h 00m"}[int(late_s)]
    assert shown.text == (
        "/stoptrading on paper main PAPER — are you sure?\n"
        f"  written {ago} ago: is it still wanted?"
    )
    assert shown.buttons == ["Yes: stoptrading — PAPER", "Cancel"]
    assert bot.commands == []
    bridge.press(shown.data[0])
    bridge.turn_until(lambda: bot.commands, "the command")
    sent = bot.commands[0]
    # It is as new as the yes, so the bot takes it.
    assert (sent.verb, sent.issued_at) == ("stoptrading", bridge.clock.wall())


def test_what_comes_late_and_nobody_wants_any_more_expires_unsent(
    bridge: Harness, make_bot: MakeBot
) -> None:
    bot = make_bot(bridge)
    shown = bridge.say("/flatten", written_at=bridge.clock.wall() - 3_600)
    assert "closes every position" in shown.text, "it is asked once, and about both"
    assert "written 1h 00m ago" in shown.text
    bridge.advance(31)
    assert shown.text == "[expired] /flatten — not answered in time; nothing sent"
    assert (shown.buttons, bot.commands) == ([], [])


def test_a_market_that_is_chosen_late_needs_no_second_yes(
    bridge: Harness, make_bot: MakeBot
) -> None:
    bot = make_bot(bridge)
    bot.show({"mode": "PAPER", "prices": [{"symbol": s, "price": 1} for s in ("A/B", "C/D")]})
    session = bridge.bridge.parts.sessions.get("paper")
    assert session is not None
    bridge.turn_until(lambda: session.status_fields.get("prices"), "prices")
    shown = bridge.say("/stopbuying", written_at=bridge.clock.wall() - 3_600)
    assert "which market?" in shown.text
    bridge.press(shown.data[shown.buttons.index("C/D")])
    bridge.turn_until(lambda: bot.commands, "the command")
    assert bot.commands[0].args == ("C/D",)


def test_a_command_from_the_future_is_refused(bridge: Harness) -> None:
    shown = bridge.say("/ping", written_at=bridge.clock.wall() + 31)
    assert shown.text == "[expired] /ping — written in the future: check the clock; nothing sent"


@pytest.mark.parametrize(("line", "age_s"), [("/stoptrading", -3_600), ("/mode x observe", 200)])
def test_what_reduces_risk_is_done_by_a_wrong_clock_too_and_has_longer(
    bridge: Harness, make_bot: MakeBot, line: str, age_s: float
) -> None:
    bot = make_bot(bridge)
    bridge.say(line, written_at=bridge.clock.wall() - age_s)
    bridge.turn_until(lambda: bot.commands, "the command")


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("/pong", "[rejected] /pong — there is no command '/pong'; did you mean /ping?"),
        ("/use a b", "[rejected] /use a b — 'b' is one word too many. Usage: /use [BOT]"),
        ("/", "[rejected] / — '/' is not a command; try /help"),
        ("/buy \x1b[31mBTC", "[rejected] /buy \\x1b[31mBTC — the line contains control"),
        ("/logs 0", "[rejected] /logs 0 — '0' is not a whole number from 1 to 500"),
        ("/" + "x" * 600, "[rejected] /xxxxx"),
    ],
)
def test_a_line_that_is_not_understood_is_answered_with_what_would_be(
    bridge: Harness, line: str, answer: str
) -> None:
    text = bridge.say(line).text
    assert text.startswith(answer)
    assert len(text.splitlines()) == 1
    assert len(text) < 300


def test_every_line_is_settled_exactly_once(full: Harness, make_bot: MakeBot) -> None:
    bot = make_bot(full)
    for line in ("/ping", "/nothing", "hello", "/buy BTC/USDT", "yes", "/getstatus", "/mute 1h"):
        settled: list[str] = []
        full.say(line, settled=partial(settled.append, "now"))
        if line in {"yes", "/getstatus"}:
            full.turn_until(lambda: bot.commands, "the command")
            assert settled == []
            bot.reply(-1, "applied", "done")
            bot.commands.clear()
            full.turn_until(partial(bool, settled), "the outcome")
        assert settled == ["now"], line


def test_a_fault_in_a_command_is_an_outcome_and_harms_nothing(bridge: Harness) -> None:
    with bridge.database.writing() as connection:
        connection.exec_driver_sql("DROP TABLE follow")
    assert bridge.say("/follow").text == (
        "[unknown] /follow — the bridge failed at this, see its log"
    )
    assert bridge.say("/ping").text.startswith("[applied]")
