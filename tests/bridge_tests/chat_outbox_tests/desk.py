"""Chats of a messenger whose time the test owns: the senders are turned by hand.

Telegram is the simulated one, behind the real library; the database is real.
"""

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from daemonkit.clock import ManualClock
from daemonkit.secrets import Secret
from telegram.bridge.bot import PtbMessenger
from telegram.bridge.bot_api.settings import BotSettings
from telegram.bridge.chat_outbox.chat_sender import ChatSender
from telegram.bridge.chat_outbox.packing import Dress
from telegram.bridge.chat_outbox.sender import Sender, open_chat
from telegram.bridge.chat_outbox.telegram_chat import TelegramChat
from telegram.bridge.messenger import Messenger, Place
from telegram.bridge.records import NewEvent
from telegram.bridge.store.database import Database
from telegram.bridge.store.events import EventTable
from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.server import FakeBotApi

_ID = re.compile(r"^#(\d+) ", re.MULTILINE)
_TURNS_MAX = 200_000


class Desk:
    """One bridge.db with its chats; `restart` is another process on the same file."""

    def __init__(
        self, folder: Path, api: FakeBotApi, clock: ManualClock, places: Sequence[Place]
    ) -> None:
        self.clock = clock
        self.api = api
        self.places = list(places)
        self.database = Database(folder / "bridge.db")
        self.runner = asyncio.Runner()
        self.messenger: Messenger = self.make_messenger()
        self._seq = 0
        self.restart()

    def restart(self, dress: Dress | None = None) -> None:
        """Forget all that is in memory."""
        self.chats: list[TelegramChat] = [
            open_chat(place, self.database, self.clock) for place in self.places
        ]
        self.sender = Sender(
            self.messenger,
            self.chats,
            self.database,
            clock=self.clock,
            rng=Random(1),
            dress=dress,
        )

    @property
    def chat(self) -> TelegramChat:
        return self.chats[0]

    def raise_event(self, text: str, kind: str = "bought", severity: str = "notice") -> None:
        """Store an event of a bot and wake the chats."""
        self.raise_events([text], kind, severity)

    def raise_events(
        self, texts: Sequence[str], kind: str = "bought", severity: str = "notice"
    ) -> None:
        """Store events in one transaction, and wake the chats once."""
        now = self.clock.wall()
        events = [
            NewEvent("paper", "epoch", self._seq + number, kind, severity, {}, text, now)
            for number, text in enumerate(texts, 1)
        ]
        self._seq += len(texts)
        EventTable(self.database).append(events, {("paper", "epoch"): self._seq}, now)
        for chat in self.chats:
            chat.wake()

    def run(self, seconds: float) -> None:
        """Let time pass while the senders do what is due."""
        self.runner.run(self._run(seconds))

    def step(self, sender: ChatSender | None = None) -> float | None:
        """Turn one sender once."""
        return self.runner.run((sender or self.sender.chats[0]).step())

    async def _run(self, seconds: float) -> None:
        end = self.clock.monotonic() + seconds
        for _ in range(_TURNS_MAX):
            waits = [await one.step() for one in self.sender.chats]
            if 0.0 in waits:
                continue
            left = end - self.clock.monotonic()
            if left <= 0:
                return
            self.clock.advance(min([left, *(wait for wait in waits if wait is not None)]))
        raise AssertionError("the senders do not come to rest")

    def close(self) -> None:
        """End everything."""
        close: Any = getattr(self.messenger, "close", None)
        if close is not None:
            self.runner.run(close())
        self.runner.close()
        self.database.close()

    def make_messenger(self, read_s: float = 1.0) -> PtbMessenger:
        """Build what calls Telegram; how long it waits for an answer is real time."""
        settings = BotSettings(Secret(self.api.token), self.api.base_url, read_s=read_s)
        return PtbMessenger(settings, self.clock)


def said(phone: Phone) -> str:
    """Return everything that the bot has said in a chat, with what its files say."""
    parts = []
    for message in phone.bot_messages:
        parts.append(message.text)
        if message.document is not None:
            parts.append(message.document.decode())
    return "\n".join(parts)


def arrived(phone: Phone) -> list[int]:
    """Return the ids of the events in the order in which they have arrived."""
    lines = "\n".join(
        message.document.decode() if message.document is not None else message.text
        for message in phone.bot_messages
    )
    return [int(number) for number in _ID.findall(lines)]
