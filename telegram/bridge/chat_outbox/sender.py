"""Sends what waits for all chats; one asyncio task per chat, so that none delays another.

Everything here runs in the loop of the thread `poll`; only `wake`, `pause`, `resume` and the
counters may be called from elsewhere.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from random import Random

from daemonkit.clock import Clock
from telegram.bridge.chat_outbox.chat_parts import ChatParts, build_parts
from telegram.bridge.chat_outbox.chat_sender import ChatSender
from telegram.bridge.chat_outbox.counters import ChatCounters
from telegram.bridge.chat_outbox.gate import Gate
from telegram.bridge.chat_outbox.lanes import Lane
from telegram.bridge.chat_outbox.pacing import PaceLimits
from telegram.bridge.chat_outbox.packing import Dress
from telegram.bridge.chat_outbox.posts import Bounds
from telegram.bridge.chat_outbox.retries import Patience
from telegram.bridge.chat_outbox.target import TargetNotes
from telegram.bridge.chat_outbox.telegram_chat import TelegramChat
from telegram.bridge.messenger import Messenger, MessengerError, Place
from telegram.bridge.store.chat_outbox import ChatOutboxTable
from telegram.bridge.store.database import Database

log = logging.getLogger(__name__)

_DRAIN_LOOK_S = 0.02
_DEFAULT_LIMITS = PaceLimits()
_DEFAULT_BOUNDS = Bounds()
_DEFAULT_PATIENCE = Patience()


def open_chat(
    place: Place,
    database: Database,
    clock: Clock,
    bounds: Bounds = _DEFAULT_BOUNDS,
    *,
    shows_events: bool = True,
) -> TelegramChat:
    """Open a place as a chat of the bridge; a new one begins with the events to come."""
    table = ChatOutboxTable(database)
    notes = TargetNotes(place, table)
    notes.begin_events()
    return TelegramChat(notes, clock=clock, bounds=bounds, shows_events=shows_events)


class Sender:
    """Run in the loop of the thread `poll`."""

    def __init__(
        self,
        messenger: Messenger,
        chats: Sequence[TelegramChat],
        database: Database,
        *,
        clock: Clock,
        rng: Random,
        limits: PaceLimits = _DEFAULT_LIMITS,
        patience: Patience = _DEFAULT_PATIENCE,
        dress: Dress | None = None,
    ) -> None:
        self._messenger = messenger
        self._clock = clock
        self._gate = Gate(limits.overall, patience)
        self._gate.on_change = self._turn_all
        self._gate.on_back = self._tell_back
        self._parts: list[ChatParts] = [
            build_parts(
                chat,
                database,
                messenger=messenger,
                gate=self._gate,
                limits=limits,
                clock=clock,
                rng=rng,
                dress=dress,
            )
            for chat in chats
        ]
        for part in self._parts:
            part.sender.on_disabled = self._tell_others(part.sender)
        self.is_told_of_others: Callable[[str], bool] = _always

    @property
    def chats(self) -> list[ChatSender]:
        """Return what drives each chat."""
        return [part.sender for part in self._parts]

    @property
    def paused_because(self) -> str:
        """Return why nothing at all is sent, or nothing."""
        return self._gate.paused_because

    async def run(self) -> None:
        """Send until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for sender in self.chats:
                tasks.create_task(sender.run(), name=f"send:{sender.chat.name}")
            tasks.create_task(self._watch_token(), name="send:token")

    async def drain(self, timeout_s: float) -> bool:
        """Wait, but no longer, until no answer and no alert waits that could be sent."""
        deadline = self._clock.monotonic() + timeout_s
        while not self._gate.paused_because and not all(one.is_quiet for one in self._parts):
            if self._clock.monotonic() >= deadline:
                return False
            await asyncio.sleep(_DRAIN_LOOK_S)
        return True

    async def ask_token(self) -> None:
        """Ask whether the token works again, while nothing may be sent."""
        if not self._gate.paused_because:
            return
        try:
            await self._messenger.who_am_i()
        except MessengerError as error:
            log.debug("nothing is sent yet: %s", error)
        else:
            self._gate.resume()

    async def hear_back(self) -> None:
        """Send again at once: whoever polls has reached the messenger, and the token works."""
        self._gate.resume()
        self._tell_back()

    async def open(self, name: str) -> None:
        """Try a chat again at once that was closed to the bot: somebody has written there."""
        for sender in self.chats:
            if sender.chat.name == name:
                sender.open()

    def find(self, chat_id: int, thread_id: int | None) -> TelegramChat | None:
        """Return the chat of a place, also under the new number of a group."""
        place = Place(chat_id, thread_id)
        return next((one.chat for one in self.chats if one.chat.place == place), None)

    def counters(self) -> list[ChatCounters]:
        """Return how each chat fares."""
        return [part.counters(self._gate.paused_because) for part in self._parts]

    async def _watch_token(self) -> None:
        while True:
            await asyncio.sleep(self._gate.patience.token_check_s)
            await self.ask_token()

    def _turn_all(self) -> None:
        for sender in self.chats:
            sender.turn()

    def _tell_back(self) -> None:
        for sender in self.chats:
            sender.hear_back()

    def _tell_others(self, gone: ChatSender) -> Callable[[str], None]:
        def tell(because: str) -> None:
            for sender in self.chats:
                if sender is not gone and self.is_told_of_others(sender.chat.name):
                    text = f"{gone.chat.name} gets no more messages: {because}"
                    sender.chat.post(text, lane=Lane.ALERT)

        return tell


def _always(_chat: str) -> bool:
    return True
