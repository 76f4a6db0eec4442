"""What is traded, in the database: one transaction, the last word, and what a start reads."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from daemonkit.errors import ExitCode, StateError
from daemonkit.storage.check import check_database
from daemonkit.storage.database import open_database
from tests.trading_tests.makers import NOW
from tests.trading_tests.store.rig import OWNER, QUICK, StoreRig, store_rig
from tests.trading_tests.store.trading_values import FILL, POSITION, make_order, make_trade
from tests.waiting import wait_until
from trading.engine.effects import (
    DropPosition,
    SaveFill,
    SaveOrder,
    SavePosition,
    SaveTrade,
)
from trading.model.order_states import OrderState
from trading.store.database import KIND, MIGRATIONS, StoreLimits, open_state_database
from trading.store.schema import HEAD
from trading.store.trading_rows import fill_from_row, fill_to_row
from trading.store.trading_tables import ENDED_ORDERS_MAX, TRADES_READ_AT_ONCE

DAY = 86_400.0
QUIET = StoreLimits(order_age_max_s=3650 * DAY)


def change(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(statement)


def count(rig: StoreRig, table: str) -> int:
    with closing(sqlite3.connect(rig.database.path)) as connection:
        found: int = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        return found


def test_all_of_an_event_comes_back_after_a_restart(tmp_path: Path) -> None:
    order = make_order(state=OrderState.PARTIAL, filled=Decimal("0.50"))
    with store_rig(tmp_path) as rig:
        rig.store.submit(
            [SaveOrder(order), SaveFill(FILL), SavePosition(POSITION), SaveTrade(make_trade(1))]
        )
    with store_rig(tmp_path) as rig:
        saved = rig.database.load_trading()
        assert saved.orders == [order]
        assert saved.positions == [POSITION]
        assert list(saved.fill_ids) == [("main", "f1")]
        assert saved.last_trade_number == 1
        assert list(saved.read_trades(0)) == [make_trade(1)]
        assert list(saved.read_trades(1)) == []


def test_a_new_database_holds_no_trading(tmp_path: Path) -> None:
    with store_rig(tmp_path) as rig:
        saved = rig.database.load_trading()
        assert (saved.orders, saved.positions, list(saved.fill_ids)) == ([], [], [])
        assert saved.last_trade_number == 0


def test_the_last_word_about_an_order_and_a_position_counts(tmp_path: Path) -> None:
    other = replace(POSITION, symbol="ETH/USDT")
    with store_rig(tmp_path) as rig:
        for number in range(50):
            rig.store.submit(
                [
                    SaveOrder(make_order(updated_at=NOW + number)),
                    SavePosition(replace(POSITION, opened_at=float(number))),
                    SavePosition(other),
                ]
            )
        rig.store.submit([DropPosition("main", "ETH/USDT")])
        rig.settle()
        saved = rig.database.load_trading()
        assert saved.orders == [make_order(updated_at=NOW + 49)]
        assert saved.positions == [replace(POSITION, opened_at=49.0)]
        rig.store.submit([DropPosition("main", "BTC/USDT"), SavePosition(other)])
        rig.settle()
        assert rig.database.load_trading().positions == [other]


def test_orders_of_two_accounts_may_have_one_id(tmp_path: Path) -> None:
    both = [make_order(account="one"), make_order(account="two")]
    with store_rig(tmp_path) as rig:
        rig.store.submit([SaveOrder(order) for order in both])
        rig.settle()
        assert rig.database.load_trading().orders == both


def test_a_fill_that_is_told_twice_is_kept_once(tmp_path: Path) -> None:
    with store_rig(tmp_path) as rig:
        rig.store.submit([SaveOrder(make_order()), SaveFill(FILL), SaveFill(FILL)])
        rig.store.submit([SaveFill(FILL)])
        rig.settle()
        assert count(rig, "fill") == 1
        assert not rig.seen.failures


def test_a_trade_number_that_is_given_twice_stops_the_store(tmp_path: Path) -> None:
    with store_rig(tmp_path) as rig:
        rig.store.submit([SaveTrade(make_trade(1))])
        rig.settle()
        rig.store.submit([SaveTrade(make_trade(1, profit=Decimal(7)))])
        wait_until(lambda: rig.seen.failures, 5, "the failure")
        assert list(rig.database.trading.read_trades(0)) == [make_trade(1)]


def test_a_start_reads_open_orders_and_those_that_ended_within_a_day(tmp_path: Path) -> None:
    ended = OrderState.FILLED
    kept = [
        make_order("open", created_at=NOW - 9 * DAY, updated_at=NOW - 9 * DAY),
        make_order("unknown", created_at=NOW - 8 * DAY, state=OrderState.UNKNOWN),
        make_order("late", created_at=NOW - 2, updated_at=NOW - DAY + 1, state=ended),
        make_order("newest", created_at=NOW - 1, state=OrderState.REJECTED),
    ]
    gone = make_order("gone", updated_at=NOW - DAY - 1, state=ended)
    with store_rig(tmp_path, limits=QUIET) as rig:
        rig.store.submit([SaveOrder(order) for order in [*kept, gone]])
        rig.store.submit([SaveFill(replace(FILL, order_id="late", fill_id="l"))])
        rig.store.submit([SaveFill(replace(FILL, order_id="gone", fill_id="g"))])
        rig.settle()
        saved = rig.database.load_trading()
        assert [order.id for order in saved.orders] == [order.id for order in kept]
        assert list(saved.fill_ids) == [("main", "l")]


def test_the_number_of_ended_orders_that_a_start_reads_is_bounded(tmp_path: Path) -> None:
    many = ENDED_ORDERS_MAX + 5
    with store_rig(tmp_path) as rig:
        rig.store.submit(
            [
                SaveOrder(make_order(str(n), updated_at=NOW + n, state=OrderState.EXPIRED))
                for n in range(many)
            ]
        )
        rig.settle()
        found = {order.id for order in rig.database.load_trading().orders}
        assert found == {str(n) for n in range(5, many)}


def test_trades_are_streamed_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    many = 2 * TRADES_READ_AT_ONCE + 3
    with store_rig(tmp_path) as rig:
        rig.store.submit([SaveTrade(make_trade(number)) for number in range(many, 0, -1)])
        rig.settle()
        numbers = [trade.number for trade in rig.database.trading.read_trades(0)]
        assert numbers == list(range(1, many + 1))
        assert [one.number for one in rig.database.trading.read_trades(many - 2)] == [
            many - 1,
            many,
        ]


def test_old_orders_go_with_their_fills_and_trades_stay(tmp_path: Path) -> None:
    new, ended = 1_700_000_000.0, OrderState.FILLED
    old = new - 10 * DAY
    limits = StoreLimits(order_age_max_s=7 * DAY)
    with store_rig(tmp_path, limits=limits) as rig:
        for order_id, at, state in [
            ("old", old, ended),
            ("open", old, OrderState.WORKING),
            ("new", new, ended),
        ]:
            rig.store.submit([SaveOrder(make_order(order_id, updated_at=at, state=state))])
            rig.store.submit([SaveFill(replace(FILL, fill_id=order_id, order_id=order_id, at=at))])
        rig.store.submit([SaveFill(replace(FILL, fill_id="stray", order_id="?", at=old))])
        rig.store.submit([SaveTrade(make_trade(1, opened_at=old))])
        wait_until(lambda: count(rig, "trade_order") == 2, 5, "the old order is gone")
        wait_until(lambda: count(rig, "fill") == 2, 5, "the old fills are gone")
        assert [order.id for order in rig.database.load_trading().orders] == ["new", "open"]
        assert count(rig, "trade") == 1


def test_a_replay_of_old_data_is_not_old(tmp_path: Path) -> None:
    then = 1_000_000_000.0
    with store_rig(tmp_path, limits=StoreLimits(order_age_max_s=DAY)) as rig:
        rig.store.submit([SaveOrder(make_order(updated_at=then, state=OrderState.FILLED))])
        rig.settle()
        commits = rig.store.health.commits
        wait_until(lambda: rig.store.health.commits > commits + 2, 5, "some rounds of pruning")
        assert count(rig, "trade_order") == 1


@pytest.mark.parametrize(
    ("statement", "place"),
    [
        ("UPDATE trade_order SET quantity = 'many'", "trade_order main o1"),
        ("UPDATE trade_order SET state = 'gone'", "trade_order main o1"),
        ("UPDATE trade_order SET exit_plan = '{}'", "trade_order main o1"),
        ("UPDATE position SET entry_price = 'NaN'", "position main BTC/USDT"),
        ("UPDATE position SET trail = 'x'", "position main BTC/USDT"),
        ("UPDATE trade SET side = 'up'", "trade 1"),
    ],
)
def test_a_row_that_cannot_be_read_ends_the_start_and_names_its_place(
    tmp_path: Path, statement: str, place: str
) -> None:
    with store_rig(tmp_path) as rig:
        rig.store.submit(
            [SaveOrder(make_order()), SavePosition(POSITION), SaveTrade(make_trade(1))]
        )
    path = tmp_path / "state.db"
    change(path, statement)
    database = open_state_database(path, OWNER, epoch="e", restore_hint="restore it so")
    try:
        with pytest.raises(StateError) as caught:
            list(database.load_trading().read_trades(0))
    finally:
        database.close()
    text = str(caught.value)
    assert caught.value.exit_code is ExitCode.CONFIGURATION
    assert text.startswith(f"{path}: {place}: found ")
    assert text.endswith("restore it so")
    assert "\n" not in text


def test_a_database_of_the_version_before_is_migrated_and_a_copy_kept(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    open_database(path, kind=KIND, migrations=MIGRATIONS, head="0001").dispose()
    change(path, "INSERT INTO owner VALUES ('bot','paper'),('exchange','paper'),('mode','paper')")
    change(path, "INSERT INTO state_value VALUES ('intent', 'on')")
    body = b'{"tag":"event","message":{},"timestamp":1}'
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO outbox VALUES (7, 'e0', 3, ?)", (body,))
        connection.commit()
    database = open_state_database(path, OWNER, epoch="e1", restore_hint="")
    try:
        assert database.load_saved() == {"intent": "on"}
        assert [tuple(row) for row in database.outbox.read_after(0, 9)] == [(7, "e0", 3, body)]
        assert database.load_trading().orders == []
    finally:
        database.close()
    assert check_database(path) == HEAD
    assert check_database(tmp_path / "state.db.backup-0001-before-0003") == "0001"


def test_a_fill_of_the_version_before_is_kept_without_the_worth_of_its_fee(
    tmp_path: Path,
) -> None:
    path = tmp_path / "state.db"
    open_database(path, kind=KIND, migrations=MIGRATIONS, head="0002").dispose()
    change(path, "INSERT INTO owner VALUES ('bot','paper'),('exchange','paper'),('mode','paper')")
    before = fill_to_row(FILL)[:-1]
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"INSERT INTO fill VALUES ({', '.join('?' * len(before))})", before)
        connection.commit()
    open_state_database(path, OWNER, epoch="e1", restore_hint="").close()
    with closing(sqlite3.connect(path)) as connection:
        (row,) = connection.execute("SELECT * FROM fill").fetchall()
    assert fill_from_row(row) == FILL


def test_pruning_goes_on_until_all_of_it_is_done(tmp_path: Path) -> None:
    slow = replace(QUICK, prune_interval_s=3_600.0, prune_again_s=0.01)
    limits = StoreLimits(order_age_max_s=DAY, prune_rows_max=10)
    with store_rig(tmp_path, limits=limits) as rig:
        old, ended = 1_700_000_000.0, OrderState.FILLED
        orders = [make_order(str(n), updated_at=old, state=ended) for n in range(95)]
        newest = make_order("new", updated_at=old + 9 * DAY, state=ended)
        rig.store.submit([SaveOrder(order) for order in [*orders, newest]])
    with store_rig(tmp_path, limits=limits, timings=slow) as rig:
        wait_until(lambda: count(rig, "trade_order") == 1, 5, "only the newest is left")
