"""The menu of commands: by role, for each person, and taken away again."""

import asyncio

import pytest

from tcpproto.vocabulary import VOCABULARY, Role
from telegram.bridge.hearing.menu import menu_of, menus_of, publish_menus
from telegram.bridge.messenger import Trouble
from telegram.bridge.store.inbound import MessengerNotes
from tests.bridge_tests.harness import Harness
from tests.bridge_tests.telegram_desk import ANN, BOB, RecordingMessenger


def names(role: Role | None) -> list[str]:
    return [one.name for one in menu_of(role)]


def test_strangers_are_offered_a_greeting() -> None:
    assert set(names(None)) == {"start", "help"}


def test_each_role_is_offered_what_it_may_and_what_stops_stands_on_top() -> None:
    viewer, trader, admin = names(Role.VIEWER), names(Role.TRADER), names(Role.ADMIN)
    assert "getstatus" in viewer
    assert "buy" not in viewer
    assert trader[:2] == ["stoptrading", "flatten"]
    assert set(viewer) < set(trader) <= set(admin)
    assert set(admin) == {name for name, verb in VOCABULARY.items() if verb.available}


@pytest.mark.parametrize("role", list(Role))
def test_the_messenger_takes_every_line_of_it(role: Role) -> None:
    menu = menu_of(role)
    assert len(menu) <= 100
    assert all(1 <= len(one.summary) <= 256 for one in menu)
    assert all(one.name.islower() and len(one.name) <= 32 for one in menu)


def test_whoever_is_not_listed_any_more_loses_the_menu() -> None:
    assert menus_of({ANN: Role.ADMIN}, [ANN, BOB])[BOB] == []


def test_menus_are_set_again_at_each_start_and_taken_away_once(bridge: Harness) -> None:
    notes = MessengerNotes(bridge.database)
    messenger = RecordingMessenger()

    def publish(users: dict[int, Role]) -> dict[int | None, int]:
        messenger.calls.clear()
        asyncio.run(publish_menus(messenger, users, notes))
        return {call[1]: len(call[2]) for call in messenger.calls}

    assert set(publish({ANN: Role.ADMIN, BOB: Role.VIEWER})) == {None, ANN, BOB}
    assert publish({ANN: Role.ADMIN})[BOB] == 0
    assert set(publish({ANN: Role.ADMIN})) == {None, ANN}


def test_a_person_without_a_chat_hinders_nobody_s_menu(bridge: Harness) -> None:
    messenger = RecordingMessenger()
    messenger.trouble = Trouble.CHAT_GONE
    users = {ANN: Role.ADMIN, BOB: Role.VIEWER}
    asyncio.run(publish_menus(messenger, users, MessengerNotes(bridge.database)))
    assert len(messenger.calls) == 3
