"""What keeps the store from committing, from the first failure to the all-clear.

A full disk stays a trouble while the reserve is used up, also when commits get through again:
the room they use is the last there is.
"""

import logging
import sqlite3
from collections.abc import Callable
from typing import Protocol

from daemonkit.clock import Clock
from daemonkit.storage.faults import is_damage, is_disk_full, is_locked, is_refused
from trading.engine.events import StoreFault, StoreRecovered, StoreTrouble

log = logging.getLogger(__name__)

_PRIMARY = 0xFF


class Reserve(Protocol):
    """Keep room on the disk for the worst day."""

    def ensure(self) -> bool:
        """Put the reserve on the disk; False when there is no room."""
        ...

    def release(self) -> bool:
        """Give the room back; False when there was none to give."""
        ...


class TroubleDesk:
    """Judge failures, keep the reserve, and report each change of trouble once."""

    def __init__(
        self,
        reserve: Reserve,
        clock: Clock,
        report: Callable[[StoreFault | StoreRecovered], None],
        reserve_check_s: float,
    ) -> None:
        self._reserve = reserve
        self._clock = clock
        self._report = report
        self._reserve_check_s = reserve_check_s
        self._reserve_check_at = clock.monotonic()
        self._has_reserve = True
        self._failing: StoreTrouble | None = None
        self._since = 0.0
        self.trouble: StoreTrouble | None = None

    @property
    def is_damaged(self) -> bool:
        """Tell whether the database can no longer be trusted."""
        return self._failing is StoreTrouble.DAMAGED

    def note_failure(self, error: Exception) -> bool:
        """Report what a failed commit means; False when it is none of the known troubles."""
        trouble = judge(error)
        if trouble is None:
            return False
        self._failing = trouble
        # Without the statement and its values, which SQLAlchemy adds.
        cause = getattr(error, "orig", None) or error
        self._tell_change(f"{type(cause).__name__}: {cause}")
        return True

    def note_success(self) -> None:
        """Note that a commit got through."""
        if self._failing is not None:
            self._failing = None
            self._tell_change("the reserve file is used up")

    def release_reserve(self) -> bool:
        """Give the reserve up if the disk is full; False when there is none left to give."""
        if self._failing is not StoreTrouble.FULL or not self._has_reserve:
            return False
        self._has_reserve = False
        self._reserve_check_at = self._clock.monotonic() + self._reserve_check_s
        return self._reserve.release()

    def check_reserve(self) -> None:
        """Make the reserve if it is missing and it is time to; without it the disk is full."""
        now = self._clock.monotonic()
        if now < self._reserve_check_at or self.is_damaged:
            return
        self._reserve_check_at = now + self._reserve_check_s
        self._has_reserve = self._reserve.ensure()
        self._tell_change("no room for the reserve file")

    def check_in_s(self, longest_s: float) -> float:
        """Return how soon the reserve is to be looked at."""
        if self._has_reserve:
            return longest_s
        return min(longest_s, self._reserve_check_at - self._clock.monotonic())

    def _tell_change(self, detail: str) -> None:
        trouble = self._failing or (None if self._has_reserve else StoreTrouble.FULL)
        before, self.trouble = self.trouble, trouble
        if trouble is before:
            return
        now = self._clock.monotonic()
        if before is None:
            self._since = now
        if trouble is None:
            stalled_s = now - self._since
            log.warning("state.db is written again after %.1f s, nothing was lost", stalled_s)
            self._report(StoreRecovered(stalled_s, self._clock.wall()))
        else:
            log.critical("state.db is not written: %s (%s)", trouble, detail)
            self._report(StoreFault(trouble, detail, self._clock.wall()))


def judge(error: Exception) -> StoreTrouble | None:
    """Return the trouble behind an error of the database, or None when it is a bug of ours."""
    if is_damage(error):
        return StoreTrouble.DAMAGED
    if is_disk_full(error):
        return StoreTrouble.FULL
    if is_locked(error):
        return StoreTrouble.BUSY
    code = getattr(error, "sqlite_errorcode", 0) or 0
    if is_refused(error) or code & _PRIMARY == sqlite3.SQLITE_IOERR or isinstance(error, OSError):
        return StoreTrouble.INPUT_OUTPUT
    return None
