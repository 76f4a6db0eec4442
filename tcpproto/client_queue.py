"""What the client's writer thread sends next: replies, durable rows, the status, then log lines.

Two lanes: an urgent one that wakes the writer at once, and a bounded bulk one for best-effort
messages. Replies and events never wait behind log lines.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence
from queue import Empty, SimpleQueue
from threading import Condition, Lock
from typing import Final, Protocol

from tcpproto.frames import encode_frame
from tcpproto.outbox import OutboxReader, OutboxRow, OutboxSender

URGENT_FRAMES_MAX: Final = 10_000
_BATCH_FRAMES: Final = 512
# A busy producer lets the writer run about once in a GIL switch interval of 5 ms: what it
# takes in one turn bounds the throughput.
_BATCH_BYTES: Final = 1024 * 1024
_ROWS_PER_READ: Final = 512


logger = logging.getLogger(__name__)


class Sink(Protocol):
    """Take the bytes of one connection; OSError once it is broken."""

    def send(self, data: bytes) -> None:
        """Send all of it, blocking."""
        ...

    def try_send(self, data: bytes) -> bool:
        """Send without blocking; False if the writer must do it."""
        ...

    @property
    def rest(self) -> bytes:
        """What the socket did not take yet of the last frame."""
        ...


class ClientQueue:
    """Hold what waits to be sent on the present connection; bounded in every lane."""

    def __init__(self, outbox: OutboxReader, bulk_frames_max: int) -> None:
        self._reader = outbox
        self._rows = OutboxSender()
        self._rows_lock = Lock()
        self._urgent: SimpleQueue[bytes | None] = SimpleQueue()
        self._line_lock = Lock()
        # Counted from being queued to being sent: while the writer has a frame in its hands,
        # none may go past it on another thread.
        self._in_line = 0
        self._taken = 0
        self._bulk: deque[bytes] = deque()
        self._bulk_frames_max = bulk_frames_max
        self._room = Condition()
        self._is_awake = False
        self._rows_wanted = False
        self._is_reading_rows = False
        self._status: bytes | None = None
        self._status_wanted = False
        self.sink: Sink | None = None
        self._rows_failed = False
        self._rows_unsendable = 0
        self.frames_refused = 0

    @property
    def is_open(self) -> bool:
        """Tell whether there is a connection to send on."""
        return self.sink is not None

    def open(self, sink: Sink, epoch: str, last_seq: int) -> None:
        """Begin a connection on which the peer already has an epoch up to `last_seq`."""
        with self._rows_lock:
            self._rows.restart(epoch, last_seq)
            self.sink = sink
        self._rows_wanted = True
        self._status_wanted = True
        self.wake()

    def close(self) -> None:
        """End the connection: best-effort frames are dropped, durable rows stay where they are."""
        with self._rows_lock:
            self.sink = None
        self._drop_frames()
        self._tell_room()
        self.wake()

    def put_urgent(self, frame: bytes) -> bool:
        """Queue a frame that goes before everything else; False when closed or full."""
        with self._line_lock:
            return self._line_up(frame)

    def send_urgent(self, frame: bytes) -> bool:
        """Send a frame on the caller's thread if nothing is before it, else queue it."""
        with self._line_lock:
            sink = self.sink
            # A frame that the writer has taken and not sent yet is still before this one.
            if sink is None or self._in_line or not sink.try_send(frame):
                return self._line_up(frame)
        if sink.rest:
            self.wake()
        return True

    def settle(self) -> None:
        """Note that the writer has done what it could with the last batch."""
        with self._line_lock:
            self._in_line -= self._taken
            self._taken = 0

    def _line_up(self, frame: bytes) -> bool:
        if self.sink is None or self._in_line >= URGENT_FRAMES_MAX:
            self.frames_refused += 1
            return False
        self._in_line += 1
        self._urgent.put(frame)
        return True

    def put_bulk(self, frame: bytes, wait_s: float) -> bool:
        """Queue a best-effort frame; False when closed, or still full after `wait_s`."""
        if self.sink is None:
            return False
        if len(self._bulk) >= self._bulk_frames_max and not self._wait_for_room(wait_s):
            return False
        self._bulk.append(frame)
        if not self._is_awake:
            self.wake()
        return True

    def put_status(self, frame: bytes) -> None:
        """Replace the status; it is sent on this connection and first on each later one."""
        self._status = frame
        self._status_wanted = True
        self.wake()

    def want_rows(self) -> None:
        """Note that the outbox has new committed rows."""
        self._rows_wanted = True
        self.wake()

    def acknowledge(self, epoch: str, seq: int) -> int:
        """Note what the peer has stored; return how far that is, 0 if it is not new."""
        with self._rows_lock:
            stored_seq = self._rows.acknowledge(epoch, seq)
            if stored_seq:
                # Under the lock: nobody may see the window empty and no wish to fill it.
                self._rows_wanted = True
        if stored_seq:
            self.want_rows()
        return stored_seq

    @property
    def is_pending(self) -> bool:
        """Tell whether frames wait for the writer."""
        return bool(self._bulk) or self._urgent.qsize() > 0

    @property
    def is_drained(self) -> bool:
        """Tell whether nothing is waiting to be sent or acknowledged."""
        with self._rows_lock:
            is_looking = self._rows_wanted or self._is_reading_rows or self._rows_failed
            return not (self._rows.in_flight or is_looking or self.is_pending)

    def wake(self) -> None:
        """Let the writer look again; cheap when it is awake already."""
        if not self._is_awake:
            self._is_awake = True
            self._urgent.put(None)

    def retry_rows(self) -> None:
        """Look at the outbox again after reading it has failed."""
        if self._rows_failed:
            self.want_rows()

    def next_batch(self) -> tuple[Sink | None, bytes]:
        """Wait for something to do; return what to send now, maybe nothing, and where.

        `settle` must follow.
        """
        item = self._urgent.get()
        sink = self.sink
        frames = [] if item is None else [item]
        self._take_urgent(frames)
        self._taken = len(frames)
        # Cleared after the last wake-up was taken, or that would count as one still to come; and
        # before the lanes are looked at, so that whatever is put from here on wakes us.
        self._is_awake = False
        if sink is not self.sink:
            # Taken for a connection that ended meanwhile; the next turn serves the new one.
            self.wake()
            return None, b""
        if sink is None:
            return None, b""
        if self._rows_wanted:
            self._take_rows(sink, frames)
        if self._status_wanted:
            self._take_status(frames)
        if self._bulk:
            self._take_bulk(frames)
        if sink is not self.sink:
            # The wishes of a new connection may have been cleared as those of the old one.
            self._rows_wanted = self._status_wanted = True
            self.wake()
        return sink, frames[0] if len(frames) == 1 else b"".join(frames)

    def _take_urgent(self, frames: list[bytes]) -> None:
        for _ in range(min(self._urgent.qsize(), _BATCH_FRAMES)):
            item = self._urgent.get()
            if item is not None:
                frames.append(item)

    def _drop_frames(self) -> None:
        """Forget what was meant for a connection that is over, and count it."""
        taken: list[bytes | None] = []
        with self._line_lock:
            try:
                while True:
                    taken.append(self._urgent.get_nowait())
            except Empty:
                dropped = len(taken) - taken.count(None)
            self._in_line -= dropped
        if None in taken:
            self._urgent.put(None)  # a wake-up that is still owed
        self.frames_refused += dropped + len(self._bulk)
        self._bulk.clear()

    def _take_rows(self, sink: Sink, frames: list[bytes]) -> None:
        with self._rows_lock:
            room = min(self._rows.room, _ROWS_PER_READ)
            cursor = self._rows.cursor
            self._rows_wanted = False
            self._is_reading_rows = room > 0
        if room <= 0:
            return  # the next acknowledgement asks again
        rows = self._read_rows(cursor, room)
        with self._rows_lock:
            self._is_reading_rows = False
            # Rows read for one connection must not go out on the next: it starts again from
            # the oldest, and a newer row ahead of them would make them look like repeats.
            if self.sink is not sink:
                return
            frames.extend(encode_frame(body) for body in self._rows.take(rows))
            unsendable = self._rows.unsendable
            if len(rows) == room:
                self._rows_wanted = True
        if len(rows) == room:
            self.want_rows()
        if unsendable != self._rows_unsendable:
            logger.error("%d outbox rows cannot be sent, no frame can hold them", unsendable)
            self._rows_unsendable = unsendable

    def _read_rows(self, cursor: int, limit: int) -> Sequence[OutboxRow]:
        try:
            rows = self._reader.read_after(cursor, limit)
        except Exception:  # the thread's boundary: a sick database must not end it
            if not self._rows_failed:
                logger.exception("outbox cannot be read, will try again")
            self._rows_failed = True
            return ()
        self._rows_failed = False
        return rows

    def _take_status(self, frames: list[bytes]) -> None:
        self._status_wanted = False
        if self._status is not None:
            frames.append(self._status)

    def _take_bulk(self, frames: list[bytes]) -> None:
        size = 0
        pop = self._bulk.popleft
        try:
            while size < _BATCH_BYTES:
                frame = pop()
                size += len(frame)
                frames.append(frame)
        except IndexError:
            size = 0  # emptied
        if size:
            self.wake()
        self._tell_room()

    def _wait_for_room(self, wait_s: float) -> bool:
        if wait_s > 0:
            with self._room:
                self._room.wait_for(
                    lambda: len(self._bulk) < self._bulk_frames_max or not self.is_open, wait_s
                )
        if not self.is_open or len(self._bulk) >= self._bulk_frames_max:
            self.frames_refused += 1
            return False
        return True

    def _tell_room(self) -> None:
        with self._room:
            self._room.notify_all()
