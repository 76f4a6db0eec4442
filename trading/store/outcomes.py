"""Outcomes of commands: kept for days, so that a repeated id does nothing and hears the first."""

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, func, select

from daemonkit.secrets import redact, redact_values
from tcpproto import ReplyState
from trading.model.outcome import CommandOutcome
from trading.store.schema import OUTCOME
from trading.store.statements import EVICT_OUTCOMES, FIND_OUTCOME, INSERT_OUTCOME, PRUNE_OUTCOMES

Find = Callable[[str, tuple[object, ...]], tuple[Any, ...] | None]

# A transaction deletes at most this many, so that pruning never holds up a commit for long.
PRUNE_ROWS_MAX = 2_000


class OutcomeReader:
    """Find committed outcomes, on whatever thread asks."""

    def __init__(self, find: Find) -> None:
        self._find = find

    def find(self, command_id: str) -> CommandOutcome | None:
        """Return the outcome of a command, if it has one; every command asks, so it is quick."""
        row = self._find(FIND_OUTCOME, (command_id,))
        if row is None:
            return None
        found_id, verb, author, state, text, fields, at = row
        return CommandOutcome(
            command_id=found_id,
            verb=verb,
            author=author,
            state=ReplyState(state),
            text=text,
            at=at,
            fields=orjson.loads(fields),
        )


class OutcomeWriter:
    """Write outcomes and drop the oldest, by age and by number."""

    def __init__(self, connection: Connection, *, age_max_s: float, rows_max: int) -> None:
        self._age_max_s = age_max_s
        self._rows_max = rows_max
        self.rows: int = connection.execute(select(func.count(OUTCOME.c.command_id))).scalar_one()

    @property
    def is_overfull(self) -> bool:
        """Tell whether there are more outcomes than wanted."""
        return self.rows > self._rows_max

    def write(self, connection: sqlite3.Connection, outcomes: Sequence[CommandOutcome]) -> None:
        """Insert outcomes; an id that has one keeps it."""
        connection.executemany(INSERT_OUTCOME, [_to_row(one) for one in outcomes])

    def prune(self, connection: sqlite3.Connection, now: float) -> int:
        """Delete some of what is too old or too much; return how many."""
        deleted = connection.execute(
            PRUNE_OUTCOMES, (now - self._age_max_s, PRUNE_ROWS_MAX)
        ).rowcount
        surplus = min(self.rows - deleted - self._rows_max, PRUNE_ROWS_MAX)
        if surplus > 0:
            deleted += connection.execute(EVICT_OUTCOMES, (surplus,)).rowcount
        return deleted


def _to_row(one: CommandOutcome) -> tuple[object, ...]:
    fields = orjson.dumps(redact_values(one.fields), default=str, option=orjson.OPT_NON_STR_KEYS)
    # A refusal quotes what was typed, whatever that was.
    verb, text = redact(one.verb), redact(one.text)
    return one.command_id, verb, one.author, one.state.value, text, fields, one.at
