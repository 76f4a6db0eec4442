"""Messages of the simulated Telegram: their content, their edits, and how the API writes them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from tests.fakes.bot_api.chats import Chat, ChatKind, Person
from tests.fakes.bot_api.keyboards import Button, Markup, buttons_of
from tests.fakes.bot_api.texts import FormattedText

_REPLY_DEPTH_MAX: Final = 1


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that was uploaded."""

    file_id: str
    name: str
    content: bytes
    mime_type: str
    path: str
    width: int = 0
    height: int = 0

    def to_json(self) -> dict[str, Any]:
        """Write what photos and documents have in common."""
        return {
            "file_id": self.file_id,
            "file_unique_id": f"u{self.file_id}",
            "file_size": len(self.content),
        }


@dataclass(frozen=True, slots=True)
class Content:
    """What a message shows; an edit replaces it."""

    body: FormattedText
    markup: Markup | None = None
    photo: StoredFile | None = None
    document: StoredFile | None = None

    @property
    def has_file(self) -> bool:
        """Say whether the text is a caption."""
        return self.photo is not None or self.document is not None


@dataclass(frozen=True, slots=True)
class Version:
    """What a message showed since a moment."""

    at: float
    content: Content


@dataclass(eq=False)
class Message:
    """One message; `text`, `buttons` and files are what a person sees now."""

    chat: Chat
    message_id: int
    date: int
    sender: Person | None
    content: Content
    sender_chat: Chat | None = None
    thread_id: int | None = None
    reply_to: "Message | None" = None
    forward_origin: dict[str, Any] | None = None
    via_bot: Person | None = None
    service: dict[str, Any] = field(default_factory=dict)
    edit_date: int | None = None
    is_deleted: bool = False
    is_silent: bool = False
    is_protected: bool = False
    is_from_bot: bool = False
    versions: list[Version] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The text or caption as shown now."""
        return self.content.body.text

    @property
    def entities(self) -> tuple[dict[str, object], ...]:
        """What is marked in the text."""
        return self.content.body.entities

    @property
    def texts(self) -> list[str]:
        """Every text it has shown, the first first."""
        return [version.content.body.text for version in self.versions]

    @property
    def buttons(self) -> list[Button]:
        """The buttons below it, row by row."""
        return [button for row in self.button_rows for button in row]

    @property
    def button_rows(self) -> list[list[Button]]:
        """The buttons as they are laid out."""
        return buttons_of(self.content.markup)

    @property
    def button_texts(self) -> list[str]:
        """What stands on its buttons."""
        return [button.text for button in self.buttons]

    @property
    def photo(self) -> bytes | None:
        """The picture it shows."""
        return None if self.content.photo is None else self.content.photo.content

    @property
    def document(self) -> bytes | None:
        """The file it carries."""
        return None if self.content.document is None else self.content.document.content

    @property
    def file_name(self) -> str:
        """The name of its document."""
        return "" if self.content.document is None else self.content.document.name

    def show(self, content: Content, at: float) -> None:
        """Replace what it shows."""
        if self.versions:
            self.edit_date = int(at)
        self.content = content
        self.versions.append(Version(at, content))

    def marked(self, kind: str) -> list[str]:
        """Return the parts of its text that are marked so: `marked("pre")`."""
        data = self.text.encode("utf-16-le")
        parts = []
        for entity in self.entities:
            offset, length = entity["offset"], entity["length"]
            if entity["type"] == kind and isinstance(offset, int) and isinstance(length, int):
                parts.append(data[offset * 2 : (offset + length) * 2].decode("utf-16-le"))
        return parts

    def to_json(self, depth: int = 0) -> dict[str, Any]:
        """Write a Message."""
        message: dict[str, Any] = {
            "message_id": self.message_id,
            "date": self.date,
            "chat": self.chat.to_json(),
        }
        if self.sender is not None:
            message["from"] = self.sender.to_json()
        if self.sender_chat is not None:
            message["sender_chat"] = self.sender_chat.to_json()
        if self.thread_id is not None:
            message |= {"message_thread_id": self.thread_id, "is_topic_message": True}
        message |= self.service
        if self.forward_origin is not None:
            message["forward_origin"] = self.forward_origin
        if self.via_bot is not None:
            message["via_bot"] = self.via_bot.to_json()
        if self.edit_date is not None:
            message["edit_date"] = self.edit_date
        if self.is_protected:
            message["has_protected_content"] = True
        if self.reply_to is not None and depth < _REPLY_DEPTH_MAX:
            message["reply_to_message"] = self.reply_to.to_json(depth + 1)
        return message | self._content_json()

    def _content_json(self) -> dict[str, Any]:
        content = self.content
        message: dict[str, Any] = {}
        if content.photo is not None:
            size = {"width": content.photo.width, "height": content.photo.height}
            message["photo"] = [content.photo.to_json() | size]
        if content.document is not None:
            document = content.document
            names = {"file_name": document.name, "mime_type": document.mime_type}
            message["document"] = document.to_json() | names
        if content.body.text:
            key = "caption" if content.has_file else "text"
            message[key] = content.body.text
            if content.body.entities:
                entities = "caption_entities" if content.has_file else "entities"
                message[entities] = list(content.body.entities)
        if content.markup is not None and "inline_keyboard" in content.markup:
            message["reply_markup"] = content.markup
        return message

    def inaccessible_json(self) -> dict[str, Any]:
        """Write the message as one that the bot can no longer see."""
        return {"message_id": self.message_id, "date": 0, "chat": self.chat.to_json()}

    def describe(self) -> str:
        """Say what it shows, in one line of a failed test."""
        who = self.sender.first_name if self.sender else self.chat.title
        what = repr(self.text) if self.text else next(iter(self.service), "(a file)")
        buttons = f" {self.button_texts}" if self.buttons else ""
        gone = " (deleted)" if self.is_deleted else ""
        return f"#{self.message_id} {who}: {what}{buttons}{gone}"

    def origin_json(self) -> dict[str, Any]:
        """Write where a forwarded copy of it comes from."""
        date = {"date": self.date}
        if self.chat.kind is ChatKind.CHANNEL:
            place = {"chat": self.chat.to_json(), "message_id": self.message_id}
            return {"type": "channel", **date, **place}
        if self.sender_chat is not None:
            return {"type": "chat", **date, "sender_chat": self.sender_chat.to_json()}
        assert self.sender is not None
        return {"type": "user", **date, "sender_user": self.sender.to_json()}


Predicate = Callable[[Message], object]
