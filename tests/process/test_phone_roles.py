"""Every command of the vocabulary by somebody whose role is too small, and by whom it suffices."""

import signal
from functools import partial

import pytest

from tcpproto.vocabulary import ALIASES, VOCABULARY, Place, Role, Verb, role_allows
from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.server import FakeBotApi
from tests.process.installation import PATIENCE_S, Installation, assert_no_traceback
from tests.process.phone_desk import TRADER
from tests.process.phone_people import BOB, QUICK, People, gather, purchases, reload
from tests.processes import RunningProcess
from tests.waiting import wait_until

REFUSED = "the configuration is refused, the old one stays"


@pytest.fixture
def people(here: Installation, api: FakeBotApi, ann: Phone) -> People:
    """Ann, Bob, Cat, and Eve, who is not listed."""
    return gather(here, api, ann)


def has_more(bridge: RunningProcess, before: int) -> bool:
    """Tell whether a configuration was refused since."""
    return bridge.stderr.count(REFUSED) > before


def line_of(row: Verb) -> str:
    """Return a line that means something, so that nothing but the role speaks against it."""
    return row.examples[0] if row.examples else f"/{row.name}"


def test_whoever_has_too_small_a_role_is_told_so_at_each_command_and_nothing_is_done(
    people: People,
) -> None:
    here, bob, cat = people.here, people.bob, people.cat
    places = {
        Role.VIEWER: (cat, people.there(cat)),
        Role.TRADER: (bob, people.there(bob)),
    }
    bridge = people.start()
    trading = here.start_trading()
    people.ann.wait_for("started")
    refused = 0
    for role, phones in places.items():
        too_much = [row for row in VOCABULARY.values() if not role_allows(role, row.role)]
        answer = "^\\[rejected\\] .* — this needs the role {}; yours is " + role
        for phone in phones:
            for row in too_much:
                phone.ask(line_of(row), answer.format(row.role))
            refused += len(too_much)
        for alias, name in ALIASES.items():
            if VOCABULARY[name] in too_much:
                phones[0].ask(f"/{alias.upper()}@desk_bot", answer.format(VOCABULARY[name].role))
    assert refused > 20, "there are such commands"
    assert (here.outcomes(), here.commands(), purchases(here)) == ([], [], [])
    for row in VOCABULARY.values():
        if row.place is Place.ENGINE and row.role is Role.VIEWER:
            verdict = "applied" if row.available else "rejected"
            said = cat.ask(line_of(row), rf"(?s)^\[{verdict}\] /{row.name}\b")
            assert "this needs the role" not in said.text
    assert {one.verb for one in here.outcomes()} <= {
        name for name, row in VOCABULARY.items() if row.role is Role.VIEWER
    }
    assert_no_traceback(bridge, trading)


@pytest.mark.long
def test_a_wrong_list_changes_nothing_and_whoever_is_taken_from_it_is_shown_nothing_more(
    people: People,
) -> None:
    here, ann, bob = people.here, people.ann, people.bob
    quick = QUICK.replace("live: false", "live_private_s: 0.3, follow_s: 0.3")
    here.configure_bridge(f"telegram: {{users: {{{TRADER}: admin, {BOB}: trader}}}}\n{quick}")
    bridge = people.start()
    here.start_trading()
    for phone in (ann, bob):
        phone.wait_for("started")
    for wrong in ("users: {42: boss}", "chats: [{id: -1}]", "users: [42]"):
        here.configure_bridge(f"telegram: {{{wrong}}}\n")
        before = bridge.stderr.count(REFUSED)
        bridge.send_signal(signal.SIGHUP)
        wait_until(partial(has_more, bridge, before), PATIENCE_S, REFUSED)
    bob.ask("/stopbuying BTC/USDT", r"^\[applied\] /stopbuying")
    bob.ask("/follow debug", r"^\[applied\] /follow debug")
    here.configure_bridge(f"telegram: {{users: {{{TRADER}: admin}}}}\n{quick}")
    reload(bridge)
    ann.ask("/ping", r"^\[applied\] /ping")
    seen = bob.texts
    ann.ask("/buy BTC/USDT 0.01", "are you sure")
    ann.press("Yes")
    ann.wait_for("BOUGHT BTC/USDT")
    ann.wait_for(r"^invested +[1-9]")
    ann.ask("/getstatus", r"^\[applied\] /getstatus")
    assert bob.texts == seen, "neither an alert, nor the live status, nor lines of the log"
