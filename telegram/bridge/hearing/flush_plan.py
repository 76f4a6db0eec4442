"""When the ends in the inbound journal are written: a moment after the first, all together."""

import asyncio
from concurrent.futures import Future
from threading import Lock
from typing import Final

from telegram.bridge.hearing.intake_parts import IntakeParts

_FLUSH_AFTER_S: Final = 0.2
_FLUSH_AGAIN_S: Final = 2.0


class FlushPlan:
    """Have the journal flushed on the loop `poll`; from any thread."""

    def __init__(self, parts: IntakeParts) -> None:
        self._parts = parts
        self._lock = Lock()
        self._is_made = False

    def make(self) -> None:
        """Plan the next flush, unless there is a plan."""
        with self._lock:
            if self._is_made:
                return
            self._is_made = True
        self._parts.run(self._flush_later()).add_done_callback(self._end)

    async def _flush_later(self) -> None:
        """Write what ends within a moment together, and go on until nothing is left."""
        await asyncio.sleep(_FLUSH_AFTER_S)
        if not await asyncio.to_thread(self._parts.journal.flush):
            await asyncio.sleep(_FLUSH_AGAIN_S)

    def _end(self, flushed: Future[None]) -> None:
        with self._lock:
            self._is_made = False
        # One that could not run leaves the rest to the end, or to the next that ends.
        has_run = not flushed.cancelled() and flushed.exception() is None
        if has_run and self._parts.journal.is_waiting:
            self.make()
