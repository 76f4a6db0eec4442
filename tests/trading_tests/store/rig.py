"""One store thread with a real database, and everything around it in plain sight."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import orjson

from daemonkit.clock import SystemClock
from tcpproto import Event, Message, Reply
from trading.engine.events import StoreFault, StoreRecovered
from trading.ledger.files import LedgerFiles
from trading.risk.approval import ApprovedOrder
from trading.store.database import StateDatabase, StoreLimits, open_state_database
from trading.store.ownership import Owner
from trading.store.reserve import RoomyReserve
from trading.store.writer import StoreThread, StoreTimings

OWNER = Owner("paper", "paper", "paper")
QUICK = StoreTimings(
    retry_first_s=0.01,
    retry_longest_s=0.05,
    acknowledge_delay_s=0.02,
    prune_interval_s=0.05,
    reserve_check_s=0.05,
)


@dataclass
class Seen:
    """Keep what the store released and reported."""

    replies: list[Reply] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    prepared: list[str] = field(default_factory=list)
    withheld: list[tuple[str, str]] = field(default_factory=list)
    wakes: int = 0
    reports: list[StoreFault | StoreRecovered] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)

    def answer(self, reply: Reply) -> None:
        self.replies.append(reply)

    def wake_outbox(self) -> None:
        self.wakes += 1

    def prepare(self, approved: ApprovedOrder) -> None:
        self.prepared.append(approved.order.id)

    def submit(self, approved: ApprovedOrder) -> None:
        self.sent.append(f"submit {approved.order.id}")

    def cancel(self, account: str, order_id: str) -> None:
        self.sent.append(f"cancel {account} {order_id}")

    def withhold(self, approved: ApprovedOrder, reason: str) -> None:
        self.withheld.append((approved.order.id, reason))


class StoreRig:
    """Hold an opened database and its store thread."""

    def __init__(
        self,
        folder: Path,
        *,
        limits: StoreLimits,
        timings: StoreTimings = QUICK,
        reserve_bytes: int = 64 * 1024,
        keeps_files: bool = False,
    ) -> None:
        self.seen = Seen()
        self.database: StateDatabase = open_state_database(
            folder / "state.db", OWNER, epoch=str(uuid4()), restore_hint="restore"
        )
        self.store = StoreThread(
            self.database,
            RoomyReserve(folder / "state.reserve", reserve_bytes),
            clock=SystemClock(),
            limits=limits,
            timings=timings,
            released=self.seen,
            report=self.seen.reports.append,
            on_failure=self.seen.failures.append,
        )
        if keeps_files:
            saved = self.database.load_trading()
            self.store.keep_files(
                LedgerFiles(
                    folder,
                    read_trades=saved.read_trades,
                    last_number=saved.last_trade_number,
                    clock=SystemClock(),
                    view_interval_s=0.05,
                    retry_s=0.05,
                )
            )

    @property
    def epoch(self) -> str:
        return self.database.epoch

    def settle(self, timeout_s: float = 5.0) -> None:
        """Wait until everything submitted so far is committed."""
        assert self.store.is_settled(timeout_s)

    def events(self) -> Sequence[Event]:
        """Return the events that wait for the bridge, in order."""
        return events_in(self.database)


@contextmanager
def store_rig(
    folder: Path,
    *,
    limits: StoreLimits | None = None,
    timings: StoreTimings = QUICK,
    reserve_bytes: int = 64 * 1024,
    keeps_files: bool = False,
) -> Iterator[StoreRig]:
    """Run a store thread in a folder; stop it at the end."""
    rig = StoreRig(
        folder,
        limits=limits or StoreLimits(),
        timings=timings,
        reserve_bytes=reserve_bytes,
        keeps_files=keeps_files,
    )
    rig.store.start()
    try:
        yield rig
    finally:
        rig.store.stop(5.0)
        rig.database.close()


def events_in(database: StateDatabase) -> list[Event]:
    """Return the events of an outbox, in order."""
    rows = database.outbox.read_after(0, 1_000_000)
    events = [Event.parse(message_of(row.body)) for row in rows]
    for row, event in zip(rows, events, strict=True):
        assert (row.epoch, row.seq) == (event.epoch, event.seq)
    return events


def message_of(body: bytes) -> Message:
    """Return the message that stored bytes hold."""
    return Message(**orjson.loads(body))
