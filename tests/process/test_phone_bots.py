"""Two real bots at one bridge: each command goes to the bot that is meant, and to no other."""

import re
from dataclasses import dataclass

import pytest

from tcpproto.vocabulary import VOCABULARY, Verb
from tests.fakes.bot_api.messages import Message
from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.server import FakeBotApi
from tests.process.installation import PATIENCE_S, Installation, assert_no_traceback
from tests.process.phone_people import People, gather
from tests.waiting import wait_until

# What each verb needs to be understood.
ARGS = {
    "buy": " BTC/USDT 0.01",
    "sell": " BTC/USDT",
    "startbuying": " BTC/USDT",
    "stopbuying": " BTC/USDT",
    "startselling": " BTC/USDT",
    "stopselling": " BTC/USDT",
    "chart": " BTC/USDT",
    "mode": " sma observe",
}
ENDED = r"^\[(applied|rejected)\] "
BOTS = ("paper", "second")


@dataclass
class Desk:
    """One phone at a bridge that two bots are connected to."""

    phone: Phone

    def say(self, line: str, *bots: str, asks_bot: str = "") -> None:
        """Say a line, answer what is asked, and see who answers it."""
        said = self.phone.say(line)
        if asks_bot:
            question = self.phone.wait_for(r"which bot\?$|call which|which bot ", after=said)
            assert [one.split()[0] for one in question.button_texts] == [*BOTS, "Cancel"]
            self.phone.press(asks_bot, question)
        self.phone.wait_until(lambda one: self._is_over(one, said, bots), line, after=said)
        assert self.answers(said) == sorted(bots), (line, self.phone.describe())

    def answers(self, said: Message) -> list[str]:
        """Return which bots the receipts since then name."""
        later = [one.text for one in self.phone.bot_messages if one.message_id > said.message_id]
        found = (re.search(rf"{ENDED}.* — (?:lines of )?(\w+)", one, re.MULTILINE) for one in later)
        return sorted(one[2] for one in found if one)

    def _is_over(self, message: Message, said: Message, bots: tuple[str, ...]) -> bool:
        if message.button_texts and message.button_texts[0].startswith("Yes: "):
            self.phone.press(message.button_texts[0], message)
        return len(self.answers(said)) >= len(bots)


@pytest.fixture
def people(here: Installation, api: FakeBotApi, ann: Phone) -> People:
    """Ann, Bob, Cat, and the group they are in."""
    return gather(here, api, ann)


@pytest.fixture
def second(here: Installation) -> Installation:
    """Another bot of the same VAR_DIR."""
    bridge_file = here.bridge_file.read_text(encoding="utf-8")
    other = Installation(here.processes, here.folder, "second")
    here.configure_bridge(bridge_file)
    return other


def test_whom_a_line_goes_to_is_chosen_by_each_person_in_each_chat(
    people: People, second: Installation
) -> None:
    here, ann, bob = people.here, people.ann, people.bob
    people.configure()
    bridge = people.start()
    bots = [here.start_trading(), second.start_trading()]
    wait_for_both(ann)
    private, there = Desk(ann), Desk(people.there(ann))
    private.say("/positions", "paper", asks_bot="paper")
    ann.ask("/use second", r"^\[applied\] /use second — commands go to second main PAPER$")
    private.say("/positions", "second")
    private.say("/positions @paper", "paper")
    private.say("/positions @all", "paper", "second")
    there.say("/positions", "paper", asks_bot="paper")
    there.phone.ask("/use paper", "commands go to paper")
    there.say("/positions", "paper")
    Desk(people.there(bob)).say("/positions", "second", asks_bot="second")
    ann.ask("/bots", r"^● second main PAPER  ← selected$")
    ann.ask("/buy BTC/USDT @all", "goes to one bot, never to all")
    private.say("/buy BTC/USDT 0.01", "second")
    ann.wait_for(r"second notice: BOUGHT BTC/USDT")
    assert [len(one.outcomes()) for one in (here, second)] == [5, 4]
    assert bridge.stop() == 0
    assert_no_traceback(bridge, *bots)


@pytest.mark.long
def test_every_command_for_a_bot_goes_to_the_one_that_is_named_chosen_or_picked(
    people: People, second: Installation
) -> None:
    people.configure()
    bridge = people.start()
    bots = [people.here.start_trading(), second.start_trading()]
    wait_for_both(people.ann)
    desk = Desk(people.ann)
    for row in for_bots():
        line = f"/{row.name}{ARGS.get(row.name, '')}"
        # What needs no bot asks for none.
        if row.name != "follow":
            desk.say(line, "paper", asks_bot="paper")
        desk.say(f"{line} @second", "second")
        if row.broadcast:
            desk.say(f"{line} @all", *BOTS)
        elif row.name in ("buy", "chart", "mode"):
            people.ann.ask(f"{line} @all", "goes to one bot, never to all")
    people.ann.ask("/use second", "commands go to second main PAPER")
    for row in for_bots():
        if row.name != "follow":
            desk.say(f"/{row.name}{ARGS.get(row.name, '')}", "second")
    assert bridge.stop() == 0
    assert_no_traceback(bridge, *bots)


def wait_for_both(phone: Phone) -> None:
    """Wait until both bots are connected."""
    wait_until(
        lambda: "2 bots connected" in phone.ask("/ping", "pong").text, PATIENCE_S, "both bots"
    )


def for_bots() -> list[Verb]:
    """Return the verbs that are about a bot."""
    return [row for row in VOCABULARY.values() if row.names_bot]
