"""A messenger's chat as the bridge knows it: calls return at once, from any thread.

What is said waits in memory by lane; the sender takes it from here. Durable events stay in the
database, and waking only says that there are more.
"""

from collections.abc import Callable, Sequence
from threading import Lock

from daemonkit.clock import Clock
from telegram.bridge.chat import Buttons, Wishes
from telegram.bridge.chat_outbox.digest import LogDigest, LogLine
from telegram.bridge.chat_outbox.lanes import Lane
from telegram.bridge.chat_outbox.posts import Attachment, Bounds, Post, Posts, do_nothing
from telegram.bridge.chat_outbox.target import TargetNotes
from telegram.bridge.messenger import Place

# The slot of the pinned message.
LIVE = "live"
# More than these take room, and are one message or file in the end.
_TEXTS_APART_MAX = 200


class TelegramChat:
    """Show messages in one place of the messenger (telegram.bridge.chat.RichChat)."""

    def __init__(
        self, notes: TargetNotes, *, clock: Clock, bounds: Bounds, shows_events: bool = True
    ) -> None:
        self.name = notes.name
        self.notes = notes
        self._clock = clock
        self._lock = Lock()
        self._posts = Posts(bounds)
        self._log = LogDigest()
        self.shows_events = self._has_events = shows_events
        self._is_shut = False
        self.on_work: Callable[[], None] = do_nothing
        self.wishes: Wishes = _NoWishes()

    @property
    def place(self) -> Place:
        """Return where messages go now: a group's number may have changed."""
        return self.notes.place

    def send(
        self,
        text: str,
        buttons: Buttons = (),
        *,
        command_id: str | None = None,  # noqa: ARG002 - for the console's JSON
    ) -> int:
        """Show a new message, as an answer, and return its number."""
        return self.post(text, buttons)

    def edit(
        self,
        message_id: int,
        text: str,
        buttons: Buttons = (),
        *,
        command_id: str | None = None,  # noqa: ARG002 - for the console's JSON
    ) -> None:
        """Replace what a message says; the latest of several waiting edits is shown."""
        self.post(text, buttons, number=message_id)

    def tell(self, text: str, on_shown: Callable[[], None] = do_nothing) -> int:
        """Show what matters as much as an event; call back on the sending thread when it is in."""
        return self.post(text, lane=Lane.ALERT, on_shown=on_shown)

    def settle(self, message_id: int | None, text: str, on_shown: Callable[[], None]) -> int:
        """Have a message, or a new one, say its last word; call back on the sending thread."""
        return self.post(text, number=message_id, on_shown=on_shown)

    def has_shown(self, message_id: int) -> bool:
        """Tell whether a message of that number stands in the chat."""
        return self.notes.message_id(message_id) is not None

    def pass_on(self, text: str, *, is_urgent: bool) -> None:
        """Show what a bot says that is no event; what comes in a flood shares a message."""
        self.post(text, lane=Lane.TEXT, is_urgent=is_urgent)
        with self._lock:
            if self._posts.rows(Lane.TEXT) > _TEXTS_APART_MAX:
                # The first is perhaps on its way.
                self._posts.join(Lane.TEXT, skip=1)

    def join_texts(self) -> None:
        """Make one post of what bots have said; for whoever sends it, while none is on its way."""
        with self._lock:
            self._posts.join(Lane.TEXT)

    def send_picture(
        self,
        png: bytes,
        caption: str,
        *,
        command_id: str | None = None,  # noqa: ARG002 - for the console's JSON
    ) -> int:
        """Show a picture, as an answer."""
        return self.post(caption, attachment=Attachment(png))

    def send_document(
        self,
        data: bytes,
        file_name: str,
        caption: str,
        *,
        command_id: str | None = None,  # noqa: ARG002 - for the console's JSON
    ) -> int:
        """Show a file, as an answer."""
        return self.post(caption, attachment=Attachment(data, file_name))

    def show_live(self, text: str) -> None:
        """Keep the pinned message up to date."""
        self.show_status(LIVE, text, is_pinned=True)

    def show_stream(self, message_id: int | None, text: str, buttons: Buttons = ()) -> int:
        """Show or edit a message of log lines: without a sound, after everything that matters."""
        return self.post(text, buttons, lane=Lane.LOG, number=message_id)

    @property
    def is_shut(self) -> bool:
        """Tell whether nothing is to be said there: its readers were taken from the list."""
        return self._is_shut

    def shut(self, *, is_shut: bool) -> None:
        """Say nothing more there, or speak again; events wait in the database meanwhile."""
        if self._is_shut is not is_shut:
            self._is_shut = is_shut
            self.on_work()

    def obey(self, wishes: Wishes) -> None:
        """Show events and answers from now on as these wishes say."""
        self.wishes = wishes

    def wake(self) -> None:
        """Look for new events in the database, unless they go to other places."""
        if self.shows_events:
            self._has_events = True
            self.on_work()

    def post(
        self,
        text: str,
        buttons: Buttons = (),
        *,
        lane: Lane = Lane.REPLY,
        is_html: bool = False,
        attachment: Attachment | None = None,
        number: int | None = None,
        is_urgent: bool = True,
        on_shown: Callable[[], None] = do_nothing,
    ) -> int:
        """Show a message in a lane, or with a number edit one; return its number."""
        with self._lock:
            before = None if number is None else self._posts.find(number)
            post = Post(
                number=self.notes.take_number() if number is None else number,
                lane=lane if before is None else before.lane,
                text=text,
                queued_at=self._clock.monotonic(),
                buttons=buttons,
                is_html=is_html,
                attachment=attachment,
                slot="" if before is None else before.slot,
                is_pinned=before is not None and before.is_pinned,
                is_edit=number is not None and self.notes.message_id(number) is not None,
                is_urgent=is_urgent,
                on_shown=on_shown,
            )
            self._put(post)
        self.on_work()
        return post.number

    def show_status(
        self,
        slot: str,
        text: str,
        buttons: Buttons = (),
        *,
        is_html: bool = False,
        is_pinned: bool = False,
    ) -> int:
        """Keep one silent message of a name up to date, over restarts; return its number."""
        with self._lock:
            post = Post(
                number=self.notes.slot_number(slot),
                lane=Lane.STATUS,
                text=text,
                queued_at=self._clock.monotonic(),
                buttons=buttons,
                is_html=is_html,
                slot=slot,
                is_pinned=is_pinned,
            )
            self._put(post)
        self.on_work()
        return post.number

    def _put(self, post: Post) -> None:
        if not self._is_shut:
            self._posts.put(post)

    def add_log(self, lines: Sequence[LogLine]) -> None:
        """Show log lines when there is room, many of them as a digest."""
        with self._lock:
            self._log.add(lines, self._clock.monotonic())
        self.on_work()

    def enable(self) -> None:
        """Speak again in a chat that had shut the bot out: somebody wrote there."""
        if self.notes.disabled_because:
            self.notes.enable()
            self.on_work()

    @property
    def has_events(self) -> bool:
        """Tell whether there may be new events."""
        return self._has_events

    def take_wake(self) -> bool:
        """Tell once whether there may be new events."""
        has_events, self._has_events = self._has_events, False
        return has_events

    def waiting(self, lane: Lane, now: float) -> list[Post]:
        """Return what waits in a lane."""
        with self._lock:
            return self._posts.waiting(lane, now)

    def remove(self, post: Post) -> None:
        """Take a post away that is done."""
        with self._lock:
            self._posts.remove(post)

    def drop(self, post: Post) -> None:
        """Take a post away that cannot be shown, and count it."""
        with self._lock:
            self._posts.remove(post)
            self._posts.dropped[post.lane] += post.count

    def count(self, lane: Lane) -> int:
        """Count what waits in a lane, without the events of the database."""
        with self._lock:
            return self._posts.count(lane) + (self._log.waiting if lane is Lane.LOG else 0)

    def dropped(self, lane: Lane) -> int:
        """Count what was dropped from a lane since the start."""
        with self._lock:
            return self._posts.dropped[lane] + (self._log.dropped if lane is Lane.LOG else 0)

    @property
    def log_waiting(self) -> int:
        """Count the log lines that are collected."""
        with self._lock:
            return self._log.waiting

    def log_due_at(self, now: float) -> float | None:
        """Return when log lines are to be shown; None when there are none."""
        with self._lock:
            return self._log.due_at(now)

    def take_log(self, now: float) -> str:
        """Return the log lines or their digest, and forget them."""
        with self._lock:
            return self._log.take(now)

    def drop_log(self) -> int:
        """Forget the log lines that wait; return how many there were."""
        with self._lock:
            return self._log.drop()


class _NoWishes:
    """Be the wishes of somebody who has none."""

    def localize(self, text: str, /) -> str:
        return text

    def is_silent(self, _severity: str, /) -> bool:
        return False
