"""What one chat notes in the database: where it is, whether it may be written to, its messages.

Numbers are reserved in blocks, so that none is given out twice, not even after a crash. While
the database cannot be written, all goes on from memory.
"""

import logging
from collections.abc import Callable
from dataclasses import replace

from telegram.bridge.chat_outbox.lane_feed import cursor_name
from telegram.bridge.chat_outbox.lanes import Lane
from telegram.bridge.disk import describe_problem, is_foreign
from telegram.bridge.messenger import Place
from telegram.bridge.store.chat_outbox import ChatOutboxTable, KeptMessage, Target

log = logging.getLogger(__name__)

NUMBERS_AT_ONCE = 10_000
MESSAGES_KEPT = 5_000


class TargetNotes:
    """Know one chat; numbers are taken under its lock, all else is for the thread that sends."""

    def __init__(self, place: Place, table: ChatOutboxTable) -> None:
        self.name = place.name
        self._home_thread_id = self._thread_id = place.thread_id
        self._table = table
        found = table.read_target(self.name) or Target(place.chat_id)
        self._next_number = found.reserved_number + 1
        self._target = replace(found, reserved_number=found.reserved_number + NUMBERS_AT_ONCE)
        kept = table.read_messages(self.name, MESSAGES_KEPT)
        self._messages = {one.number: one.message_id for one in kept}
        self._slots = {one.slot: one.number for one in kept if one.slot}
        self._can_save = True
        self._save_target()

    @property
    def place(self) -> Place:
        """Return where messages go."""
        return Place(self._target.chat_id, self._thread_id)

    @property
    def disabled_because(self) -> str:
        """Return why nothing may be sent, or nothing."""
        return self._target.disabled_because

    def begin_events(self) -> None:
        """Have a chat that is new here begin with the events to come, not with those of weeks."""
        self._try(lambda: self._table.begin_cursors(_cursor_names(self.name)))

    def take_number(self) -> int:
        """Return a number that no message of this chat ever had."""
        taken = self._next_number
        self._next_number += 1
        return taken

    def slot_number(self, slot: str) -> int:
        """Return the number of the message that is kept up to date under a name."""
        if slot not in self._slots:
            self._slots[slot] = self.take_number()
        return self._slots[slot]

    def message_id(self, number: int) -> int | None:
        """Return which message of the messenger ours became."""
        return self._messages.get(number)

    def number_of(self, message_id: int) -> int | None:
        """Return which message of ours one of the messenger is; from any thread."""
        # The copy is made in one step of the interpreter, so no other thread is in between.
        known = tuple(self._messages.items())
        return next((number for number, other in known if other == message_id), None)

    def forget(self, number: int) -> None:
        """Have a message made anew: the messenger's is gone."""
        self._messages.pop(number, None)

    def note_sent(self, number: int, message_id: int, slot: str) -> None:
        """Note which message of the messenger ours became."""
        self._messages[number] = message_id
        if len(self._messages) > 2 * MESSAGES_KEPT:
            for old in sorted(self._messages)[:MESSAGES_KEPT]:
                if old not in self._slots.values():
                    del self._messages[old]
        kept = KeptMessage(number, message_id, slot)
        self._try(lambda: self._table.save_message(self.name, kept, keep=MESSAGES_KEPT))
        self.reserve()

    def reserve(self) -> None:
        """Reserve more numbers before they run out."""
        if self._next_number + NUMBERS_AT_ONCE // 2 > self._target.reserved_number:
            reserved = self._next_number + NUMBERS_AT_ONCE
            self._target = replace(self._target, reserved_number=reserved)
            self._save_target()

    def migrate(self, chat_id: int) -> None:
        """Note the new number of a group; its messages were left behind."""
        self._target = replace(self._target, chat_id=chat_id)
        self._messages.clear()
        # Not even after a restart: the new number counts its messages from the start.
        self._try(lambda: self._table.forget_messages(self.name))
        self._save_target()

    def leave_thread(self) -> None:
        """Write outside of the topic from now on: it is gone, or closed."""
        self._thread_id = None

    @property
    def has_left_thread(self) -> bool:
        """Tell whether messages go outside of their topic."""
        return self._thread_id != self._home_thread_id

    def rejoin_thread(self) -> None:
        """Write in the topic again: somebody else has."""
        self._thread_id = self._home_thread_id

    def disable(self, because: str) -> None:
        """Note that the bot cannot write here."""
        self._target = replace(self._target, disabled_because=because)
        self._save_target()

    def enable(self) -> None:
        """Note that it can."""
        self.disable("")

    def _save_target(self) -> None:
        target = self._target
        self._try(lambda: self._table.save_target(self.name, target))

    def _try(self, save: Callable[[], None]) -> None:
        try:
            save()
        except Exception as error:
            if self._can_save:
                trace = None if is_foreign(error) else error
                problem = describe_problem(error)
                log.warning(
                    "%s cannot note what it has sent: %s", self.name, problem, exc_info=trace
                )
            self._can_save = False
        else:
            self._can_save = True


def _cursor_names(chat: str) -> list[str]:
    return [cursor_name(chat, lane) for lane in (Lane.ALERT, Lane.NOTICE)]
