"""Log lines on their way into a chat, when nothing else has to be said."""

from telegram.bridge.chat_outbox.calls import Call, Offer
from telegram.bridge.chat_outbox.lanes import Lane
from telegram.bridge.chat_outbox.retries import Action
from telegram.bridge.chat_outbox.splitting import UNITS_BUDGET, head
from telegram.bridge.chat_outbox.telegram_chat import TelegramChat
from telegram.bridge.messenger import Trouble


class LogSource:
    """Send what the log of a chat has collected (telegram.bridge.chat_outbox.calls.Source)."""

    def __init__(self, chat: TelegramChat) -> None:
        self._chat = chat
        self._text = ""
        self._lines = 0
        self._since = 0.0
        self.dropped = 0

    @property
    def waiting(self) -> int:
        """Count the lines that wait."""
        return self._lines + self._chat.log_waiting

    def offer(self, now: float) -> Offer | None:
        """Return whether lines wait, and until when they are collected."""
        if self._text:
            return Offer(Lane.LOG, self._since, now)
        due_at = self._chat.log_due_at(now)
        return None if due_at is None else Offer(Lane.LOG, due_at, max(now, due_at))

    def call(self, now: float, /) -> Call | None:
        """Return the lines or their digest."""
        if not self._text:
            self._lines, self._since = self._chat.log_waiting, now
            self._text = self._chat.take_log(now).strip()
        return Call(Lane.LOG, head(self._text, UNITS_BUDGET)) if self._text else None

    def sent(self, _message_id: int | None, _now: float, /) -> None:
        """Forget what was sent."""
        self._text, self._lines = "", 0

    def failed(self, _trouble: Trouble, action: Action, /) -> None:
        """Give up what perhaps went through or was refused; keep what may go later."""
        if action in (Action.DROP, Action.WEAKEN, Action.AS_NEW):
            self.dropped += self._lines
            self._text, self._lines = "", 0

    def drop(self) -> None:
        """Forget all lines that wait: they were counted in a summary."""
        self.dropped += self._lines
        self._text, self._lines = "", 0
        self._chat.drop_log()
