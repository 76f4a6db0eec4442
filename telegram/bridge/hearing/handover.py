"""From whoever hears to the thread `forward`: what is to be done is noted first, then handed on.

A row and what is done about it have ids that stay the same when the messenger sends them again.
"""

import logging
from dataclasses import replace

from daemonkit.clock import Clock
from daemonkit.printable import one_line
from tcpproto.vocabulary import Risk
from telegram.bridge.chat import Author, ChatInput
from telegram.bridge.commands.outbound_texts import NOT_SENT
from telegram.bridge.hearing.flush_plan import FlushPlan
from telegram.bridge.hearing.intake_parts import IntakeParts
from telegram.bridge.joint_note import JointNote, Unnoted
from telegram.bridge.messenger import Inbound
from telegram.bridge.store.inbound import InboundRow, InboundState

log = logging.getLogger(__name__)

_OUTCOME_LENGTH_MAX = 200


class Handover:
    """Note what came in and hand it on, one at a time; `offer_max_s` is how long to wait."""

    def __init__(
        self, parts: IntakeParts, clock: Clock, *, bot_id: int, offer_max_s: float
    ) -> None:
        self._parts = parts
        self._clock = clock
        self._bot_id = bot_id
        # `forward` rests when it is offered something, and so begins within a moment.
        self._offer_max_s = offer_max_s
        self._flush = FlushPlan(parts)
        parts.journal.on_end = self._flush.make

    def line_id(self, chat_id: int, message_id: int) -> str:
        """Return the id of what was written."""
        # With the bot: another one counts the messages of a private chat from the start again.
        return f"tg:{self._bot_id}:{chat_id}:{message_id}"

    def press_id(self, update_id: int) -> str:
        """Return the id of the command that a button under an event stands for."""
        return f"tg:{self._bot_id}:press:{update_id}"

    def offer(self, inbound: Inbound, author: Author, line_id: str) -> bool:
        """Have a command for a bot noted and carried out in one; False when neither was done."""
        note = JointNote(_row_of(inbound, self._clock.wall(), inbound.text))
        unnoted = Unnoted(self._input_of(inbound, author, line_id, None), note)
        if not self._parts.offer(unnoted) or not note.wait(self._offer_max_s):
            return False
        # Its end will have to be written: to plan that now is in nobody's way.
        self._flush.make()
        return True

    def note(self, inbound: Inbound, risk: Risk, about: str) -> bool:
        """Note what will be done; False when it was noted before, or cannot be and should be."""
        try:
            return self._parts.journal.add(_row_of(inbound, self._clock.wall(), about))
        except Exception as error:  # noqa: BLE001 - said to the person, and in the log
            log.warning("update %d cannot be noted: %s", inbound.update_id, error)
        if risk in (Risk.READING, Risk.REDUCING):
            # A full disk keeps nobody from looking, and from reducing risk.
            return True
        text = f"the bridge's disk: this cannot be noted; {NOT_SENT}"
        if inbound.press_id is not None:
            self._parts.answer_press(inbound.press_id, text)
        self._parts.say(inbound.place, text)
        return False

    def note_refused(self, inbound: Inbound, outcome: str) -> bool:
        """Note what will not be done; False when it was noted before, and so told."""
        row = _row_of(inbound, self._clock.wall(), inbound.text)
        outcome = one_line(outcome, _OUTCOME_LENGTH_MAX)
        try:
            return self._parts.journal.add(
                replace(row, state=InboundState.REFUSED, outcome=outcome)
            )
        except Exception as error:  # noqa: BLE001 - nothing is done, so nothing is lost
            log.warning("update %d cannot be noted: %s", inbound.update_id, error)
            return True

    def hand_on(self, inbound: Inbound, author: Author, input_id: str, pressed: str | None) -> None:
        """Have done what is noted."""
        update_id, journal = inbound.update_id, self._parts.journal
        journal.note(update_id, InboundState.EXECUTING)
        if not self._parts.hear(self._input_of(inbound, author, input_id, pressed)):
            journal.note(update_id, InboundState.REFUSED, "too much waits")
            self._parts.say(inbound.place, f"too many messages wait to be worked on; {NOT_SENT}")

    def _input_of(
        self, inbound: Inbound, author: Author, input_id: str, pressed: str | None
    ) -> ChatInput:
        update_id, journal = inbound.update_id, self._parts.journal
        return ChatInput(
            chat=inbound.place.name,
            author=author,
            text="" if pressed else inbound.text,
            written_at=inbound.written_at,
            pressed=pressed,
            id=input_id,
            settled=lambda: journal.note(update_id, InboundState.DONE),
        )


def _row_of(inbound: Inbound, now: float, about: str) -> InboundRow:
    assert inbound.user_id is not None, "a stranger was let in"
    return InboundRow(
        update_id=inbound.update_id,
        chat=inbound.place.name,
        message_id=inbound.message_id,
        user_id=inbound.user_id,
        text=about,
        pressed=inbound.press_data,
        written_at=inbound.written_at,
        received_at=now,
    )
