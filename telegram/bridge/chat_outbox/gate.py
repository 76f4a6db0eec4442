"""What all chats have in common: the bot's own speed, its patience, whether its token works.

For the one thread that sends.
"""

from collections.abc import Callable

from telegram.bridge.chat_outbox.pacing import Meter, Pace
from telegram.bridge.chat_outbox.retries import Patience


class Gate:
    """Let calls through; a chat that found the messenger back tells the others."""

    def __init__(self, pace: Pace, patience: Patience) -> None:
        self.meter = Meter(pace)
        self.patience = patience
        self.paused_because = ""
        self.on_change: Callable[[], None] = _nothing
        self.on_back: Callable[[], None] = _nothing

    def pause(self, because: str) -> None:
        """Have nothing sent until resume()."""
        self.paused_because = because
        self.on_change()

    def resume(self) -> None:
        """Send again."""
        if self.paused_because:
            self.paused_because = ""
            self.on_change()


def _nothing() -> None:
    return None
