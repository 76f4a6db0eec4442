"""What a failed call leads to, as a table: Trouble -> what is done next. No clock, no chance."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final

from telegram.bridge.chat_outbox.lanes import LANES, Lane
from telegram.bridge.messenger import Trouble

JITTER: Final = 0.2
# Telegram's own number of seconds is sometimes a little short.
WAIT_MORE_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Patience:
    """Hold how long is waited for a messenger that does not take what is sent.

    A chat that is closed to the bot is tried once in a while: what was taken for a refusal may
    have been a mistake of the messenger's. After `summary_after_s` one summary comes first.
    """

    retry_first_s: float = 1.0
    retry_max_s: float = 60.0
    closed_retry_s: float = 3_600.0
    token_check_s: float = 60.0
    summary_after_s: float = 120.0

    def pause_s(self, tries: int, chance: float) -> float:
        """Return how long to wait after so many failures; `chance` is from 0 to 1."""
        base = min(self.retry_max_s, self.retry_first_s * 2.0 ** min(tries - 1, 10))
        return min(self.retry_max_s, base * (1.0 + JITTER * (2.0 * chance - 1.0)))


class Action(StrEnum):
    """Name what is done about a failed call."""

    RETRY = "the same again after a growing pause"
    REPEAT = "the same again, marked: it has perhaps been shown"
    SLEEP = "this chat waits as long as it was told to"
    WEAKEN = "the same in a plainer form"
    AS_NEW = "as a new message"
    WITHOUT_THREAD = "the same, outside of the topic"
    MIGRATE = "the same to the new number"
    DISABLE = "nothing more to this chat"
    PAUSE_ALL = "nothing at all until the token works"
    DONE = "nothing: it is as it should be"
    DROP = "it is dropped and counted"


_ACTIONS: Final[Mapping[Trouble, Action]] = {
    Trouble.BAD_TEXT: Action.WEAKEN,
    Trouble.TOO_LONG: Action.WEAKEN,
    Trouble.REFUSED: Action.WEAKEN,
    Trouble.NOT_MODIFIED: Action.DONE,
    Trouble.MESSAGE_GONE: Action.AS_NEW,
    Trouble.THREAD_GONE: Action.WITHOUT_THREAD,
    Trouble.CHAT_GONE: Action.DISABLE,
    Trouble.MIGRATED: Action.MIGRATE,
    Trouble.TOKEN_REFUSED: Action.PAUSE_ALL,
    Trouble.CONFLICT: Action.PAUSE_ALL,
    Trouble.WAIT: Action.SLEEP,
    Trouble.DOWN: Action.RETRY,
}


def decide(trouble: Trouble, lane: Lane, *, is_edit: bool) -> Action:
    """Return what is done after a call of a lane has failed."""
    if trouble is not Trouble.UNCLEAR:
        return _ACTIONS[trouble]
    # To edit twice does nothing twice.
    if is_edit:
        return Action.RETRY
    return Action.REPEAT if LANES[lane].repeats else Action.DROP


class Form(IntEnum):
    """Order the forms of a text, from the finest to the one that always works."""

    DRESSED = 0
    PLAIN = 1
    SMALL = 2
    FILE = 3


_WEAKER: Final[Mapping[tuple[Form, Trouble], Form]] = {
    (Form.DRESSED, Trouble.BAD_TEXT): Form.PLAIN,
    (Form.DRESSED, Trouble.REFUSED): Form.PLAIN,
    (Form.DRESSED, Trouble.TOO_LONG): Form.SMALL,
    (Form.PLAIN, Trouble.TOO_LONG): Form.SMALL,
    (Form.PLAIN, Trouble.BAD_TEXT): Form.FILE,
    (Form.PLAIN, Trouble.REFUSED): Form.FILE,
    (Form.SMALL, Trouble.TOO_LONG): Form.FILE,
    (Form.SMALL, Trouble.BAD_TEXT): Form.FILE,
    (Form.SMALL, Trouble.REFUSED): Form.FILE,
}


def weaker(form: Form, trouble: Trouble) -> Form | None:
    """Return the form to try after a refusal; None when all were refused."""
    return _WEAKER.get((form, trouble))
