"""The seam to chats: what every chat can do and what comes in from one.

The console is one chat, a Telegram chat another. Calls return at once: a chat that is slow has
its own thread and its own bounded queue, and drops nothing durable.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from tcpproto.vocabulary import Role
from telegram.bridge.chat_outbox.digest import LogLine


@dataclass(frozen=True, slots=True)
class Button:
    """Offer one answer; `data` comes back when it is chosen (at most 64 bytes)."""

    label: str
    data: str


Buttons = Sequence[Sequence[Button]]


class Chat(Protocol):
    """Show messages to people; message ids are the chat's own and never reused."""

    def send(self, text: str, buttons: Buttons = (), *, command_id: str | None = None) -> int:
        """Show a new message and return its id."""
        ...

    def edit(
        self, message_id: int, text: str, buttons: Buttons = (), *, command_id: str | None = None
    ) -> None:
        """Replace what a message says."""
        ...

    def wake(self) -> None:
        """Look for new events in the store: they are shown from there, in order, once each."""
        ...


class Wishes(Protocol):
    """Know what the readers of a chat have wished for; any thread may ask."""

    def localize(self, text: str, /) -> str:
        """Return a text with its times in the zone of the chat's reader."""
        ...

    def is_silent(self, severity: str, /) -> bool:
        """Tell whether an event of a severity is to come without a sound."""
        ...


@runtime_checkable
class RichChat(Chat, Protocol):
    """Show what only a messenger on a phone can; a chat without it is given text instead.

    Texts are plain here as everywhere: the chat itself makes its HTML of them with
    `telegram.bridge.views.pages.to_html`. Every call returns at once.
    """

    @property
    def shows_events(self) -> bool:
        """Tell whether bots and the bridge speak up here unasked."""
        ...

    def tell(self, text: str, on_shown: Callable[[], None] = ...) -> int:
        """Show what matters as much as an event: it waits for the messenger as long as it takes.

        `on_shown` is called once it is shown, on any thread.
        """
        ...

    def settle(self, message_id: int | None, text: str, on_shown: Callable[[], None]) -> int:
        """Have a message, or a new one, say its last word, and return which.

        It is said however late that is, and again, marked, if it was perhaps not heard; `on_shown`
        is called once it stands there, on any thread.
        """
        ...

    def has_shown(self, message_id: int) -> bool:
        """Tell whether a message stands in the chat, also from before a restart."""
        ...

    def pass_on(self, text: str, *, is_urgent: bool) -> None:
        """Show what a bot says that is no event, packed with what else it says if that is much.

        What is urgent is heard in a muted chat too.
        """
        ...

    def add_log(self, lines: Sequence[LogLine]) -> None:
        """Show log lines without a sound when there is room, many of them as a digest."""
        ...

    def send_picture(self, png: bytes, caption: str, *, command_id: str | None = None) -> int:
        """Show a PNG (under 1 MiB) with a plain caption of at most 1,024 characters.

        It belongs to an answer: of no use a minute later, so not kept over a restart.
        """
        ...

    def send_document(
        self, data: bytes, file_name: str, caption: str, *, command_id: str | None = None
    ) -> int:
        """Show a file with a plain caption; an answer too."""
        ...

    def show_live(self, text: str) -> None:
        """Show the one message of the chat that is kept current; the latest text wins.

        The first time it is sent and pinned, both without a sound; from then on edited. When it
        is gone, or cannot be edited any more, a new one is sent and pinned. The chat keeps its
        number over restarts. Callers pace themselves; a text that was not shown may be dropped.
        """
        ...

    def obey(self, wishes: Wishes) -> None:
        """Show events and answers from now on as these wishes say."""
        ...

    def show_stream(self, message_id: int | None, text: str, buttons: Buttons = ()) -> int:
        """Show a message of log lines, a new one without an id, and return its id.

        Always silent, in the lane of log lines: when much is waiting only the latest text of
        each message is shown, and it may be dropped.
        """
        ...


@dataclass(frozen=True, slots=True)
class Author:
    """Name who speaks: an id that cannot be taken over by another, and what they may do."""

    id: str
    role: Role


def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True)
class ChatInput:
    """Carry what a person typed, or the data of the button they pressed.

    `settled` is called once when the input has its outcome or has led to a question.
    """

    chat: str
    author: Author
    text: str
    written_at: float
    pressed: str | None = None
    id: str | None = None
    settled: Callable[[], None] = _nothing
