"""The store thread: one transaction for everything that waits, then the release, in order.

Nothing it holds is ever dropped or reordered by a full disk: the same batch is tried again for
ever. Only a damaged database loses what comes after, and then nothing is claimed to be kept.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Final, Protocol

from daemonkit.clock import Clock
from tcpproto import Reply
from trading.engine.effects import CommittedEffect
from trading.engine.events import StoreFault, StoreRecovered
from trading.store.batch import Batch
from trading.store.database import StateDatabase, StoreLimits
from trading.store.health import StoreHealth
from trading.store.state_values import write_state_values
from trading.store.trouble import Reserve, TroubleDesk

log = logging.getLogger(__name__)

BATCH_UNITS_MAX: Final = 1_000
# With more units waiting than this, the engine takes up no commands until the store catches up.
BEHIND_UNITS: Final = 2_000
# How long a stop waits for the try that is under way when its time is over.
LAST_TRY_S: Final = 1.0


class Released(Protocol):
    """Take what may leave after a commit; called on the store thread, must not wait."""

    def answer(self, reply: Reply) -> None:
        """Send a reply."""
        ...

    def wake_outbox(self) -> None:
        """Say that the outbox has new committed rows."""
        ...


@dataclass(frozen=True, slots=True)
class StoreTimings:
    """Hold the store's intervals: retries, acknowledgements that come alone, and pruning."""

    retry_first_s: float = 0.05
    retry_longest_s: float = 5.0
    acknowledge_delay_s: float = 0.2
    prune_interval_s: float = 600.0
    reserve_check_s: float = 5.0


@dataclass(frozen=True, slots=True)
class _Acknowledged:
    epoch: str
    seq: int


@dataclass(frozen=True, slots=True)
class _Damage:
    error: Exception


@dataclass(frozen=True, slots=True)
class _Mark:
    reached: threading.Event


class _End:
    """Stand in the queue for: everything before is the last."""


_Item = Sequence[CommittedEffect] | _Acknowledged | _Damage | _Mark | _End


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
        self._queue: SimpleQueue[_Item] = SimpleQueue()
        # What a reader meets may lie where nothing is written for long.
        database.watch_for_damage(lambda error: self._queue.put(_Damage(error)))
        self._give_up = threading.Event()
        self._is_ending = False
        self._prune_at = clock.monotonic()
        self._refused_told = 0
        self._commits = 0
        self._units_lost = 0
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)

    def start(self) -> None:
        """Commit from now on."""
        self._thread.start()

    def submit(self, unit: Sequence[CommittedEffect]) -> None:
        """Commit these effects together, after all that were submitted before."""
        self._queue.put(unit)

    def acknowledge(self, epoch: str, seq: int) -> None:
        """Note that the bridge has stored an epoch up to `seq`: those rows may go."""
        self._queue.put(_Acknowledged(epoch, seq))

    @property
    def health(self) -> StoreHealth:
        """Return how the store is; any thread may ask."""
        return StoreHealth(
            trouble=self._trouble.trouble,
            outbox_rows=self._outbox.rows,
            # What waits here will want its place: a disk that hangs tells nothing by itself.
            outbox_room=max(0, self._outbox.room - self._queue.qsize()),
            events_refused=self._outbox.refused,
            commits=self._commits,
            units_lost=self._units_lost,
            last_seq=self._outbox.committed_seq,
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
        return self._trouble.trouble is None and self._queue.qsize() > BEHIND_UNITS

    @property
    def units_waiting(self) -> int:
        """Count what waits to be committed."""
        return self._queue.qsize()

    @property
    def is_alive(self) -> bool:
        """Tell whether the thread runs."""
        return self._thread.is_alive()

    def is_settled(self, timeout_s: float) -> bool:
        """Wait until all that was submitted before is committed; False when it is not yet."""
        mark = threading.Event()
        self._queue.put(_Mark(mark))
        return mark.wait(timeout_s)

    def stop(self, timeout_s: float) -> bool:
        """Commit what was submitted and close; False when something could not be committed."""
        self._queue.put(_End())
        self._thread.join(timeout_s)
        self._give_up.set()
        # What still is not on the disk now is lost, unless the last try gets through.
        self._thread.join(LAST_TRY_S)
        return not self._thread.is_alive() and not self._units_lost

    def _run(self) -> None:
        try:
            while not self._is_ending:
                self._do_batch(self._collect())
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
            wait_s = 0.0 if batch.units else until - self._clock.monotonic()
            try:
                item = self._queue.get(timeout=wait_s) if wait_s > 0 else self._queue.get_nowait()
            except Empty:
                break
            if isinstance(item, _Acknowledged):
                if not batch.acknowledged:
                    # Deleting waits for company: it costs a commit and nobody waits for it.
                    until = self._clock.monotonic() + self._timings.acknowledge_delay_s
                batch.add_acknowledgement(item.epoch, item.seq)
            elif isinstance(item, _Damage):
                self._trouble.note_failure(item.error)
            elif isinstance(item, _Mark):
                batch.marks.append(item.reached)
                until = 0.0
            elif isinstance(item, _End):
                self._is_ending = True
            else:
                batch.add_unit(item)
        return batch

    def _idle_s(self) -> float:
        until_prune_s = self._prune_at - self._clock.monotonic()
        return max(0.001, min(until_prune_s, self._trouble.check_in_s(until_prune_s)))

    def _do_batch(self, batch: Batch) -> None:
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
                if self._trouble.is_damaged:
                    return False
                if self._trouble.release_reserve():
                    continue
                if self._give_up.wait(wait_s):
                    return False
                wait_s = min(wait_s * 2, self._timings.retry_longest_s)
            else:
                return True

    def _commit(self, batch: Batch) -> None:
        is_pruning = self._clock.monotonic() >= self._prune_at or self._outcomes.is_overfull
        if batch.is_empty and not is_pruning:
            return
        deleted = pruned = 0
        with self._journal.transaction() as connection:
            if batch.values:
                write_state_values(connection, batch.values)
            if batch.rows:
                self._outbox.write(connection, batch.rows)
            if batch.outcomes:
                self._outcomes.write(connection, batch.outcomes)
            if batch.acknowledged:
                deleted = self._outbox.delete(connection, batch.acknowledged)
            if is_pruning:
                pruned = self._outcomes.prune(connection, self._clock.wall())
        self._outbox.note_committed(batch.rows, deleted)
        self._outcomes.rows += len(batch.outcomes) - pruned
        if is_pruning:
            self._prune_at = self._clock.monotonic() + self._timings.prune_interval_s
        self._trouble.note_success()
        self._commits += 1

    def _release(self, batch: Batch) -> None:
        for reply in batch.replies:
            self._released.answer(reply)
        if batch.rows:
            self._released.wake_outbox()
        if self._outbox.refused > self._refused_told:
            log.error("the outbox is full: %s events refused so far", self._outbox.refused)
            self._refused_told = self._outbox.refused * 2

    def _lose(self, batch: Batch) -> None:
        if not batch.units:
            return
        if not self._units_lost:
            log.critical("state.db: from now on nothing is kept")
        self._units_lost += batch.units
        for reply in batch.replies_not_kept():
            self._released.answer(reply)
