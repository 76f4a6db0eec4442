"""Groups, supergroups, forums and channels: who comes and goes, and what the bot hears of it."""

from collections.abc import Iterable
from typing import Any

from tests.fakes.bot_api.chats import Chat, ChatKind, Person, Status, Topic
from tests.fakes.bot_api.messages import Content, Message
from tests.fakes.bot_api.texts import read_plain
from tests.fakes.bot_api.world import World


class Rooms:
    """Make chats of several and change them; what is made is quiet, what changes is told."""

    def __init__(self, world: World) -> None:
        self._world = world

    def group(self, title: str, members: Iterable[Person] = (), **details: Any) -> Chat:
        """Make a small group with the bot in it; the first member is its creator."""
        return self._make(ChatKind.GROUP, title, members, **details)

    def supergroup(
        self,
        title: str,
        members: Iterable[Person] = (),
        *,
        topics: Iterable[str] | None = None,
        **details: Any,
    ) -> Chat:
        """Make a supergroup with the bot in it; with `topics` (may be empty) it is a forum."""
        chat = self._make(ChatKind.SUPERGROUP, title, members, **details)
        chat.is_forum = topics is not None
        for name in topics or ():
            self.add_topic(chat, name)
        return chat

    def channel(self, title: str, *, is_bot_admin: bool = True, **details: Any) -> Chat:
        """Make a channel with the bot in it."""
        return self._make(ChatKind.CHANNEL, title, (), is_bot_admin=is_bot_admin, **details)

    def add_topic(self, chat: Chat, name: str) -> Topic:
        """Make a topic in a forum."""
        with self._world.changed:
            creator = next(iter(chat.people.values()), self._world.bot)
            made = {"name": name, "icon_color": 0x6FB9F0}
            message = self._world.write_service(chat, creator, forum_topic_created=made)
            topic = Topic(message.message_id, name)
            message.thread_id = topic.thread_id
            chat.topics[topic.thread_id] = topic
            return topic

    def close_topic(self, topic: Topic) -> None:
        """Close a topic to all but administrators."""
        with self._world.changed:
            topic.is_closed = True

    def delete_topic(self, chat: Chat, topic: Topic) -> None:
        """Delete a topic with all that was written in it."""
        with self._world.changed:
            topic.is_deleted = True
            for message in chat.messages.values():
                message.is_deleted = message.is_deleted or message.thread_id == topic.thread_id

    def join(self, chat: Chat, person: Person, status: Status = Status.MEMBER) -> None:
        """Let somebody come in; the bot too, by which it also becomes an administrator."""
        with self._world.changed:
            before = chat.put(person, status)
            actor = self._owner(chat)
            self._world.tell_membership(chat, actor, person, before)
            if not before.is_in and chat.kind != ChatKind.CHANNEL:
                self._world.write_service(chat, actor, new_chat_members=[person.to_json()])

    def leave(self, chat: Chat, person: Person, *, is_kicked: bool = False) -> None:
        """Let somebody go, or throw somebody out; the bot too."""
        with self._world.changed:
            actor = self._owner(chat) if is_kicked else person
            if not chat.is_private and person is not self._world.bot:
                self._world.write_service(chat, actor, left_chat_member=person.to_json())
            before = chat.put(person, Status.KICKED if is_kicked else Status.LEFT)
            self._world.tell_membership(chat, actor, person, before)
            self._world.changed.notify_all()

    def promote(self, chat: Chat, person: Person) -> None:
        """Make somebody an administrator; the bot too."""
        with self._world.changed:
            before = chat.put(person, Status.ADMINISTRATOR)
            self._world.tell_membership(chat, self._owner(chat), person, before)

    def migrate(self, chat: Chat) -> Chat:
        """Make a small group a supergroup; the bot is told in both, and the old id is refused."""
        with self._world.changed:
            new = self._world.add_chat(ChatKind.SUPERGROUP, chat.title)
            new.members, new.people = dict(chat.members), dict(chat.people)
            owner = self._owner(chat)
            self._world.write_service(chat, owner, migrate_to_chat_id=new.id)
            self._world.write_service(new, owner, migrate_from_chat_id=chat.id)
            chat.migrated_to = new.id
            return new

    def post(self, channel: Chat, text: str, *, age_s: float = 0.0) -> Message:
        """Write in a channel, as its administrators do."""
        with self._world.changed:
            message = self._world.write(
                channel,
                None,
                Content(read_plain(text)),
                at=self._world.clock.wall() - age_s,
                sender_chat=channel,
            )
            self._world.tell_bot(message)
            return message

    def _make(
        self,
        kind: ChatKind,
        title: str,
        members: Iterable[Person],
        *,
        chat_id: int | None = None,
        is_bot_in: bool = True,
        is_bot_admin: bool = False,
    ) -> Chat:
        with self._world.changed:
            chat = self._world.add_chat(kind, title, chat_id=chat_id)
            for number, person in enumerate(members):
                chat.put(person, Status.MEMBER if number else Status.CREATOR)
            if is_bot_in:
                status = Status.ADMINISTRATOR if is_bot_admin else Status.MEMBER
                chat.put(self._world.bot, status)
            return chat

    def _owner(self, chat: Chat) -> Person:
        return next(iter(chat.people.values()), self._world.bot)
