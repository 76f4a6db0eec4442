"""What came in, noted before it is acted on, and how it ended, noted a little later.

Inserts are made by the thread that hears the messenger, at once, unless `forward` has made them
together with a command; ends come from `forward` and are written together by whoever calls
flush().
"""

import logging
from collections.abc import Callable, Iterable
from threading import Lock

from daemonkit.clock import Clock
from telegram.bridge.store.inbound import InboundRow, InboundState, InboundTable

log = logging.getLogger(__name__)

_PRUNE_EVERY_S = 3_600.0
_PRUNE_ROWS = 2_000
_UNSAVED_MAX = 5_000


class InboundJournal:
    """Note updates once each; an end that could not be written is tried again."""

    def __init__(self, table: InboundTable, clock: Clock, *, keep_s: float) -> None:
        self._table = table
        self._clock = clock
        self._keep_s = keep_s
        self._lock = Lock()
        self._ends: dict[int, tuple[InboundState, str]] = {}
        self._prune_at = clock.monotonic() + _PRUNE_EVERY_S
        self.on_end: Callable[[], None] = _nothing

    def add(self, row: InboundRow) -> bool:
        """Note an update durably; False when it was noted before."""
        return self._table.add(row)

    def note(self, update_id: int, state: InboundState, outcome: str = "") -> None:
        """Take in how far an update has got; from any thread."""
        with self._lock:
            self._ends[update_id] = (state, outcome)
            if len(self._ends) > _UNSAVED_MAX:
                del self._ends[next(iter(self._ends))]
        self.on_end()

    @property
    def is_waiting(self) -> bool:
        """Tell whether something is not written yet."""
        return bool(self._ends)

    def flush(self) -> bool:
        """Write what was taken in; False when it has to be tried again."""
        with self._lock:
            ends, self._ends = self._ends, {}
        try:
            if ends:
                self._table.save_states(ends)
            self._prune()
        except Exception as error:  # noqa: BLE001 - kept, and tried again
            log.warning("what was done cannot be noted now: %s", error)
            with self._lock:
                self._ends = ends | self._ends
            return False
        return True

    def read_open(self) -> list[InboundRow]:
        """Return what an earlier process had begun and not ended."""
        return self._table.read_open()

    def note_interrupted(self, rows: Iterable[InboundRow]) -> None:
        """Note that these were interrupted, and that nothing more is to be said of them."""
        for row in rows:
            self.note(row.update_id, InboundState.INTERRUPTED, "result unknown")

    def _prune(self) -> None:
        now = self._clock.monotonic()
        if now >= self._prune_at:
            self._prune_at = now + _PRUNE_EVERY_S
            self._table.prune(self._clock.wall() - self._keep_s, _PRUNE_ROWS)


def _nothing() -> None:
    return None
