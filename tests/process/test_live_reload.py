"""A reload of the configuration while real money is held: nothing is sent, nothing is forgotten."""

import re
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.process.installation import query
from tests.process.live_desk import LiveDesk
from tests.processes import RunningProcess

LIVE = "dry_run: false\n"
# What no reload may change, and what it says of it.
OTHERS = {
    "dry_run: true\n": "account main: found real positions and trades, allowed paper",
    "dry_run: false\nmode: leveraged\n": "account main: found a spot account, allowed margin",
}


def workers(process: RunningProcess) -> set[str]:
    """Return the ids of the threads that work the account, as the kernel has them."""
    tasks = Path(f"/proc/{process.pid}/task").iterdir()
    names = {"broker-main", "reads-main", "stream-main"}
    return {one.name for one in tasks if (one / "comm").read_text("utf-8").strip() in names}


def reload(trading: RunningProcess) -> None:
    trading.send_signal(signal.SIGHUP)


def refused(trading: RunningProcess, words: str) -> None:
    reload(trading)
    trading.wait_for(f"the new configuration is refused, the old one stays: .*{re.escape(words)}")


def test_a_reload_keeps_worker_orders_and_stop_and_refuses_another_account(desk: LiveDesk) -> None:
    bridge, trading = desk.go_live()
    desk.buy(bridge)
    (stop,) = desk.stops()
    sent, threads = len(desk.engine.orders(desk.account)), workers(trading)
    desk.configure(f"{LIVE}log_level: DEBUG\nrisk: {{stop_loss_pct: 0.1}}\n")
    reload(trading)
    trading.wait_for(r"reloaded applied=\('log_level',\) waiting=\('risk.stop_loss_pct',\)")
    for text, words in OTHERS.items():
        desk.configure(text)
        refused(trading, words)
    desk.exchange = "coinbase"
    desk.configure(LIVE)
    refused(trading, "account main: found exchange kraken, allowed coinbase")
    desk.exchange = "kraken"
    desk.configure(LIVE)
    own = desk.here.bot_folder / "keys" / "main_key"
    own.write_text("fake-key-of-another", encoding="ascii")
    refused(trading, "account main: found key")
    own.unlink()
    refused(trading, "found no main_key")
    desk.put_keys()
    # The same threads, nothing new at the exchange; that they still work is seen below.
    assert workers(trading) == threads
    assert len(threads) == 3
    assert [one.client_id for one in desk.stops()] == [stop.client_id]
    assert len(desk.engine.orders(desk.account)) == sent
    open_here = "SELECT count(*) FROM trade_order WHERE state = 'working'"
    assert query(desk.here.state_db, open_here) == [(1,)]
    desk.flatten(bridge)
    desk.end(bridge, trading)


def test_a_database_that_was_replaced_has_a_reload_refused_and_ends_no_bot(desk: LiveDesk) -> None:
    bridge, trading = desk.go_live()
    own = [path for path in desk.here.state_db.parent.iterdir() if path.name.startswith("state.db")]
    aside = desk.here.state_db.parent / "aside"
    aside.mkdir()
    for path in own:
        path.rename(aside / path.name)
    with closing(sqlite3.connect(desk.here.state_db)) as other:
        other.execute("CREATE TABLE of_something_else (number INTEGER)")
    refused(trading, "no such table")
    for path in own:
        (aside / path.name).rename(path)
    desk.buy(bridge)
    desk.end(bridge, trading)
