"""The console's writer: everything that goes to standard output, in order, on its own thread.

Standard output may be slow, full or closed: posts then wait in a bounded queue and the oldest
give way; durable events are read from the database only when there is room, so none is lost.
"""

import errno
import logging
import os
import select
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Condition, Thread
from typing import Protocol

from daemonkit.clock import Clock
from telegram.bridge.records import StoredEvent

log = logging.getLogger(__name__)

POSTS_MAX = 5_000
_EVENTS_AT_ONCE = 100
_RETRY_S = 1.0
# The reader of our output is gone for good.
_GONE = frozenset({errno.EPIPE, errno.EBADF, errno.EIO, errno.ENXIO})


@dataclass(frozen=True, slots=True)
class Post:
    """Hold one message or edit, ready to be written."""

    message_id: int
    text: str
    labels: tuple[str, ...] = ()
    command_id: str | None = None


class EventFeed(Protocol):
    """Give the events that this chat has not shown yet."""

    def read_next(self, limit: int) -> list[tuple[StoredEvent, bool]]:
        """Return events in order, each with whether it was perhaps shown before."""
        ...

    def note_trying(self, event_id: int) -> None:
        """Note that an event is about to be shown."""
        ...

    def note_shown(self, event_id: int) -> None:
        """Note that an event was shown."""
        ...


class ConsoleOutput:
    """Write posts and events to a file descriptor."""

    def __init__(
        self,
        *,
        descriptor: int,
        encode: Callable[[Post], bytes],
        post_of_event: Callable[[StoredEvent, bool], Post],
        feed: EventFeed,
        clock: Clock,
        around: Callable[[bytes], bytes] = bytes,
    ) -> None:
        self._descriptor = descriptor
        self._encode = encode
        self._post_of_event = post_of_event
        self._feed = feed
        self._clock = clock
        self._around = around
        self._condition = Condition()
        self._posts: deque[Post] = deque()
        self._has_events = False
        self._is_busy = False
        self._is_stopping = False
        self._is_gone = False
        self._dropped = 0
        self._thread = Thread(target=self._run, name="console-out", daemon=True)

    def start(self) -> None:
        """Start writing."""
        self._thread.start()

    def add(self, post: Post) -> None:
        """Queue a post; any thread may."""
        with self._condition:
            if self._is_gone:
                return
            if len(self._posts) >= POSTS_MAX:
                self._posts.popleft()
                self._dropped += 1
            self._posts.append(post)
            self._condition.notify_all()

    def wake(self) -> None:
        """Look for new events; any thread may."""
        with self._condition:
            self._has_events = True
            self._condition.notify_all()

    def drain(self, timeout_s: float) -> bool:
        """Wait, but no longer, until all that was queued is written."""
        with self._condition:
            return self._condition.wait_for(
                lambda: self._is_gone or not (self._posts or self._has_events or self._is_busy),
                timeout_s,
            )

    def stop(self, timeout_s: float) -> None:
        """Write what fits into the time, then end."""
        self.drain(timeout_s)
        with self._condition:
            self._is_stopping = True
            self._condition.notify_all()
        self._thread.join(0.5)

    def _run(self) -> None:
        while True:
            with self._condition:
                self._is_busy = False
                self._condition.notify_all()
                self._condition.wait_for(self._has_work)
                if self._is_stopping:
                    return
                self._is_busy = True
                self._has_events = False
            try:
                self._write_posts()
                self._write_events()
            except Exception:
                # The thread's boundary: the console must not take the bridge with it.
                log.exception("the console cannot be written")
                self._pause()
                self.wake()

    def _has_work(self) -> bool:
        return self._is_stopping or bool(self._posts) or self._has_events

    def _write_posts(self) -> None:
        while True:
            with self._condition:
                if not self._posts or self._is_stopping:
                    return
                post = self._posts.popleft()
                dropped, self._dropped = self._dropped, 0
            if dropped:
                text = f"… {dropped:,} messages dropped: they came faster than they were read"
                self._write(self._encode(Post(0, text)))
            self._write(self._encode(post))

    def _write_events(self) -> None:
        shown_id = None
        while not self._is_gone and (events := self._feed.read_next(_EVENTS_AT_ONCE)):
            for event, is_repeat in events:
                # Replies do not wait for a long series of events.
                self._write_posts()
                if self._is_stopping or self._is_gone:
                    self._note_shown(shown_id)
                    return
                self._feed.note_trying(event.id)
                if not self._write(self._encode(self._post_of_event(event, is_repeat))):
                    return
                shown_id = event.id
        self._note_shown(shown_id)

    def _note_shown(self, shown_id: int | None) -> None:
        if shown_id is not None:
            self._feed.note_shown(shown_id)

    def _write(self, data: bytes) -> bool:
        if self._is_gone:
            return False
        left = memoryview(self._around(data))
        while left:
            try:
                left = left[os.write(self._descriptor, left) :]
            except BlockingIOError:
                select.select((), (self._descriptor,), (), _RETRY_S)
            except OSError as error:
                if error.errno in _GONE:
                    self._lose(error)
                    return False
                self._pause()
            if left and self._is_stopping:
                return False
        return True

    def _lose(self, error: OSError) -> None:
        log.warning("standard output is gone (%s); the bridge goes on without", error.strerror)
        with self._condition:
            self._is_gone = True
            self._posts.clear()
            self._condition.notify_all()

    def _pause(self) -> None:
        with self._condition:
            self._condition.wait_for(lambda: self._is_stopping, _RETRY_S)
