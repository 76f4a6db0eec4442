"""Which key of each live account a person has confirmed: without one, nothing real is traded.

Kept beside the owner: another key may be another account, whose positions are not those in here.
"""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple
from uuid import uuid4

import orjson

from daemonkit.errors import StateError
from daemonkit.storage.check import connect_to_read
from daemonkit.storage.faults import storage_error
from trading.errors import NotConfirmedError
from trading.store.database import open_state_database
from trading.store.ownership import Owner, check_owner

CONFIRMED_KEY: Final = "confirmed"

_SELECT: Final = f"SELECT value FROM owner WHERE key = '{CONFIRMED_KEY}'"  # noqa: S608 - ours


class Confirmed(NamedTuple):
    """Hold the fingerprint of the key that was confirmed for an account, and when."""

    key: str
    at: float


def read_confirmed(path: Path, owner: Owner, *, restore_hint: str = "") -> dict[str, Confirmed]:
    """Return what was confirmed in a database of this owner; nothing where there is none yet."""
    if not path.exists():
        return {}
    try:
        with closing(connect_to_read(path)) as connection:
            found = dict(connection.execute("SELECT key, value FROM owner").fetchall())
    except (sqlite3.Error, OSError) as error:
        raise storage_error(path, error, restore_hint) from error
    check_owner(found, path, owner)
    return _parse(found.get(CONFIRMED_KEY, "{}"), path)


def check_confirmed(
    path: Path, owner: Owner, keys: Mapping[str, str], *, command: str, restore_hint: str = ""
) -> None:
    """Raise NotConfirmedError unless each of these accounts was confirmed with this very key."""
    if not keys:
        return
    known = read_confirmed(path, owner, restore_hint=restore_hint)
    for account, key in keys.items():
        exchange = owner.account_owners[account].exchange
        if account not in known:
            raise NotConfirmedError(
                f"{path}: account {account}: found no confirmation that it trades real money at "
                f"{exchange} with key {key}; to give it: {command}"
            )
        if known[account].key != key:
            raise NotConfirmedError(
                f"{path}: account {account}: found key {key}, confirmed was {known[account].key}: "
                f"it may be of another account, whose positions are others; if it is of the same "
                f"account: {command}"
            )


def confirm_keys(
    path: Path, owner: Owner, keys: Mapping[str, Confirmed], restore_hint: str
) -> None:
    """Write that accounts were confirmed with these keys, in a new database if there is none.

    The caller holds the folder's lock.
    """
    database = open_state_database(path, owner, epoch=str(uuid4()), restore_hint=restore_hint)
    try:
        with closing(database.build_journal()) as journal, journal.transaction() as connection:
            row = connection.execute(_SELECT).fetchone()
            known = _parse(row[0] if row else "{}", path) | dict(keys)
            text = orjson.dumps({name: list(one) for name, one in known.items()}).decode()
            connection.execute("INSERT OR REPLACE INTO owner VALUES (?, ?)", (CONFIRMED_KEY, text))
    except sqlite3.Error as error:
        raise storage_error(path, error, restore_hint) from error
    finally:
        database.close()


def _parse(text: str, path: Path) -> dict[str, Confirmed]:
    try:
        parsed = orjson.loads(text).items()
        return {str(name): Confirmed(str(key), float(at)) for name, (key, at) in parsed}
    except (ValueError, TypeError, AttributeError) as error:
        raise StateError(
            f"{path}: owner confirmed: found {text!r}, allowed accounts with keys; left untouched"
        ) from error
