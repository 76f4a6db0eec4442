"""The seam to chats: what every chat can do and what comes in from one.

The console is one chat, a Telegram chat another. Calls return at once: a chat that is slow has
its own thread and its own bounded queue, and drops nothing durable.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from tcpproto.vocabulary import Role


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
