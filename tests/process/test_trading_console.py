"""Trading as a person at the console meets it: two accounts, the demonstration, and the reports."""

import csv
from decimal import Decimal
from pathlib import Path

import orjson

from tests.process.installation import (
    PATIENCE_S,
    Installation,
    assert_no_traceback,
    last_error,
    outcome_lines,
    wait_connected,
)
from tests.process.trading_books import Books, check_books, read_books
from tests.processes import ROOT, Processes, RunningProcess
from tests.waiting import wait_until

TWO_ACCOUNTS = """
mode: leveraged
accounts:
  one: {market_type: spot}
  two: {market_type: margin, allow_short: true, leverage: 2}
"""


def ask_surely(bridge: RunningProcess, line: str) -> str:
    """Type a command and a yes to what it asks, and return the line it ends with."""
    before = len(outcome_lines(bridge))
    bridge.write(f"{line}\nyes\n")
    wait_until(
        lambda: len(outcome_lines(bridge)) > before,
        PATIENCE_S,
        f"an outcome of {line!r}\n{bridge.describe()}",
    )
    return outcome_lines(bridge)[before]


def ask(bridge: RunningProcess, line: str) -> str:
    """Type a command and return everything that is shown until it has ended."""
    before, shown = len(outcome_lines(bridge)), len(bridge.stdout)
    bridge.write(f"{line}\n")
    wait_until(lambda: len(outcome_lines(bridge)) > before, PATIENCE_S, f"an outcome of {line!r}")
    return bridge.stdout[shown:]


def held(books: Books) -> dict[tuple[str, str], Decimal]:
    """Return what is held by account and market."""
    return {key: Decimal(one["quantity"]) for key, one in books.positions.items()}


def test_two_accounts_hold_opposite_positions_in_one_market_over_a_restart(
    here: Installation,
) -> None:
    here.configure_bot(TWO_ACCOUNTS)
    bridge, first = here.start_bridge(), here.start_trading()
    wait_connected(bridge)
    wanted = {
        ("one", "BTC/USDT"): Decimal("0.01"),
        ("two", "BTC/USDT"): Decimal("-0.01"),
    }
    assert ask_surely(bridge, "/buy BTC/USDT 0.01 @:one").startswith("[applied] /buy BTC/USDT 0.01")
    # Nothing is held there: to sell is to go short, which is asked about first.
    sold = ask_surely(bridge, "/sell BTC/USDT 0.01 @:two")
    assert sold.startswith("[applied] /sell BTC/USDT 0.01"), sold
    wait_until(lambda: held(read_books(here.state_db)) == wanted, PATIENCE_S, "both positions")
    for program in (first, None):
        if program is None:
            here.start_trading()
            wait_connected(bridge)
        books = read_books(here.state_db)
        assert held(books) == wanted
        check_books(books, accounts=("one", "two"))
        shown = ask(bridge, "/positions")
        assert "one" in shown
        assert "two" in shown
        assert shown.count("BTC/USDT") >= 2
        if program is not None:
            program.kill()
            wait_connected(bridge, 0)
    done = ask_surely(bridge, "/flatten @:two")
    assert done.startswith("[applied] /flatten"), done
    assert held(read_books(here.state_db)) == {("one", "BTC/USDT"): Decimal("0.01")}
    assert bridge.stop() == 0
    assert_no_traceback(bridge, first)


def test_the_demonstration_trades_and_flattens_by_piped_commands(
    processes: Processes, tmp_path: Path
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    commands = "/starttrading\n/buy BTC/USDT\nyes\n/positions\n/getstats\n/flatten\nyes\n/orders\n"
    demo = processes.run(
        ROOT / "run_demo.sh",
        env={"TMPDIR": str(temporary), "VAR_DIR": None, "LINK_PORT": None},
        stdin=commands,
        timeout_s=50,
    )
    assert demo.returncode == 0, demo.describe()
    assert [line.split(" — ")[0] for line in outcome_lines(demo)] == [
        "[applied] /starttrading",
        "[applied] /buy BTC/USDT",
        "[applied] /positions",
        "[applied] /getstats",
        "[applied] /flatten",
        "[applied] /orders",
    ], demo.describe()
    assert ": flat: " in outcome_lines(demo)[4]
    assert "no open order" in demo.stdout
    assert list(temporary.iterdir()) == []


def test_what_was_traded_is_reported_exported_and_forgotten(here: Installation) -> None:
    bridge, trading = here.start_bridge(), here.start_trading()
    wait_connected(bridge)
    for line in ("/buy BTC/USDT", "/buy ETH/USDT"):
        assert ask_surely(bridge, line).startswith(f"[applied] {line}")
    wait_until(lambda: len(read_books(here.state_db).positions) == 2, PATIENCE_S, "two positions")
    assert "[applied] /sell BTC/USDT" in ask(bridge, "/sell BTC/USDT")
    wait_until(lambda: read_books(here.state_db).trades, PATIENCE_S, "a trade")
    assert trading.stop() == 0
    books = read_books(here.state_db)
    check_books(books)
    (trade,) = books.trades
    export = here.folder / "trades.csv"
    report = here.trading_command("report", here.bot_dir, "--json", "--csv", export)
    assert report.returncode == 0, report.describe()
    told = orjson.loads(report.stdout)
    assert [one["symbol"] for one in told["positions"]] == ["ETH/USDT"]
    assert told["orders_open"] == len(books.open_orders) == 1
    assert [Decimal(one["profit"]) for one in told["trades"]] == [Decimal(trade["profit"])]
    with export.open(newline="", encoding="utf-8") as file:
        assert [Decimal(one["profit"]) for one in csv.DictReader(file)] == [
            Decimal(trade["profit"])
        ]
    assert here.trading_command("reset", here.bot_dir, "--yes").returncode == 0
    again = here.start_trading()
    wait_connected(bridge)
    assert "no open position" in ask(bridge, "/positions")
    assert (again.stop(), bridge.stop()) == (0, 0)


def test_what_was_traded_on_paper_is_never_taken_for_another_accounts(here: Installation) -> None:
    bridge, trading = here.start_bridge(), here.start_trading()
    wait_connected(bridge)
    assert ask_surely(bridge, "/buy BTC/USDT").startswith("[applied]")
    assert trading.stop() == 0
    before = here.state_db.read_bytes()
    text = here.bot_file.read_text(encoding="utf-8")
    changes = {
        "exchange: paper": "exchange: kraken",
        "link:": "dry_run: false\nlink:",
    }
    for old, new in changes.items():
        here.bot_file.write_text(text.replace(old, new), encoding="utf-8")
        refused = here.launch_trading()
        assert refused.wait() == 78, refused.describe()
        assert last_error(refused).startswith("error: ")
        assert here.state_db.read_bytes() == before
    here.bot_file.write_text(text, encoding="utf-8")
    again = here.start_trading()
    wait_connected(bridge)
    assert "BTC/USDT" in ask(bridge, "/positions")
    assert (again.stop(), bridge.stop()) == (0, 0)
