"""People and chats of the simulated Telegram, and how the API writes them."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from tests.fakes.bot_api.messages import Message


class ChatKind(StrEnum):
    """What the API calls the type of a chat."""

    PRIVATE = "private"
    GROUP = "group"
    SUPERGROUP = "supergroup"
    CHANNEL = "channel"


class Status(StrEnum):
    """Somebody's place in a chat."""

    CREATOR = "creator"
    ADMINISTRATOR = "administrator"
    MEMBER = "member"
    LEFT = "left"
    KICKED = "kicked"

    @property
    def is_in(self) -> bool:
        """Say whether this is a place inside the chat."""
        return self not in (Status.LEFT, Status.KICKED)

    @property
    def is_admin(self) -> bool:
        """Say whether this place comes with rights."""
        return self in (Status.CREATOR, Status.ADMINISTRATOR)


@dataclass(eq=False)
class Person:
    """A user or a bot; ids and names may be anything, as in life."""

    id: int
    first_name: str
    last_name: str = ""
    username: str = ""
    language_code: str = "en"
    is_bot: bool = False
    is_deactivated: bool = False

    def to_json(self) -> dict[str, Any]:
        """Write a User."""
        user: dict[str, Any] = {
            "id": self.id,
            "is_bot": self.is_bot,
            "first_name": self.first_name,
        }
        for name in ("last_name", "username"):
            if value := getattr(self, name):
                user[name] = value
        if self.language_code and not self.is_bot:
            user["language_code"] = self.language_code
        return user


# Who the API names as the sender when a chat speaks instead of a person.
GROUP_ANONYMOUS_BOT: Final = Person(
    1087968824, "Group", username="GroupAnonymousBot", is_bot=True, language_code=""
)
CHANNEL_BOT: Final = Person(
    136817688, "Channel", username="Channel_Bot", is_bot=True, language_code=""
)


@dataclass(eq=False)
class Topic:
    """A topic of a forum; its id is the message that made it."""

    thread_id: int
    name: str
    is_closed: bool = False
    is_deleted: bool = False


@dataclass(eq=False)
class Chat:
    """A chat with everything that was ever written in it."""

    id: int
    kind: ChatKind
    title: str = ""
    partner: Person | None = None
    is_forum: bool = False
    username: str = ""
    members: dict[int, Status] = field(default_factory=dict)
    people: dict[int, Person] = field(default_factory=dict)
    topics: dict[int, Topic] = field(default_factory=dict)
    messages: "dict[int, Message]" = field(default_factory=dict)
    pinned: "list[Message]" = field(default_factory=list)
    actions: list[tuple[float, str, int | None]] = field(default_factory=list)
    migrated_to: int | None = None
    is_known: bool = True  # the bot cannot write first to somebody it has never met
    # Number 1 is the line that made the chat, and in a forum the id of the general topic.
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(2))

    @property
    def is_private(self) -> bool:
        """Say whether this is a chat with one person."""
        return self.kind is ChatKind.PRIVATE

    @property
    def is_group(self) -> bool:
        """Say whether people talk with each other here."""
        return self.kind in (ChatKind.GROUP, ChatKind.SUPERGROUP)

    def status_of(self, person: Person) -> Status:
        """Return somebody's place here."""
        return self.members.get(person.id, Status.LEFT)

    def put(self, person: Person, status: Status) -> Status:
        """Give somebody a place here; return the one before."""
        before = self.status_of(person)
        self.members[person.id] = status
        self.people[person.id] = person
        return before

    def shown(self) -> "list[Message]":
        """Return what stands here now, oldest first."""
        return [message for message in self.messages.values() if not message.is_deleted]

    def to_json(self) -> dict[str, Any]:
        """Write a Chat."""
        chat: dict[str, Any] = {"id": self.id, "type": str(self.kind)}
        if self.partner is not None:
            person = self.partner.to_json()
            chat |= {key: person[key] for key in _NAMES if key in person}
        else:
            chat["title"] = self.title
            if self.username:
                chat["username"] = self.username
        if self.is_forum:
            chat["is_forum"] = True
        if self.kind is ChatKind.GROUP:
            chat["all_members_are_administrators"] = False
        return chat


_NAMES: Final = ("first_name", "last_name", "username")
