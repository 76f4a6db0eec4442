"""Whom a database belongs to: one bot, and its accounts, each at one exchange, on paper or live.

A database of paper positions must never be taken for real ones, so a mismatch ends the start. An
account may be added at any time; what was an account once stays known.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import orjson
from sqlalchemy import Connection, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert

from daemonkit.errors import StateError
from trading.errors import WrongOwnerError
from trading.store.schema import OWNER

# What a database that names no accounts calls its only one.
LONE_ACCOUNT: Final = "main"
PAPER: Final = "paper"
LIVE: Final = "live"
# At an exchange's test venue: orders are real there, the money is not.
SANDBOX: Final = "sandbox"


class AccountOwner(NamedTuple):
    """Name what must stay the same for the life of an account.

    `mode` is paper, live or sandbox. The kind of market (spot, margin, swap) must stay for what
    is held at an exchange; it is empty where it is not known.
    """

    exchange: str
    mode: str
    market_type: str = ""


@dataclass(frozen=True, slots=True)
class Owner:
    """Name what must stay the same for the life of a database.

    Without `accounts` there is one, which `exchange` and `mode` describe. With them the two are
    only noted when the database is made.
    """

    bot: str
    exchange: str
    mode: str
    accounts: tuple[tuple[str, AccountOwner], ...] = ()

    @property
    def account_owners(self) -> dict[str, AccountOwner]:
        """Return the accounts by name, also when there is only the one without a name."""
        return dict(self.accounts) or {LONE_ACCOUNT: AccountOwner(self.exchange, self.mode)}


def claim_database(connection: Connection, path: Path, owner: Owner) -> None:
    """Write the owner into a database, or new accounts of it; WrongOwnerError for another one."""
    found = read_owner(connection)
    if not found:
        named = {"bot": owner.bot, "exchange": owner.exchange, "mode": owner.mode}
        connection.execute(insert(OWNER), [{"key": k, "value": v} for k, v in named.items()])
        known: dict[str, AccountOwner] = {}
    else:
        check_owner(found, path, owner)
        known = accounts_in(found, path)
    accounts = known | {
        name: wanted
        if wanted.market_type or name not in known
        else wanted._replace(market_type=known[name].market_type)
        for name, wanted in owner.account_owners.items()
    }
    if accounts != known or "accounts" not in found:
        text = orjson.dumps({name: list(one) for name, one in accounts.items()}).decode()
        statement = upsert(OWNER).values(key="accounts", value=text)
        connection.execute(statement.on_conflict_do_update(["key"], set_={"value": text}))


def check_owner(found: Mapping[str, str], path: Path, owner: Owner) -> None:
    """Raise WrongOwnerError unless a database was made for this owner."""
    if found.get("bot") != owner.bot:
        raise WrongOwnerError(
            f"{path}: bot: found {found.get('bot', 'nothing')}, allowed {owner.bot} "
            "(the database of another bot; use another VAR_DIR or bot name)"
        )
    known = accounts_in(found, path)
    for name, wanted in owner.account_owners.items():
        if name in known:
            check_account(path, name, known[name], wanted)


def accounts_in(found: Mapping[str, str], path: Path) -> dict[str, AccountOwner]:
    """Return the accounts that a database knows."""
    text = found.get("accounts")
    if text is None:
        lone = AccountOwner(found.get("exchange", "nothing"), found.get("mode", "nothing"))
        return {LONE_ACCOUNT: lone}
    try:
        return {str(name): AccountOwner(*parts) for name, parts in orjson.loads(text).items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise StateError(
            f"{path}: owner accounts: found {text!r}, allowed accounts with exchange and mode; "
            "left untouched"
        ) from error


def read_owner(connection: Connection) -> dict[str, str]:
    """Return what a database says about its owner."""
    return {row.key: row.value for row in connection.execute(select(OWNER.c.key, OWNER.c.value))}


def check_same_accounts(where: str, running: Owner, wanted: Owner) -> None:
    """Raise WrongOwnerError where an account that runs would become another one."""
    owners = wanted.account_owners
    for name, known in running.account_owners.items():
        if name in owners:
            check_account(where, name, known, owners[name])


def check_account(path: Path | str, name: str, known: AccountOwner, wanted: AccountOwner) -> None:
    """Raise WrongOwnerError unless an account stays what it is known to be."""
    if known.mode != wanted.mode:
        raise WrongOwnerError(
            f"{path}: account {name}: found {_HISTORY.get(known.mode, known.mode)}, allowed "
            f"{wanted.mode} ({_WAYS.get(wanted.mode, 'use another VAR_DIR')})"
        )
    if known.exchange != wanted.exchange:
        raise WrongOwnerError(
            f"{path}: account {name}: found exchange {known.exchange}, allowed {wanted.exchange} "
            "(an account of another exchange; give the new one another name, or use another "
            "VAR_DIR)"
        )
    kinds = known.market_type, wanted.market_type
    if wanted.mode != PAPER and all(kinds) and known.market_type != wanted.market_type:
        raise WrongOwnerError(
            f"{path}: account {name}: found a {known.market_type} account, allowed "
            f"{wanted.market_type} (what it holds is counted in another way; set market_type: "
            f"{known.market_type} again, give the new account another name, or use another VAR_DIR)"
        )


_HISTORY: Final = {
    PAPER: "positions and trades on paper",
    LIVE: "real positions and trades",
    SANDBOX: "positions and trades at a test venue",
}
_WAYS: Final = {
    LIVE: "they must not be taken for real money; give the live account another name, "
    "or use another VAR_DIR",
    PAPER: "its real positions must not be taken for paper; set dry_run: false again, give the "
    "paper account another name, or use another VAR_DIR",
    SANDBOX: "what it has elsewhere is not at the test venue; give the account there another "
    "name, or use another VAR_DIR",
}
