"""Measure the durable journal: `python -m benchmarks.journal`.

Events are numbered, encoded and committed as the store thread does it, one a transaction and a
hundred a transaction, beside a bare SQLite loop (WAL, synchronous=FULL) that inserts ready rows
into the same table. All files lie in one folder, by default a temporary one.
"""

from __future__ import annotations

import argparse
import sqlite3
import tempfile
import time
import uuid
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

from benchmarks.sitting import median, print_goal, print_table, run_rounds
from trading.model.event import DurableEvent, Severity
from trading.store.database import StoreLimits, open_state_database
from trading.store.ownership import Owner
from trading.store.statements import INSERT_OUTBOX

BARE, OURS, OURS_100 = "bare SQLite, 1 row", "journal, 1 event", "journal, 100 events"
RUN_S: Final = 0.7
BODY: Final = b"x" * 250


def _run_for(step: Callable[[int], int]) -> dict[str, float]:
    """Call `step` with a running number until the time is over; return its rows a second."""
    rows, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < RUN_S:
        rows += step(rows)
    return {"rows": rows / elapsed}


def _bare(folder: Path) -> dict[str, float]:
    owner = Owner(bot="bench", exchange="paper", mode="paper")
    path = folder / f"{uuid.uuid4()}.db"
    open_state_database(path, owner, epoch="bench", restore_hint="").close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=FULL")

        def step(row: int) -> int:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(INSERT_OUTBOX, (row + 1, "bench", row + 1, BODY))
            connection.execute("COMMIT")
            return 1

        return _run_for(step)


def _journal(folder: Path, group: int) -> dict[str, float]:
    owner = Owner(bot="bench", exchange="paper", mode="paper")
    path = folder / f"{uuid.uuid4()}.db"
    database = open_state_database(path, owner, epoch=str(uuid.uuid4()), restore_hint="")
    outbox, _outcomes = database.build_writers(StoreLimits(outbox_rows_max=10_000_000))
    journal = database.build_journal()
    text = "filled BTC/USDT 0.015 at 64250.5, fee 0.96 USDT"

    def step(row: int) -> int:
        events = [
            DurableEvent("fill", Severity.NOTICE, text, 1_750_000_000.0 + row + number)
            for number in range(group)
        ]
        rows = outbox.number(events, 1_750_000_000.0)
        with journal.transaction() as connection:
            outbox.write(connection, rows)
        outbox.note_committed(rows, 0)
        return group

    try:
        return _run_for(step)
    finally:
        journal.close()
        database.close()


def main() -> None:
    """Run the sitting."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where the databases lie (their disk counts)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        folder = Path(name)
        figures = run_rounds(
            {
                BARE: lambda: _bare(folder),
                OURS: lambda: _journal(folder, 1),
                OURS_100: lambda: _journal(folder, 100),
            },
            arguments.rounds,
        )
    print_table("Durable rows a second", figures, "rows", "rows/s")
    single = median(figures, OURS, "rows")
    to_bare = single / median(figures, BARE, "rows")
    print_goal("S1 commits to a bare loop", to_bare, ">= 0.6", ">= 0.9")
    grouped = median(figures, OURS_100, "rows") / single
    print_goal("S2 rows in groups of 100 to single rows", grouped, ">= 15", ">= 30")


if __name__ == "__main__":
    main()
