"""What waits to be sent: reducing orders first, then entries, then cancels; reads come after all.

An entry that is late is refused for good, so it goes before a cancel, which loses one request's
time; no cancel waits long, because entries that waited too long leave the queue. When it is full
an entry is not taken, and from twice that length on no other order either: the caller says so.
Cancels are one for each order and always find room. Nothing is dropped here. Pure.
"""

from dataclasses import dataclass
from enum import IntEnum


class JobRank(IntEnum):
    """Name what a job is, in the order in which they are taken."""

    EXIT = 0
    ENTRY = 1
    CANCEL = 2


@dataclass(slots=True)
class Job:
    """Hold one thing to send: `since` when it came, `not_before` when it may be tried."""

    rank: JobRank
    order_id: str
    since: float
    not_before: float
    tries: int = 0


class JobQueue:
    """Hold jobs by rank, first come first served within one."""

    def __init__(self, length_max: int) -> None:
        self._length_max = length_max
        self._jobs: dict[JobRank, dict[str, Job]] = {rank: {} for rank in JobRank}

    def __len__(self) -> int:
        return sum(len(jobs) for jobs in self._jobs.values())

    def add(self, job: Job) -> bool:
        """Take a job in, once for each order and rank; False when there is no room for it."""
        length_max = self._length_max if job.rank is JobRank.ENTRY else 2 * self._length_max
        if job.rank is not JobRank.CANCEL and self._orders_len >= length_max:
            return False
        self._jobs[job.rank].setdefault(job.order_id, job)
        return True

    def put_back(self, job: Job) -> None:
        """Take a job in again that was tried in vain; it has its place already."""
        self._jobs[job.rank][job.order_id] = job

    def take(self, now: float) -> Job | None:
        """Return the next job that may be tried now, and have it no more."""
        for jobs in self._jobs.values():
            for job in jobs.values():
                if job.not_before <= now:
                    return jobs.pop(job.order_id)
        return None

    def take_all(self, *ranks: JobRank) -> list[Job]:
        """Return all jobs of these ranks, and have them no more."""
        taken = [job for rank in ranks for job in self._jobs[rank].values()]
        for rank in ranks:
            self._jobs[rank] = {}
        return taken

    def remove(self, order_id: str) -> None:
        """Forget the jobs of an order."""
        for jobs in self._jobs.values():
            jobs.pop(order_id, None)

    def wait_s(self, now: float) -> float | None:
        """Return how long until a job may be tried; None without any."""
        times = [job.not_before for jobs in self._jobs.values() for job in jobs.values()]
        return max(0.0, min(times) - now) if times else None

    @property
    def orders(self) -> list[Job]:
        """Return the orders that wait."""
        return [*self._jobs[JobRank.EXIT].values(), *self._jobs[JobRank.ENTRY].values()]

    @property
    def _orders_len(self) -> int:
        return len(self._jobs[JobRank.EXIT]) + len(self._jobs[JobRank.ENTRY])
