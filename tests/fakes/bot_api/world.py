"""The simulated Telegram of one bot: who is there, what was written, and one lock for all of it."""

import itertools
import threading
from dataclasses import dataclass, field
from typing import Any, Final

from daemonkit.clock import Clock
from tests.fakes.bot_api.chats import Chat, ChatKind, Person, Status, Topic
from tests.fakes.bot_api.messages import Content, Message, StoredFile
from tests.fakes.bot_api.texts import FormattedText
from tests.fakes.bot_api.updates import UpdateQueue

FILES_BYTES_MAX: Final = 512 * 1024 * 1024
_FIRST_UPDATE_ID: Final = 700_000_001
_SUPERGROUP_BASE: Final = -1_000_000_000_000


@dataclass(eq=False)
class Tap:
    """A press of a button, and what the bot answered to it."""

    id: str
    person: Person
    message: Message
    data: str
    at: float
    answer: str | None = None  # None until the bot has answered; "" is an answer without words
    is_alert: bool = False


@dataclass(eq=False)
class World:
    """Everything there is; whoever reads or changes it holds `changed`."""

    clock: Clock
    bot: Person
    is_privacy_on: bool = True
    changed: threading.Condition = field(default_factory=threading.Condition)
    people: dict[int, Person] = field(default_factory=dict)
    chats: dict[int, Chat] = field(default_factory=dict)
    files: dict[str, StoredFile] = field(default_factory=dict)
    taps: dict[str, Tap] = field(default_factory=dict)
    menus: dict[tuple[str, str], list[dict[str, str]]] = field(default_factory=dict)
    updates: UpdateQueue = field(init=False)

    def __post_init__(self) -> None:
        self.updates = UpdateQueue(self.clock, self.changed, _FIRST_UPDATE_ID)
        self.people[self.bot.id] = self.bot
        # Private chats and small groups count together, as one mailbox; supergroups on their own.
        self._numbers = itertools.count(1)
        self._ids = itertools.count(1001)
        self._files_bytes = 0

    def next_id(self) -> int:
        """Return an id that nobody has."""
        return next(self._ids)

    def add_person(self, person: Person) -> Person:
        """Let somebody exist."""
        with self.changed:
            assert person.id not in self.people, f"there is somebody with the id {person.id}"
            self.people[person.id] = person
            return person

    def private_chat(self, person: Person) -> Chat:
        """Return the chat between a person and the bot; unknown to the bot until written in."""
        with self.changed:
            if person.id not in self.chats:
                chat = Chat(person.id, ChatKind.PRIVATE, partner=person, is_known=False)
                chat.numbers = self._numbers
                chat.put(person, Status.MEMBER)
                chat.put(self.bot, Status.MEMBER)
                self.chats[chat.id] = chat
            return self.chats[person.id]

    def add_chat(self, kind: ChatKind, title: str, *, chat_id: int | None = None) -> Chat:
        """Make a group, supergroup or channel without anybody in it."""
        with self.changed:
            if chat_id is None:
                number = self.next_id()
                chat_id = -number if kind is ChatKind.GROUP else _SUPERGROUP_BASE - number
            assert chat_id not in self.chats, f"there is a chat {chat_id}"
            chat = Chat(chat_id, kind, title)
            if kind is ChatKind.GROUP:
                chat.numbers = self._numbers
            self.chats[chat_id] = chat
            return chat

    def write(
        self, chat: Chat, sender: Person | None, content: Content, *, at: float, **details: Any
    ) -> Message:
        """Put a message into a chat; tells nobody."""
        with self.changed:
            message = Message(chat, next(chat.numbers), int(at), sender, content, **details)
            message.show(content, at)
            chat.messages[message.message_id] = message
            self.changed.notify_all()
            return message

    def write_service(self, chat: Chat, sender: Person | None, **what: Any) -> Message:
        """Put a service message into a chat and tell the bot."""
        thread_id = what.pop("message_thread_id", None)
        at = self.clock.wall()
        message = self.write(
            chat, sender, EMPTY, at=at, service=dict(what), thread_id=thread_id, is_silent=True
        )
        kind = "channel_post" if chat.kind is ChatKind.CHANNEL else "message"
        self.updates.add(kind, message.to_json(), at)
        return message

    def tell_bot(self, message: Message, *, is_edit: bool = False) -> None:
        """Send a person's message on to the bot, as far as it may see it."""
        with self.changed:
            if not message.chat.status_of(self.bot).is_in or self._is_hidden(message):
                return
            message.chat.is_known = True
            kind = "channel_post" if message.chat.kind is ChatKind.CHANNEL else "message"
            date = message.edit_date or message.date
            self.updates.add(f"edited_{kind}" if is_edit else kind, message.to_json(), date)

    def tell_membership(self, chat: Chat, actor: Person, subject: Person, before: Status) -> None:
        """Tell the bot that somebody's place in a chat has changed."""
        kind = "my_chat_member" if subject is self.bot else "chat_member"
        change = {
            "chat": chat.to_json(),
            "from": actor.to_json(),
            "date": int(self.clock.wall()),
            "old_chat_member": member_json(subject, before),
            "new_chat_member": member_json(subject, chat.status_of(subject)),
        }
        self.updates.add(kind, change, self.clock.wall())

    def keep_file(self, file: StoredFile) -> StoredFile:
        """Keep an uploaded file, up to the bound of all of them together."""
        with self.changed:
            self._files_bytes += len(file.content)
            assert self._files_bytes <= FILES_BYTES_MAX, "the fake keeps no more files"
            self.files[file.file_id] = file
            return file

    def topic_of(self, chat: Chat, thread_id: int | None) -> Topic | None:
        """Return a topic that stands."""
        topic = chat.topics.get(thread_id or 0)
        return None if topic is None or topic.is_deleted else topic

    def _is_hidden(self, message: Message) -> bool:
        """Say whether privacy mode keeps a group's message from the bot."""
        chat = message.chat
        if not chat.is_group or not self.is_privacy_on or chat.status_of(self.bot).is_admin:
            return False
        is_reply = message.reply_to is not None and message.reply_to.sender is self.bot
        commands = message.marked("bot_command")
        other = [each for each in commands if "@" in each and not each.endswith(self._handle)]
        is_command = message.text.startswith("/") and bool(commands) and not other
        is_via_bot = message.via_bot is self.bot
        return not (
            is_reply or is_via_bot or is_command or self._handle in message.marked("mention")
        )

    @property
    def _handle(self) -> str:
        return f"@{self.bot.username}"


EMPTY: Final = Content(FormattedText(""))


def member_json(person: Person, status: Status) -> dict[str, Any]:
    """Write a ChatMember."""
    member: dict[str, Any] = {"user": person.to_json(), "status": str(status)}
    if status is Status.ADMINISTRATOR:
        member |= dict.fromkeys(_RIGHTS, True) | {"can_be_edited": False, "is_anonymous": False}
    elif status is Status.CREATOR:
        member["is_anonymous"] = False
    elif status is Status.KICKED:
        member["until_date"] = 0
    return member


_RIGHTS: Final = (
    *("can_manage_chat", "can_delete_messages", "can_manage_video_chats", "can_restrict_members"),
    *("can_promote_members", "can_change_info", "can_invite_users", "can_pin_messages"),
    *("can_post_stories", "can_edit_stories", "can_delete_stories", "can_manage_topics"),
    *("can_post_messages", "can_edit_messages", "can_manage_direct_messages"),
)
