"""Outbox rules: which durable rows go out next, and which have arrived.

The rows lie in the sender's database; each process implements the reader on its own. A row keeps
the epoch under which it was made, so a restored database never gives an old number to a new
event. Pure rules: no IO, no clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

from tcpproto.frames import FRAME_LEN_MAX

WINDOW_ROWS: Final = 1024


class OutboxRow(NamedTuple):
    """Hold one undelivered event; `row_id` is its order in the sender's database."""

    row_id: int
    epoch: str
    seq: int
    body: bytes


class OutboxReader(Protocol):
    """Read committed, unacknowledged rows in order."""

    def read_after(self, row_id: int, limit: int) -> Sequence[OutboxRow]:
        """Return up to `limit` rows with a greater row id, oldest first."""
        ...


class OutboxSender:
    """Keep at most a window of rows in flight on one connection, in order."""

    def __init__(self, window_rows: int = WINDOW_ROWS) -> None:
        self._window_rows = window_rows
        self._sent: dict[str, int] = {}
        self._acknowledged: dict[str, int] = {}
        self._in_flight: deque[tuple[str, int]] = deque()
        self.cursor = 0
        self.unsendable = 0

    @property
    def in_flight(self) -> int:
        """Count the rows sent on this connection and not yet acknowledged."""
        return len(self._in_flight)

    @property
    def room(self) -> int:
        """Count the rows that may be sent now."""
        return self._window_rows - len(self._in_flight)

    def restart(self, epoch: str, last_seq: int) -> None:
        """Begin a connection on which the peer has an epoch up to `last_seq`.

        Everything else that is unacknowledged is to be sent again.
        """
        self._in_flight.clear()
        self.cursor = 0
        self._sent[epoch] = max(last_seq, self._sent.get(epoch, 0))
        self.acknowledge(epoch, last_seq)

    def take(self, rows: Sequence[OutboxRow]) -> list[bytes]:
        """Note rows as sent and return the bodies of those that the peer does not have yet."""
        bodies: list[bytes] = []
        for row in rows:
            self.cursor = row.row_id
            # A damaged row must not keep back those behind it; their acknowledgement covers it.
            if not _is_sendable(row):
                self.unsendable += 1
                continue
            if row.seq <= self._acknowledged.get(row.epoch, 0):
                continue
            self._in_flight.append((row.epoch, row.seq))
            self._sent[row.epoch] = max(row.seq, self._sent.get(row.epoch, 0))
            bodies.append(row.body)
        return bodies

    def acknowledge(self, epoch: str, seq: int) -> int:
        """Note that the peer has stored an epoch up to `seq`; return how far, 0 if not new.

        What was never sent cannot have been stored: believing a confused peer would lose it.
        """
        seq = min(seq, self._sent.get(epoch, 0))
        if seq <= self._acknowledged.get(epoch, 0):
            return 0
        self._acknowledged[epoch] = seq
        while self._in_flight:
            first_epoch, first_seq = self._in_flight[0]
            if first_seq > self._acknowledged.get(first_epoch, 0):
                break
            self._in_flight.popleft()
        return seq


def _is_sendable(row: OutboxRow) -> bool:
    # One flipped bit makes another type of a column, which SQLite does not notice.
    is_typed = type(row.epoch) is str and type(row.seq) is int and type(row.body) is bytes
    return is_typed and 0 < len(row.body) <= FRAME_LEN_MAX
