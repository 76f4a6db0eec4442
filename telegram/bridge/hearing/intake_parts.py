"""Whom the ears of the bridge tell and ask: journal, questions, messenger, thread `forward`."""

import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any

from telegram.bridge.chat import ChatInput
from telegram.bridge.commands.questions import Questions
from telegram.bridge.hearing.interruptions import Tell
from telegram.bridge.hearing.journal import InboundJournal
from telegram.bridge.joint_note import Unnoted
from telegram.bridge.messenger import Messenger, MessengerError, Place
from telegram.bridge.records import CommandRecord
from telegram.bridge.store.inbound import MessengerNotes

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class IntakeParts:
    """Hold whom the intake tells and asks.

    `hear` takes an input for `forward` and says whether there was room, `offer` one that `forward`
    is to note and says whether it had nothing else to do; `say` shows a text in a place, `tell`
    one that waits for the messenger as long as it takes; `run` has the loop `poll` run something;
    `find` returns a command by its id, `find_at` the one whose receipt stands in a message of the
    messenger, and `show_again` shows it; `home_of` returns the place under which a chat is known
    here: a group may have got another number; `on_heard` is told where somebody who is listed has
    written, and into which group the bot was put.
    """

    journal: InboundJournal
    notes: MessengerNotes
    questions: Questions
    messenger: Messenger
    hear: Callable[[ChatInput], bool]
    offer: Callable[[Unnoted], bool]
    say: Callable[[Place, str], object]
    tell: Tell
    run: Callable[[Coroutine[Any, Any, None]], Future[None]]
    find: Callable[[str], CommandRecord | None]
    find_at: Callable[[Place, int], CommandRecord | None]
    show_again: Callable[[str], None]
    home_of: Callable[[Place], Place] = lambda place: place
    on_heard: Callable[[Place], object] = lambda _place: None

    def run_quietly(self, call: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Have a call to the messenger made whose failure nobody needs to know of."""
        self.run(_quietly(call))

    def answer_press(self, press_id: str, text: str = "") -> None:
        """End the waiting of a pressed button, with a short notice if there is one."""
        self.run_quietly(partial(self.messenger.answer_press, press_id, text))


async def _quietly(call: Callable[[], Coroutine[Any, Any, None]]) -> None:
    try:
        await call()
    except MessengerError as error:
        log.info("the messenger did not do it: %s", error)
