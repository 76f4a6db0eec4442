"""A feed on a thread of its own: history first, then events, and again when a live feed breaks.

A lossless feed is not started again: it would begin from its beginning, and repeat itself.
"""

import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from random import Random

from daemonkit.clock import Clock
from trading.engine.events import FeedEnded, FeedEvent, FeedFailed, FeedStarted, HistoryLoaded
from trading.engine.inbox import Inbox
from trading.market.errors import SourceError
from trading.market.feed import Feed
from trading.market.reconnecting import Rests
from trading.model.market import Bar
from trading.model.venue_news import InstrumentsKnown

log = logging.getLogger(__name__)

HISTORY_CHUNK_LEN = 500


@dataclass(frozen=True, slots=True)
class FeedRetry:
    """Hold how long a broken live feed rests: first, doubled each time, at most the longest.

    Up to half of a rest is left out by chance.
    """

    first_s: float = 1.0
    longest_s: float = 60.0


class FeedRunner:
    """Run one feed until it ends, fails for good, or is stopped."""

    def __init__(
        self,
        name: str,
        feed: Feed,
        inbox: Inbox,
        *,
        clock: Clock,
        rng: Random,
        retry: FeedRetry,
    ) -> None:
        self.name = name
        self._feed = feed
        self._inbox = inbox
        self._clock = clock
        self._retry = retry
        self._rests = Rests(retry.first_s, retry.longest_s, rng)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"feed-{name}"[:15], daemon=True)
        self.is_over = False

    @property
    def is_dead(self) -> bool:
        """Tell whether the thread ended although nobody said it may."""
        return not (self._thread.is_alive() or self.is_over)

    @property
    def is_lossless(self) -> bool:
        """Tell whether every event of the feed counts."""
        return self._feed.lossless

    def start(self) -> None:
        """Publish from now on."""
        self._thread.start()

    def ask_to_stop(self) -> None:
        """Let the feed end soon."""
        self._stop.set()

    def join(self, timeout_s: float) -> bool:
        """Wait for the end; False if it has not come."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stop.is_set():
            started_at = self._clock.monotonic()
            try:
                self._play()
            except Exception as error:  # noqa: BLE001 - logged, told, and tried again
                _log_failure(self.name, error)
                if self._clock.monotonic() - started_at > self._retry.longest_s:
                    self._rests.reset()  # it worked in between
                retry_in_s = None if self._feed.lossless else self._rests.next_s()
                self._tell_failure(error, retry_in_s)
                if retry_in_s is None:
                    break
                self._stop.wait(retry_in_s)
            else:
                if not self._stop.is_set():
                    self._tell(FeedEnded(self.name, self._clock.wall()))
                break
        self.is_over = True

    def _play(self) -> None:
        for chunk in _chunks(iter(self._feed.history(self._stop))):
            if self._stop.is_set():
                return
            self._tell(HistoryLoaded(chunk))
        if self._stop.is_set():
            return
        if instruments := self._feed.instruments:
            # Before the first price: what is ordered by it has to fit them.
            self._inbox.put_notice(InstrumentsKnown(instruments, self._clock.wall()))
        description = self._feed.description
        log.info("feed starts name=%s: %s", self.name, description)
        self._tell(FeedStarted(self.name, description, self._clock.wall()))
        self._feed.run(self._inbox.publisher(lossless=self._feed.lossless), self._stop)

    def _tell(self, event: FeedEvent) -> None:
        self._inbox.put_feed_event(event, lossless=self._feed.lossless)

    def _tell_failure(self, error: Exception, retry_in_s: float | None) -> None:
        is_known = isinstance(error, SourceError)
        reason = str(error) if is_known else f"{type(error).__name__}: {error}"
        self._tell(FeedFailed(self.name, reason, retry_in_s, self._clock.wall()))


def _log_failure(name: str, error: Exception) -> None:
    if isinstance(error, SourceError):
        # It says itself what is wrong outside; where it was raised helps nobody.
        log.warning("feed failed name=%s: %s", name, error)
    else:
        log.error("feed failed name=%s", name, exc_info=error)


def _chunks(bars: Iterator[Bar]) -> Iterator[list[Bar]]:
    while chunk := list(islice(bars, HISTORY_CHUNK_LEN)):
        yield chunk
