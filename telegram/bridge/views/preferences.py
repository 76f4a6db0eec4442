"""What people and chats have set for themselves: time zones by person, silence by chat.

The thread `forward` writes; any thread may read.
"""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from daemonkit.clock import Clock
from telegram.bridge.chat import Wishes
from telegram.bridge.messenger import read_place
from telegram.bridge.store.preferences import PreferenceTable
from telegram.bridge.views.moments import find_zone, localize

_ZONE, _MUTED_UNTIL = "zone", "muted_until"
# A severity that no silence holds back.
CRITICAL = "critical"


class Preferences:
    """Keep the wishes of people and chats, over restarts too."""

    def __init__(self, table: PreferenceTable, clock: Clock) -> None:
        self._table = table
        self._clock = clock
        self._wishes = table.read()

    def set_zone(self, person: str, chat: str, zone: ZoneInfo) -> None:
        """Show a person all times in a zone; a group has readers in several, and stays in UTC."""
        place = read_place(chat)
        self._save(person, _ZONE, zone.key)
        if place is None or not place.is_group:
            self._save(chat, _ZONE, zone.key)

    def zone_of(self, owner: str) -> ZoneInfo | None:
        """Return the zone of a person, or of a chat with one reader; None is UTC."""
        name = self._wishes.get((owner, _ZONE))
        return None if name is None else find_zone(name)

    def mute(self, chat: str, until: float | None) -> None:
        """Keep a chat silent until then, or no longer."""
        self._save(chat, _MUTED_UNTIL, "" if until is None else str(until))

    def muted_until(self, chat: str) -> float | None:
        """Return until when a chat is silent; None when it is not."""
        saved = self._wishes.get((chat, _MUTED_UNTIL))
        until = None if saved is None else float(saved)
        return until if until is not None and until > self._clock.wall() else None

    def is_silent(self, chat: str, severity: str) -> bool:
        """Tell whether something is to come without a sound."""
        return severity != CRITICAL and self.muted_until(chat) is not None

    def wishes_of(self, chat: str) -> Wishes:
        """Return the wishes of a chat as it asks for them."""
        return _WishesOfChat(self, chat)

    def _save(self, owner: str, name: str, value: str) -> None:
        self._table.save(owner, name, value)
        wishes = dict(self._wishes)
        wishes.pop((owner, name), None)
        if value:
            wishes[owner, name] = value
        self._wishes = wishes


@dataclass(frozen=True, slots=True)
class _WishesOfChat:
    preferences: Preferences
    chat: str

    def localize(self, text: str) -> str:
        return localize(text, self.preferences.zone_of(self.chat))

    def is_silent(self, severity: str) -> bool:
        return self.preferences.is_silent(self.chat, severity)
