"""Who may command from a phone, and when: the real programs, and a Telegram of this machine's own.

Whatever comes from somebody else, from elsewhere, or from another time moves no order.
"""

import pytest

from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.server import FakeBotApi
from tests.process.installation import Installation, assert_no_traceback
from tests.process.phone_desk import TRADER
from tests.process.phone_people import BOB, CAT, EVE, People, gather, purchases, reload


@pytest.fixture
def people(here: Installation, api: FakeBotApi, ann: Phone) -> People:
    """Ann, Bob, Cat, and Eve, who is not listed."""
    return gather(here, api, ann)


def test_whatever_comes_in_disguise_or_at_the_wrong_time_moves_nothing(people: People) -> None:
    here, api, ann = people.here, people.api, people.ann
    elsewhere = api.rooms.supergroup("Elsewhere", [ann.person])
    other_bot = api.person("Inline", 7_000_777, username="inline_bot")
    bridge = people.start()
    trading = here.start_trading()
    ann.wait_for("started")
    there, hidden = people.there(ann), people.there(ann, is_anonymous=True)
    channel = api.rooms.channel("News")
    for line in ("/buy BTC/USDT 0.01", "/stoptrading", "/sell BTC/USDT"):
        people.eve.say(line)
        people.there(people.eve).say(line)
        hidden.say(line)
        there.say(line, as_chat=channel)
        ann.forward(people.eve.say(line))
        ann.say(line, via_bot=other_bot)
        ann.say(line, age_s=24 * 3_600.0 - 60.0)
        ann.edit(ann.say("good morning"), line)
        people.there(ann, elsewhere).say(line)
        there.say(f"{line.split()[0]}@another_bot BTC/USDT")
    ann.say("/buy BTC/USDT 0.01", age_s=-60.0)
    ann.say("/buy BTC/USDT 0.01", age_s=31.0)
    ann.say("/sell BTC/USDT", age_s=301.0)
    ann.ask("/ping", r"^\[applied\] /ping")
    ann.wait_for(r"^\[rejected\] /buy .*forwarded messages are not followed")
    ann.wait_for(r"^\[rejected\] /buy .*in the future: check the clock")
    ann.wait_for(r"^\[expired\] /buy .*written 3\d s ago, allowed 30 s; nothing sent")
    ann.wait_for(r"^/sell BTC/USDT on .* are you sure\?(.|\n)*written 30\d s ago: is it still w")
    api.wait(lambda: not elsewhere.status_of(api.bot).is_in, "the bot leaves the unlisted group")
    assert (purchases(here), here.outcomes(), here.commands()) == ([], [], [])
    assert people.eve.bot_messages == []
    said = [one.text for one in there.bot_messages if "started" not in one.text]
    assert said == [], "in the group nobody was obeyed, so nothing was said"
    assert bridge.stderr.count("a stranger writes: user 666") == 1
    assert_no_traceback(bridge, trading)


def test_each_role_may_do_what_it_may_until_the_person_is_taken_from_the_list(
    people: People,
) -> None:
    here, ann, bob, cat = people.here, people.ann, people.bob, people.cat
    bridge = people.start()
    here.start_trading()
    ann.wait_for("started")
    cat.ask("/sell BTC/USDT", "this needs the role trader; yours is viewer")
    cat.ask("/getstatus", r"^\[applied\] /getstatus")
    bob.ask("/mode sma active", "this needs the role admin; yours is trader")
    people.there(bob).ask("/starttrading", r"^\[applied\] /starttrading")
    asked = bob.ask("/buy BTC/USDT 0.01", "are you sure")
    demoted = people.there(bob).ask("/buy ETH/USDT 0.1", "are you sure")
    people.configure(f"{TRADER}: admin, {BOB}: viewer")
    reload(bridge)
    bob.press("Yes", asked)
    bob.wait_for(r"^\[rejected\] /buy BTC/USDT 0.01 .*this needs the role trader", timeout_s=20)
    people.configure(f"{TRADER}: admin", (TRADER,))
    reload(bridge)
    heard = [phone.bot_messages for phone in (bob, cat)]
    people.there(bob).press("Yes", demoted)
    for phone in (bob, cat):
        phone.say("/getstatus")
        people.there(phone).say("/stoptrading")
    ann.ask("/buy BTC/USDT 0.02", "are you sure")
    ann.press("Yes")
    ann.wait_for("BOUGHT BTC/USDT")
    ann.ask("/ping", r"^\[applied\] /ping")
    assert purchases(here) == [("BTC/USDT", "tg:42")]
    told = cat.bot_messages
    people.configure(f"{TRADER}: admin, {CAT}: trader, {EVE}: trader", (TRADER,))
    reload(bridge)
    assert f"new chats are served after a restart: tg:{EVE}" in bridge.stderr
    cat.ask("/getstatus", r"^\[applied\] /getstatus")
    people.eve.say("/stoptrading")
    people.there(people.eve).ask("/getstatus", r"^\[applied\] /getstatus")
    assert not [one for one in here.outcomes() if one.verb == "stoptrading"], (
        "nobody is obeyed where no answer can be given"
    )
    assert bridge.stop() == 0
    assert [bob.bot_messages, told] == heard, "strangers are told nothing"
    assert set(bob.menu) == {"start", "help"}
