"""How the store is, as one value that any thread may read."""

from dataclasses import dataclass

from trading.engine.events import StoreTrouble


@dataclass(frozen=True, slots=True)
class StoreHealth:
    """Show the store at one moment; `trouble` is None while it commits.

    `trades_unwritten` is true while trades.jsonl lacks a committed trade.
    """

    trouble: StoreTrouble | None = None
    outbox_rows: int = 0
    outbox_room: int = 0
    events_refused: int = 0
    commits: int = 0
    units_lost: int = 0
    last_seq: int = 0
    trades_unwritten: bool = False
    file_failures: int = 0
