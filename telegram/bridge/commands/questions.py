"""Open questions: who was asked what, which answers fit, and when it is too late.

A question is answered once, by the person it was put to, by pressing a button (its data carries
a nonce) or by typing a number, a label, some of its letters, `yes` or `cancel`. Belongs to the
thread `forward`; look(), claim() and is_open_for() are for whoever hears the presses.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from daemonkit.clock import Clock
from tcpproto.vocabulary import Risk, named_in
from telegram.bridge.chat import Buttons, ChatInput
from telegram.bridge.commands.keyboards import CANCEL, Choice, lay_out, matching, page_count
from telegram.bridge.errors import QuestionError

__all__ = ["CANCEL", "OPEN_MAX", "Choice", "Look", "Question", "Questions"]

OPEN_MAX = 500
LETTERS_MIN = 2
_CLAIMED_MAX = 1_000
_RUN_DIGITS = 4
_SAYS_NO = frozenset({"no", "n"})
_SAYS_CANCEL = _SAYS_NO | {"cancel"}
_SAYS_YES = frozenset({"yes", "y", "ok"})
_CLOSED = "that question is no longer open"
_EXPIRED = "expired: asked before a restart, send the command again"
_OF_ANOTHER = "that question was put to somebody else"
_LATE = "that came too late"
_NO_QUESTION = "no question is open"


def _nothing() -> None:
    return None


@dataclass(slots=True)
class Question:
    """Hold one open question, and which of its choices are shown.

    It runs out by either clock: one stands still while the machine sleeps, the other is set. An
    offer, such as to take back a command that waits, stands for long and is no question to talk
    about: its button, or plainly `cancel` when nothing was asked since, is all that answers it.
    """

    nonce: str
    chat: str
    author: str
    choices: tuple[Choice, ...]
    timeout_s: float
    deadline: float
    expires_at: float
    on_answer: Callable[[str, ChatInput], None]
    on_timeout: Callable[[], None]
    is_offer: bool = False
    on_turn: Callable[[], None] = _nothing
    about: str = ""
    risk: Risk = Risk.RAISING
    can_filter: bool = False
    page: int = 0
    wanted: str = ""
    is_last: bool = True

    @property
    def buttons(self) -> Buttons:
        """Return the buttons of the page that is shown."""
        return lay_out(self.choices, self.nonce, self.page, self.wanted)


@dataclass(frozen=True, slots=True)
class Look:
    """Say what a press would do: nothing, and why, or an answer to a question about a command."""

    refusal: str = ""
    about: str = ""
    risk: Risk = Risk.RAISING
    is_of_earlier_run: bool = False


class Questions:
    """Keep the open questions of all chats; the oldest gives way when there are too many."""

    def __init__(self, clock: Clock, rng: Random) -> None:
        self._clock = clock
        self._rng = rng
        self._open: dict[str, Question] = {}
        self._claimed: OrderedDict[str, None] = OrderedDict()
        # In front of every nonce: a button of an earlier process is known by it.
        self._run = f"{rng.getrandbits(4 * _RUN_DIGITS):0{_RUN_DIGITS}x}"

    def ask(
        self,
        *,
        chat: str,
        author: str,
        choices: Sequence[Choice],
        timeout_s: float,
        on_answer: Callable[[str, ChatInput], None],
        on_timeout: Callable[[], None],
        is_offer: bool = False,
    ) -> Question:
        """Open a question and return it, with its buttons."""
        for one in self._of(chat, author):
            if one.is_offer or not is_offer:
                one.is_last = False
        question = Question(
            nonce=f"{self._run}{self._rng.getrandbits(40):010x}",
            chat=chat,
            author=author,
            choices=tuple(choices),
            timeout_s=timeout_s,
            deadline=self._clock.monotonic() + timeout_s,
            expires_at=self._clock.wall() + timeout_s,
            on_answer=on_answer,
            on_timeout=on_timeout,
            is_offer=is_offer,
        )
        self._open[question.nonce] = question
        if len(self._open) > OPEN_MAX:
            self._open.pop(next(iter(self._open))).on_timeout()
        return question

    def close(self, nonce: str) -> None:
        """Take a question back."""
        self._open.pop(nonce, None)

    def answer(self, said: ChatInput) -> None:
        """Act on an answer, or raise QuestionError in words for the person."""
        question, code = self._pressed(said) if said.pressed is not None else self._typed(said)
        if self._is_late(question):
            # Nobody has noticed yet: the machine slept, or the loop was held up.
            self._run_out(question)
            raise QuestionError(_LATE)
        if code.startswith("p"):
            self._show(question, int(code[1:]), question.wanted)
            said.settled()
            return
        # Closed before acting: a double tap finds nothing.
        del self._open[question.nonce]
        question.on_answer(question.choices[int(code)].key, said)

    def look(self, chat: str, author: str, data: str) -> Look:
        """Say what a press would do, without doing it; from any thread."""
        nonce, _, code = data.partition(":")
        question = self._open.get(nonce)
        if question is None or question.chat != chat:
            is_earlier = not nonce.startswith(self._run)
            return Look(_EXPIRED if is_earlier else _CLOSED, is_of_earlier_run=is_earlier)
        if question.author != author:
            return Look(_OF_ANOTHER)
        if nonce in self._claimed or not _is_code(question, code):
            return Look(_CLOSED)
        # Turning a page and cancelling do no harm.
        is_harmless = code.startswith("p") or question.choices[int(code)].key == CANCEL
        return Look(about=question.about, risk=Risk.READING if is_harmless else question.risk)

    def claim(self, data: str) -> None:
        """Let no other press answer the same question; from the one thread that hears presses."""
        nonce, _, code = data.partition(":")
        if not code.startswith("p"):
            self._claimed[nonce] = None
            if len(self._claimed) > _CLAIMED_MAX:
                self._claimed.popitem(last=False)

    def is_open_for(self, chat: str, author: str) -> bool:
        """Tell whether somebody was asked something in a chat; from any thread."""
        return any(not one.is_offer for one in self._of(chat, author))

    def may_raise(self, chat: str, author: str, word: str) -> bool:
        """Tell whether a typed answer could do what raises risk; from any thread."""
        asked = [one.risk for one in self._of(chat, author) if not one.is_offer]
        return bool(asked) and asked[-1] is Risk.RAISING and _plain(word) not in _SAYS_CANCEL

    def tick(self) -> None:
        """Let questions that nobody answered run out."""
        for question in [one for one in self._open.values() if self._is_late(one)]:
            self._run_out(question)

    def expire(self, chat: str) -> None:
        """Let all questions of a chat run out now."""
        for question in [one for one in self._open.values() if one.chat == chat]:
            self._run_out(question)

    def next_deadline(self) -> float | None:
        """Return when the next question runs out, on the monotonic clock."""
        return min((one.deadline for one in self._open.values()), default=None)

    def _of(self, chat: str, author: str) -> list[Question]:
        # The copy is made in one step of the interpreter, so no other thread is in between.
        every = tuple(self._open.values())
        return [one for one in every if (one.chat, one.author) == (chat, author)]

    def _is_late(self, question: Question) -> bool:
        clock = self._clock
        return clock.monotonic() >= question.deadline or clock.wall() >= question.expires_at

    def _run_out(self, question: Question) -> None:
        del self._open[question.nonce]
        question.on_timeout()

    def _show(self, question: Question, page: int, wanted: str) -> None:
        """Show other choices of a question that stays open; whoever looks has time again."""
        question.page, question.wanted = page, wanted
        question.deadline = self._clock.monotonic() + question.timeout_s
        question.expires_at = self._clock.wall() + question.timeout_s
        question.on_turn()

    def _pressed(self, said: ChatInput) -> tuple[Question, str]:
        nonce, _, code = str(said.pressed).partition(":")
        question = self._open.get(nonce)
        if question is None or question.chat != said.chat:
            raise QuestionError(_CLOSED)
        if question.author != said.author.id:
            raise QuestionError(_OF_ANOTHER)
        if not _is_code(question, code):
            raise QuestionError(_offer(question))
        return question, code

    def _typed(self, said: ChatInput) -> tuple[Question, str]:
        mine, word = self._of(said.chat, said.author.id), _plain(said.text)
        if not mine:
            raise QuestionError(_not_asked(word))
        question = next((one for one in reversed(mine) if not one.is_offer), mine[-1])
        if question.is_offer:
            return question, _taken(question, word)
        if not question.is_last and word not in _SAYS_CANCEL:
            # A second yes must not confirm what was asked before, and perhaps forgotten.
            raise QuestionError("the last question is answered; send the command again for another")
        if (code := _worded(question, word)) is not None:
            return question, code
        is_letters = question.can_filter and LETTERS_MIN <= len(word) <= 64
        if is_letters and matching(question.choices, word):
            question.wanted = word
            return question, "p0"
        raise QuestionError(_offer(question))


def _plain(text: str) -> str:
    return text.strip().lower()


def _taken(offer: Question, word: str) -> str:
    """Return the button of an offer that a word means; QuestionError when it may mean another."""
    code = None if word in _SAYS_NO else _worded(offer, word)
    if code is None:
        raise QuestionError(_not_asked(word))
    if not offer.is_last:
        label = offer.choices[int(code)].label
        raise QuestionError(
            f"{_NO_QUESTION}; press {label} at the command that is to be taken back"
        )
    return code


def _not_asked(word: str) -> str:
    """Say that nothing is asked, and which command a word would be."""
    verb = named_in(word)
    hint = ", see /help" if verb is None else f": did you mean /{verb}?"
    return f"{_NO_QUESTION}; commands begin with /{hint}"


def _is_code(question: Question, code: str) -> bool:
    """Tell whether a button of a question can carry this."""
    digits = code.removeprefix("p")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 4):
        return False
    if code.startswith("p"):
        return int(digits) < page_count(question.choices, question.wanted)
    return int(digits) < len(question.choices)


def _worded(question: Question, word: str) -> str | None:
    """Return what a button with the meaning of a word carries."""
    keys = [one.key for one in question.choices]
    if word in _SAYS_CANCEL and CANCEL in keys:
        return str(keys.index(CANCEL))
    if word in _SAYS_YES and "yes" in keys:
        return str(keys.index("yes"))
    for number, choice in enumerate(question.choices):
        if word in (choice.label.lower(), choice.key.lower()):
            return str(number)
    shown = [button for row in question.buttons for button in row]
    number = int(word) if word.isascii() and word.isdigit() and len(word) < 4 else 0
    return shown[number - 1].data.partition(":")[2] if 0 < number <= len(shown) else None


def _offer(question: Question) -> str:
    labels = [button.label for row in question.buttons for button in row]
    return "answer with one of: " + ", ".join(f"{n} {one}" for n, one in enumerate(labels, 1))
