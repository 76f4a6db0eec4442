"""What is done with the press of a button: an answer to a question, or a command of its own.

A question of an earlier run is gone; where a receipt stands in its message, that is shown again.
"""

import logging
from dataclasses import replace
from functools import partial
from typing import Final

from daemonkit.printable import one_line
from tcpproto.vocabulary import VOCABULARY, Risk, parse_line
from telegram.bridge.access import why_not_allowed
from telegram.bridge.chat import Author
from telegram.bridge.commands.outbound_texts import NOT_SENT
from telegram.bridge.event_buttons import command_of
from telegram.bridge.hearing.gate import CONFLICT_TEXT, risk_of_line
from telegram.bridge.hearing.handover import Handover
from telegram.bridge.hearing.intake_parts import IntakeParts
from telegram.bridge.messenger import Inbound, Place
from telegram.bridge.records import CommandRecord

log = logging.getLogger(__name__)

_EXPIRED_TEXT: Final = f"[expired] asked before the bridge was restarted; {NOT_SENT}, send it again"
_LINE_LENGTH_MAX: Final = 80
_ANSWERED: Final = "answered before the bridge was restarted; its receipt is shown here again"
_NOT_FOUND: Final = "what became of this cannot be looked up now, see /orders"


class Presses:
    """Take the presses of people who are listed.

    `there` is the place by its present number; `is_shared` says that another program uses the
    token, and keeps off what raises risk.
    """

    def __init__(self, parts: IntakeParts, handover: Handover) -> None:
        self._parts = parts
        self._handover = handover

    def take(
        self, inbound: Inbound, data: str, there: Place, author: Author, *, is_shared: bool
    ) -> None:
        """Act on a press by what its button carries."""
        if (line := command_of(data)) is not None:
            self._take_command(inbound, line, there, author, is_shared=is_shared)
        else:
            self._take_answer(inbound, data, there, author, is_shared=is_shared)

    def _take_answer(
        self, inbound: Inbound, data: str, there: Place, author: Author, *, is_shared: bool
    ) -> None:
        questions, press_id = self._parts.questions, inbound.press_id or ""
        look = questions.look(inbound.place.name, author.id, data)
        refusal, record = look.refusal, None
        is_left_over = look.is_of_earlier_run and inbound.has_button
        if is_left_over:
            try:
                record = self._parts.find_at(inbound.place, inbound.message_id)
            except Exception as error:  # noqa: BLE001 - behind it in the row may be a /stop
                log.warning("a press cannot be looked up: %s", error)
                refusal, is_left_over = _NOT_FOUND, False
        if record is not None:
            refusal = _ANSWERED
        if not refusal and is_shared and look.risk is Risk.RAISING:
            refusal = CONFLICT_TEXT
        if refusal:
            if self._refuse(inbound, refusal):
                self._clear_up(inbound, there, record, is_left_over=is_left_over)
            return
        if self._handover.note(inbound, look.risk, look.about):
            self._parts.answer_press(press_id)
            questions.claim(data)
            self._handover.hand_on(inbound, author, data, data)

    def _take_command(
        self, inbound: Inbound, line: str, there: Place, author: Author, *, is_shared: bool
    ) -> None:
        """Take a button under an event as the command that it stands for."""
        risk = risk_of_line(line)
        refusal = why_not_allowed(author, VOCABULARY[parse_line(line).verb])
        if not refusal and is_shared and risk is Risk.RAISING:
            refusal = CONFLICT_TEXT
        if refusal:
            self._refuse(inbound, refusal)
            return
        if self._handover.note(inbound, risk, line):
            self._parts.answer_press(inbound.press_id or "")
            drop = self._parts.messenger.drop_buttons
            self._parts.run_quietly(partial(drop, there, inbound.message_id))
            pressed = replace(inbound, text=line)
            input_id = self._handover.press_id(inbound.update_id)
            self._handover.hand_on(pressed, author, input_id, None)

    def _refuse(self, inbound: Inbound, refusal: str) -> bool:
        """Say why nothing is done; False when it was said before."""
        is_new = self._handover.note_refused(inbound, refusal)
        if is_new:
            self._parts.answer_press(inbound.press_id or "", refusal)
        return is_new

    def _clear_up(
        self, inbound: Inbound, there: Place, record: CommandRecord | None, *, is_left_over: bool
    ) -> None:
        """Show the receipt that stands there; an end on a question nobody knows any more."""
        if record is not None:
            self._parts.show_again(record.id)
        elif is_left_over:
            edit, text = self._parts.messenger.edit_text, _expired_text(inbound.asked)
            self._parts.run_quietly(partial(edit, there, inbound.message_id, text, html=False))


def _expired_text(asked: str) -> str:
    """Say that a question is over, and what it was about."""
    command = asked.partition("\n")[0].partition(" — ")[0]
    if not command.startswith("/"):
        return _EXPIRED_TEXT
    return f"{_EXPIRED_TEXT}:\n  {one_line(command, _LINE_LENGTH_MAX)}"
