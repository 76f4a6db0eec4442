"""One call to the messenger, and the seam to whatever has something to send in a chat."""

from dataclasses import dataclass
from typing import Protocol

from telegram.bridge.chat import Buttons
from telegram.bridge.chat_outbox.lanes import LANES, Lane
from telegram.bridge.chat_outbox.posts import Attachment
from telegram.bridge.chat_outbox.retries import Action
from telegram.bridge.messenger import Messenger, Place, Trouble


@dataclass(frozen=True, slots=True)
class Call:
    """Hold one message, edit or file; with a file the text is its caption."""

    lane: Lane
    text: str
    is_html: bool = False
    buttons: Buttons = ()
    edits: int | None = None
    attachment: Attachment | None = None
    is_pinned: bool = False
    is_silent: bool = False

    async def make(self, messenger: Messenger, place: Place) -> int | None:
        """Make the call; return the number of a new message."""
        silent = self.is_silent or LANES[self.lane].is_silent
        if self.attachment is not None and self.attachment.file_name:
            name, data = self.attachment.file_name, self.attachment.data
            return await messenger.send_document(place, data, name, self.text, silent=silent)
        if self.attachment is not None:
            data = self.attachment.data
            return await messenger.send_photo(place, data, self.text, silent=silent)
        if self.edits is None:
            return await messenger.send_text(
                place, self.text, html=self.is_html, buttons=self.buttons, silent=silent
            )
        await messenger.edit_text(
            place, self.edits, self.text, html=self.is_html, buttons=self.buttons
        )
        return None


@dataclass(frozen=True, slots=True)
class Offer:
    """Say that there is something to send: since when, and from when on it may be sent."""

    lane: Lane
    since: float
    due_at: float


class Source(Protocol):
    """Have something to send; a call that failed is offered again unless it was given up."""

    def offer(self, now: float) -> Offer | None:
        """Return whether there is something."""
        ...

    def call(self, now: float, /) -> Call | None:
        """Return the next call; None when there is none after all."""
        ...

    def sent(self, message_id: int | None, now: float, /) -> None:
        """Note that the call that was returned last went through."""
        ...

    def failed(self, trouble: Trouble, action: Action, /) -> None:
        """Note that it did not, and what is done about it."""
        ...
