"""Every command about markets from a phone: typed and picked from pages, for one and for all.

However it was said, the bot is sent the same command; which verbs take a market is asked of the
vocabulary itself.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

import orjson

from tcpproto.vocabulary import ALL, VOCABULARY, needs_confirmation
from tests.fakes.bot_api.messages import Message
from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.server import FakeBotApi
from tests.process.installation import PATIENCE_S, Installation, assert_no_traceback, query
from tests.process.phone_desk import start_bridge

SYMBOLS = [f"C{number:02}/USDT" for number in range(1, 13)]
FIRST, LAST = SYMBOLS[0], SYMBOLS[-1]
MARKET = (
    "feed: {kind: synthetic, speed: 60, history_candles: 10, start: 2026-01-05T00:00:00Z, "
    f"symbols: [{', '.join(SYMBOLS)}]}}\n"
)
QUICK = """
outbox: {private: {count: 100, span_s: 1.0, burst: 100}}
phone: {live: false}
"""
SWITCHES = ("stopbuying", "startbuying", "stopselling", "startselling")
LOOKING = ("getstats", "positions", "orders", "trades", "why")


@dataclass
class Talk:
    """What Ann says to one bot, and which commands that has to become."""

    ann: Phone
    expected: list[tuple[str, list[str]]] = field(default_factory=list)

    def say(self, verb: str, *args: str) -> Message:
        """Type a command with its market."""
        said = self.ann.say(" ".join((f"/{verb}", *args)))
        self._finish(said, verb, args)
        return said

    def pick(self, verb: str, market: str, *turns: str) -> Message:
        """Type the verb alone, turn pages, and press a market."""
        said = self.ann.say(f"/{verb}")
        picker = self.ann.wait_until(lambda one: bool(one.buttons), "a picker", after=said)
        assert picker.text == f"/{verb} — which market?"
        for page, turn in zip(("2/2", "1/2"), turns, strict=False):
            self.ann.press(turn, picker)
            self.ann.wait_until(partial(shows, page), page, after=said)
        self.ann.press("ALL SYMBOLS" if market == ALL else market, picker)
        self._finish(said, verb, (market,))
        assert picker.buttons == [], "the picker itself becomes the receipt"
        return said

    def wait_for_trades(self, word: str, count: int, said: Message) -> None:
        """Wait until so many purchases or sales have been told since something was said."""

        def has_come(_message: Message) -> bool:
            later = [one for one in self.ann.bot_messages if one.message_id > said.message_id]
            found = "\n".join(one.text for one in later)
            return len(re.findall(rf"^#\d+ .*{word} C\d\d/USDT$", found, re.MULTILINE)) >= count

        self.ann.wait_until(has_come, f"{count} times {word}", timeout_s=PATIENCE_S)

    def _finish(self, said: Message, verb: str, args: tuple[str, ...]) -> None:
        line = " ".join((f"/{verb}", *args))
        if needs_confirmation(verb, args):
            question = self.ann.wait_for(rf"^{re.escape(line)} on paper main PAPER", after=said)
            self.ann.press(f"Yes: {line[1:]} — PAPER", question)
        self.ann.wait_for(rf"^\[applied\] {re.escape(line)} — paper main PAPER", after=said)
        self.expected.append((verb, list(args)))


def test_no_command_about_markets_is_left_out() -> None:
    takes = {verb: row.arguments for verb, row in VOCABULARY.items()}
    asked = {verb for verb, args in takes.items() if any(one.asked for one in args)}
    assert asked == {*SWITCHES, "chart", "buy", "sell"}
    named = {verb for verb, args in takes.items() if any(one.name == "symbol" for one in args)}
    assert named - asked == set(LOOKING)


def test_a_market_is_typed_or_picked_from_pages_for_each_command_that_takes_one(
    here: Installation, api: FakeBotApi, ann: Phone
) -> None:
    here.configure_bridge(QUICK)
    here.configure_bot("status_interval_s: 0.05\n", market=MARKET)
    bridge = start_bridge(here, api)
    bot = here.start_trading()
    ann.wait_for("started")
    ann.ask("/getstatus", rf"^{LAST} ")
    talk = Talk(ann)
    for verb in SWITCHES:
        talk.say(verb, FIRST)
        talk.pick(verb, LAST, "›")
        talk.pick(verb, FIRST, "›", "‹")
        talk.say(verb, ALL)
        talk.pick(verb, ALL)
    talk.say("chart", FIRST)
    talk.pick("chart", LAST, "›")
    trade(talk)
    for verb in LOOKING:
        talk.say(verb)
        talk.say(verb, FIRST)
    assert list(sent(here)) == talk.expected
    assert bridge.stop() == 0
    assert_no_traceback(bridge, bot)


def shows(label: str, message: Message) -> bool:
    """Tell whether a message has a button."""
    return label in message.button_texts


def trade(talk: Talk) -> None:
    """Buy and sell one market and all of them, each typed and picked."""
    talk.wait_for_trades("BOUGHT", 1, talk.say("buy", FIRST))
    talk.wait_for_trades("BOUGHT", 1, talk.pick("buy", LAST, "›"))
    talk.wait_for_trades("SOLD", 1, talk.say("sell", FIRST))
    talk.wait_for_trades("SOLD", 1, talk.pick("sell", LAST, "›", "‹"))
    talk.wait_for_trades("BOUGHT", len(SYMBOLS), talk.say("buy", ALL))
    talk.wait_for_trades("SOLD", len(SYMBOLS), talk.say("sell", ALL))
    talk.wait_for_trades("BOUGHT", len(SYMBOLS), talk.pick("buy", ALL))
    talk.wait_for_trades("SOLD", len(SYMBOLS), talk.pick("sell", ALL))


def sent(here: Installation) -> Iterator[tuple[str, list[str]]]:
    """Return what was sent to the bot after its status was asked for."""
    statement = "SELECT verb, args FROM command WHERE verb != 'getstatus' ORDER BY issued_at"
    for verb, args in query(here.bridge_db, statement):
        yield verb, orjson.loads(args)
