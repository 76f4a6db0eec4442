"""Sends what waits for all chats; one asyncio task per chat, so that none delays another."""

from collections.abc import Sequence
from random import Random

from daemonkit.clock import Clock
from telegram.bridge.chat_outbox.telegram_chat import TelegramChat
from telegram.bridge.messenger import Messenger


class Sender:
    """Run in the loop of the thread `poll`."""

    def __init__(
        self, messenger: Messenger, chats: Sequence[TelegramChat], *, clock: Clock, rng: Random
    ) -> None:
        self._messenger = messenger
        self._chats = tuple(chats)
        self._clock = clock
        self._rng = rng

    async def run(self) -> None:
        """Send until cancelled."""
