"""What is shown beyond answers and events, in one place for the loop that drives it."""

from dataclasses import dataclass, field

from daemonkit.clock import Clock
from telegram.bridge.chats import Chats
from telegram.bridge.messenger import read_place
from telegram.bridge.sessions import Sessions
from telegram.bridge.views.live_status import LiveGaps, LiveMessage, draw_board
from telegram.bridge.views.log_feed import LogFeed
from telegram.bridge.views.moments import localize
from telegram.bridge.views.picture_desk import PictureDesk
from telegram.bridge.views.preferences import Preferences
from telegram.bridge.views.streams import Streams


@dataclass(slots=True)
class LiveDesk:
    """Keep the live status of every chat that can have one and shows events; none without gaps."""

    clock: Clock
    chats: Chats
    sessions: Sessions
    preferences: Preferences
    gaps: LiveGaps | None
    _messages: dict[str, LiveMessage] = field(default_factory=dict)
    _due_at: float = float("-inf")

    def tick(self) -> None:
        """Show what has changed; looked at once a second."""
        now = self.clock.monotonic()
        if self.gaps is None or now < self._due_at:
            return
        self._due_at = now + 1.0
        # Not where people only ask: some of them have never let the bot write to them.
        chats = [
            chat
            for chat in self.chats.names
            if self.chats.can_edit(chat) and self.chats.shows_events(chat)
        ]
        # Nothing to say yet: what was pinned before a restart says more.
        if not chats or not self.sessions.known():
            return
        board = draw_board(self.sessions.all(), self.clock.wall())
        for chat in chats:
            message = self._messages.setdefault(chat, LiveMessage(_gap_of(chat, self.gaps)))
            zone = self.preferences.zone_of(chat)
            text = message.next_text(board, zone, now)
            if text is not None:
                self.chats.show_live(chat, localize(text, zone))


@dataclass(frozen=True, slots=True)
class Views:
    """Hold what the loop of the bridge drives and ends."""

    preferences: Preferences
    streams: Streams
    log_feed: LogFeed
    live: LiveDesk
    pictures: PictureDesk

    def tick(self) -> None:
        """Show what is due."""
        self.streams.tick()
        self.live.tick()

    def localize(self, person: str, text: str) -> str:
        """Return a text with its times in the zone of a person."""
        return localize(text, self.preferences.zone_of(person))

    def close(self) -> None:
        """End what runs beside the loop."""
        self.pictures.close()


def _gap_of(chat: str, gaps: LiveGaps) -> float:
    place = read_place(chat)
    return gaps.group_s if place is not None and place.is_group else gaps.private_s
