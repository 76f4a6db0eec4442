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
        self._lock = threading.Lock()

    def add(self, count: int) -> None:
        """Commit events with the next numbers."""
        with self._lock:
            for seq in range(self.last_seq + 1, self.last_seq + count + 1):
                event = Event(self.epoch, seq, "alert", "info", f"event {seq}", 1.0)
                self.rows.append(OutboxRow(seq, self.epoch, seq, encode_event(event, 1.0)))
            self.last_seq += count

    def read_after(self, row_id: int, limit: int) -> Sequence[OutboxRow]:
        """Return rows as the database does."""
        self.before_read()
        with self._lock:
            later = (row for row in self.rows if row.row_id > row_id)
            return list(itertools.islice(later, limit))

    def acknowledge(self, epoch: str, seq: int) -> None:
        """Delete what the bridge has."""
        with self._lock:
            self.acknowledged.append((epoch, seq))
            self.rows = [row for row in self.rows if row.epoch != epoch or row.seq > seq]
