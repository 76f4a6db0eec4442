"""Whom a database belongs to: one bot on one exchange, on paper or live.

A database of paper positions must never be taken for real ones, so a mismatch ends the start.
"""

from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import Connection, insert, select

from trading.errors import WrongOwnerError
from trading.store.schema import OWNER


@dataclass(frozen=True, slots=True)
class Owner:
    """Name what must stay the same for the life of a database."""

    bot: str
    exchange: str
    mode: str


def claim_database(connection: Connection, path: Path, owner: Owner) -> None:
    """Write the owner into a new database; raise WrongOwnerError when it has another."""
    found = read_owner(connection)
    if not found:
        rows = [{"key": key, "value": value} for key, value in asdict(owner).items()]
        connection.execute(insert(OWNER), rows)
        return
    check_owner(found, path, owner)


def check_owner(found: dict[str, str], path: Path, owner: Owner) -> None:
    """Raise WrongOwnerError unless a database was made for this owner."""
    for key, wanted in asdict(owner).items():
        if found.get(key) != wanted:
            raise WrongOwnerError(
                f"{path}: {key}: found {found.get(key, 'nothing')}, allowed {wanted} "
                "(the database of another bot; use another VAR_DIR or bot name)"
            )


def read_owner(connection: Connection) -> dict[str, str]:
    """Return what a database says about its owner."""
    return {row.key: row.value for row in connection.execute(select(OWNER.c.key, OWNER.c.value))}
