"""Followed log lines in chats that can edit: the last lines in one message, with a Stop button.

Other chats, such as the console, are sent the lines as they come.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from daemonkit.clock import Clock
from tcpproto.vocabulary import Risk
from telegram.bridge.chat import Buttons, ChatInput
from telegram.bridge.chats import Chats
from telegram.bridge.commands.questions import Choice, Question, Questions

LINES_MAX: Final = 20
CHARS_MAX: Final = 3_000
# Without a duration a phone does not follow for ever.
DURATION_DEFAULT_S: Final = 3_600.0
_BUTTON_S: Final = 7 * 86_400.0


@dataclass(slots=True)
class _Stream:
    author: str
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=LINES_MAX))
    message_id: int | None = None
    question: Question | None = None
    due_at: float = float("-inf")
    is_changed: bool = False

    def text(self) -> str:
        """Return the latest lines that fit into one message."""
        shown: list[str] = []
        room = CHARS_MAX
        for line in reversed(self.lines):
            if len(line) + 1 > room and shown:
                break
            shown.append(line)
            room -= len(line) + 1
        return "\n".join(reversed(shown))


class Streams:
    """Keep one message for each chat that follows; belongs to the thread `forward`."""

    def __init__(
        self, clock: Clock, chats: Chats, questions: Questions, gap_s: float = 4.0
    ) -> None:
        self._clock = clock
        self._chats = chats
        self._questions = questions
        self._gap_s = gap_s
        self._streams: dict[str, _Stream] = {}
        self.on_stop: Callable[[str], object] = _nobody

    def begin(self, chat: str, author: str, duration_s: float | None) -> float | None:
        """Begin a new message for what a chat follows from now on; return for how long it does."""
        self.end(chat)
        if not self._chats.can_edit(chat):
            return duration_s
        self._streams[chat] = _Stream(author)
        return DURATION_DEFAULT_S if duration_s is None else duration_s

    def add(self, chat: str, text: str) -> None:
        """Take lines that are to be shown."""
        if not self._chats.can_edit(chat):
            self._chats.send(chat, text)
            return
        # After a restart nobody is known who could be given the button.
        stream = self._streams.setdefault(chat, _Stream(""))
        # A line that others continue stays with them.
        for line in text.replace("\n  ", "\r").split("\n"):
            stream.lines.append(line.replace("\r", "\n  "))
        stream.is_changed = True

    def tick(self) -> None:
        """Show what has changed, each message only so often."""
        now = self._clock.monotonic()
        for chat, stream in self._streams.items():
            if stream.is_changed and now >= stream.due_at:
                stream.due_at, stream.is_changed = now + self._gap_s, False
                stream.message_id = self._chats.show_stream(
                    chat, stream.message_id, stream.text(), self._buttons(chat, stream)
                )

    def end(self, chat: str) -> None:
        """Show the last lines once more, without the button."""
        stream = self._streams.pop(chat, None)
        if stream is None:
            return
        if stream.question is not None:
            self._questions.close(stream.question.nonce)
        if stream.message_id is not None:
            self._chats.show_stream(chat, stream.message_id, f"{stream.text()}\n(ended)")

    def _buttons(self, chat: str, stream: _Stream) -> Buttons:
        if not stream.author:
            return ()
        if stream.question is None:
            stream.question = self._questions.ask(
                chat=chat,
                author=stream.author,
                choices=(Choice("stop", "Stop"),),
                timeout_s=_BUTTON_S,
                on_answer=lambda _key, said: self._stop(chat, said),
                on_timeout=_nothing,
                is_offer=True,
            )
            stream.question.risk = Risk.READING
        return stream.question.buttons

    def _stop(self, chat: str, said: ChatInput) -> None:
        stream = self._streams.get(chat)
        if stream is not None:
            stream.question = None
        self.on_stop(chat)
        self.end(chat)
        said.settled()


def _nothing() -> None:
    return None


def _nobody(_chat: str) -> None:
    return None
