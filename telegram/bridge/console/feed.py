"""The events that the console has still to show, and the note of how far it has come.

The note is written before an event is shown and says "perhaps"; so after a crash at most one
event comes twice, and is marked.
"""

import logging

from telegram.bridge.disk import describe_problem, is_foreign
from telegram.bridge.records import StoredEvent
from telegram.bridge.store.events import EventTable
from telegram.bridge.store.settings import ChatCursorTable

log = logging.getLogger(__name__)


class CursorFeed:
    """Read on from where a chat has come to; for the one thread that shows."""

    def __init__(self, chat: str, events: EventTable, cursors: ChatCursorTable) -> None:
        self._chat = chat
        self._events = events
        self._cursors = cursors
        self._shown_id, self._tried_id = cursors.read(chat)
        self._can_save = True

    def read_next(self, limit: int) -> list[tuple[StoredEvent, bool]]:
        """Return events in order, each with whether it was perhaps shown before."""
        events = self._events.read_after(self._shown_id, limit)
        return [(event, event.id <= self._tried_id) for event in events]

    def note_trying(self, event_id: int) -> None:
        """Note that all before this event were shown, and this one is about to be."""
        self._save(max(self._shown_id, event_id - 1), event_id)
        self._shown_id = event_id

    def note_shown(self, event_id: int) -> None:
        """Note that an event was shown."""
        self._save(event_id, event_id)
        self._shown_id = event_id

    def _save(self, shown_id: int, tried_id: int) -> None:
        try:
            self._cursors.save(self._chat, shown_id, tried_id)
        except Exception as error:
            # After a restart some events come again.
            if self._can_save:
                problem, trace = describe_problem(error), None if is_foreign(error) else error
                text = "it cannot be noted which events the console has shown: %s"
                log.warning(text, problem, exc_info=trace)
            self._can_save = False
        else:
            self._can_save = True
