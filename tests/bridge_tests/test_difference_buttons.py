"""A difference asks in the chat: three buttons under it, each a command with all its questions."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import orjson
import pytest

from telegram.bridge.event_buttons import buttons_of, command_of
from telegram.bridge.messenger import Place
from telegram.bridge.records import StoredEvent
from tests.bridge_tests.harness import Harness
from tests.bridge_tests.scripted_bot import ScriptedBot
from tests.bridge_tests.telegram_desk import ANN, CAT, Desk
from tests.bridge_tests.test_telegram_hearing import Line, make_line
from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.server import FakeBotApi

__all__ = ["make_line"]

MakeBot = Callable[..., ScriptedBot]
FIELDS = {"number": 3, "choices": ["adopt", "close", "ignore"], "text": "BTC: 0.5 BTC more"}
TOLD = FIELDS | {"effects": {"adopt": "booked as a position, with a stop"}}
TEXT = "⚠ difference 3: BTC\nLIVE main\n/reconcile 3 adopt|close|ignore"


@pytest.fixture
def api() -> Iterator[FakeBotApi]:
    with FakeBotApi() as server:
        yield server


@pytest.fixture
def ann(api: FakeBotApi) -> Phone:
    return api.phone(api.person("Ann", 7), has_met_bot=True)


@pytest.fixture
def desk(make_bridge: Callable[..., Harness], closing: ExitStack) -> Desk:
    desk = Desk(make_bridge())
    closing.callback(desk.close)
    return desk


def event_of(fields: object, kind: str = "difference", bot: str = "kraken") -> StoredEvent:
    text = orjson.dumps(fields).decode()
    return StoredEvent(17, bot, kind, "warning", TEXT, 1_790_000_000.0, text)


def labels_and_lines(event: StoredEvent) -> list[tuple[str, str]]:
    return [(one.label, one.data) for row in buttons_of(event) for one in row]


def test_each_choice_is_a_button_that_says_its_command() -> None:
    assert labels_and_lines(event_of(FIELDS)) == [
        ("Adopt", "/reconcile 3 adopt @kraken"),
        ("Close", "/reconcile 3 close @kraken"),
        ("Ignore", "/reconcile 3 ignore @kraken"),
    ]
    some = event_of({"number": 999_999, "choices": ["adopt"]}, bot="b" * 32)
    ((_, line),) = labels_and_lines(some)
    assert len(line.encode()) <= 64


@pytest.mark.parametrize(
    "fields",
    [
        {},
        [],
        "x",
        {"number": 3},
        {"number": True, "choices": ["adopt"]},
        {"number": "3 adopt @other", "choices": ["adopt"]},
        {"number": -1, "choices": ["adopt"]},
        {"number": 3, "choices": ["buy", 7, None]},
        {"number": 3, "choices": "adopt"},
    ],
)
def test_what_is_not_understood_has_no_buttons(fields: object) -> None:
    assert buttons_of(event_of(fields)) == ()


def test_events_that_ask_nothing_have_no_buttons() -> None:
    assert buttons_of(event_of(FIELDS, kind="sold")) == ()


@pytest.mark.parametrize(
    "data",
    [
        "0123456789abcd:0",
        "/buy BTC/USDT 1",
        "/reconcile",
        "/reconcile 3",
        "/reconcile 3 sell",
        "/reconcile 3 adopt @kraken " + "x" * 60,
        "/RECONCILE 3 adopt",
    ],
)
def test_no_other_command_is_taken_from_a_button(data: str) -> None:
    assert command_of(data) is None


def test_the_answer_from_a_phone_reaches_the_bot_and_the_buttons_go(
    make_line: Callable[..., Line], make_bot: MakeBot, ann: Phone
) -> None:
    line = make_line()
    bot = make_bot(line.harness)
    bot.raise_event("something before", "warning")
    bot.raise_event(TEXT, "warning", kind="difference", fields=FIELDS)
    bot.raise_event("something after", "warning")
    asked = line.see(ann, "difference 3")
    assert "something" not in asked.text, "the buttons are under what they are about"
    assert [one.text for one in asked.buttons] == ["Adopt", "Close", "Ignore"]
    ann.press("Ignore", asked)
    line.harness.turn_until(lambda: bot.commands, "the command")
    (command,) = bot.commands
    assert (command.verb, command.args) == ("reconcile", ("3", "ignore"))
    bot.reply(0, "applied", "left alone")
    line.see(ann, "[applied] /reconcile 3 ignore", after=asked)
    line.harness.turn_until(lambda: asked.buttons == [], "the buttons go")
    assert "difference 3" in asked.text


def test_what_moves_money_is_asked_about_with_what_it_would_do(
    desk: Desk, make_bot: MakeBot
) -> None:
    bot = make_bot(desk.harness)
    bot.show({"mode": "LIVE", "differences": [TOLD]})
    session = desk.harness.bridge.parts.sessions.get("paper")
    desk.harness.turn_until(lambda: session and "differences" in session.status_fields, "status")
    desk.chat(Place(ANN))
    desk.press_data("/reconcile 3 adopt @paper")
    shown = desk.last()
    assert shown.text.startswith("/reconcile 3 adopt on paper")
    assert "BTC: 0.5 BTC more" in shown.text
    assert "booked as a position, with a stop" in shown.text
    assert bot.commands == []
    desk.press(shown, "Yes")
    desk.harness.turn_until(lambda: bot.commands, "the command")
    (command,) = bot.commands
    assert (command.args, command.confirmed) == (("3", "adopt"), True)
    desk.let_poll()
    assert ("drop buttons", Place(ANN), 400) in desk.messenger.calls


def test_a_viewer_may_look_at_the_buttons_and_not_press_them(desk: Desk, make_bot: MakeBot) -> None:
    bot = make_bot(desk.harness)
    desk.chat(Place(CAT))
    desk.press_data("/reconcile 3 ignore @paper", CAT)
    desk.let_poll()
    answers = [call for call in desk.messenger.calls if call[0] == "answer"]
    assert "needs the role trader" in answers[0][2]
    assert "drop buttons" not in [call[0] for call in desk.messenger.calls]
    assert bot.commands == []


def test_while_the_token_is_shared_only_closing_is_taken(desk: Desk, make_bot: MakeBot) -> None:
    bot = make_bot(desk.harness)
    desk.chat(Place(ANN))
    desk.intake.on_conflict(True)
    desk.press_data("/reconcile 3 ignore @paper")
    assert bot.commands == []
    desk.press_data("/reconcile 3 close @paper")
    assert desk.last().text.startswith("/reconcile 3 close on paper")


def test_a_press_that_comes_twice_is_one_command(desk: Desk, make_bot: MakeBot) -> None:
    bot = make_bot(desk.harness)
    desk.chat(Place(ANN))
    inbound = desk.write("/ping")
    pressed = inbound.__class__(
        update_id=inbound.update_id + 900,
        place=Place(ANN),
        message_id=400,
        user_id=ANN,
        user_name="",
        text="",
        written_at=inbound.written_at,
        press_data="/reconcile 3 ignore @paper",
        press_id="press 1",
    )
    desk.give(pressed)
    desk.give(pressed)
    desk.harness.turn_until(lambda: bot.commands, "the command")
    desk.harness.turn()
    assert len(bot.commands) == 1


def test_at_the_console_the_commands_of_the_text_do_the_same(
    make_bridge: Callable[..., Harness], make_bot: MakeBot
) -> None:
    harness = make_bridge()
    bot = make_bot(harness)
    bot.raise_event(TEXT, "warning", kind="difference", fields=FIELDS)
    harness.turn_until(harness.events, "the event")
    (event,) = harness.events()
    assert "/reconcile 3 adopt|close|ignore" in event.text
    harness.say("/reconcile 3 adopt")
    assert bot.commands == []
    harness.say("yes")
    harness.turn_until(lambda: bot.commands, "the command")
    assert (bot.commands[0].args, bot.commands[0].confirmed) == (("3", "adopt"), True)
    harness.say("/reconcile 3 ignore")
    harness.turn_until(lambda: len(bot.commands) == 2, "the second command")
    assert bot.commands[1].args == ("3", "ignore")
