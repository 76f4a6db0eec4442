"""Buttons on a phone: whoever presses them, however often and late: one order at most."""

import re

import pytest

from tests.fakes.bot_api.messages import Message
from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.server import FakeBotApi
from tests.process.installation import PATIENCE_S, Installation, assert_no_traceback
from tests.process.phone_people import People, gather, purchases
from tests.waiting import wait_until

CLOSED = "that question is no longer open"
EARLIER = "expired: asked before a restart, send the command again"
SYMBOLS = [f"C{number:02}/USDT" for number in range(1, 13)]
MARKET = (
    "feed: {kind: synthetic, speed: 60, history_candles: 10, start: 2026-01-05T00:00:00Z, "
    f"symbols: [{', '.join(SYMBOLS)}]}}\n"
)


@pytest.fixture
def people(here: Installation, api: FakeBotApi, ann: Phone) -> People:
    """Ann, Bob, Cat, and Eve, who is not listed."""
    return gather(here, api, ann)


def data_of(message: Message, label: str) -> str:
    """Return what a button carries whose text begins so."""
    return next(one.data or "" for one in message.buttons if one.text.startswith(label))


def test_a_button_acts_once_and_for_the_person_who_was_asked(people: People) -> None:
    here, ann = people.here, people.there(people.ann)
    people.configure(more="commands: {confirm_s: 3}\n")
    bridge = people.start()
    trading = here.start_trading()
    ann.wait_for("started")
    asked = ann.ask("/buy BTC/USDT 0.01", "are you sure")
    others = [people.there(one).press("Yes", asked)[0] for one in (people.bob, people.cat)]
    assert [ann.wait_answer(tap) for tap in others] == [
        "that question was put to somebody else"
    ] * 2
    nonce = data_of(asked, "Yes").partition(":")[0]
    made_up = [f"{nonce}:{code}" for code in ("2", "99", "p7", "-1", "", "yes")]
    for data in (*made_up, f"{nonce}0:0", f"{nonce[:4]}0000000000:0", nonce, "x", "0" * 64):
        assert ann.wait_answer(ann.press_data(asked, data)) in (CLOSED, EARLIER), data
    stranger = people.there(people.eve).press("Yes", asked)[0]
    taps = ann.press("Yes", asked, times=10)
    assert [ann.wait_answer(tap) for tap in taps] == ["", *[CLOSED] * 9]
    ann.wait_for(r"^\[applied\] /buy BTC/USDT 0.01")
    assert (asked.text.splitlines()[0][:9], asked.buttons) == ("[applied]", [])
    late = ann.ask("/buy ETH/USDT 0.1", "are you sure")
    data = data_of(late, "Yes")
    ann.wait_for(r"^\[expired\] /buy ETH/USDT 0.1 — not answered in time; nothing sent")
    assert late.buttons == []
    assert ann.wait_answer(ann.press_data(late, data)) == CLOSED
    assert ann.wait_answer(ann.press_data(asked, taps[0].data)) == CLOSED
    assert purchases(here) == [("BTC/USDT", "tg:42")]
    assert stranger.answer is None
    assert_no_traceback(bridge, trading)


def test_a_question_of_an_earlier_bridge_is_over_and_pages_turn_back_and_forth(
    people: People,
) -> None:
    here, ann = people.here, people.ann
    here.configure_bot("status_interval_s: 0.05\n", market=MARKET)
    bridge = people.start()
    here.start_trading()
    ann.wait_for("started")
    wait_for_prices(ann, "C12/USDT")
    asked = ann.ask("/buy C01/USDT 1", "are you sure")
    picker = ann.ask("/buy", "which market")
    first = data_of(picker, "C01/USDT")
    ann.press("›", picker)
    ann.wait_until(lambda one: "C12/USDT" in one.button_texts, "the second page")
    assert "C01/USDT" not in picker.button_texts
    taps = [ann.press_data(picker, first) for _ in range(3)]
    assert [ann.wait_answer(tap) for tap in taps] == ["", CLOSED, CLOSED]
    ann.wait_for("^/buy C01/USDT on .*are you sure")
    assert picker.text.startswith("/buy C01/USDT on paper main PAPER — are you sure?")
    assert ann.wait_answer(ann.press_data(picker, first)) == CLOSED
    ann.press("Cancel", picker)
    ann.wait_for(r"^\[rejected\] /buy C01/USDT — cancelled; nothing sent")
    bridge.kill()
    bridge = people.start()
    assert ann.wait_answer(ann.press("Yes", asked)[0]) == EARLIER
    ann.wait_for(r"^\[expired\] asked before the bridge was restarted; nothing sent")
    assert asked.text.endswith(", send it again:\n  /buy C01/USDT 1 on paper main PAPER")
    assert asked.buttons == []
    ann.ask("yes", "no question is open")
    ann.ask("/ping", r"^\[applied\] /ping")
    assert purchases(here) == []


@pytest.mark.long
def test_a_price_that_moved_since_the_question_is_asked_about_again(people: People) -> None:
    here, ann = people.here, people.ann
    here.configure_bot(
        "status_interval_s: 0.05\nrisk: {quote_age_max_s: 3600}\n",
        market="feed: {kind: synthetic, speed: 900, history_candles: 10, "
        "start: 2026-01-05T00:00:00Z}\n",
    )
    people.start()
    here.start_trading()
    ann.wait_for("started")
    wait_for_prices(ann, "BTC/USDT")
    asked = ann.ask("/buy BTC/USDT 0.01", r"are you sure\?\n  price")
    before = price_in(asked.text)

    def has_moved() -> bool:
        now = price_in(ann.ask("/getstatus", r"^BTC/USDT +[\d,.]+ ").text, r"^BTC/USDT +([\d,.]+)")
        return abs(now - before) > 0.008 * before

    wait_until(has_moved, PATIENCE_S, "the price moves")
    ann.press("Yes", asked)
    ann.wait_for(r"are you sure\?\n  the price of BTC/USDT moved from [\d,.]+ to [\d,.]+")
    assert purchases(here) == []
    taken = {tap.data for tap in ann.press("Yes", asked, times=3)}

    def is_bought() -> bool:
        if asked.buttons and (data := data_of(asked, "Yes")) not in taken:
            taken.add(data)
            ann.press_data(asked, data)
        return asked.text.startswith("[applied]")

    wait_until(is_bought, PATIENCE_S, "one purchase")
    ann.ask("/ping", r"^\[applied\] /ping")
    assert purchases(here) == [("BTC/USDT", "tg:42")]


def wait_for_prices(phone: Phone, symbol: str) -> None:
    """Wait until a bot tells the price of a market, and has told another minute since.

    The bridge reckons with what is pushed to it, which comes a moment after what is asked for.
    """
    minutes: set[str] = set()

    def is_told() -> bool:
        told = phone.ask("/getstatus", r"^\[applied\] /getstatus").text
        if symbol in told:
            minutes.add(market_minute(told))
        return len(minutes) > 2

    wait_until(is_told, PATIENCE_S, f"prices of {symbol}")


def market_minute(text: str) -> str:
    """Return the minute of the market that a status shows."""
    found = re.search(r"^market +(\S+ \d\d:\d\d)", text, re.MULTILINE)
    return found[1] if found else ""


def price_in(text: str, pattern: str = r"price ([\d,.]+)") -> float:
    """Return the price that a message shows."""
    found = re.search(pattern, text, re.MULTILINE)
    assert found is not None, text
    return float(found[1].replace(",", ""))
