"""An outbox in memory: what a trading process keeps in its database."""

import itertools
import threading
from collections.abc import Callable, Sequence

from tcpproto import OutboxRow
from tcpproto.payloads import Event, encode_event


class MemoryOutbox:
    """Hold numbered events until they are acknowledged; any thread may use it."""

    def __init__(self, epoch: str = "epoch-1") -> None:
        self.epoch = epoch
        self.last_seq = 0
        self.rows: list[OutboxRow] = []
        self.acknowledged: list[tuple[str, int]] = []
        self.before_read: Callable[[], None] = lambda: None
        self._changed = threading.Condition()

    def add(self, count: int) -> None:
        """Commit events with the next numbers."""
        with self._changed:
            for seq in range(self.last_seq + 1, self.last_seq + count + 1):
                event = Event(self.epoch, seq, "alert", "info", f"event {seq}", 1.0)
                self.rows.append(OutboxRow(seq, self.epoch, seq, encode_event(event, 1.0)))
            self.last_seq += count

    def read_after(self, row_id: int, limit: int) -> Sequence[OutboxRow]:
        """Return rows as the database does."""
        self.before_read()
        with self._changed:
            later = (row for row in self.rows if row.row_id > row_id)
            return list(itertools.islice(later, limit))

    def acknowledge(self, epoch: str, seq: int) -> None:
        """Delete what the bridge has."""
        with self._changed:
            self.acknowledged.append((epoch, seq))
            self.rows = [row for row in self.rows if row.epoch != epoch or row.seq > seq]
            self._changed.notify_all()

    def wait_empty(self, timeout_s: float) -> bool:
        """Wait until every event is acknowledged; sooner than asking at intervals."""
        with self._changed:
            return self._changed.wait_for(lambda: not self.rows, timeout_s)
