"""Hears the messenger: decides, notes, and only then hands on to the thread `forward`.

A command for a bot is left to `forward` unnoted if that rests: it writes both in one commit.
Called one update at a time, on a thread beside the loop `poll`. When a call returns, the update
is in bridge.db or was for nobody; calls to the messenger are made on the loop, later.
"""

import logging
from collections import OrderedDict
from dataclasses import replace
from functools import partial
from typing import Final

from daemonkit.clock import Clock
from daemonkit.printable import one_line
from daemonkit.secrets import redact
from tcpproto.vocabulary import Risk
from telegram.bridge.chat import Author
from telegram.bridge.commands.outbound_texts import NOT_SENT
from telegram.bridge.event_buttons import command_of
from telegram.bridge.hearing.access import TelegramAccess
from telegram.bridge.hearing.gate import (
    CONFLICT_TEXT,
    Decision,
    GateLimits,
    GateScene,
    Verdict,
    author_of,
    decide,
    is_command,
    is_for_bots,
    risk_of_line,
)
from telegram.bridge.hearing.handover import Handover
from telegram.bridge.hearing.intake_parts import IntakeParts
from telegram.bridge.hearing.interruptions import tell_interrupted
from telegram.bridge.hearing.menu import publish_menus
from telegram.bridge.hearing.presses import Presses
from telegram.bridge.messenger import Inbound, Me, Place, read_place
from telegram.bridge.records import CommandRecord
from telegram.bridge.store.inbound import InboundRow

log = logging.getLogger(__name__)

_STRANGERS_MAX: Final = 1_000
_MOVED: Final = "moved:"
_MET: Final = "met:"
CONFLICT_NEWS: Final = (
    f"{CONFLICT_TEXT}. If that program is not yours, take a new token: /revoke at @BotFather"
)
CONFLICT_OVER: Final = "the other program that used this bot's token is gone; all works again"


class TelegramIntake:
    """Take what people write and press; `access` may be replaced while running.

    on_inbound, on_conflict and on_ready are called one at a time.
    """

    def __init__(
        self,
        parts: IntakeParts,
        access: TelegramAccess,
        clock: Clock,
        *,
        bot_id: int,
        limits: GateLimits | None = None,
        stranger_log_s: float = 3_600.0,
        offer_max_s: float = 2.0,
    ) -> None:
        self._parts = parts
        self._clock = clock
        self._handover = Handover(parts, clock, bot_id=bot_id, offer_max_s=offer_max_s)
        self._presses = Presses(parts, self._handover)
        self._limits = limits or GateLimits()
        self._stranger_log_s = stranger_log_s
        self._seen: OrderedDict[str, float] = OrderedDict()
        self._is_shared = False
        self.bot_name = ""
        self._old_numbers = {int(new): int(old) for old, new in parts.notes.read(_MOVED).items()}
        self._met = {int(user_id) for user_id in parts.notes.read(_MET)}
        self.access = access

    def on_ready(self, me: Me) -> None:
        """Take in who the bot is, and offer everybody their commands."""
        self.bot_name = me.user_name
        self._publish_menus()

    def take_over(self, access: TelegramAccess) -> None:
        """Let others speak from now on; from any thread."""
        self.access = access
        if self.bot_name:
            self._publish_menus()

    def on_inbound(self, inbound: Inbound) -> None:
        """Act on one update; an error means that it was not noted and has to come again."""
        there = inbound.place
        # Nothing that looks like a secret is written down, or said again in part.
        inbound = replace(inbound, place=self._home_of(there), text=redact(inbound.text))
        chat, author, questions = inbound.place.name, f"tg:{inbound.user_id}", self._parts.questions
        scene = GateScene(
            access=self.access,
            now=self._clock.wall(),
            bot_name=self.bot_name,
            is_asked=questions.is_open_for(chat, author),
            may_raise=questions.may_raise(chat, author, inbound.text),
            is_shared=self._is_shared,
            limits=self._limits,
        )
        decision = decide(inbound, scene)
        if inbound.has_joined or decision.verdict in (Verdict.TAKE, Verdict.REFUSE):
            self._parts.on_heard(inbound.place)
        match decision.verdict:
            case Verdict.TAKE:
                # By the list that let it in: another may have taken its place since.
                self._take(inbound, there, author_of(inbound, scene.access))
            case Verdict.REFUSE:
                self._refuse(inbound, decision)
            case Verdict.STRANGER:
                self._note_stranger(inbound)
            case Verdict.LEAVE:
                self._leave(inbound)
            case Verdict.MOVED:
                self._move(inbound)
            case Verdict.TIDY:
                delete = self._parts.messenger.delete
                self._parts.run_quietly(partial(delete, there, inbound.message_id))
            case Verdict.IGNORE:
                log.debug("update %d is for nobody", inbound.update_id)

    def on_lost(self, inbound: Inbound) -> None:
        """Take in that an update is given up; whoever is listed is told."""
        place = self._home_of(inbound.place)
        if self.access.role_of(inbound.user_id) is not None and self.access.hears(place):
            line = one_line(redact(inbound.text), 80) or "a button"
            self._parts.tell(place, f"{line} could not be worked on, see the log; {NOT_SENT}")

    def on_conflict(self, is_shared: bool) -> None:
        """Take in that another program uses the token, or that it has gone; tell the admins."""
        if is_shared == self._is_shared:
            return
        self._is_shared = is_shared
        text = CONFLICT_NEWS if is_shared else CONFLICT_OVER
        log.warning("%s", text)
        for place in self.access.admins:
            self._parts.tell(place, text)

    def take_up(self) -> None:
        """Say what an earlier process had begun and not ended; none of it is done again."""
        parts = self._parts
        tell_interrupted(parts.journal, self._find_of, show_again=parts.show_again, tell=parts.tell)

    def close(self) -> None:
        """Write down what has ended."""
        self._parts.journal.flush()

    def _home_of(self, place: Place) -> Place:
        if self.access.knows_group(place.chat_id):
            return place
        if (old := self._old_numbers.get(place.chat_id)) is not None:
            return Place(old, place.thread_id)
        return self._parts.home_of(place)

    def _publish_menus(self) -> None:
        """Set the menus of those who have written: nobody else has a chat that could have one."""
        users = {one: role for one, role in self.access.users.items() if one in self._met}
        parts = self._parts
        parts.run(publish_menus(parts.messenger, users, parts.notes))

    def _meet(self, user_id: int) -> None:
        self._met.add(user_id)
        try:
            self._parts.notes.save(f"{_MET}{user_id}", "")
        except Exception as error:  # noqa: BLE001 - the menu comes again with the next start
            log.warning("user %d cannot be noted: %s", user_id, error)
        self._publish_menus()

    def _take(self, inbound: Inbound, there: Place, author: Author) -> None:
        if (data := inbound.press_data) is not None:
            self._presses.take(inbound, data, there, author, is_shared=self._is_shared)
            return
        self._take_text(inbound, there.chat_id, author)
        if not there.is_group and there.chat_id not in self._met:
            self._meet(there.chat_id)

    def _take_text(self, inbound: Inbound, chat_id: int, author: Author) -> None:
        """Have done what was written; the number is the one that counts the messages now."""
        line_id, is_line = self._handover.line_id(chat_id, inbound.message_id), is_command(inbound)
        is_offered = is_line and is_for_bots(inbound.text)
        if is_offered and self._handover.offer(inbound, author, line_id):
            return
        risk = risk_of_line(inbound.text) if is_line else Risk.RAISING
        if self._handover.note(inbound, risk, inbound.text):
            self._handover.hand_on(inbound, author, line_id, None)

    def _refuse(self, inbound: Inbound, decision: Decision) -> None:
        if decision.is_clock_wrong:
            log.warning("a message from the future: check the clock of this machine")
        if not self._handover.note_refused(inbound, decision.text):
            return
        if inbound.press_id is not None:
            self._parts.answer_press(inbound.press_id, decision.text)
        else:
            self._parts.say(inbound.place, decision.text)

    def _note_stranger(self, inbound: Inbound) -> None:
        who = inbound.user_id or "somebody without a number"
        if self._is_first(f"user {who}"):
            log.warning("a stranger writes: user %s in %s", who, inbound.place.name)

    def _leave(self, inbound: Inbound) -> None:
        chat_id = inbound.place.chat_id
        if self._is_first(f"group {chat_id}"):
            log.warning("left group %d, which is not listed", chat_id)
            self._parts.run_quietly(partial(self._parts.messenger.leave, chat_id))

    def _move(self, inbound: Inbound) -> None:
        old, new = inbound.place.chat_id, inbound.migrated_to
        assert new is not None, "a group that has moved has a new number"
        self._parts.notes.save(f"{_MOVED}{old}", str(new))
        self._old_numbers[new] = old
        log.warning("group %d has the number %d now; change it in the configuration", old, new)

    def _find_of(self, row: InboundRow) -> CommandRecord | None:
        """Return the command that came of what was said or pressed, if it reached the disk."""
        place = read_place(row.chat)
        if place is None:
            return None
        if row.pressed is not None and command_of(row.pressed):
            return self._parts.find(self._handover.press_id(row.update_id))
        if row.pressed is not None:
            return self._parts.find_at(place, row.message_id)
        moved = [new for new, old in self._old_numbers.items() if old == place.chat_id]
        ids = [self._handover.line_id(number, row.message_id) for number in (*moved, place.chat_id)]
        return next((found for one in ids if (found := self._parts.find(one))), None)

    def _is_first(self, whom: str) -> bool:
        """Tell whether somebody was not spoken of for a while."""
        now = self._clock.monotonic()
        if now < self._seen.get(whom, now):
            return False
        self._seen[whom] = now + self._stranger_log_s
        self._seen.move_to_end(whom)
        if len(self._seen) > _STRANGERS_MAX:
            self._seen.popitem(last=False)
        return True
