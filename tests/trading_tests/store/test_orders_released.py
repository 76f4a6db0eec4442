"""What is released to brokers: after the commit, in order; in trouble only what reduces risk."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from tcpproto import ReplyState
from tests.small_filesystem import fill_up, small_filesystem
from tests.trading_tests.makers import NOW, make_event
from tests.trading_tests.store.rig import QUICK, Seen, StoreRig, store_rig
from tests.trading_tests.store.test_disk_trouble import damage
from tests.trading_tests.store.trading_values import (
    approved_entry,
    approved_exit,
    make_order,
    make_trade,
)
from tests.waiting import wait_until
from trading.engine.effects import (
    CancelOrder,
    RaiseEvent,
    RecordOutcome,
    SaveOrder,
    SaveTrade,
    SubmitOrder,
)
from trading.engine.events import StoreTrouble
from trading.model.outcome import CommandOutcome
from trading.risk.approval import ApprovedOrder
from trading.store.release import ReleaseRouter

__all__ = ["small_filesystem"]


def enter(order_id: str) -> list[SaveOrder | SubmitOrder]:
    return [SaveOrder(make_order(order_id)), SubmitOrder(approved_entry(order_id))]


def leave(order_id: str) -> list[SaveOrder | SubmitOrder]:
    approved = approved_exit(order_id)
    return [SaveOrder(approved.order), SubmitOrder(approved)]


@contextmanager
def locked(rig: StoreRig) -> Iterator[None]:
    """Keep the database locked until the end of the block; begins in trouble."""
    rig.store._journal._connection.execute("PRAGMA busy_timeout=10")
    with closing(sqlite3.connect(rig.database.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        rig.store.submit([RaiseEvent(make_event("stuck"))])
        wait_until(lambda: rig.store.health.trouble is StoreTrouble.BUSY, 5, "the trouble")
        yield
        other.execute("ROLLBACK")


def stored_ids(rig: StoreRig) -> set[str]:
    return {order.id for order in rig.database.load_trading().orders}


def test_an_order_leaves_after_it_is_committed(tmp_path: Path) -> None:
    with store_rig(tmp_path) as rig:
        committed: list[set[str]] = []
        submit = rig.seen.submit

        def look_then_submit(approved: object) -> None:
            committed.append(stored_ids(rig))
            submit(approved)  # type: ignore[arg-type]

        rig.seen.submit = look_then_submit  # type: ignore[method-assign]
        rig.store.submit(enter("o1"))
        rig.settle()
        assert committed == [{"o1"}]
        assert rig.seen.sent == ["submit o1"]


def test_orders_and_cancellations_leave_in_the_order_of_their_events(tmp_path: Path) -> None:
    with store_rig(tmp_path) as rig:
        for number in range(300):
            rig.store.submit([*enter(f"o{number}"), CancelOrder("main", f"o{number}")])
        rig.settle()
        assert rig.seen.sent == [
            text for n in range(300) for text in (f"submit o{n}", f"cancel main o{n}")
        ]
        assert rig.store.health.commits < 300
        assert not rig.seen.withheld


def test_applied_is_said_after_the_order_was_handed_over(tmp_path: Path) -> None:
    with store_rig(tmp_path) as rig:
        order: list[str] = []
        rig.seen.sent = rig.seen.replies = order  # type: ignore[assignment]
        outcome = CommandOutcome("c1", "buy", "42", ReplyState.APPLIED, "done", NOW)
        rig.store.submit([*enter("o1"), RecordOutcome(outcome)])
        rig.settle()
        assert order == ["submit o1", outcome.to_reply()]


def test_while_the_database_is_locked_exits_leave_at_once_and_entries_never(
    tmp_path: Path,
) -> None:
    with store_rig(tmp_path) as rig:
        with locked(rig):
            rig.store.submit(enter("in1"))
            rig.store.submit([CancelOrder("main", "stop1"), *leave("out1")])
            rig.store.submit([*enter("in2"), *leave("out2")])
            wanted = ["cancel main stop1", "submit out1", "submit out2"]
            wait_until(lambda: rig.seen.sent == wanted, 5, "the exits")
            assert [order_id for order_id, _why in rig.seen.withheld] == ["in1", "in2"]
            assert stored_ids(rig) == set()
        rig.settle()
        wait_until(lambda: rig.store.health.trouble is None, 5, "the all-clear")
        # Nothing a second time, and what was done is on the disk now.
        assert rig.seen.sent == wanted
        assert len(rig.seen.withheld) == 2
        assert stored_ids(rig) == {"in1", "in2", "out1", "out2"}
        rig.store.submit(enter("in3"))
        rig.settle()
        assert rig.seen.sent[-1] == "submit in3"


def test_an_order_that_is_withheld_says_why(tmp_path: Path) -> None:
    with store_rig(tmp_path) as rig, locked(rig):
        rig.store.submit(enter("in1"))
        wait_until(lambda: rig.seen.withheld, 5, "the entry is withheld")
        assert rig.seen.withheld == [("in1", "not sent: state.db is not written (database locked)")]


def test_the_batch_that_meets_the_trouble_lets_its_exits_out(tmp_path: Path) -> None:
    with store_rig(tmp_path) as rig:
        rig.settle()
        rig.store._journal._connection.execute("PRAGMA query_only=1")
        rig.store.submit([*enter("in1"), *leave("out1"), CancelOrder("main", "x")])
        wait_until(lambda: len(rig.seen.sent) == 2, 5, "the exits")
        rig.store._journal._connection.execute("PRAGMA query_only=0")
        rig.settle()
        assert rig.seen.sent == ["submit out1", "cancel main x"]
        assert [order_id for order_id, _why in rig.seen.withheld] == ["in1"]
        assert stored_ids(rig) == {"in1", "out1"}


def test_on_a_full_disk_exits_leave_each_once_and_in_order(small_filesystem: Path) -> None:
    with store_rig(small_filesystem, reserve_bytes=4096) as rig:
        rig.store.submit([RaiseEvent(make_event("first"))])
        rig.settle()
        filler = fill_up(small_filesystem)
        for number in range(200):
            fields = {"filling": "x" * 2_000}
            rig.store.submit([RaiseEvent(make_event("big", fields=fields)), *leave(f"o{number}")])
            rig.store.submit(enter(f"in{number}"))
        wanted = [f"submit o{number}" for number in range(200)]
        wait_until(lambda: [s for s in rig.seen.sent if "in" not in s] == wanted, 5, "the exits")
        entered = len([one for one in rig.seen.sent if "in" in one])
        filler.unlink()
        rig.settle(10)
        assert [s for s in rig.seen.sent if "in" not in s] == wanted
        # An entry leaves before the trouble or not at all.
        assert len([one for one in rig.seen.sent if "in" in one]) == entered
        assert entered + len(rig.seen.withheld) == 200


def test_with_a_damaged_database_exits_still_leave_once(tmp_path: Path) -> None:
    with store_rig(tmp_path) as rig:
        rig.store.submit(
            [RaiseEvent(make_event(str(n), fields={"x": "y" * 900})) for n in range(99)]
        )
        rig.settle()
        with closing(sqlite3.connect(tmp_path / "state.db")) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        damage(tmp_path / "state.db")
        for number in range(50):
            rig.store.submit(
                [*enter(f"in{number}"), *leave(f"out{number}"), SaveTrade(make_trade(number + 1))]
            )
        rig.settle()
        wait_until(lambda: rig.store.health.trouble is StoreTrouble.DAMAGED, 5, "the damage")
        rig.store.submit([CancelOrder("main", "last")])
        rig.settle()
        exits = [one for one in rig.seen.sent if "in" not in one.removeprefix("cancel main ")]
        assert exits == [*(f"submit out{n}" for n in range(50)), "cancel main last"]
        assert len(rig.seen.sent) + len(rig.seen.withheld) == 101


def test_a_stop_in_trouble_still_lets_exits_out(tmp_path: Path) -> None:
    with store_rig(tmp_path) as rig, locked(rig):
        rig.store.submit(leave("out1"))
        assert rig.store.stop(0.3) is False
        assert rig.seen.sent == ["submit out1"]


def test_each_account_has_its_own_broker() -> None:
    main, other = Seen(), Seen()
    router = ReleaseRouter(Seen(), {"main": main, "other": other})
    router.submit(approved_entry("o1"))
    router.withhold(approved_entry("o1"), "why")
    router.cancel("other", "o2")
    assert (main.sent, main.withheld) == (["submit o1"], [("o1", "why")])
    assert (other.sent, other.withheld) == (["cancel other o2"], [])


def test_the_link_hears_of_an_order_a_moment_after_it_left(tmp_path: Path) -> None:
    with store_rig(tmp_path, timings=replace(QUICK, orders_first_s=0.3)) as rig:
        rig.store.submit([RaiseEvent(make_event("before"))])
        rig.settle()
        assert rig.seen.wakes == 1
        rig.store.submit([*enter("o1"), RaiseEvent(make_event("placed"))])
        wait_until(lambda: rig.seen.sent, 5, "the order")
        assert rig.seen.wakes == 1
        wait_until(lambda: rig.seen.wakes == 2, 5, "the link is told")


def test_the_link_hears_of_an_order_before_the_next_commit(tmp_path: Path) -> None:
    with store_rig(tmp_path, timings=replace(QUICK, orders_first_s=60.0)) as rig:
        rig.store.submit([*enter("o1"), RaiseEvent(make_event("placed"))])
        wait_until(lambda: rig.seen.sent, 5, "the order")
        assert rig.seen.wakes == 0
        with locked(rig):
            assert rig.seen.wakes == 1


def test_the_link_hears_of_an_order_at_a_stop(tmp_path: Path) -> None:
    with store_rig(tmp_path, timings=replace(QUICK, orders_first_s=60.0)) as rig:
        rig.store.submit([*enter("o1"), RaiseEvent(make_event("placed"))])
        assert rig.store.stop(5.0)
        assert rig.seen.wakes == 1


def test_an_order_is_prepared_before_it_is_committed(tmp_path: Path) -> None:
    with store_rig(tmp_path) as rig:
        seen: list[tuple[str, set[str], list[str]]] = []

        def note(approved: ApprovedOrder) -> None:
            seen.append((approved.order.id, stored_ids(rig), [*rig.seen.sent]))

        rig.seen.prepare = note  # type: ignore[method-assign]
        rig.store.submit(enter("o1"))
        rig.settle()
        assert seen == [("o1", set(), [])]
        assert rig.seen.sent == ["submit o1"]


def test_only_what_leaves_first_for_its_account_is_prepared(tmp_path: Path) -> None:
    with store_rig(tmp_path) as rig:
        rig.store.submit([*enter("o1"), *enter("o2"), CancelOrder("main", "o0")])
        rig.settle()
        assert rig.seen.prepared == ["o1"]
        rig.store.submit([CancelOrder("main", "o1"), *enter("o3")])
        rig.settle()
        assert rig.seen.prepared == ["o1"]


def test_what_was_prepared_and_cannot_be_committed_is_withheld(tmp_path: Path) -> None:
    with store_rig(tmp_path) as rig:
        rig.settle()
        rig.store._journal._connection.execute("PRAGMA query_only=1")
        rig.store.submit([*enter("in1"), *leave("out1")])
        wait_until(lambda: rig.seen.sent, 5, "the exit")
        rig.store.submit(enter("in2"))
        wait_until(lambda: len(rig.seen.withheld) == 2, 5, "the entries are withheld")
        rig.store._journal._connection.execute("PRAGMA query_only=0")
        rig.settle()
        assert rig.seen.sent == ["submit out1"]
        assert [order_id for order_id, _why in rig.seen.withheld] == ["in1", "in2"]
        assert "in2" not in rig.seen.prepared
