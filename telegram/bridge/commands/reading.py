"""What a person says: read, checked, and handed to whoever carries it out.

Every command ends in one receipt, whatever goes wrong. Belongs to the thread `forward`.
"""

from collections.abc import Callable, Container, Mapping
from dataclasses import replace
from functools import partial

from daemonkit.clock import Clock
from daemonkit.printable import one_line
from tcpproto.vocabulary import (
    MAX_AGE_S,
    NOT_AVAILABLE,
    CommandError,
    Place,
    Risk,
    Verb,
    parse_line,
    risk_of,
)
from telegram.bridge.access import why_not_allowed
from telegram.bridge.chat import ChatInput
from telegram.bridge.chats import Chats, ReceiptDesk
from telegram.bridge.commands.dialogs import Dialogs
from telegram.bridge.commands.engine import EngineCommands
from telegram.bridge.commands.outbound import Outbound
from telegram.bridge.commands.outbound_texts import NOT_SENT, asked_again_text, late_text
from telegram.bridge.commands.questions import Choice, Questions
from telegram.bridge.commands.request import Answer, LocalVerb, Request, WhichBot
from telegram.bridge.errors import QuestionError, RefusalError
from telegram.bridge.joint_note import Unnoted
from telegram.bridge.receipts import State
from telegram.bridge.render import receipt
from telegram.bridge.store.inbound import InboundRow

# A clock that is this far off cannot tell an old command from a new one.
FUTURE_MAX_S = 30.0


class CommandDesk:
    """Carry out a command that was understood: here, or at a bot."""

    def __init__(
        self, dialogs: Dialogs, engine: EngineCommands, local: Mapping[str, LocalVerb]
    ) -> None:
        self._dialogs = dialogs
        self._engine = engine
        self._local = local

    def start(self, request: Request) -> None:
        """Begin; RefusalError when it cannot be done."""
        if refusal := why_not_allowed(request.author, request.verb):
            raise RefusalError(refusal)
        if request.verb.place is Place.ENGINE:
            self._engine.start(request)
            return
        verb = self._local.get(request.verb.name)
        if verb is None or not request.verb.available:
            raise RefusalError(NOT_AVAILABLE)
        response = verb(request)
        if isinstance(response, WhichBot):
            self._ask_bot(request, response)
        else:
            self._answer(request, response)

    def write_with(self, request: Request, row: InboundRow) -> Callable[[], None] | None:
        """Write a command for a bot and what it came of as one; return what sends it.

        None when it is none for a bot, or more has to be done first: nothing was done.
        """
        if request.verb.place is not Place.ENGINE or why_not_allowed(request.author, request.verb):
            return None
        try:
            return self._engine.write_with(request, row)
        except RefusalError:
            return None

    def _ask_bot(self, request: Request, question: WhichBot) -> None:
        self._dialogs.choose(
            request,
            f"{request.line} — {question.prompt}",
            [Choice(bot, bot) for bot in question.bots],
            lambda asked, bot: self._answer(asked, question.then(bot)),
        )

    def _answer(self, request: Request, answer: Answer) -> None:
        self._dialogs.finish(request, State.APPLIED, answer.text, answer.body, answer.file_name)


class Commands:
    """Hear what people type and press."""

    def __init__(
        self,
        *,
        clock: Clock,
        chats: Chats,
        questions: Questions,
        dialogs: Dialogs,
        desk: CommandDesk,
        vocabulary: Mapping[str, Verb],
        make_id: Callable[[], str],
        is_known: Callable[[str], bool],
    ) -> None:
        self._clock = clock
        self._chats = chats
        self._questions = questions
        self._dialogs = dialogs
        self._desk = desk
        self._vocabulary = vocabulary
        self._make_id = make_id
        self._is_known = is_known

    def hear(self, said: ChatInput) -> None:
        """Act on one line or one press of a button."""
        if said.pressed is None and said.text.lstrip().startswith("/"):
            self._hear_command(said)
            return
        try:
            self._questions.answer(said)
        except QuestionError as error:
            self._chats.send(said.chat, str(error))
            said.settled()

    def hear_unnoted(self, unnoted: Unnoted) -> None:
        """Note a line and act on it, if a bot's command comes of it at once; else give it back."""
        note, is_noted = unnoted.note, False
        if not note.take():
            return
        try:
            if (request := self._read(unnoted.said)) is None:
                return
            if (send := self._desk.write_with(request, note.row)) is None:
                return
            is_noted = True
            self._dialogs.run(request, send)
        finally:
            # Only now: whoever waits for it would be in the way of what is sent.
            note.end(is_noted=is_noted)

    def _read(self, said: ChatInput) -> Request | None:
        """Return what a line asks for; None when it is none, or comes too late."""
        if said.id is None:
            return None
        try:
            command = parse_line(said.text.strip())
        except CommandError:
            return None
        if self._why_too_late(said, risk_of(command.verb, command.args)):
            return None
        verb = self._vocabulary[command.verb]
        return Request(said.id, said.chat, said.author, command, verb, said.settled)

    def _hear_command(self, said: ChatInput) -> None:
        if said.id is not None and self._is_known(said.id):
            said.settled()  # delivered twice; its receipt is in the chat already
            return
        command_id = said.id or self._make_id()
        try:
            command = parse_line(said.text.strip())
        except CommandError as error:
            text = receipt(State.REJECTED, one_line(said.text, 80), str(error))
            self._chats.send(said.chat, text, command_id=command_id)
            said.settled()
            return
        verb = self._vocabulary[command.verb]
        request = Request(command_id, said.chat, said.author, command, verb, said.settled)
        risk = risk_of(command.verb, command.args)
        late = self._why_too_late(said, risk)
        if late and risk is Risk.REDUCING and verb.place is Place.ENGINE:
            # Held up, or judged by a wrong clock: whoever still wants it says so with a button.
            doubt = asked_again_text(self._clock.wall() - said.written_at)
            request = replace(request, doubt=doubt)
            self._dialogs.run(request, partial(self._desk.start, request))
        elif late:
            self._dialogs.finish(request, State.EXPIRED, f"{late}; {NOT_SENT}")
        else:
            self._dialogs.run(request, partial(self._desk.start, request))

    def _why_too_late(self, said: ChatInput, risk: Risk) -> str:
        age_s = self._clock.wall() - said.written_at
        if age_s > MAX_AGE_S[risk]:
            return late_text(age_s, MAX_AGE_S[risk])
        # A clock that goes wrong keeps nobody from reducing risk.
        is_early = age_s < -FUTURE_MAX_S and risk is not Risk.REDUCING
        return "written in the future: check the clock" if is_early else ""


def leave_chat(
    chat: str,
    states: Container[State],
    *,
    questions: Questions,
    outbound: Outbound,
    receipts: ReceiptDesk,
) -> None:
    """End the lines that a chat still waits for: nobody will be there to read what comes later.

    The commands themselves go on; the next start of the bridge takes them up.
    """
    questions.expire(chat)
    for record in outbound.open_in(chat):
        if record.state in states and receipts.is_expected(record.id):
            text = record.text or "no answer yet"
            receipts.show(replace(record, state=State.UNKNOWN, text=text))
