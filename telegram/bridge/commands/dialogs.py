"""Talking with one person about one command: questions, and the receipt it ends with."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tcpproto.vocabulary import risk_of
from telegram.bridge.access import why_not_allowed
from telegram.bridge.chat import ChatInput
from telegram.bridge.chats import Chats
from telegram.bridge.commands.outbound_texts import NOT_SENT
from telegram.bridge.commands.questions import CANCEL, Choice, Question, Questions
from telegram.bridge.commands.request import Request
from telegram.bridge.errors import RefusalError
from telegram.bridge.receipts import State
from telegram.bridge.render import receipt

log = logging.getLogger(__name__)

# What is longer is no message to read on a phone.
BODY_LEN_MAX = 3_500


@dataclass(frozen=True, slots=True)
class QuestionTimes:
    """Hold how long a person may take to answer."""

    confirm_s: float = 30.0
    choose_s: float = 120.0


class Dialogs:
    """Ask and answer in the chat that a command came from."""

    def __init__(self, chats: Chats, questions: Questions, times: QuestionTimes) -> None:
        self._chats = chats
        self._questions = questions
        self._times = times
        self.localize: Callable[[str, str], str] = _as_it_is

    def finish(
        self, request: Request, state: State, text: str, body: str = "", file_name: str = ""
    ) -> None:
        """Put the receipt of a command into its chat; it is over for the bridge.

        A long body that has a file name comes as a file, where the chat can show one.
        """
        body = self.localize(request.author.id, body)
        is_file = file_name and len(body) > BODY_LEN_MAX
        if is_file and self._chats.send_document(request.chat, body, file_name, request.line):
            body = ""
        self._chats.put(
            request.chat,
            request.message_id,
            receipt(state, request.line, text, body),
            command_id=request.id,
        )
        log.info("command %s of %s: %s %s", request.line, request.author.id, state, text)
        request.settled()

    def run(self, request: Request, act: Callable[[], None]) -> None:
        """Act on a command; whatever goes wrong, it ends with a receipt."""
        try:
            act()
        except RefusalError as error:
            self.finish(request, State.REJECTED, str(error))
        except Exception:
            # The command's boundary: the person is told, and the bridge goes on.
            log.exception("fault in %s", request.line)
            self.finish(request, State.UNKNOWN, "the bridge failed at this, see its log")

    def choose(
        self,
        request: Request,
        prompt: str,
        choices: Sequence[Choice],
        then: Callable[[Request, str], None],
    ) -> None:
        """Ask for one of several; go on with the key of the choice."""
        self._ask(request, prompt, choices, then, self._times.choose_s).can_filter = True

    def confirm(
        self, request: Request, prompt: str, then: Callable[[Request], None], *, label: str = "Yes"
    ) -> None:
        """Ask for a yes; go on only with it, and only for a short while."""
        yes = (Choice("yes", label),)
        self._ask(request, prompt, yes, lambda asked, _yes: then(asked), self._times.confirm_s)

    def _ask(
        self,
        request: Request,
        prompt: str,
        choices: Sequence[Choice],
        then: Callable[[Request, str], None],
        timeout_s: float,
    ) -> Question:
        message_id: int | None = None

        def on_answer(key: str, said: ChatInput) -> None:
            # Who answers is who asked, but perhaps with another role by now.
            asked = replace(
                request, author=said.author, settled=said.settled, message_id=message_id, doubt=""
            )
            if key == CANCEL:
                self.finish(asked, State.REJECTED, f"cancelled; {NOT_SENT}")
            elif refusal := why_not_allowed(said.author, request.verb):
                self.finish(asked, State.REJECTED, refusal)
            else:
                self.run(asked, lambda: then(asked, key))

        def on_timeout() -> None:
            asked = replace(request, settled=_nothing, message_id=message_id)
            self.finish(asked, State.EXPIRED, f"not answered in time; {NOT_SENT}")

        def on_turn() -> None:
            wanted = f" (with {question.wanted})" if question.wanted else ""
            self._chats.put(
                request.chat, message_id, prompt + wanted, question.buttons, command_id=request.id
            )

        question = self._questions.ask(
            chat=request.chat,
            author=request.author.id,
            choices=[*choices, Choice(CANCEL, "Cancel")],
            timeout_s=timeout_s,
            on_answer=on_answer,
            on_timeout=on_timeout,
        )
        question.on_turn, question.about = on_turn, prompt.partition("\n")[0]
        question.risk = risk_of(request.command.verb, request.command.args)
        message_id = self._chats.put(
            request.chat, request.message_id, prompt, question.buttons, command_id=request.id
        )
        request.settled()
        return question


def _nothing() -> None:
    return None


def _as_it_is(_author: str, text: str) -> str:
    return text
