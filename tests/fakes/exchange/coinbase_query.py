"""How Coinbase is asked: parameters, pages, and what is wrong with a question."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TypeVar

Query = Mapping[str, list[str]]
Row = TypeVar("Row")


class MalformedError(Exception):
    """Say what is wrong with a request in itself; the API answers 400."""


class UnknownError(Exception):
    """Say that what is asked for is not there; the API answers 404."""


def check_query(query: Query, known: frozenset[str]) -> None:
    """Refuse what an endpoint does not know."""
    unknown = set(query) - known
    if unknown:
        raise MalformedError(f"unknown parameter {min(unknown)!r}")


def one(query: Query, name: str) -> str | None:
    """Read a parameter that is sent once; None where it is not."""
    values = query.get(name, [])
    if len(values) > 1:
        raise MalformedError(f"{name} is sent {len(values)} times")
    return values[0] if values else None


def page_size(query: Query, default: int, largest: int) -> int:
    """Read how many rows are wanted; more than the most is the most."""
    asked = one(query, "limit")
    if asked is None:
        return default
    if not asked.isdigit():
        raise MalformedError(f"limit is no number: {asked!r}")
    return min(int(asked) or default, largest)


def read_time(query: Query, name: str) -> float | None:
    """Read a time in RFC 3339; None where none was sent."""
    asked = one(query, name)
    if asked is None:
        return None
    try:
        return datetime.fromisoformat(asked).timestamp()
    except ValueError:
        raise MalformedError(f"{name} is no time: {asked!r}") from None


def page_of(
    rows: list[Row], query: Query, limit: int, number_of: Callable[[Row], int]
) -> tuple[list[Row], str]:
    """Return a page of rows that count down, and what asks for the next one."""
    cursor = one(query, "cursor")
    if cursor:
        if not cursor.isdigit():
            raise MalformedError(f"unknown cursor {cursor!r}")
        rows = [row for row in rows if number_of(row) < int(cursor)]
    page = rows[:limit]
    return page, str(number_of(page[-1])) if len(rows) > limit else ""
