"""The events of one lane that a chat has still to show, and the note of how far it has come.

The note is written before a message is sent and says "perhaps"; so after a crash at most that one
message comes twice, and is marked. Alerts and notices have a note each.
"""

import logging
from collections import deque
from itertools import islice
from typing import Protocol

from telegram.bridge.chat_outbox.lanes import Lane, lane_of
from telegram.bridge.disk import describe_problem, is_foreign
from telegram.bridge.records import StoredEvent

log = logging.getLogger(__name__)

# Few at first and more while they are short: a text may be half a million characters long.
_PAGE_FIRST = 50
_PAGE_MAX = 500
_PAGE_CHARS = 1_000_000
# So much is held in memory, and a page; it is more than goes into a file.
_CHARS_MAX = 8_000_000
_PAGES_AT_ONCE = 20
# Events of other lanes are passed over; after so many it is noted, so as not to read them again.
_PASSED_MAX = 5_000


class Events(Protocol):
    """Read events."""

    def read_after(self, event_id: int, limit: int) -> list[StoredEvent]:
        """Return up to `limit` events that follow an id, oldest first."""
        ...


class Cursors(Protocol):
    """Note how far a chat has come."""

    def read(self, chat: str) -> tuple[int, int]:
        """Return the last id that was shown, and the last that was perhaps shown."""
        ...

    def save(self, chat: str, shown_id: int, tried_id: int) -> None:
        """Note how far a chat has come."""
        ...


def cursor_name(chat: str, lane: Lane) -> str:
    """Return the name under which a lane's place is noted."""
    return chat if lane is Lane.ALERT else f"{chat} {lane.name.lower()}"


class LaneFeed:
    """Read on from where a chat has come to; for the one thread that sends."""

    def __init__(self, chat: str, lane: Lane, events: Events, cursors: Cursors) -> None:
        self.lane = lane
        self._name = cursor_name(chat, lane)
        self._events = events
        self._cursors = cursors
        self._shown_id, self._tried_id = cursors.read(self._name)
        self._doubt_id = self._tried_id
        self._scanned_id = self._saved_id = self._shown_id
        self._waiting: deque[StoredEvent] = deque()
        self._chars = 0
        self._page = _PAGE_FIRST
        self._is_more = False
        self.is_used = False
        self._problem = ""

    @property
    def waiting(self) -> int:
        """Count the events that were read and not sent; there may be more."""
        return len(self._waiting)

    @property
    def shown_id(self) -> int:
        """Return up to which event everything was shown."""
        return self._shown_id

    @property
    def is_more(self) -> bool:
        """Tell whether there may be events that were not read yet."""
        return self._is_more

    @property
    def problem(self) -> str:
        """Return why events cannot be read, or nothing."""
        return self._problem

    def begin_at(self, event_id: int) -> None:
        """Pass over all up to an event, in a chat of which nothing is noted."""
        self._shown_id = self._tried_id = self._doubt_id = self._scanned_id = event_id

    def wake(self) -> None:
        """Look for new events at the next turn."""
        self.is_used = True
        self._is_more = True

    def peek(self, limit: int) -> list[tuple[StoredEvent, bool]]:
        """Return events in order, each with whether it was perhaps shown before."""
        for _ in range(_PAGES_AT_ONCE):
            is_enough = len(self._waiting) >= limit or self._chars >= _CHARS_MAX
            if is_enough or not self._is_more or not self._read():
                break
        if not self._waiting:
            self._pass()
        first = islice(self._waiting, limit)
        return [(event, event.id <= self._tried_id) for event in first]

    def note_trying(self, event_id: int) -> None:
        """Note that all up to this event are about to be shown in one message."""
        self._doubt_id = self._tried_id
        self._tried_id = max(self._tried_id, event_id)
        self._save()

    def note_refused(self) -> None:
        """Note that what was tried has certainly not been shown."""
        self._tried_id = self._doubt_id
        self._save()

    def note_sent(self, event_id: int) -> None:
        """Note that all up to this event were shown, or passed over."""
        while self._waiting and self._waiting[0].id <= event_id:
            self._chars -= len(self._waiting.popleft().text)
        self._shown_id = max(self._shown_id, event_id)
        self._tried_id = self._doubt_id = max(self._tried_id, self._shown_id)
        self._save()

    def _read(self) -> bool:
        try:
            page = self._events.read_after(self._scanned_id, self._page)
        except Exception as error:
            problem = describe_problem(error)
            if problem != self._problem:
                trace = None if is_foreign(error) else error
                log.warning("%s cannot read events: %s", self._name, problem, exc_info=trace)
            self._problem = problem
            return False
        self._problem = ""
        found = [one for one in page if lane_of(one.kind, one.severity) is self.lane]
        self._waiting.extend(found)
        self._chars += sum(len(one.text) for one in found)
        self._is_more = len(page) == self._page
        may_grow = self._is_more and sum(len(one.text) for one in page) < _PAGE_CHARS
        self._page = min(_PAGE_MAX, 2 * self._page) if may_grow else _PAGE_FIRST
        if page:
            self._scanned_id = page[-1].id
        return True

    def _pass(self) -> None:
        """Have come as far as was read: none of it is for this lane."""
        self._shown_id = max(self._shown_id, self._scanned_id)
        self._tried_id = self._doubt_id = max(self._tried_id, self._shown_id)
        if self._shown_id - self._saved_id >= _PASSED_MAX:
            self._save()

    def _save(self) -> None:
        try:
            self._cursors.save(self._name, self._shown_id, self._tried_id)
        except Exception as error:
            # After a restart some events come again.
            if self._saved_id >= 0:
                trace = None if is_foreign(error) else error
                problem = describe_problem(error)
                log.warning(
                    "%s cannot note what was shown: %s", self._name, problem, exc_info=trace
                )
            self._saved_id = -1
        else:
            self._saved_id = self._shown_id
