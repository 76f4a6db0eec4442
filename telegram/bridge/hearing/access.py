"""Who may command where on the messenger: from the configuration, under the environment.

People are numbers, never names, which can be taken over. Whoever and whatever is not listed does
not exist. A listed person may also write in private; in a group both must be listed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from daemonkit.errors import FOUND_NOTHING, ConfigurationError
from tcpproto.vocabulary import Role
from telegram.bridge.access import read_chat_id, read_user_ids
from telegram.bridge.messenger import Place
from telegram.bridge.telegram_config import ChatEntry, TelegramSection


@dataclass(frozen=True, slots=True)
class TelegramAccess:
    """Hold the people with their roles, and the chats that belong to the bridge.

    What is written in an `unserved` place is not heard, as nothing could be said to it.
    """

    users: Mapping[int, Role] = field(default_factory=dict)
    chats: tuple[ChatEntry, ...] = ()
    unserved: frozenset[Place] = frozenset()

    def role_of(self, user_id: int | None) -> Role | None:
        """Return what a person may do; None for a stranger."""
        return None if user_id is None else self.users.get(user_id)

    def knows_group(self, chat_id: int) -> bool:
        """Tell whether a group, or a topic of it, is listed."""
        return any(one.id == chat_id for one in self.chats)

    def hears(self, place: Place) -> bool:
        """Tell whether commands are heard there; each topic of a group is a place of its own."""
        if place in self.unserved:
            return False
        if not place.is_group:
            return place.chat_id in self.users
        return any(one.place == place for one in self.chats)

    @property
    def places(self) -> tuple[Place, ...]:
        """Return every place that is spoken to: what is listed, and everybody in private."""
        private = (Place(user_id) for user_id in self.users)
        return tuple(dict.fromkeys((*(one.place for one in self.chats), *private)))

    @property
    def event_places(self) -> tuple[Place, ...]:
        """Return where events are shown: the chats listed for it, else everybody in private."""
        if not self.chats:
            return tuple(Place(user_id) for user_id in self.users)
        return tuple(one.place for one in self.chats if one.events)

    @property
    def admins(self) -> tuple[Place, ...]:
        """Return the private chats of the admins."""
        return tuple(Place(one) for one, role in self.users.items() if role is Role.ADMIN)


def load_access(
    section: TelegramSection, environ: Mapping[str, str], file: object = "telegram.yaml"
) -> TelegramAccess:
    """Lay the environment over the configuration; ConfigurationError for a group without users."""
    chat_id, user_ids = read_chat_id(environ), read_user_ids(environ)
    users = dict(section.users)
    if user_ids:
        # Whoever is named there alone is the operator's own choice, and can do everything.
        users = {one: section.users.get(one, Role.ADMIN) for one in user_ids}
    elif chat_id is not None and chat_id > 0:
        users.setdefault(chat_id, Role.ADMIN)
    chats = section.chats
    if chat_id is not None:
        listed = tuple(one for one in chats if one.id == chat_id)
        chats = listed or (ChatEntry(id=chat_id),)
    if not users and any(one.place.is_group for one in chats):
        _refuse_group(chats, file, from_environment=chat_id is not None)
    return TelegramAccess(users, chats)


def _refuse_group(chats: tuple[ChatEntry, ...], file: object, *, from_environment: bool) -> None:
    group = next(one.id for one in chats if one.place.is_group)
    where, key = (
        ("environment", "TELEGRAM_USER_IDS") if from_environment else (str(file), "telegram.users")
    )
    raise ConfigurationError(
        where,
        key,
        found=FOUND_NOTHING,
        allowed="the numbers of those who may command",
        hint=f"chat {group} is a group: being in it is not enough",
    )
