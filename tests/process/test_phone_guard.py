"""Who may command from a phone, and when: the real programs, and a Telegram of this machine's own.

Whatever comes from somebody else, from elsewhere, or from another time moves no order.
"""

import signal
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from tests.fakes.bot_api.chats import Chat
from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.server import FakeBotApi
from tests.process.installation import PATIENCE_S, Installation, assert_no_traceback, query
from tests.process.phone_desk import TRADER, start_bridge
from tests.processes import RunningProcess
from tests.waiting import wait_until

BOB, CAT, EVE = 43, 44, 666
# The tests say more in a second than people do, and wait for each answer.
QUICK = """
outbox:
  private: {count: 100, span_s: 1.0, burst: 100}
  group: {count: 100, span_s: 1.0, burst: 100}
phone: {live: false}
"""


def orders(here: Installation) -> list[tuple[str, str, str]]:
    """Return all orders in the bot's database: symbol, side and author."""
    return query(here.state_db, "SELECT symbol, side, author FROM trade_order ORDER BY created_at")


def listing(users: str, chats: Sequence[int] = ()) -> str:
    """Write the part of telegram.yaml that says who may speak where."""
    listed = ", ".join(f"{{id: {one}}}" for one in chats)
    return f"telegram: {{users: {{{users}}}, chats: [{listed}]}}\n{QUICK}"


@dataclass
class Desk:
    """Three people who are listed, a stranger, and the group that all of them are in."""

    here: Installation
    api: FakeBotApi
    ann: Phone
    bob: Phone
    cat: Phone
    eve: Phone
    group: Chat

    def configure(
        self,
        users: str = f"{TRADER}: admin, {BOB}: trader, {CAT}: viewer",
        private: Sequence[int] = (TRADER, BOB),
    ) -> None:
        """List people, and the group beside the private chats that are told of events."""
        self.here.configure_bridge(listing(users, (self.group.id, *private)))

    def start(self) -> RunningProcess:
        """Start the bridge with what is listed in the file."""
        return start_bridge(self.here, self.api, TELEGRAM_CHAT_ID=None)

    def there(self, phone: Phone, chat: Chat | None = None, *, is_anonymous: bool = False) -> Phone:
        """Return the phone of the same person, opened at a group."""
        return self.api.phone(phone.person, chat or self.group, is_anonymous=is_anonymous)


@pytest.fixture
def desk(here: Installation, api: FakeBotApi, ann: Phone) -> Desk:
    bob, cat, eve = (
        api.phone(api.person(name, number), has_met_bot=True)
        for name, number in (("Bob", BOB), ("Cat", CAT), ("Eve", EVE))
    )
    people = [one.person for one in (ann, bob, cat, eve)]
    desk = Desk(here, api, ann, bob, cat, eve, api.rooms.supergroup("Desk", people))
    desk.configure()
    return desk


def test_whatever_comes_in_disguise_or_at_the_wrong_time_moves_nothing(desk: Desk) -> None:
    here, api, ann = desk.here, desk.api, desk.ann
    elsewhere = api.rooms.supergroup("Elsewhere", [ann.person])
    other_bot = api.person("Inline", 7_000_777, username="inline_bot")
    bridge = desk.start()
    trading = here.start_trading()
    ann.wait_for("started")
    there, hidden = desk.there(ann), desk.there(ann, is_anonymous=True)
    channel = api.rooms.channel("News")
    for line in ("/buy BTC/USDT 0.01", "/stoptrading", "/sell BTC/USDT"):
        desk.eve.say(line)
        desk.there(desk.eve).say(line)
        hidden.say(line)
        there.say(line, as_chat=channel)
        ann.forward(desk.eve.say(line))
        ann.say(line, via_bot=other_bot)
        ann.say(line, age_s=-60.0)
        ann.say(line, age_s=24 * 3_600.0 - 60.0)
        ann.edit(ann.say("good morning"), line)
        desk.there(ann, elsewhere).say(line)
        there.say(f"{line.split()[0]}@another_bot BTC/USDT")
    ann.say("/buy BTC/USDT 0.01", age_s=31.0)
    ann.say("/sell BTC/USDT", age_s=301.0)
    ann.ask("/ping", r"^\[applied\] /ping")
    ann.wait_for(r"^\[rejected\] /buy .*forwarded messages are not followed")
    ann.wait_for(r"^\[rejected\] /buy .*in the future: check the clock")
    ann.wait_for(r"^\[expired\] /buy .*written 3\d s ago, allowed 30 s; nothing sent")
    ann.wait_for(r"^\[expired\] /sell .*written 30\d s ago, allowed 300 s; nothing sent")
    api.wait(lambda: not elsewhere.status_of(api.bot).is_in, "the bot leaves the unlisted group")
    assert (orders(here), here.outcomes(), here.commands()) == ([], [], [])
    assert desk.eve.bot_messages == []
    said = [one.text for one in there.bot_messages if "started" not in one.text]
    assert said == [], "in the group nobody was obeyed, so nothing was said"
    assert bridge.stderr.count("a stranger writes: user 666") == 1
    assert_no_traceback(bridge, trading)


def test_each_role_may_do_what_it_may_until_the_person_is_taken_from_the_list(desk: Desk) -> None:
    here, ann, bob, cat = desk.here, desk.ann, desk.bob, desk.cat
    bridge = desk.start()
    here.start_trading()
    ann.wait_for("started")
    cat.ask("/sell BTC/USDT", "this needs the role trader; yours is viewer")
    cat.ask("/getstatus", r"^\[applied\] /getstatus")
    bob.ask("/mode sma active", "this needs the role admin; yours is trader")
    desk.there(bob).ask("/starttrading", r"^\[applied\] /starttrading")
    asked = bob.ask("/buy BTC/USDT 0.01", "are you sure")
    demoted = desk.there(bob).ask("/buy ETH/USDT 0.1", "are you sure")
    desk.configure(f"{TRADER}: admin, {BOB}: viewer")
    reload(bridge)
    bob.press("Yes", asked)
    bob.wait_for(r"^\[rejected\] /buy BTC/USDT 0.01 .*this needs the role trader", timeout_s=20)
    desk.configure(f"{TRADER}: admin", (TRADER,))
    reload(bridge)
    heard = [phone.bot_messages for phone in (bob, cat)]
    desk.there(bob).press("Yes", demoted)
    for phone in (bob, cat):
        phone.say("/getstatus")
        desk.there(phone).say("/stoptrading")
    ann.ask("/buy BTC/USDT 0.02", "are you sure")
    ann.press("Yes")
    ann.wait_for("BOUGHT BTC/USDT")
    ann.ask("/ping", r"^\[applied\] /ping")
    assert [(order[0], order[2]) for order in orders(here)][:1] == [("BTC/USDT", "tg:42")]
    told = cat.bot_messages
    desk.configure(f"{TRADER}: admin, {CAT}: trader, {EVE}: trader", (TRADER,))
    reload(bridge)
    assert f"new chats are served after a restart: tg:{EVE}" in bridge.stderr
    cat.ask("/getstatus", r"^\[applied\] /getstatus")
    desk.eve.say("/stoptrading")
    desk.there(desk.eve).ask("/getstatus", r"^\[applied\] /getstatus")
    assert not [one for one in here.outcomes() if one.verb == "stoptrading"], (
        "nobody is obeyed where no answer can be given"
    )
    assert bridge.stop() == 0
    assert [bob.bot_messages, told] == heard, "strangers are told nothing"
    assert set(bob.menu) == {"start", "help"}


def reload(bridge: RunningProcess) -> None:
    """Have the bridge read its configuration again."""
    before = bridge.stderr.count("the configuration is reloaded")
    bridge.send_signal(signal.SIGHUP)
    wait_until(
        lambda: bridge.stderr.count("the configuration is reloaded") > before,
        PATIENCE_S,
        "the configuration is reloaded",
    )
