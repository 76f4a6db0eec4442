"""The store thread: one transaction for everything that waits, then the release, in order.

Nothing it holds is ever dropped or reordered by a full disk: the same batch is tried again for
ever. Only a damaged database loses what comes after, and then nothing is claimed to be kept.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from daemonkit.clock import Clock
from tcpproto import Reply
from trading.engine.effects import CancelOrder, CommittedEffect
from trading.engine.events import StoreFault, StoreRecovered
from trading.ledger.files import LedgerFiles
from trading.store.batch import Batch
from trading.store.database import StateDatabase, StoreLimits
from trading.store.health import StoreHealth
from trading.store.intake import Acknowledged, Damage, End, Intake, Item, Mark, View
from trading.store.release import Released, release_in_trouble, split_unit
from trading.store.state_values import write_state_values
from trading.store.trading_tables import TradingWriter
from trading.store.trouble import Reserve, TroubleDesk

log = logging.getLogger(__name__)

BATCH_UNITS_MAX: Final = 1_000
# With more units waiting than this, the engine takes up no commands until the store catches up.
BEHIND_UNITS: Final = 2_000
# How long a stop waits for the try that is under way when its time is over.
LAST_TRY_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class StoreTimings:
    """Hold the store's intervals: retries, acknowledgements that come alone, and pruning.

    `prune_again_s` is how soon there is another round of it when one was not enough, and
    `orders_first_s` how long the link is told of nothing new while an order is on its way.
    """

    retry_first_s: float = 0.05
    retry_longest_s: float = 5.0
    acknowledge_delay_s: float = 0.2
    prune_interval_s: float = 600.0
    prune_again_s: float = 1.0
    reserve_check_s: float = 5.0
    orders_first_s: float = 0.002


class StoreThread:
    """Own the connection that writes to the database."""

    def __init__(
        self,
        database: StateDatabase,
        reserve: Reserve,
        *,
        clock: Clock,
        limits: StoreLimits,
        timings: StoreTimings,
        released: Released,
        report: Callable[[StoreFault | StoreRecovered], None],
        on_failure: Callable[[Exception], None],
    ) -> None:
        self._database = database
        self._clock = clock
        self._timings = timings
        self._released = released
        self._on_failure = on_failure
        self._outbox, self._outcomes = database.build_writers(limits)
        self._journal = database.build_journal()
        self._trouble = TroubleDesk(reserve, clock, report, timings.reserve_check_s)
        self._trading = TradingWriter(
            order_age_max_s=limits.order_age_max_s, prune_rows_max=limits.prune_rows_max
        )
        self._files: LedgerFiles | None = None
        self._view: Mapping[str, Any] | None = None
        self._is_view_told = False
        self._intake = Intake()
        # What a reader meets may lie where nothing is written for long.
        database.watch_for_damage(lambda error: self._intake.put(Damage(error)))
        self._give_up = threading.Event()
        self._is_ending = False
        self._prune_at = clock.monotonic()
        # When the link is to be told of rows that it was not told of yet; None without any.
        self._wake_at: float | None = None
        self._refused_told = 0
        self._commits = 0
        self._units_lost = 0
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)

    def keep_files(self, files: LedgerFiles) -> None:
        """Keep trades.jsonl and state.json too; to be said before the start."""
        self._files = files

    def start(self) -> None:
        """Commit from now on."""
        self._thread.start()

    def submit(self, unit: Sequence[CommittedEffect]) -> None:
        """Commit these effects together, after all that were submitted before."""
        self._intake.put(unit)

    def acknowledge(self, epoch: str, seq: int) -> None:
        """Note that the bridge has stored an epoch up to `seq`: those rows may go."""
        self._intake.put(Acknowledged(epoch, seq))

    def show(self, view: Mapping[str, Any]) -> None:
        """Have state.json say this soon; only the latest view counts, and nobody waits for it."""
        self._view = view
        if not self._is_view_told:
            self._is_view_told = True
            self._intake.put(View())

    @property
    def health(self) -> StoreHealth:
        """Return how the store is; any thread may ask."""
        return StoreHealth(
            trouble=self._trouble.trouble,
            outbox_rows=self._outbox.rows,
            # What waits here will want its place: a disk that hangs tells nothing by itself.
            outbox_room=max(0, self._outbox.room - len(self._intake)),
            events_refused=self._outbox.refused,
            commits=self._commits,
            units_lost=self._units_lost,
            last_seq=self._outbox.committed_seq,
            trades_unwritten=self._files is not None and self._files.is_behind,
            file_failures=0 if self._files is None else self._files.failures,
        )

    @property
    def last_seq(self) -> int:
        """Return the last committed number of this epoch."""
        return self._outbox.committed_seq

    @property
    def is_behind(self) -> bool:
        """Tell whether so much waits that no more commands should be taken up.

        Not during a known trouble: then commands are answered without the store.
        """
        return self._trouble.trouble is None and len(self._intake) > BEHIND_UNITS

    @property
    def units_waiting(self) -> int:
        """Count what waits to be committed."""
        return len(self._intake)

    @property
    def is_alive(self) -> bool:
        """Tell whether the thread runs."""
        return self._thread.is_alive()

    def is_settled(self, timeout_s: float) -> bool:
        """Wait until all that was submitted before is committed; False when it is not yet."""
        mark = threading.Event()
        self._intake.put(Mark(mark))
        return mark.wait(timeout_s)

    def stop(self, timeout_s: float) -> bool:
        """Commit what was submitted and close; False when something could not be committed."""
        self._intake.put(End())
        self._thread.join(timeout_s)
        self._give_up.set()
        # Wakes a thread that waits to try again.
        self._intake.put(End())
        # What still is not on the disk now is lost, unless the last try gets through.
        self._thread.join(LAST_TRY_S)
        return not self._thread.is_alive() and not self._units_lost

    def _run(self) -> None:
        try:
            self._write_files()
            while not self._is_ending:
                self._do_batch(self._collect())
                self._write_files(is_last=self._is_ending)
        except Exception as error:
            log.critical("the store failed and ends", exc_info=True)
            self._on_failure(error)
        finally:
            self._journal.close()

    def _collect(self) -> Batch:
        """Wait for work and take all there is, at most BATCH_UNITS_MAX units."""
        batch = Batch()
        until = self._clock.monotonic() + self._idle_s()
        while batch.units < BATCH_UNITS_MAX and not self._is_ending:
            item = self._intake.take(0.0 if batch.units else until - self._clock.monotonic())
            if item is None:
                break
            if isinstance(item, Acknowledged):
                self._wake_link()
                if not batch.acknowledged:
                    # Deleting waits for company: it costs a commit and nobody waits for it.
                    until = self._clock.monotonic() + self._timings.acknowledge_delay_s
                batch.add_acknowledgement(item.epoch, item.seq)
            elif isinstance(item, Damage):
                self._trouble.note_failure(item.error)
            elif isinstance(item, Mark):
                batch.marks.append(item.reached)
                until = 0.0
            elif isinstance(item, View):
                self._take_view()
                until = min(until, self._clock.monotonic() + self._idle_s())
            elif isinstance(item, End):
                self._is_ending = True
            else:
                batch.add_unit(item)
        return batch

    def _idle_s(self) -> float:
        until_prune_s = self._prune_at - self._clock.monotonic()
        idle_s = min(until_prune_s, self._trouble.check_in_s(until_prune_s))
        if self._files is not None:
            idle_s = self._files.due_in_s(idle_s)
        if self._wake_at is not None:
            idle_s = min(idle_s, self._wake_at - self._clock.monotonic())
        return max(0.001, idle_s)

    def _take_view(self) -> None:
        if not self._is_view_told:
            return
        # In this order, so that a view that comes in between is told again.
        self._is_view_told = False
        if self._files is not None and self._view is not None:
            self._files.note_view(self._view)

    def _write_files(self, *, is_last: bool = False) -> None:
        if self._files is not None:
            self._files.work(is_last=is_last)

    def _do_batch(self, batch: Batch) -> None:
        # Not after the next commit: that may take long.
        self._wake_link()
        if self._trouble.is_damaged:
            self._lose(batch)
            for mark in batch.marks:
                mark.set()
            return
        batch.rows = self._outbox.number(batch.events, self._clock.wall())
        if self._commit_at_last(batch):
            self._release(batch)
        else:
            self._lose(batch)
        for mark in batch.marks:
            mark.set()
        self._trouble.check_reserve()

    def _commit_at_last(self, batch: Batch) -> bool:
        """Try until it is through; False when it never will be, or the time for it is over."""
        wait_s = self._timings.retry_first_s
        while True:
            try:
                self._commit(batch)
            except Exception as error:
                if not self._trouble.note_failure(error):
                    raise
                self._release_in_trouble(batch)
                if self._trouble.is_damaged:
                    return False
                if self._trouble.release_reserve():
                    continue
                if not self._wait_to_retry(wait_s):
                    return False
                wait_s = min(wait_s * 2, self._timings.retry_longest_s)
            else:
                return True

    def _wait_to_retry(self, wait_s: float) -> bool:
        """Let out what reduces risk while it comes; False when the time for retries is over."""
        until = self._clock.monotonic() + wait_s
        while not self._give_up.is_set():
            self._take_view()
            self._write_files()
            left_s = until - self._clock.monotonic()
            if left_s <= 0 or not self._intake.look_ahead(left_s, self._release_ahead):
                return not self._give_up.is_set()
        return False

    def _release_ahead(self, item: Item) -> Item:
        if not isinstance(item, Sequence):
            return item
        unit, for_brokers = split_unit(item)
        release_in_trouble(for_brokers, self._released, self._not_sent)
        return unit

    def _release_in_trouble(self, batch: Batch) -> None:
        release_in_trouble(batch.take_broker_effects(), self._released, self._not_sent)

    @property
    def _not_sent(self) -> str:
        return f"not sent: state.db is not written ({self._trouble.trouble})"

    def _commit(self, batch: Batch) -> None:
        is_pruning = self._clock.monotonic() >= self._prune_at or self._outcomes.is_overfull
        if batch.is_empty and not is_pruning:
            return
        self._database.check_in_place()
        deleted = pruned = 0
        has_more = False
        with self._journal.transaction() as connection:
            if batch.values:
                write_state_values(connection, batch.values)
            if batch.has_trading:
                self._trading.write(connection, batch)
            if batch.rows:
                self._outbox.write(connection, batch.rows)
            if batch.outcomes:
                self._outcomes.write(connection, batch.outcomes)
            if batch.acknowledged:
                deleted = self._outbox.delete(connection, batch.acknowledged)
            if is_pruning:
                pruned = self._outcomes.prune(connection, self._clock.wall())
                has_more = self._trading.prune(connection, self._clock.wall())
            if batch.releases and self._trouble.trouble is None:
                # Not before: who is woken has the interpreter once this thread waits for the disk.
                for approved in batch.first_orders():
                    self._released.prepare(approved)
        self._outbox.note_committed(batch.rows, deleted)
        self._outcomes.rows += len(batch.outcomes) - pruned
        if is_pruning:
            timings = self._timings
            pause_s = timings.prune_again_s if has_more else timings.prune_interval_s
            self._prune_at = self._clock.monotonic() + pause_s
        self._trouble.note_success()
        self._commits += 1

    def _release(self, batch: Batch) -> None:
        if self._trouble.trouble is not None:
            # Committed on the last room there is: no new risk either.
            self._release_in_trouble(batch)
        is_ordering = False
        for one in batch.releases:
            if isinstance(one, Reply):
                self._released.answer(one)
            elif isinstance(one, CancelOrder):
                self._released.cancel(one.account, one.order_id)
            else:
                self._released.submit(one.approved)
                is_ordering = True
        if batch.rows:
            self._wake_at = self._clock.monotonic() + self._timings.orders_first_s
            if not is_ordering or self._is_ending:
                self._wake_link()
        if batch.trades and self._files is not None:
            self._files.note_trades(batch.trades)
        if self._outbox.refused > self._refused_told:
            log.error("the outbox is full: %s events refused so far", self._outbox.refused)
            self._refused_told = self._outbox.refused * 2

    def _wake_link(self) -> None:
        """Tell the link of new rows: to read and send them takes the interpreter from an order."""
        if self._wake_at is not None:
            self._wake_at = None
            self._released.wake_outbox()

    def _lose(self, batch: Batch) -> None:
        if not batch.units:
            return
        self._release_in_trouble(batch)
        if not self._units_lost:
            log.critical("state.db: from now on nothing is kept")
        self._units_lost += batch.units
        for reply in batch.replies_not_kept():
            self._released.answer(reply)
