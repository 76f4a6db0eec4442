"""What the bridge needs of a messenger such as Telegram, in values of its own.

The one module that knows the messenger's library turns its objects and errors into these; all
others know only this page. Texts are plain or a small HTML; ids are the messenger's own numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from telegram.bridge.chat import Buttons


@dataclass(frozen=True, slots=True)
class Place:
    """Name where a message goes: a chat, and its topic where it has topics."""

    chat_id: int
    thread_id: int | None = None

    @property
    def name(self) -> str:
        """Return the name under which the rest of the bridge knows this chat."""
        thread = "" if self.thread_id is None else f":{self.thread_id}"
        return f"tg:{self.chat_id}{thread}"

    @property
    def is_group(self) -> bool:
        """Tell whether several people read there: groups and channels have negative numbers."""
        return self.chat_id < 0


def read_place(name: str) -> Place | None:
    """Return the place of a chat's name, or None for a chat that is elsewhere."""
    kind, _, rest = name.partition(":")
    chat_id, _, thread_id = rest.partition(":")
    if kind != "tg" or not chat_id.lstrip("-").isdigit():
        return None
    return Place(int(chat_id), int(thread_id) if thread_id.isdigit() else None)


class Trouble(StrEnum):
    """Name what a failed call means for whoever made it."""

    # Nothing was done; the same call will never work as it is.
    BAD_TEXT = "the text cannot be shown as it is formatted"
    TOO_LONG = "the text is too long"
    NOT_MODIFIED = "the message says that already"
    MESSAGE_GONE = "the message is not there any more"
    THREAD_GONE = "the topic is not there any more"
    REFUSED = "the call was refused"
    # The chat itself.
    CHAT_GONE = "the bot cannot write there"
    MIGRATED = "the group has a new number"
    # The whole bot.
    TOKEN_REFUSED = "the token was refused"  # noqa: S105 - says what is wrong with one
    CONFLICT = "another program uses this token"
    # Later perhaps.
    WAIT = "too many messages, wait"
    DOWN = "not reachable, nothing was done"
    UNCLEAR = "no answer: it may have been done"


class MessengerError(Exception):
    """Say why a call failed; the text holds no secret."""

    def __init__(
        self,
        trouble: Trouble,
        text: str,
        *,
        wait_s: float = 0.0,
        new_chat_id: int | None = None,
    ) -> None:
        super().__init__(text or str(trouble))
        self.trouble = trouble
        self.wait_s = wait_s
        self.new_chat_id = new_chat_id


@dataclass(frozen=True, slots=True)
class Inbound:
    """Carry one update: a message that somebody wrote, or a button that somebody pressed.

    `written_at` is the messenger's time in Unix seconds; a press has none of its own, so it is
    when it came. `press_id` answers a press. Whoever is not a person writing as themselves (an
    anonymous admin, a channel, a forward, an edit) is marked, and refused by whoever decides.
    `has_button` says that the message shows the button: an app may press what is not there.
    `asked` is what the message says that has the button.
    `is_reply` says that it replies to a message of the bot.
    `is_own_pin` marks the line that the messenger writes when the bot has pinned a message, and
    `has_joined` the one when it was put into a group.
    """

    update_id: int
    place: Place
    message_id: int
    user_id: int | None
    user_name: str
    text: str
    written_at: float
    press_data: str | None = None
    press_id: str | None = None
    is_edited: bool = False
    is_forwarded: bool = False
    is_anonymous: bool = False
    is_private: bool = False
    migrated_to: int | None = None
    has_button: bool = True
    asked: str = ""
    is_reply: bool = False
    is_own_pin: bool = False
    has_joined: bool = False


@dataclass(frozen=True, slots=True)
class Me:
    """Say who the bot is at the messenger."""

    id: int
    user_name: str
    can_read_groups: bool


@dataclass(frozen=True, slots=True)
class CommandName:
    """Offer one command in the messenger's menu."""

    name: str
    summary: str


class Messenger(Protocol):
    """Make calls; every one raises MessengerError and nothing else, and none waits for ever."""

    async def who_am_i(self) -> Me:
        """Return who the bot is."""
        ...

    async def send_text(
        self, place: Place, text: str, *, html: bool, buttons: Buttons = (), silent: bool = False
    ) -> int:
        """Send a message; return its number."""
        ...

    async def edit_text(
        self, place: Place, message_id: int, text: str, *, html: bool, buttons: Buttons = ()
    ) -> None:
        """Replace what a message says."""
        ...

    async def drop_buttons(self, place: Place, message_id: int) -> None:
        """Take the buttons from under a message, which stays as it is."""
        ...

    async def send_photo(
        self, place: Place, data: bytes, caption: str, *, silent: bool = False
    ) -> int:
        """Send a picture (PNG) with a plain caption of at most 1,024 characters."""
        ...

    async def send_document(
        self, place: Place, data: bytes, file_name: str, caption: str, *, silent: bool = False
    ) -> int:
        """Send a file."""
        ...

    async def delete(self, place: Place, message_id: int) -> None:
        """Delete a message."""
        ...

    async def pin(self, place: Place, message_id: int) -> None:
        """Pin a message without a sound."""
        ...

    async def answer_press(self, press_id: str, text: str = "") -> None:
        """End the waiting of a pressed button, with a short notice if there is one."""
        ...

    async def set_commands(self, commands: Sequence[CommandName], user_id: int | None) -> None:
        """Set the menu of one person's private chat, or of everybody else."""
        ...

    async def leave(self, chat_id: int) -> None:
        """Leave a group."""
        ...
