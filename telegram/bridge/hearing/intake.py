"""Hears the messenger: decides, notes, and only then hands on to the thread `forward`.

A command for a bot is left to `forward` unnoted if that rests: it writes both in one commit.
Called one update at a time, on a thread beside the loop `poll`. When a call returns, the update
is in bridge.db or was for nobody; calls to the messenger are made on the loop, later.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial
from threading import Lock
from typing import Any, Final

from daemonkit.clock import Clock
from daemonkit.printable import one_line
from daemonkit.secrets import redact
from tcpproto.vocabulary import VOCABULARY, Risk, parse_line
from telegram.bridge.access import why_not_allowed
from telegram.bridge.chat import ChatInput
from telegram.bridge.commands.outbound import NOT_SENT
from telegram.bridge.commands.questions import Questions
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
from telegram.bridge.hearing.interruptions import Tell, tell_interrupted
from telegram.bridge.hearing.journal import InboundJournal
from telegram.bridge.hearing.menu import publish_menus
from telegram.bridge.joint_note import JointNote, Unnoted
from telegram.bridge.messenger import Inbound, Me, Messenger, MessengerError, Place, read_place
from telegram.bridge.records import CommandRecord
from telegram.bridge.store.inbound import InboundRow, InboundState, MessengerNotes

log = logging.getLogger(__name__)

FLUSH_AFTER_S: Final = 0.2
_FLUSH_AGAIN_S: Final = 2.0
_STRANGERS_MAX: Final = 1_000
_MOVED: Final = "moved:"
_MET: Final = "met:"
_EXPIRED_TEXT: Final = f"[expired] asked before the bridge was restarted; {NOT_SENT}, send it again"
_ANSWERED: Final = "answered before the bridge was restarted; its receipt is shown here again"
_NOT_FOUND: Final = "what became of this cannot be looked up now, see /orders"
CONFLICT_NEWS: Final = (
    f"{CONFLICT_TEXT}. If that program is not yours, take a new token: /revoke at @BotFather"
)
CONFLICT_OVER: Final = "the other program that used this bot's token is gone; all works again"


@dataclass(frozen=True, slots=True)
class IntakeParts:
    """Hold whom the intake tells and asks.

    `hear` takes an input for `forward` and says whether there was room, `offer` one that `forward`
    is to note, and whether it has nothing else to do; `say` shows a text in a
    place, `tell` one that waits for the messenger as long as it takes; `run` has the loop `poll`
    run something; `find` returns a command by its id, `find_at` the one whose receipt stands in a
    message of the messenger, and `show_again` shows it; `home_of` returns the place under which a
    chat is known here: a group may have got another number; `on_heard` is told where somebody
    who is listed has written, and into which group the bot was put.
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
        self._bot_id = bot_id
        self._limits = limits or GateLimits()
        self._stranger_log_s = stranger_log_s
        # `forward` rests when it is offered something, and so begins within a moment.
        self._offer_max_s = offer_max_s
        self._seen: OrderedDict[str, float] = OrderedDict()
        self._is_shared = False
        self._flush_lock = Lock()
        self._is_flush_planned = False
        self.bot_name = ""
        self._old_numbers = {int(new): int(old) for old, new in parts.notes.read(_MOVED).items()}
        self._met = {int(user_id) for user_id in parts.notes.read(_MET)}
        self.access = access
        parts.journal.on_end = self._plan_flush

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
                self._take(inbound, there)
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
                self._parts.run(_quietly(partial(delete, there, inbound.message_id)))
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

    def _take(self, inbound: Inbound, there: Place) -> None:
        if inbound.press_data is not None:
            self._take_press(inbound, inbound.press_data, there)
            return
        # The number that counts the messages now, though the chat has an older name.
        input_id = self._input_id(there.chat_id, inbound.message_id)
        if not self._is_noted_by_forward(inbound, input_id):
            risk = risk_of_line(inbound.text) if is_command(inbound) else Risk.RAISING
            if self._note(inbound, risk, inbound.text):
                self._hand_on(inbound, input_id, None)
        if not there.is_group and there.chat_id not in self._met:
            self._meet(there.chat_id)

    def _take_press(self, inbound: Inbound, data: str, there: Place) -> None:
        if (line := command_of(data)) is not None:
            self._take_answer(inbound, line, there)
            return
        questions, press_id = self._parts.questions, inbound.press_id or ""
        author = author_of(inbound, self.access)
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
        if not refusal and self._is_shared and look.risk is Risk.RAISING:
            refusal = CONFLICT_TEXT
        if refusal:
            if self._note_refused(inbound, refusal):
                self._answer(press_id, refusal)
                if record is not None:
                    self._parts.show_again(record.id)
                elif is_left_over:
                    self._expire(there, inbound.message_id)
            return
        if self._note(inbound, look.risk, look.about):
            self._answer(press_id)
            questions.claim(data)
            self._hand_on(inbound, data, data)

    def _take_answer(self, inbound: Inbound, line: str, there: Place) -> None:
        """Take a button under an event as the command that it stands for."""
        press_id, risk = inbound.press_id or "", risk_of_line(line)
        refusal = why_not_allowed(
            author_of(inbound, self.access), VOCABULARY[parse_line(line).verb]
        )
        if not refusal and self._is_shared and risk is Risk.RAISING:
            refusal = CONFLICT_TEXT
        if refusal:
            if self._note_refused(inbound, refusal):
                self._answer(press_id, refusal)
            return
        if self._note(inbound, risk, line):
            self._answer(press_id)
            drop = self._parts.messenger.drop_buttons
            self._parts.run(_quietly(partial(drop, there, inbound.message_id)))
            pressed = replace(inbound, text=line)
            self._hand_on(pressed, self._press_input_id(inbound.update_id), None)

    def _is_noted_by_forward(self, inbound: Inbound, input_id: str) -> bool:
        """Have a command for a bot noted and carried out in one; False when neither was done."""
        if not is_command(inbound) or not is_for_bots(inbound.text):
            return False
        note = JointNote(_row_of(inbound, self._clock.wall(), inbound.text))
        unnoted = Unnoted(self._input_of(inbound, input_id, None), note)
        if not self._parts.offer(unnoted) or not note.wait(self._offer_max_s):
            return False
        # Its end will have to be written: to plan that now is in nobody's way.
        self._plan_flush()
        return True

    def _input_of(self, inbound: Inbound, input_id: str, pressed: str | None) -> ChatInput:
        update_id, journal = inbound.update_id, self._parts.journal
        return ChatInput(
            chat=inbound.place.name,
            author=author_of(inbound, self.access),
            text="" if pressed else inbound.text,
            written_at=inbound.written_at,
            pressed=pressed,
            id=input_id,
            settled=lambda: journal.note(update_id, InboundState.DONE),
        )

    def _hand_on(self, inbound: Inbound, input_id: str, pressed: str | None) -> None:
        update_id, journal = inbound.update_id, self._parts.journal
        journal.note(update_id, InboundState.EXECUTING)
        if not self._parts.hear(self._input_of(inbound, input_id, pressed)):
            journal.note(update_id, InboundState.REFUSED, "too much waits")
            self._parts.say(inbound.place, f"too many messages wait to be worked on; {NOT_SENT}")

    def _note(self, inbound: Inbound, risk: Risk, about: str) -> bool:
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
            self._answer(inbound.press_id, text)
        self._parts.say(inbound.place, text)
        return False

    def _note_refused(self, inbound: Inbound, outcome: str) -> bool:
        row = _row_of(inbound, self._clock.wall(), inbound.text)
        row = replace(row, state=InboundState.REFUSED, outcome=one_line(outcome, 200))
        try:
            return self._parts.journal.add(row)
        except Exception as error:  # noqa: BLE001 - nothing is done, so nothing is lost
            log.warning("update %d cannot be noted: %s", inbound.update_id, error)
            return True

    def _refuse(self, inbound: Inbound, decision: Decision) -> None:
        if decision.is_clock_wrong:
            log.warning("a message from the future: check the clock of this machine")
        if not self._note_refused(inbound, decision.text):
            return
        if inbound.press_id is not None:
            self._answer(inbound.press_id, decision.text)
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
            self._parts.run(_quietly(partial(self._parts.messenger.leave, chat_id)))

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
            return self._parts.find(self._press_input_id(row.update_id))
        if row.pressed is not None:
            return self._parts.find_at(place, row.message_id)
        moved = [new for new, old in self._old_numbers.items() if old == place.chat_id]
        ids = [self._input_id(number, row.message_id) for number in (*moved, place.chat_id)]
        return next((found for one in ids if (found := self._parts.find(one))), None)

    def _input_id(self, chat_id: int, message_id: int) -> str:
        # With the bot: another one counts the messages of a private chat from the start again.
        return f"tg:{self._bot_id}:{chat_id}:{message_id}"

    def _press_input_id(self, update_id: int) -> str:
        return f"tg:{self._bot_id}:press:{update_id}"

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

    def _answer(self, press_id: str, text: str = "") -> None:
        self._parts.run(_quietly(partial(self._parts.messenger.answer_press, press_id, text)))

    def _expire(self, place: Place, message_id: int) -> None:
        """Put an end on a question that nobody knows any more; its buttons go with it."""
        edit = self._parts.messenger.edit_text
        self._parts.run(_quietly(partial(edit, place, message_id, _EXPIRED_TEXT, html=False)))

    def _plan_flush(self) -> None:
        with self._flush_lock:
            if self._is_flush_planned:
                return
            self._is_flush_planned = True
        self._parts.run(self._flush_later()).add_done_callback(self._end_flush)

    async def _flush_later(self) -> None:
        """Write what ends within a moment together, and go on until nothing is left."""
        await asyncio.sleep(FLUSH_AFTER_S)
        if not await asyncio.to_thread(self._parts.journal.flush):
            await asyncio.sleep(_FLUSH_AGAIN_S)

    def _end_flush(self, flushed: Future[None]) -> None:
        with self._flush_lock:
            self._is_flush_planned = False
        # One that could not run leaves the rest to close(), or to the next that ends.
        has_run = not flushed.cancelled() and flushed.exception() is None
        if has_run and self._parts.journal.is_waiting:
            self._plan_flush()


async def _quietly(call: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Make a call whose failure nobody needs to know of."""
    try:
        await call()
    except MessengerError as error:
        log.info("the messenger did not do it: %s", error)


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
