"""Typed answers in a group: whose they are, of when, and to what: the real programs."""

import pytest

from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.server import FakeBotApi
from tests.process.installation import Installation, assert_no_traceback
from tests.process.phone_people import People, gather, purchases


@pytest.fixture
def people(here: Installation, api: FakeBotApi, ann: Phone) -> People:
    """Ann, Bob, Cat, and Eve, who is not listed."""
    return gather(here, api, ann)


def test_a_typed_yes_is_that_of_the_person_who_was_asked_there_and_just_now(
    people: People,
) -> None:
    here, api = people.here, people.api
    bridge = people.start()
    trading = here.start_trading()
    ann, bob, cat, eve = (
        people.there(one) for one in (people.ann, people.bob, people.cat, people.eve)
    )
    hidden = people.there(people.ann, is_anonymous=True)
    channel = api.rooms.channel("News")
    ann.wait_for("started")
    before = ann.say("good morning")
    asked = ann.ask("/buy BTC/USDT 0.01", "are you sure")
    for word in ("yes", "1", "ok"):
        ann.forward(eve.say(word, reply_to=asked))
        hidden.say(word, reply_to=asked)
        ann.say(word, reply_to=asked, as_chat=channel)
        ann.say(word, reply_to=asked, age_s=31.0)
        ann.say(word, reply_to=asked, age_s=-60.0)
        for other in (bob, cat):
            other.say(word, reply_to=asked)
    ann.edit(before, "yes")
    people.ann.ask("yes", "no question is open")
    api.rooms.post(channel, "/buy BTC/USDT 0.01")
    cat.ask("/ping", r"^\[applied\] /ping")
    refused = [one.text for one in ann.bot_messages if "nothing sent" in one.text]
    assert len(refused) == 6, "what came late and what came early, and nothing else, is told so"
    assert "are you sure" in asked.text
    assert (purchases(here), here.outcomes()) == ([], [])
    ann.say("yes", reply_to=asked)
    ann.wait_for(r"^\[applied\] /buy BTC/USDT 0.01")
    ann.say("yes", reply_to=asked)
    ann.ask("/ping", r"^\[applied\] /ping")
    assert purchases(here) == [("BTC/USDT", "tg:42")]
    assert_no_traceback(bridge, trading)
