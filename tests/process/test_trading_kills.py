"""Kill -9 of a bot at random moments of trading: nothing is lost, and nothing is done twice."""

from decimal import Decimal
from random import Random

import orjson
import pytest

from tests.process.installation import PATIENCE_S, Installation, assert_no_traceback
from tests.process.trading_books import (
    Books,
    check_books,
    check_continued,
    check_statistics,
    check_status,
    check_unchanged,
    read_books,
    wait_for_trade_file,
)
from tests.process.trading_life import (
    BOTH_WAYS,
    LONG_ONLY,
    QUICK,
    STILL,
    SYMBOLS,
    DeadlyBridge,
    Life,
)
from tests.waiting import wait_until

SHORT = pytest.mark.timeout(120)
LONG = (pytest.mark.long, pytest.mark.timeout(900))


@pytest.mark.parametrize(
    ("kills", "settings", "accounts"),
    [
        pytest.param(3, LONG_ONLY, ("main",), id="long only", marks=SHORT),
        pytest.param(2, BOTH_WAYS, ("main", "second"), id="both ways", marks=SHORT),
        pytest.param(25, LONG_ONLY, ("main",), id="long only, 25 times", marks=LONG),
        pytest.param(25, BOTH_WAYS, ("main", "second"), id="both ways, 25 times", marks=LONG),
    ],
)
def test_a_bot_killed_while_it_trades_goes_on_as_if_nothing_had_been(
    here: Installation, kills: int, settings: str, accounts: tuple[str, ...]
) -> None:
    seed = Random().getrandbits(32)
    print(f"seed {seed}")  # noqa: T201 - a failure shows it
    with DeadlyBridge() as bridge:
        life = Life(here, bridge, Random(seed), settings, accounts)
        bot = life.start(QUICK)
        assert bridge.ask(bridge.command("starttrading")).state == "applied"
        books = read_books(here.state_db)
        for _ in range(kills):
            life.order()
            life.repeat_some()
            life.let_trade(2)
            life.kill_at_a_random_moment(bot)
            books = check_kill(life, before=books)
            bot = life.start(QUICK)
        assert bot.stop() == 0
        books = check_kill(life, before=books)
    assert len(books.fills) >= 2 * kills, "too little happened for this test to mean anything"
    check_commands(life, books)
    check_report(life, books)
    assert_no_traceback(*life.starts)


def check_kill(life: Life, before: Books) -> Books:
    """Hold what is on the disk against itself, what was there, and what the next start tells."""
    here = life.here
    killed = read_books(here.state_db)
    check_books(killed, life.accounts)
    check_continued(before, killed)
    bot = life.start(STILL)
    # Not before the first price of each market: then nothing moves any more.
    wait_until(
        lambda: life.ask("getstatus")["ticks_handled"] == len(SYMBOLS), PATIENCE_S, "a first price"
    )
    fields, statistics = life.ask("getstatus"), life.ask("getstats")
    books = read_books(here.state_db)
    check_books(books, life.accounts)
    check_unchanged(killed, books)
    check_status(fields, books)
    check_statistics(statistics, books)
    wait_for_trade_file(here.bot_folder, books)
    assert orjson.loads((here.bot_folder / "state.json").read_bytes())["bot"] == "paper"
    # Each trade is told of, and no kill has it told of twice.
    wait_until(lambda: len(life.told_trades()) >= len(books.trades), PATIENCE_S, "all trades")
    assert life.told_trades() == [one["number"] for one in books.trades]
    life.repeat_some()
    bot.kill()
    return read_books(here.state_db)


def check_commands(life: Life, books: Books) -> None:
    """Each command that was carried out has its one order, and no other has any."""
    for command in life.commands:
        orders = books.by_author(command.author)
        outcome = books.outcomes.get(command.id)
        # A purchase closes what is short, and that order is the engine's own.
        is_deal = outcome is not None and outcome["text"].startswith(f"{command.verb} ")
        is_done = is_deal and outcome is not None and outcome["state"] == "applied"
        assert len(orders) == is_done, (command, outcome, orders)
        states = {one.state for one in life.bridge.replies_to(command)}
        assert len(states) <= 1, (command, states)


def check_report(life: Life, books: Books) -> None:
    """The report of a bot that does not run tells what is in its books."""
    here = life.here
    done = here.trading_command("report", here.bot_dir, "--json", "--trades", "10000")
    assert done.returncode == 0, done.describe()
    told = orjson.loads(done.stdout)
    assert [one["profit"] for one in told["trades"]] == [
        f"{Decimal(one['profit']):f}" for one in books.trades
    ]
    assert {(one["account"], one["symbol"]) for one in told["positions"]} == set(books.positions)
    assert told["orders_open"] == len(books.open_orders)
