"""Choosing a market with thumbs: pages of nine, letters that filter, what is held first."""

from collections.abc import Callable
from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telegram.bridge.commands.keyboards import (
    CANCEL,
    PAGE_SIZE,
    Choice,
    lay_out,
    matching,
    page_count,
)
from telegram.bridge.messenger import Place
from tests.bridge_tests.harness import Harness
from tests.bridge_tests.scripted_bot import ScriptedBot
from tests.bridge_tests.telegram_desk import ANN, BOB, GROUP, Desk

MakeBot = Callable[..., ScriptedBot]
NAMES = [f"C{number:02}/USDT" for number in range(58)] + ["ETH/USDT", "ETC/USDT"]
NONCE = "0123456789abcd"
CALLBACK_BYTES_MAX = 64


@pytest.fixture
def desk(make_bridge: Callable[..., Harness], closing: ExitStack) -> Desk:
    desk = Desk(make_bridge())
    closing.callback(desk.close)
    return desk


@pytest.fixture
def bot(desk: Desk, make_bot: MakeBot) -> ScriptedBot:
    bot = make_bot(desk.harness)
    held = [{"symbol": "ETC/USDT", "quantity": "1"}, {"symbol": "OLD/USDT"}]
    rows = [{"symbol": name, "price": 5.0} for name in NAMES]
    bot.show({"mode": "PAPER", "prices": rows, "positions": held})
    session = desk.harness.bridge.parts.sessions.get("paper")
    desk.harness.turn_until(lambda: session and "prices" in session.status_fields, "the prices")
    return bot


def test_markets_lie_three_in_a_row_nine_on_a_page(desk: Desk, bot: ScriptedBot) -> None:
    desk.write("/buy")
    shown = desk.last()
    assert shown.text == "/buy — which market?"
    assert shown.buttons == ["ALL SYMBOLS", *NAMES[:9], "‹", "1/7", "›", "Cancel"]
    desk.press(shown, "›")
    assert shown.buttons == ["ALL SYMBOLS", *NAMES[9:18], "‹", "2/7", "›", "Cancel"]
    desk.press(shown, "‹")
    desk.press(shown, "‹")
    assert shown.buttons == ["ALL SYMBOLS", *NAMES[54:], "‹", "7/7", "›", "Cancel"]
    desk.press(shown, "ETC/USDT")
    assert shown.text.startswith("/buy ETC/USDT on paper main PAPER — are you sure?")
    assert bot.commands == []
    assert len(desk.texts()) == 1


def test_typed_letters_filter_and_a_number_means_the_button_that_is_shown(
    desk: Desk, bot: ScriptedBot
) -> None:
    desk.write("/stopbuying")
    shown = desk.last()
    desk.write("et")
    assert shown.text == "/stopbuying — which market? (with et)"
    assert shown.buttons == ["ALL SYMBOLS", "ETH/USDT", "ETC/USDT", "Cancel"]
    desk.write("zz")
    assert desk.last().text == (
        "answer with one of: 1 ALL SYMBOLS, 2 ETH/USDT, 3 ETC/USDT, 4 Cancel"
    )
    desk.write("3")
    desk.harness.turn_until(lambda: bot.commands, "the command")
    assert bot.commands[0].args == ("ETC/USDT",)


def test_a_sale_offers_first_what_is_held(desk: Desk, bot: ScriptedBot) -> None:
    desk.write("/sell")
    shown = desk.last()
    assert shown.buttons[:4] == ["ALL SYMBOLS", "ETC/USDT", "OLD/USDT", "C00/USDT"]
    desk.press(shown, "OLD/USDT")
    desk.harness.turn_until(lambda: bot.commands, "the command")
    assert bot.commands[0].args == ("OLD/USDT",)


def test_a_chart_is_of_one_market_which_is_asked_for(desk: Desk, bot: ScriptedBot) -> None:
    desk.write("/chart 1h")
    shown = desk.last()
    assert shown.text == "/chart 1h — which market?"
    assert shown.buttons[:3] == ["ETC/USDT", "OLD/USDT", "C00/USDT"]
    desk.press(shown, "C00/USDT")
    desk.harness.turn_until(lambda: bot.commands, "the command")
    assert bot.commands[0].args == ("C00/USDT", "1h")


def test_whoever_turns_pages_has_time_again(desk: Desk, bot: ScriptedBot) -> None:
    desk.write("/sell")
    shown = desk.last()
    desk.harness.advance(110)
    desk.press(shown, "›")
    desk.harness.advance(110)
    assert shown.text == "/sell — which market?"
    desk.harness.advance(11)
    assert shown.text == "[expired] /sell — not answered in time; nothing sent"
    assert bot.commands == []


def test_nobody_else_turns_the_pages(desk: Desk, bot: ScriptedBot) -> None:
    group = Place(GROUP)
    desk.write("/sell", place=group)
    shown = desk.last(group)
    desk.press(shown, "›", BOB, group)
    assert "1/7" in shown.buttons
    assert bot.commands == []


@pytest.mark.parametrize("code", ["99", "p9", "p-1", "x", "", "1:1", "p", "²"])
def test_made_up_buttons_do_nothing(desk: Desk, bot: ScriptedBot, code: str) -> None:
    desk.write("/sell")
    shown = desk.last()
    nonce = shown.data[0].partition(":")[0]
    desk.press_data(f"{nonce}:{code}")
    desk.let_poll()
    assert desk.messenger.calls[-1][2] == "that question is no longer open"
    desk.press(shown, "C00/USDT", ANN)
    desk.harness.turn_until(lambda: bot.commands, "the command")


@given(
    labels=st.lists(st.text(min_size=1, max_size=100), max_size=120),
    wanted=st.text(max_size=2),
    page=st.integers(0, 12),
)
def test_every_button_is_short_and_every_choice_is_on_one_page(
    labels: list[str], wanted: str, page: int
) -> None:
    choices = [
        Choice("ALL", "ALL SYMBOLS", wide=True),
        *(Choice(str(n), label) for n, label in enumerate(labels)),
        Choice(CANCEL, "Cancel"),
    ]
    pages = page_count(choices, wanted)
    found: list[str] = []
    for number in range(pages):
        rows = lay_out(choices, NONCE, number, wanted)
        buttons = [button for row in rows for button in row]
        assert all(0 < len(button.data.encode()) <= CALLBACK_BYTES_MAX for button in buttons)
        assert len({button.data for button in buttons if ":p" not in button.data}) <= PAGE_SIZE + 2
        assert max(len(row) for row in rows) <= 3
        assert rows[-1][0].label == "Cancel"
        found += [one.data for one in buttons if ":p" not in one.data][1:-1]
    assert found == [f"{NONCE}:{number}" for number in matching(choices, wanted)]
    assert lay_out(choices, NONCE, min(page, pages - 1), wanted)


@pytest.mark.parametrize(
    ("labels", "columns"),
    [
        (["BTC/USDT", "ETH/USDT", "SOL/USDT"], 3),
        (["BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT"], 3),
        (["1000PEPE/USDT:USDT", "1000SHIB/USDT:USDT", "BTC/USDT"], 2),
        (["1000000MOGCOIN/USDT:USDT", "1000000MOGCOIN/USD:MOG", "BTC/USDT"], 1),
    ],
)
def test_a_row_holds_no_more_labels_than_a_phone_shows_whole(
    labels: list[str], columns: int
) -> None:
    rows = lay_out([Choice(one, one) for one in labels], NONCE)
    assert len(rows[0]) == columns
    assert [button.label for row in rows for button in row] == labels
