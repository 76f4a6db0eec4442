"""What the bridge does about its disk: gives the reserve back when it is full, and says so.

While `problem` is set, nothing is acknowledged to bots and nothing raising is sent.
"""

import logging

from daemonkit.clock import Clock
from daemonkit.reserve import ReserveFile
from daemonkit.storage.faults import is_damage, is_disk_full, is_locked

log = logging.getLogger(__name__)


class DiskState:
    """Know whether bridge.db can be written; for the thread `forward` alone.

    Writers report under a name each: a short row may still fit where a long one does not, and
    must not hide that.
    """

    def __init__(self, reserve: ReserveFile, clock: Clock) -> None:
        self._reserve = reserve
        self._clock = clock
        self._failing: dict[str, str] = {}
        self.since: float | None = None

    @property
    def problem(self) -> str:
        """Return what is wrong, or nothing."""
        return next(iter(self._failing.values()), "")

    @property
    def has_reserve(self) -> bool:
        """Tell whether room for the worst day is still kept."""
        return self._reserve.is_present

    def note_failure(self, writer: str, error: Exception) -> bool:
        """Note a failed write; True when room was made just now and it may be tried at once."""
        problem = describe_problem(error)
        if problem != self._failing.get(writer):
            trace = None if is_foreign(error) else error
            log.error("%s cannot be written to bridge.db: %s", writer, problem, exc_info=trace)
        if self.since is None:
            self.since = self._clock.wall()
        self._failing[writer] = problem
        return is_disk_full(error) and self._reserve.release()

    def note_success(self, writer: str) -> None:
        """Note a write that went through."""
        if self._failing.pop(writer, None) is not None:
            log.warning("%s can be written to bridge.db again", writer)
        if not self._failing:
            self.since = None

    def restore_reserve(self) -> None:
        """Keep room again, once writing works."""
        if not self.problem and not self._reserve.is_present:
            self._reserve.ensure()


def is_foreign(error: Exception) -> bool:
    """Tell whether nothing of ours is to be mended, so that a traceback would say nothing."""
    return is_disk_full(error) or is_locked(error)


def describe_problem(error: Exception) -> str:
    """Say why bridge.db is not written."""
    if is_disk_full(error):
        return "no room is left on the disk"
    if is_damage(error):
        return "the database is damaged"
    if is_locked(error):
        return "another program keeps it locked"
    return f"{type(error).__name__}: {str(error).splitlines()[0]}"
