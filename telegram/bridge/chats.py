"""All chats by name. Everything that is shown passes here and is cleaned of secrets and escapes."""

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from telegram.bridge.chat import Buttons, Chat, RichChat, Wishes
from telegram.bridge.chat_outbox.digest import LogLine
from telegram.bridge.commands.questions import CANCEL, Choice, Question, Questions
from telegram.bridge.receipts import OUTCOMES, State
from telegram.bridge.records import CommandRecord
from telegram.bridge.render import PERHAPS_SHOWN, clean, command_receipt, utc_text
from telegram.bridge.sessions import Sessions

log = logging.getLogger(__name__)


class Chats:
    """Send to a chat by its name; one that this process does not serve is passed over."""

    def __init__(self, chats: Mapping[str, Chat]) -> None:
        self._chats = chats

    @property
    def names(self) -> list[str]:
        """Return the chats that are served."""
        return list(self._chats)

    def send(
        self, chat: str, text: str, buttons: Buttons = (), *, command_id: str | None = None
    ) -> int | None:
        """Show a new message and return its id."""
        known = self._chats.get(chat)
        if known is None:
            log.info("chat %s is not served here", chat)
            return None
        return known.send(clean(text), buttons, command_id=command_id)

    def put(
        self,
        chat: str,
        message_id: int | None,
        text: str,
        buttons: Buttons = (),
        *,
        command_id: str | None = None,
    ) -> int | None:
        """Edit a message, or show a new one when there is none yet; return its id."""
        known = self._chats.get(chat)
        if known is None or message_id is None:
            return self.send(chat, text, buttons, command_id=command_id)
        known.edit(message_id, clean(text), buttons, command_id=command_id)
        return message_id

    def settle(
        self,
        chat: str,
        message_id: int | None,
        text: str,
        on_shown: Callable[[], None],
        *,
        command_id: str | None = None,
    ) -> int | None:
        """Have a message, or a new one, say its last word; call back once it does."""
        known = self._chats.get(chat)
        if isinstance(known, RichChat):
            return known.settle(message_id, clean(text), on_shown)
        message_id = self.put(chat, message_id, text, command_id=command_id)
        on_shown()
        return message_id

    def has_shown(self, chat: str, message_id: int) -> bool:
        """Tell whether a message of an earlier run stands in a chat that can still edit it."""
        known = self._chats.get(chat)
        return isinstance(known, RichChat) and known.has_shown(message_id)

    def can_edit(self, chat: str) -> bool:
        """Tell whether a chat shows pictures and files, and an edit in place of what was."""
        return isinstance(self._chats.get(chat), RichChat)

    def obey(self, wishes_of: Callable[[str], Wishes]) -> None:
        """Have every chat that can show events as its readers wish."""
        for name, chat in self._chats.items():
            if isinstance(chat, RichChat):
                chat.obey(wishes_of(name))

    def send_picture(
        self, chat: str, png: bytes, caption: str, *, command_id: str | None = None
    ) -> bool:
        """Show a picture; False where none can be shown."""
        known = self._chats.get(chat)
        if not isinstance(known, RichChat):
            return False
        known.send_picture(png, clean(caption), command_id=command_id)
        return True

    def send_document(self, chat: str, text: str, file_name: str, caption: str) -> bool:
        """Show a text as a file; False where none can be shown."""
        known = self._chats.get(chat)
        if not isinstance(known, RichChat):
            return False
        data = clean(text).encode("utf-8", "replace") + b"\n"
        known.send_document(data, file_name, clean(caption))
        return True

    def show_live(self, chat: str, text: str) -> None:
        """Show the message of a chat that is kept current, where there can be one."""
        known = self._chats.get(chat)
        if isinstance(known, RichChat):
            known.show_live(clean(text))

    def show_stream(
        self, chat: str, message_id: int | None, text: str, buttons: Buttons = ()
    ) -> int | None:
        """Show or edit a message of log lines, where it can be edited."""
        known = self._chats.get(chat)
        if not isinstance(known, RichChat):
            return None
        return known.show_stream(message_id, clean(text), buttons)

    def tell(self, chat: str, text: str, on_shown: Callable[[], None]) -> None:
        """Show what must not be dropped while a messenger is away; call back when it is shown."""
        known = self._chats.get(chat)
        if isinstance(known, RichChat):
            known.tell(clean(text), on_shown)
        else:
            self.send(chat, text)
            on_shown()

    def pass_on(self, text: str, *, is_urgent: bool) -> None:
        """Show what a bot says in every chat that shows events."""
        for name, chat in self._chats.items():
            if not self.shows_events(name):
                continue
            if isinstance(chat, RichChat):
                chat.pass_on(clean(text), is_urgent=is_urgent)
            else:
                self.send(name, text)

    def add_log(self, lines: Sequence[LogLine]) -> None:
        """Show log lines in every chat that shows events and can keep them from being many."""
        for name, chat in self._chats.items():
            if isinstance(chat, RichChat) and self.shows_events(name):
                chat.add_log(lines)

    def shows_events(self, chat: str) -> bool:
        """Tell whether a chat is there for more than answers."""
        known = self._chats.get(chat)
        return known.shows_events if isinstance(known, RichChat) else known is not None

    def wake(self) -> None:
        """Have every chat look for new events."""
        for chat in self._chats.values():
            chat.wake()


class ReceiptDesk:
    """Keep one message per command up to date, with a Cancel button while it is queued."""

    def __init__(
        self,
        chats: Chats,
        sessions: Sessions,
        questions: Questions,
        *,
        queued_s: float,
    ) -> None:
        self._chats = chats
        self._sessions = sessions
        self._questions = questions
        self.on_cancel: Callable[[str], object] = _nobody
        self.on_shown: Callable[[CommandRecord], object] = _nothing_more
        self.on_settled: Callable[[CommandRecord], None] = _nothing_more
        self.localize: Callable[[str, str], str] = _as_it_is
        self._queued_s = queued_s
        self._settled: dict[str, Callable[[], None]] = {}
        self._cancels: dict[str, Question] = {}

    def expect(self, command_id: str, settled: Callable[[], None]) -> None:
        """Call back once when a command has its outcome."""
        self._settled[command_id] = settled

    def is_expected(self, command_id: str) -> bool:
        """Tell whether somebody still waits for the outcome of a command."""
        return command_id in self._settled

    def show(self, record: CommandRecord) -> int | None:
        """Show how far a command has come; return the id of its message."""
        buttons = self._buttons(record)
        text = self.localize(record.author, self._text_of(record))
        message_id = record.message_id
        if record.receipt_owed:
            message_id = self._settle(record, message_id, text)
        else:
            message_id = self._chats.put(
                record.chat, message_id, text, buttons, command_id=record.id
            )
        self.on_shown(record)
        if record.state in OUTCOMES:
            self._settled.pop(record.id, _nothing)()
        return message_id

    def show_owed(self, record: CommandRecord) -> int | None:
        """Say in a chat that is still served how a command of an earlier run has ended.

        Its message says so, or a new one where there is none, as nobody knows whether there was.
        """
        chat, message_id = record.chat, record.message_id
        if message_id is not None and self._chats.has_shown(chat, message_id):
            return self.show(record)
        if record.finished_at is None or not self._chats.can_edit(chat):
            return None
        text = f"(at {utc_text(record.finished_at)}, {PERHAPS_SHOWN})\n{self._text_of(record)}"
        return self._settle(record, None, self.localize(record.author, text))

    def _settle(self, record: CommandRecord, message_id: int | None, text: str) -> int | None:
        told = partial(self.on_settled, record)
        return self._chats.settle(record.chat, message_id, text, told, command_id=record.id)

    def _text_of(self, record: CommandRecord) -> str:
        return command_receipt(record, self._sessions.label(record.bot, record.account))

    def _buttons(self, record: CommandRecord) -> Buttons:
        question = self._cancels.pop(record.id, None)
        if record.state is not State.QUEUED:
            if question is not None:
                self._questions.close(question.nonce)
            return ()
        if question is None:
            question = self._questions.ask(
                chat=record.chat,
                author=record.author,
                choices=(Choice(CANCEL, "Cancel"),),
                timeout_s=self._queued_s,
                on_answer=lambda _key, said: self._answer_cancel(record.id, said.settled),
                on_timeout=_nothing,
                is_offer=True,
            )
        self._cancels[record.id] = question
        return question.buttons

    def _answer_cancel(self, command_id: str, settled: Callable[[], None]) -> None:
        self.on_cancel(command_id)
        settled()


def _nothing() -> None:
    return None


def _nobody(_command_id: str) -> None:
    return None


def _nothing_more(_record: CommandRecord) -> None:
    return None


def _as_it_is(_author: str, text: str) -> str:
    return text
