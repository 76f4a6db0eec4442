"""The messenger's menu of commands: everybody is offered a greeting, each person what they may.

What was set for whom is noted, so that whoever is taken from the list loses their menu.
"""

import logging
from collections.abc import Mapping, Sequence

from tcpproto.vocabulary import VOCABULARY, Role, Verb, role_allows
from telegram.bridge.messenger import CommandName, Messenger, MessengerError
from telegram.bridge.store.inbound import MessengerNotes

log = logging.getLogger(__name__)

# What is wanted in a hurry stands on top.
_FIRST = (
    *("stoptrading", "flatten", "pause", "emergency"),
    *("getstatus", "positions", "getstats", "buy", "sell", "starttrading"),
)
_FOR_EVERYBODY = ("start", "help")
_SUMMARY_LENGTH_MAX = 256
_COMMANDS_MAX = 100
_MENU = "menu:"


def menu_of(role: Role | None, vocabulary: Mapping[str, Verb] = VOCABULARY) -> list[CommandName]:
    """Return what is offered to a role; to a stranger, a greeting and help."""
    rows = [row for row in vocabulary.values() if row.available]
    if role is None:
        rows = [row for row in rows if row.name in _FOR_EVERYBODY]
    rows = [row for row in rows if role_allows(role or Role.VIEWER, row.role)]
    rows.sort(key=lambda row: _FIRST.index(row.name) if row.name in _FIRST else len(_FIRST))
    return [
        CommandName(row.name, row.summary[:_SUMMARY_LENGTH_MAX]) for row in rows[:_COMMANDS_MAX]
    ]


def menus_of(
    users: Mapping[int, Role], known: Sequence[int], vocabulary: Mapping[str, Verb] = VOCABULARY
) -> dict[int | None, list[CommandName]]:
    """Return the menu of each person, none for those who are not listed any more."""
    menus: dict[int | None, list[CommandName]] = {None: menu_of(None, vocabulary)}
    menus.update({one: [] for one in known if one not in users})
    menus.update({user_id: menu_of(role, vocabulary) for user_id, role in users.items()})
    return menus


async def publish_menus(
    messenger: Messenger,
    users: Mapping[int, Role],
    notes: MessengerNotes,
    vocabulary: Mapping[str, Verb] = VOCABULARY,
) -> None:
    """Set the menus; the messenger leaves alone what is already so."""
    known = [int(one) for one in notes.read(_MENU)]
    for user_id, commands in menus_of(users, known, vocabulary).items():
        try:
            await messenger.set_commands(commands, user_id)
        except MessengerError as error:
            # A person who has never written to the bot has no chat that could have a menu.
            log.info("the menu of %s is not set: %s", user_id or "everybody", error)
            continue
        if user_id is not None and user_id in users:
            notes.save(f"{_MENU}{user_id}", users[user_id])
        elif user_id is not None:
            notes.delete(f"{_MENU}{user_id}")
