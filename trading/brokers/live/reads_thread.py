"""A second connection with a key of its own: reads on it delay no order."""

import logging
import threading
from collections.abc import Callable
from queue import SimpleQueue

from daemonkit.clock import Clock
from trading.brokers.live.moment import Moment, moment_of
from trading.brokers.live.reads import Apply, Read
from trading.brokers.live.settings import RequestKind
from trading.brokers.venue import FailureKind, KeyRights, Venue, VenueError

log = logging.getLogger(__name__)


class ReadAnswer:
    """Hold what became of a read."""

    __slots__ = ("asked", "outcome", "read")

    def __init__(self, read: Read, asked: Moment, outcome: Apply | VenueError) -> None:
        self.read = read
        self.asked = asked
        self.outcome = outcome


def ask(
    venue: Venue, read: Read, clock: Clock, *, before: Callable[[], None] = lambda: None
) -> ReadAnswer:
    """Ask a venue, and hold a bug of its adapter for an answer that nobody can read."""
    asked = moment_of(clock)
    try:
        before()
        return ReadAnswer(read, asked, read.ask(venue))
    except VenueError as error:
        return ReadAnswer(read, asked, error)
    except Exception as error:
        log.exception("read raised kind=%s", read.kind)
        fault = VenueError(f"{type(error).__name__}: {error}", FailureKind.BAD_ANSWER)
        return ReadAnswer(read, asked, fault)


class ReadsThread:
    """Own the thread `reads-<account>`: one read at a time, answered to the worker."""

    def __init__(
        self,
        account: str,
        venue: Venue,
        clock: Clock,
        answer: Callable[[ReadAnswer], object],
        check_key: Callable[[KeyRights], str] = lambda _rights: "",
        *,
        begin: Callable[[RequestKind], None] = lambda _kind: None,
    ) -> None:
        self._venue = venue
        self._clock = clock
        self._answer = answer
        self._check_key = check_key
        self._begin = begin
        self._is_connected = False
        self._reads: SimpleQueue[Read | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=f"reads-{account}"[:15], daemon=True)

    def start(self) -> None:
        """Read from now on."""
        self._thread.start()

    def put(self, read: Read) -> None:
        """Have something read."""
        self._reads.put(read)

    def stop(self) -> None:
        """End after the read that is on the wire."""
        self._reads.put(None)

    def join(self, timeout_s: float) -> bool:
        """Wait for the end; False if it has not come."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def is_alive(self) -> bool:
        """Tell whether the thread runs."""
        return self._thread.is_alive()

    def run_one(self, read: Read) -> None:
        """Ask one thing and answer it, connected before."""

        def before() -> None:
            self._connect()
            # Only now: what connecting asks is no page of this.
            self._begin(read.kind)

        self._answer(ask(self._venue, read, self._clock, before=before))

    def _connect(self) -> None:
        if not self._is_connected:
            if fault := self._check_key(self._venue.connect().rights):
                raise VenueError(fault, FailureKind.KEY)
            self._is_connected = True

    def _run(self) -> None:
        while (read := self._reads.get()) is not None:
            self.run_one(read)
        self._venue.close()
