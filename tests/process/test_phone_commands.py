"""Every command of the vocabulary from a phone through both real programs, typed and pressed.

The lines stand here once; that none is missing is asked of the vocabulary itself.
"""

from dataclasses import dataclass, field

import pytest

from tcpproto.vocabulary import ALIASES, VOCABULARY, parse_line
from tests.fakes.bot_api.messages import Message
from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.server import FakeBotApi
from tests.process.installation import Installation, assert_no_traceback
from tests.process.phone_desk import (
    QUICK,
    TRADER,
    start_bridge,
    table_lines,
    wait_for_prices,
)

COLUMNS = 34


@dataclass(frozen=True, slots=True)
class Line:
    """One line that is typed, the buttons that are pressed then, and how the last reply ends.

    `news` is what is told beside it, before which nothing else is said.
    """

    typed: str
    ending: str
    presses: list[str] = field(default_factory=list)
    news: str = ""


LINES = [
    Line("/start", r"(?s)^Welcome\..*\n\[applied\] /start — "),
    Line("/help", r"(?s)^Stop\n  /stoptrading — .*\n\[applied\] /help — "),
    Line("/help /buy", r"(?s)Example: /buy BTC/USDT 0.01\n.*^\[applied\] /help buy — about /buy$"),
    Line("/ping", r"^\[applied\] /ping — pong; 1 bot connected$"),
    Line("/version", r"(?s)^bridge   [\d.]+\n.*paper .*\[applied\] /version — tradebridge"),
    Line("/health", r"(?s)^bridge   up .*\[applied\] /health — all well; 1 of 1 bot connected$"),
    Line("/bots", r"(?s)^● paper main PAPER\n.*\[applied\] /bots — 1 of 1 bot connected$"),
    Line("/use", r"^\[applied\] /use — commands go to paper main PAPER$", ["paper"]),
    Line("/use paper", r"^\[applied\] /use paper — commands go to paper main PAPER$"),
    Line("/tz", r"^\[applied\] /tz — UTC, now .* UTC; /tz Europe/Berlin would be another$"),
    Line("/tz europe/berlin", r"^\[applied\] /tz europe/berlin — Europe/Berlin, now .* CES?T$"),
    Line("/mute 1h", r"^\[applied\] /mute 1h — silent for 1h 00m; what is critical still sounds$"),
    Line("/mute off", r"^\[applied\] /mute off — notifications sound again$"),
    Line("/follow", r"^\[applied\] /follow — lines of all bots from warning up, for 1h 00m$"),
    Line("/follow off", r"^\[applied\] /follow off — no more lines come$"),
    Line("/logs 5 info", r"(?s) INFO .*\[applied\] /logs 5 info — paper: \d lines?$"),
    Line("/getstatus", r"(?s)^trading  off\n.*\[applied\] /getstatus — paper main PAPER$"),
    Line("/starttrading", r"^\[applied\] /starttrading — paper main PAPER: trading is on$"),
    Line(
        "/buy btc-usdt 0.01",
        r"^\[applied\] /buy BTC/USDT 0.01 — paper main PAPER: ",
        ["Yes"],
        "BOUGHT BTC/USDT",
    ),
    Line("/positions", r"(?s)^BTC/USDT\n LONG +0.01\n.*\[applied\] /positions — paper main PAPER$"),
    Line("/orders BTC/USDT", r"(?s)^1 open\n.*\[applied\] /orders BTC/USDT — paper main PAPER$"),
    Line("/balance", r"(?s)^PAPER main USDT\n.*\[applied\] /balance — paper main PAPER$"),
    Line("/why", r"(?s)market buy 0.01 sent.*\[applied\] /why — paper main PAPER$"),
    Line(
        "/chart 1m",
        r"(?s)^BTC/USDT\n.*\[applied\] /chart BTC/USDT 1m — paper main PAPER$",
        ["BTC/USDT"],
    ),
    Line(
        "/sell",
        r"^\[applied\] /sell BTC/USDT — .*closing 0.01 BTC/USDT",
        ["BTC/USDT"],
        "SOLD BTC/USDT",
    ),
    Line("/trades 5", r"(?s)^#1 BTC/USDT long\n.*\[applied\] /trades 5 — paper main PAPER$"),
    Line("/profit 7", r"(?s)^profit +[+-]\d+\.\d\d USDT\n.*\[applied\] /profit 7 — paper main"),
    Line("/daily 3", r"(?s)^day +trades +USDT\n.*\[applied\] /daily 3 — paper main PAPER$"),
    Line("/getstats", r"(?s)^ trades  1\n.*\[applied\] /getstats — paper main PAPER$"),
    Line("/stopbuying", r"^\[applied\] /stopbuying ALL — .*off for 3 markets$", ["ALL SYMBOLS"]),
    Line("/startbuying", r"^\[applied\] /startbuying ETH/USDT — .*on for ETH/USDT$", ["ETH/USDT"]),
    Line("/startbuying ALL", r"^\[applied\] /startbuying ALL — .*on for 3 markets$", ["Yes"]),
    Line("/stopselling", r"^\[applied\] /stopselling SOL/USDT — .*stay armed$", ["SOL/USDT"]),
    Line("/startselling", r"^\[applied\] /startselling ALL — .*on for 3 markets", ["ALL SYMBOLS"]),
    Line("/pause", r"^\[applied\] /pause — paper main PAPER: paused: no new entries until /resume"),
    Line("/emergency", r"^\[applied\] /emergency — paper main PAPER: kill latch set"),
    Line("/resume", r"^\[applied\] /resume — paper main PAPER: ", ["Yes"]),
    Line("/flatten", r"^\[applied\] /flatten — paper main PAPER: flat", ["Yes"]),
    Line("/stop", r"^\[applied\] /stoptrading — paper main PAPER: trading is off$"),
    Line("/stoptrading", r"^\[applied\] /stoptrading — paper main PAPER: "),
    Line("/reconcile", r"(?s)on paper: nothing to compare.*\[applied\] /reconcile — paper main"),
    Line("/instances", r"^\[rejected\] /instances — paper main PAPER: not available in this"),
    Line(
        "/mode sma observe", r"^\[rejected\] /mode sma observe — .*not available in this version$"
    ),
]
MISTAKES = [
    ("/buy BTC/USDT ten", r"'ten' is not an amount.* Usage: /buy \[SYMBOL.*example /buy BTC/USDT$"),
    ("/buy BTC/USDT -1", r"'-1' is not an amount: a plain number such as 0\.01"),
    ("/buy ALL 1", r"amount cannot be given for ALL\. Usage: /buy"),
    ("/buy BTC/USDT 1 2 3", r"one word too many\. Usage: /buy"),
    ("/buy DOGE/USDT", r"no market DOGE/USDT; there is BTC/USDT, ETH/USDT, SOL/USDT$"),
    ("/buy BTX/USDT", r"no market BTX/USDT; did you mean BTC/USDT\?$"),
    ("/buy BTC/USDT @all", r"/buy goes to one bot, never to all"),
    ("/byu BTC/USDT", r"there is no command '/byu'; did you mean /buy\?$"),
    ("/xyzzy", r"there is no command '/xyzzy'; try /help$"),
    ("/trades 5000", r"'5000' is not a whole number from 1 to 200\. Usage: /trades .*example"),
    ("/chart BTC/USDT 7m", r"'7m' is not one of 1m, 3m.* Usage: /chart .*example /chart BTC/USDT"),
    ("/tz Europe/Berlni", r"no time zone Europe/Berlni; did you mean Europe/Berlin\?$"),
    ("/mute soon", r"'soon' is not a duration such as 90s.* Usage: /mute"),
    ("/use kraken", r"there is no bot kraken; known: paper$"),
    ("/getstatus @kraken", r"there is no bot kraken; known: paper$"),
    ("/buy BTC/USDT @:second", r"paper has no account second; it has main$"),
    ("/starttrading now", r"'now' is one word too many\. Usage: /starttrading$"),
]


def test_no_command_is_left_out() -> None:
    tried = {parse_line(line.typed).verb for line in LINES}
    assert tried == VOCABULARY.keys()
    words = {line.typed.split()[0].removeprefix("/") for line in LINES}
    assert words >= ALIASES.keys()


def test_every_command_is_carried_out_and_every_mistake_explained(
    here: Installation, api: FakeBotApi, ann: Phone
) -> None:
    here.configure_bridge(QUICK)
    bridge = start_bridge(here, api)
    bot = here.start_trading()
    wait_for_prices(ann)
    for typed, pattern in MISTAKES:
        answer = ann.ask(typed, pattern)
        assert answer.text.startswith("[rejected] "), answer.text
        assert "\n" not in answer.text
    ann.ask("hello", r"^no question is open; commands begin with /, see /help$")
    assert here.outcomes() == [], "no mistake came as far as the bot"
    for line in LINES:
        check_line(ann, line)
    assert set(ann.menu) == {row.name for row in VOCABULARY.values() if row.available}
    assert bridge.stop() == 0
    assert bot.stop() == 0
    assert_no_traceback(bridge, bot)


@pytest.mark.long
@pytest.mark.parametrize("place", ["group", "topic"])
def test_every_command_is_carried_out_in_a_group_and_in_a_topic_and_stays_there(
    here: Installation, api: FakeBotApi, ann: Phone, place: str
) -> None:
    topics = ["Trades", "Talk"] if place == "topic" else None
    group = api.rooms.supergroup("Desk", [ann.person], topics=topics)
    thread = next(iter(group.topics), None)
    there = api.phone(ann.person, group, thread=thread)
    if thread is None:
        # As a plain member it pins nothing, and does without.
        api.expect_refusal("not enough rights to manage pinned messages")
    else:
        api.rooms.promote(group, api.bot)
    listed = f"{{id: {group.id}, thread: {thread}}}" if thread else f"{{id: {group.id}}}"
    section = f"telegram: {{users: {{{TRADER}: admin}}, chats: [{listed}]}}\n"
    here.configure_bridge(section + QUICK)
    bridge = start_bridge(here, api, TELEGRAM_CHAT_ID=None)
    bot = here.start_trading()
    wait_for_prices(there)
    for line in LINES:
        check_line(there, line)
    assert ann.bot_messages == [], "what is asked in a group is answered there"
    elsewhere = [one for one in group.shown() if one.thread_id != thread and one.is_from_bot]
    assert [one.text for one in elsewhere if not one.service] == []
    assert bridge.stop() == 0
    assert_no_traceback(bridge, bot)


def check_line(ann: Phone, line: Line) -> None:
    """Type it, press what it asks, and see one message that ends as it should, without buttons."""
    said = ann.say(line.typed)
    asked = None
    for label in line.presses:
        asked = ann.wait_until(lambda one: bool(one.buttons), "a question", after=said)
        ann.press(label, asked)
    answer = ann.wait_for(line.ending, after=said)
    assert answer.buttons == [], answer.describe()
    assert asked in (None, answer), "the question itself becomes the receipt"
    check_looks(answer)
    if line.news:
        ann.wait_for(line.news, after=said)


def check_looks(message: Message) -> None:
    """Fail on what a phone cannot show well: wide tables, and log lines are none."""
    rows = [row for row in table_lines(message) if " INFO " not in row]
    wide = [row for row in rows if len(row.removeprefix("  ")) > COLUMNS]
    assert not wide, (message.describe(), wide)
