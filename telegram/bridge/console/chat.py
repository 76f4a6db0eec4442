"""The console as a chat: numbers messages and hands them to its writer.

Standard output is the chat and nothing else. Chat text was cleaned by whoever sends it; events
come from the database and are cleaned here.
"""

from collections.abc import Callable
from threading import Lock

from daemonkit.clock import Clock
from telegram.bridge.chat import Buttons
from telegram.bridge.console.writer import ConsoleOutput, EventFeed, Post
from telegram.bridge.records import StoredEvent
from telegram.bridge.render import clean, event_text

CHAT = "console"


class Console:
    """Show messages on a file descriptor (telegram.bridge.chat.Chat)."""

    def __init__(
        self,
        *,
        descriptor: int,
        encode: Callable[[Post], bytes],
        feed: EventFeed,
        first_message_id: int,
        clock: Clock,
        around: Callable[[bytes], bytes] = bytes,
    ) -> None:
        self._clock = clock
        self._lock = Lock()
        self._next_id = first_message_id
        self.output = ConsoleOutput(
            descriptor=descriptor,
            encode=encode,
            post_of_event=self._post_of_event,
            feed=feed,
            clock=clock,
            around=around,
        )

    def send(self, text: str, buttons: Buttons = (), *, command_id: str | None = None) -> int:
        """Show a new message and return its id."""
        message_id = self._take_id()
        self.output.add(Post(message_id, text, _labels(buttons), command_id))
        return message_id

    def edit(
        self, message_id: int, text: str, buttons: Buttons = (), *, command_id: str | None = None
    ) -> None:
        """Show what a message says now."""
        self.output.add(Post(message_id, text, _labels(buttons), command_id))

    def wake(self) -> None:
        """Show new events."""
        self.output.wake()

    def _post_of_event(self, event: StoredEvent, is_repeat: bool) -> Post:
        text = event_text(event, self._clock.wall(), is_repeat=is_repeat)
        return Post(self._take_id(), clean(text))

    def _take_id(self) -> int:
        with self._lock:
            taken = self._next_id
            self._next_id += 1
            return taken


def _labels(buttons: Buttons) -> tuple[str, ...]:
    return tuple(button.label for row in buttons for button in row)
