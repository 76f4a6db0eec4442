"""A person's phone, opened at one chat: what they write and press, and what they see."""

import re
from typing import Any, Final

from tests.fakes.bot_api.chat_queries import menu_of
from tests.fakes.bot_api.chats import (
    CHANNEL_BOT,
    GROUP_ANONYMOUS_BOT,
    Chat,
    ChatKind,
    Person,
    Status,
)
from tests.fakes.bot_api.editing import remove
from tests.fakes.bot_api.html_text import utf16_length
from tests.fakes.bot_api.keyboards import Button
from tests.fakes.bot_api.messages import Content, Message, Predicate, StoredFile
from tests.fakes.bot_api.pictures import photo_size
from tests.fakes.bot_api.texts import TEXT_LENGTH_MAX, read_plain
from tests.fakes.bot_api.waits import wait_in
from tests.fakes.bot_api.world import Tap, World

PATIENCE_S: Final = 10.0


class Phone:
    """One person at one chat (and topic); several phones may stand at the same chat."""

    def __init__(
        self,
        world: World,
        person: Person,
        chat: Chat,
        thread_id: int | None = None,
        *,
        is_anonymous: bool = False,
    ) -> None:
        self._world = world
        self.person = person
        self.chat = chat
        self.thread_id = thread_id
        self.is_anonymous = is_anonymous

    @property
    def messages(self) -> list[Message]:
        """What stands in the chat (or topic) now, oldest first, by whomever."""
        with self._world.changed:
            return [
                message
                for message in self.chat.shown()
                if self.thread_id is None or message.thread_id == self.thread_id
            ]

    @property
    def bot_messages(self) -> list[Message]:
        """What the bot has written and still stands, without lines such as of pins."""
        return [each for each in self.messages if each.is_from_bot and not each.service]

    @property
    def texts(self) -> list[str]:
        """The texts of the bot as they stand now."""
        return [message.text for message in self.bot_messages]

    @property
    def last(self) -> Message:
        """The newest message of the bot."""
        assert self.bot_messages, f"the bot has written nothing\n{self.describe()}"
        return self.bot_messages[-1]

    @property
    def pinned(self) -> list[Message]:
        """What is pinned, oldest first."""
        with self._world.changed:
            return list(self.chat.pinned)

    @property
    def sounds(self) -> list[Message]:
        """The messages of the bot for which the phone made a sound; edits never do."""
        return [message for message in self.bot_messages if not message.is_silent]

    @property
    def menu(self) -> list[str]:
        """The commands that the app offers this person in this chat."""
        with self._world.changed:
            return [each["command"] for each in menu_of(self._world, self.chat, self.person)]

    @property
    def actions(self) -> list[str]:
        """What the bot was seen doing: typing, upload_photo …"""
        with self._world.changed:
            return [
                action
                for _at, action, thread_id in self.chat.actions
                if self.thread_id in (None, thread_id)
            ]

    def say(
        self,
        text: str,
        *,
        reply_to: Message | None = None,
        age_s: float = 0.0,
        as_chat: Chat | None = None,
        via_bot: Person | None = None,
    ) -> Message:
        """Write a message; it was sent `age_s` ago, or by a negative number in the future."""
        assert utf16_length(text) <= TEXT_LENGTH_MAX, "the app cuts longer texts"
        return self._write(
            Content(read_plain(text)),
            age_s=age_s,
            reply_to=reply_to,
            as_chat=as_chat,
            via_bot=via_bot,
        )

    def send_document(self, name: str, content: bytes, caption: str = "") -> Message:
        """Send a file, perhaps with a caption."""
        number = len(self._world.files) + 1
        file = StoredFile(
            f"document{number}", name, content, "text/plain", f"documents/file_{number}.bin"
        )
        self._world.keep_file(file)
        return self._write(Content(read_plain(caption), document=file))

    def send_photo(self, content: bytes, caption: str = "") -> Message:
        """Send a picture, perhaps with a caption."""
        number = len(self._world.files) + 1
        width, height = photo_size(content)
        path = f"photos/file_{number}.jpg"
        file = StoredFile(f"photo{number}", "", content, "image/jpeg", path, width, height)
        self._world.keep_file(file)
        return self._write(Content(read_plain(caption), photo=file))

    def forward(self, message: Message, *, age_s: float = 0.0) -> Message:
        """Forward a message of any chat into this one."""
        content = Content(
            message.content.body, None, message.content.photo, message.content.document
        )
        return self._write(content, age_s=age_s, forward_origin=message.origin_json())

    def edit(self, message: Message, text: str) -> Message:
        """Change an own message."""
        assert not message.is_from_bot, "people edit what they have written themselves"
        with self._world.changed:
            message.show(Content(read_plain(text)), self._world.clock.wall())
            self._world.tell_bot(message, is_edit=True)
            self._world.changed.notify_all()
            return message

    def delete(self, message: Message) -> None:
        """Delete a message for everybody; bots hear nothing of it."""
        with self._world.changed:
            remove(self._world, message)

    def press(self, text: str, message: Message | None = None, *, times: int = 1) -> list[Tap]:
        """Press a button of the newest message that has it, or of a given one; fast if `times`."""
        with self._world.changed:
            places = self.messages[::-1] if message is None else [message]
            found = _find_button(places, text)
            assert found is not None, f"no button {text!r}\n{self.describe()}"
            place, button = found
            assert button.data is not None, f"the button {text!r} opens {button.url}"
            return [self.press_data(place, button.data) for _ in range(times)]

    def press_data(self, message: Message, data: str) -> Tap:
        """Send a press as a made-up app would: of a button that is not (or no longer) there."""
        with self._world.changed:
            number = str(7_000_000_000_000_000_000 + len(self._world.taps))
            tap = Tap(number, self.person, message, data, self._world.clock.wall())
            self._world.taps[number] = tap
            is_gone = message.is_deleted
            query = {
                "id": number,
                "from": self.person.to_json(),
                "message": message.inaccessible_json() if is_gone else message.to_json(),
                "chat_instance": str(message.chat.id * 31),
                "data": data,
            }
            self._world.updates.add("callback_query", query, tap.at)
            return tap

    def block(self) -> None:
        """Block the bot in the private chat."""
        self._set_bot(Status.KICKED)

    def unblock(self) -> None:
        """Let the bot write again."""
        self._set_bot(Status.MEMBER)

    def deactivate(self) -> None:
        """Delete the account; the bot hears nothing of it."""
        with self._world.changed:
            self.person.is_deactivated = True

    def ask(self, text: str, pattern: str, timeout_s: float = PATIENCE_S) -> Message:
        """Write a message and wait for an answer below it that matches."""
        return self.wait_for(pattern, after=self.say(text), timeout_s=timeout_s)

    def wait_for(
        self, pattern: str, *, after: Message | None = None, timeout_s: float = PATIENCE_S
    ) -> Message:
        """Wait until a message of the bot shows a text that matches; the newest that does."""
        expression = re.compile(pattern, re.MULTILINE)
        return self.wait_until(
            lambda message: expression.search(message.text),
            f"a message {pattern!r}",
            after=after,
            timeout_s=timeout_s,
        )

    def wait_until(
        self,
        predicate: Predicate,
        what: str,
        *,
        after: Message | None = None,
        timeout_s: float = PATIENCE_S,
    ) -> Message:
        """Wait until a message of the bot is so; the newest that is."""
        first = 0 if after is None else after.message_id + 1

        def find() -> Message | None:
            candidates = [each for each in self.bot_messages if each.message_id >= first]
            return next((each for each in reversed(candidates) if predicate(each)), None)

        message = wait_in(self._world, find, lambda: f"{what}\n{self.describe()}", timeout_s)
        assert message is not None
        return message

    def wait_gone(self, message: Message, timeout_s: float = PATIENCE_S) -> None:
        """Wait until a message is deleted."""
        wait_in(
            self._world,
            lambda: message.is_deleted,
            f"gone: {message.describe()}",
            timeout_s,
        )

    def wait_answer(self, tap: Tap, timeout_s: float = PATIENCE_S) -> str:
        """Wait until the bot has answered a press, and return its words."""
        wait_in(
            self._world,
            lambda: tap.answer is not None,
            f"an answer to the press of {tap.data!r}",
            timeout_s,
        )
        return tap.answer or ""

    def describe(self) -> str:
        """Say what stands in the chat, for the message of a failed test."""
        lines = [message.describe() for message in self.messages[-20:]]
        return "\n".join((f"--- chat {self.chat.id} of {self.person.first_name}", *lines))

    def _write(
        self,
        content: Content,
        *,
        age_s: float = 0.0,
        as_chat: Chat | None = None,
        **details: Any,
    ) -> Message:
        with self._world.changed:
            assert self.chat.status_of(self.person).is_in, "somebody who is not in writes nothing"
            sender, sender_chat = self._sender(as_chat)
            thread = None if self.thread_id is None else self.chat.topics[self.thread_id]
            if thread is not None and details.get("reply_to") is None:
                # As in every forum: what answers nothing answers the line that made the topic.
                details["reply_to"] = self.chat.messages.get(thread.thread_id)
            message = self._world.write(
                self.chat,
                sender,
                content,
                at=self._world.clock.wall() - age_s,
                sender_chat=sender_chat,
                thread_id=self.thread_id,
                **details,
            )
            self._world.tell_bot(message)
            return message

    def _sender(self, as_chat: Chat | None) -> tuple[Person, Chat | None]:
        if as_chat is not None:
            return CHANNEL_BOT, as_chat
        if self.is_anonymous:
            assert self.chat.kind is ChatKind.SUPERGROUP, "only supergroups have anonymous admins"
            return GROUP_ANONYMOUS_BOT, self.chat
        return self.person, None

    def _set_bot(self, status: Status) -> None:
        with self._world.changed:
            assert self.chat.is_private, "only a private chat can be blocked"
            before = self.chat.put(self._world.bot, status)
            self._world.tell_membership(self.chat, self.person, self._world.bot, before)


def _find_button(messages: list[Message], text: str) -> tuple[Message, Button] | None:
    """Find a button by its text, else by a part of it, on the first message that has it."""
    for is_same in (str.__eq__, str.__contains__):
        for message in messages:
            for button in message.buttons:
                if is_same(button.text, text):
                    return message, button
    return None
