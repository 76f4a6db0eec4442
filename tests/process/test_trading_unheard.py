"""A bot that nobody listens to: a full outbox ends buying, exits go on, and all is told later."""

from random import Random

import pytest

from tests.process.installation import PATIENCE_S, Installation, assert_no_traceback
from tests.process.scripted_bridge import ScriptedBridge
from tests.process.trading_books import Books, check_books, read_books
from tests.process.trading_life import LONG_ONLY, QUICK, DeadlyBridge, Life
from tests.waiting import wait_until

ROOM = 60
SMALL_OUTBOX = f"{LONG_ONLY}store: {{outbox_rows_max: {ROOM}}}\n"


def entries(books: Books) -> int:
    """Count the orders that opened or would open something."""
    return sum(one["purpose"] == "entry" for one in books.orders.values())


@pytest.mark.timeout(120)
def test_a_full_outbox_ends_entries_and_no_exit_and_everything_is_told_once_somebody_listens(
    here: Installation,
) -> None:
    with DeadlyBridge() as bridge:
        life = Life(here, bridge, Random(0), SMALL_OUTBOX, ("main",))
        first = life.start(QUICK)
        assert bridge.ask(bridge.command("starttrading")).state == "applied"
        port, last_seqs = bridge.server.port, bridge.last_seqs
    wait_until(lambda: len(here.outbox()) >= ROOM, PATIENCE_S, "the outbox is full")
    wait_until(lambda: not read_books(here.state_db).positions, PATIENCE_S, "all is sold")
    full = read_books(here.state_db)
    check_books(full)
    until = float(full.values["market.time"]) + 3_600
    wait_until(
        lambda: float(read_books(here.state_db).values["market.time"]) > until, PATIENCE_S, "1 h"
    )
    assert entries(read_books(here.state_db)) == entries(full)
    with ScriptedBridge(port) as listener:
        listener.last_seqs = last_seqs
        wait_until(
            lambda: entries(read_books(here.state_db)) > entries(full), PATIENCE_S, "it buys again"
        )

        def told() -> list[int]:
            events = (*bridge.events, *tuple(listener.events))
            return [one.fields["number"] for one in events if one.kind == "sold"]

        count = len(full.trades)
        wait_until(lambda: len(told()) >= count, PATIENCE_S, "all trades are told")
        assert told()[:count] == [one["number"] for one in full.trades]
        assert first.stop() == 0
    check_books(read_books(here.state_db))
    assert_no_traceback(first)
