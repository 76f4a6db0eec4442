"""Durable events on their way into a chat: packed, in order, each with its #id.

After an outage the first come as messages and the rest as one file.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import takewhile

from daemonkit.clock import Clock
from telegram.bridge.chat import Wishes
from telegram.bridge.chat_outbox.calls import Call, Offer
from telegram.bridge.chat_outbox.lane_feed import LaneFeed
from telegram.bridge.chat_outbox.lanes import LANES
from telegram.bridge.chat_outbox.packing import (
    LINES_MAX,
    Dress,
    caption_of,
    dressed,
    fitting,
    text_file,
)
from telegram.bridge.chat_outbox.retries import Action, Form, weaker
from telegram.bridge.chat_outbox.splitting import UNITS_BUDGET, UNITS_MAX, head
from telegram.bridge.event_buttons import buttons_of
from telegram.bridge.messenger import Trouble
from telegram.bridge.records import StoredEvent
from telegram.bridge.render import clean, event_text, plural

log = logging.getLogger(__name__)

FILE_EVENTS_MAX = 2_000
FILE_CHARS_MAX = 2_000_000
MESSAGES_BEFORE_FILE = 3
# So often an event is tried that the messenger refuses in every form.
ROUNDS_MAX = 5
ROUND_PAUSE_S = 60.0
_READ_AGAIN_S = 1.0
_BARE = "cannot be shown here, see /logs"
_CUT = "… (cut: files are refused here)"


class EventSource:
    """Send the events of one lane (telegram.bridge.chat_outbox.calls.Source)."""

    def __init__(
        self,
        feed: LaneFeed,
        clock: Clock,
        dress: Dress | None,
        *,
        wishes: Callable[[], Wishes],
    ) -> None:
        self._wishes = wishes
        self.feed = feed
        self._clock = clock
        self._dress = dress
        self._form = Form.DRESSED
        self._since: float | None = None
        self._last_id = 0
        self._is_in_file = False
        self._takes_files = True
        self._is_bare = False
        self._file_to_id = 0
        self._messages_left = 0
        self._rounds = 0
        self._not_before = float("-inf")
        self.dropped = 0

    def catch_up(self, to_id: int) -> None:
        """Have the events up to an id come as a few messages and a file."""
        self._file_to_id, self._messages_left = to_id, MESSAGES_BEFORE_FILE
        self._takes_files = True

    def offer(self, now: float) -> Offer | None:
        """Return whether an event waits."""
        if not self.feed.waiting and not self.feed.is_more:
            return None
        events = self.feed.peek(LINES_MAX)
        if not events:
            self._since = None
            if not self.feed.is_more:
                return None
            pause_s = _READ_AGAIN_S if self.feed.problem else 0.0
            return Offer(self.feed.lane, now, now + pause_s)
        if self._since is None:
            self._since = now
        return Offer(self.feed.lane, self._since, max(now, self._not_before))

    def call(self, _now: float, /) -> Call | None:
        """Return the next message or file."""
        self._skip_old()
        events = self._run_of(self.feed.peek(LINES_MAX))
        if not events:
            return None
        call = self._file(events) if self._wants_file(events) else self._message(events)
        self.feed.note_trying(self._last_id)
        return call

    def sent(self, _message_id: int | None, _now: float, /) -> None:
        """Go on after what was sent."""
        self.feed.note_sent(self._last_id)
        self._form, self._since, self._rounds = Form.DRESSED, None, 0
        self._is_bare = False
        if not self._is_in_file and self._messages_left:
            self._messages_left -= 1

    def failed(self, trouble: Trouble, action: Action, /) -> None:
        """Send it again, in a plainer form, or marked."""
        if action is Action.REPEAT:
            return
        self.feed.note_refused()
        if action is not Action.WEAKEN:
            return
        if self._is_in_file:
            # A group may forbid its members files and nothing else.
            self._takes_files = False
        elif self._is_bare:
            self._give_up(trouble)
        elif (form := weaker(self._form, trouble)) is not None:
            self._form = form
        else:
            self._start_over()

    def _start_over(self) -> None:
        """Try all forms again later, one event at a time: perhaps it is only one; not for ever."""
        self._form = Form.DRESSED
        self._rounds += 1
        if self._rounds < ROUNDS_MAX:
            self._not_before = self._clock.monotonic() + ROUND_PAUSE_S * self._rounds
            return
        # Its number at least is shown: nobody is to believe that nothing has happened.
        self._is_bare = True

    def _give_up(self, trouble: Trouble) -> None:
        self._rounds, self._is_bare = 0, False
        log.error("event #%d cannot be shown: %s", self._last_id, trouble)
        self.dropped += 1
        self.feed.note_sent(self._last_id)

    def _skip_old(self) -> None:
        lifetime_s = LANES[self.feed.lane].lifetime_s
        if lifetime_s is None:
            return
        oldest = self._clock.wall() - lifetime_s
        while old := [
            event
            for event, _ in takewhile(
                lambda one: one[0].raised_at < oldest, self.feed.peek(LINES_MAX)
            )
        ]:
            self.dropped += len(old)
            self._rounds, self._is_bare = 0, False
            self.feed.note_sent(old[-1].id)

    def _run_of(self, events: list[tuple[StoredEvent, bool]]) -> list[tuple[StoredEvent, bool]]:
        """Return the first events that were all perhaps shown, or all not.

        One with buttons is a message of its own: they are to be pressed under what they are about.
        """
        if not events:
            return []
        if buttons_of(events[0][0]):
            return events[:1]
        is_repeat = events[0][1]
        ends = (i for i, one in enumerate(events) if one[1] is not is_repeat or buttons_of(one[0]))
        return events[: next(ends, len(events))]

    def _texts(self, events: list[tuple[StoredEvent, bool]]) -> list[str]:
        now, wishes = self._clock.wall(), self._wishes()
        texts = [event_text(event, now, is_repeat=repeat) for event, repeat in events]
        return [clean(wishes.localize(text)) for text in texts]

    def _is_silent(self, events: Sequence[tuple[StoredEvent, bool]]) -> bool:
        wishes = self._wishes()
        return all(wishes.is_silent(event.severity) for event, _ in events)

    def _fitting(self, events: list[tuple[StoredEvent, bool]], texts: list[str]) -> int:
        # With their marks, the lines of a message that is repeated are longer than they were.
        budget = UNITS_MAX if events[0][1] else UNITS_BUDGET
        return fitting(texts, budget, 1 if self._form is Form.SMALL or self._rounds else LINES_MAX)

    def _wants_file(self, events: list[tuple[StoredEvent, bool]]) -> bool:
        if self._is_bare or not self._takes_files:
            return False
        if self._form is Form.FILE or not self._fitting(events, self._texts(events)):
            return True
        ahead = self._run_of(self.feed.peek(LINES_MAX + 1))
        if not events[0][1]:
            if events[0][0].id > self._file_to_id or self._messages_left:
                return False
            ahead = [one for one in ahead if one[0].id <= self._file_to_id]
        # What was perhaps shown was one message or one file, and comes again as one.
        return len(ahead) > self._fitting(events, self._texts(events))

    def _message(self, events: list[tuple[StoredEvent, bool]]) -> Call:
        if self._is_bare:
            events = [(replace(events[0][0], text=_BARE), events[0][1])]
        texts = self._texts(events)
        count = self._fitting(events, texts)
        text = "\n".join(texts[:count])
        if not count:
            count, text = 1, head(texts[0], UNITS_BUDGET - len(_CUT)) + _CUT
        self._is_in_file = False
        self._last_id = events[count - 1][0].id
        html = dressed(text, self._dress) if self._form is Form.DRESSED else None
        return Call(
            self.feed.lane,
            html or text,
            is_html=html is not None,
            buttons=buttons_of(events[0][0]),
            is_silent=self._is_silent(events[:count]),
        )

    def _file(self, events: list[tuple[StoredEvent, bool]]) -> Call:
        """Return what does not fit into messages; a repeated file has what it had."""
        count = self._fitting(events, self._texts(events))
        if count and self._form is not Form.FILE:
            events = self._run_of(self.feed.peek(FILE_EVENTS_MAX))
            if not events[0][1]:
                events = [one for one in events if one[0].id <= self._file_to_id]
        else:
            events = events[: max(1, count)]
        texts: list[str] = []
        chars = 0
        for text in self._texts(events):
            chars += len(text)
            if texts and chars > FILE_CHARS_MAX:
                break
            texts.append(text)
        first, last = events[0][0], events[len(texts) - 1][0]
        self._is_in_file = True
        self._last_id = last.id
        name = self.feed.lane.name.lower()
        title = f"#{first.id} … #{last.id}: {plural(len(texts), name)}"
        if events[0][1]:
            title += " (perhaps shown before)"
        caption = caption_of(texts[0]) if len(texts) == 1 else title
        file = text_file("\n".join(texts) + "\n", f"{name}s-{first.id}-{last.id}")
        silent = self._is_silent(events[: len(texts)])
        return Call(self.feed.lane, caption, attachment=file, is_silent=silent)
