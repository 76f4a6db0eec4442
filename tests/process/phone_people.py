"""People beside the real programs: three who are listed, a stranger, and the group all are in."""

import signal
from collections.abc import Sequence
from dataclasses import dataclass

from tests.fakes.bot_api.chats import Chat
from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.server import FakeBotApi
from tests.process.installation import PATIENCE_S, Installation, query
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


@dataclass
class People:
    """Ann is an admin, Bob may trade, Cat may look, and nobody knows Eve."""

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
        *,
        polling: str = "",
        more: str = "",
    ) -> None:
        """List people, and the group beside the private chats that are told of events."""
        chats = ", ".join(f"{{id: {one}}}" for one in (self.group.id, *private))
        section = f"users: {{{users}}}, chats: [{chats}], polling: {{{polling}}}"
        self.here.configure_bridge(f"telegram: {{{section}}}\n{QUICK}{more}")

    def start(self) -> RunningProcess:
        """Start the bridge with what is listed in the file."""
        return start_bridge(self.here, self.api, TELEGRAM_CHAT_ID=None)

    def there(self, phone: Phone, chat: Chat | None = None, *, is_anonymous: bool = False) -> Phone:
        """Return the phone of the same person, opened at a group."""
        return self.api.phone(phone.person, chat or self.group, is_anonymous=is_anonymous)


def gather(here: Installation, api: FakeBotApi, ann: Phone) -> People:
    """Let the others exist beside Ann, and list who is to be listed."""
    bob, cat, eve = (
        api.phone(api.person(name, number), has_met_bot=True)
        for name, number in (("Bob", BOB), ("Cat", CAT), ("Eve", EVE))
    )
    members = [one.person for one in (ann, bob, cat, eve)]
    group = api.rooms.supergroup("Desk", members)
    people = People(here, api, ann, bob, cat, eve, group)
    people.configure()
    return people


def purchases(here: Installation) -> list[tuple[str, str]]:
    """Return what was bought on somebody's command: the market, and who it was."""
    statement = (
        "SELECT symbol, author FROM trade_order WHERE side = 'buy' AND author LIKE 'tg:%' "
        "ORDER BY created_at"
    )
    return query(here.state_db, statement)


def reload(bridge: RunningProcess) -> None:
    """Have the bridge read its configuration again."""
    said = "the configuration is reloaded"
    before = bridge.stderr.count(said)
    bridge.send_signal(signal.SIGHUP)
    wait_until(lambda: bridge.stderr.count(said) > before, PATIENCE_S, said)
