"""Open questions: who was asked what, which answers fit, and when it is too late.

A question is answered once, by the person it was put to, by pressing a button (its data carries
a nonce) or by typing a number, a label, `yes` or `cancel`. Pure but for the clock handed in.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from daemonkit.clock import Clock
from telegram.bridge.chat import Button, Buttons, ChatInput
from telegram.bridge.errors import QuestionError

OPEN_MAX = 500
CANCEL = "cancel"
_SAYS_CANCEL = frozenset({"cancel", "no", "n"})
_SAYS_YES = frozenset({"yes", "y", "ok"})


@dataclass(frozen=True, slots=True)
class Choice:
    """Offer one answer: the key that comes back and the label that is shown."""

    key: str
    label: str


@dataclass(frozen=True, slots=True)
class Question:
    """Hold one open question."""

    nonce: str
    chat: str
    author: str
    choices: tuple[Choice, ...]
    deadline: float
    on_answer: Callable[[str, ChatInput], None]
    on_timeout: Callable[[], None]

    @property
    def buttons(self) -> Buttons:
        """Return the choices as buttons, three in a row, Cancel alone at the end."""
        made = [Button(one.label, f"{self.nonce}:{n}") for n, one in enumerate(self.choices)]
        last = [made.pop()] if len(made) > 1 and self.choices[-1].key == CANCEL else []
        rows = [made[start : start + 3] for start in range(0, len(made), 3)]
        return [*rows, last] if last else rows


class Questions:
    """Keep the open questions of all chats; the oldest gives way when there are too many."""

    def __init__(self, clock: Clock, rng: Random) -> None:
        self._clock = clock
        self._rng = rng
        self._open: dict[str, Question] = {}

    def ask(
        self,
        *,
        chat: str,
        author: str,
        choices: Sequence[Choice],
        timeout_s: float,
        on_answer: Callable[[str, ChatInput], None],
        on_timeout: Callable[[], None],
    ) -> Question:
        """Open a question and return it, with its buttons."""
        question = Question(
            nonce=f"{self._rng.getrandbits(48):012x}",
            chat=chat,
            author=author,
            choices=tuple(choices),
            deadline=self._clock.monotonic() + timeout_s,
            on_answer=on_answer,
            on_timeout=on_timeout,
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
        question, choice = self._pressed(said) if said.pressed is not None else self._typed(said)
        # Closed before acting: a double tap finds nothing.
        del self._open[question.nonce]
        question.on_answer(choice.key, said)

    def tick(self) -> None:
        """Let questions that nobody answered run out."""
        now = self._clock.monotonic()
        for question in [one for one in self._open.values() if now >= one.deadline]:
            del self._open[question.nonce]
            question.on_timeout()

    def expire(self, chat: str) -> None:
        """Let all questions of a chat run out now."""
        for question in [one for one in self._open.values() if one.chat == chat]:
            del self._open[question.nonce]
            question.on_timeout()

    def next_deadline(self) -> float | None:
        """Return when the next question runs out, on the monotonic clock."""
        return min((one.deadline for one in self._open.values()), default=None)

    def _pressed(self, said: ChatInput) -> tuple[Question, Choice]:
        nonce, _, number = str(said.pressed).partition(":")
        question = self._open.get(nonce)
        if question is None or question.chat != said.chat:
            raise QuestionError("that question is no longer open")
        if question.author != said.author.id:
            raise QuestionError("that question was put to somebody else")
        return question, _numbered(question, number, 0)

    def _typed(self, said: ChatInput) -> tuple[Question, Choice]:
        mine = [
            one
            for one in self._open.values()
            if one.chat == said.chat and one.author == said.author.id
        ]
        if not mine:
            raise QuestionError("no question is open; commands begin with /, see /help")
        question, word = mine[-1], said.text.strip().lower()
        return question, _worded(question, word)


def _worded(question: Question, word: str) -> Choice:
    by_key = {one.key: one for one in question.choices}
    if word in _SAYS_CANCEL and CANCEL in by_key:
        return by_key[CANCEL]
    if word in _SAYS_YES and "yes" in by_key:
        return by_key["yes"]
    for choice in question.choices:
        if word in (choice.label.lower(), choice.key.lower()):
            return choice
    return _numbered(question, word, 1)


def _numbered(question: Question, word: str, first: int) -> Choice:
    number = int(word) - first if word.isascii() and word.isdigit() and len(word) < 4 else -1
    if not 0 <= number < len(question.choices):
        labels = ", ".join(f"{n} {one.label}" for n, one in enumerate(question.choices, 1))
        raise QuestionError(f"answer with one of: {labels}")
    return question.choices[number]
