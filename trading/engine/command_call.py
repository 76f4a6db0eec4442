"""What a command brings to its handler, and what the handler answers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tcpproto import ReplyState
from tcpproto.vocabulary import ALL
from trading.engine.effects import Effect
from trading.engine.status import EngineSnapshot
from trading.reports.tables import View


class NotPossibleError(Exception):
    """Say why a command cannot be carried out; it becomes a rejection in these words."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Say what became of a command; its effects are committed together with the outcome.

    An answer that is ACCEPTED is not the last one: the outcome follows.
    """

    state: ReplyState
    text: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    effects: Sequence[Effect] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """Hold a command that is to be carried out, with its arguments by name."""

    id: str
    verb: str
    named: Mapping[str, str]
    account: str
    author: str
    confirmed: bool
    age_s: float
    at: float
    snapshot: Callable[[], EngineSnapshot]
    chat: str = ""

    @property
    def symbol(self) -> str | None:
        """Return the market that it names, or None for all."""
        symbol = self.named.get("symbol")
        return None if symbol in (None, ALL) else symbol

    @property
    def is_for_all(self) -> bool:
        """Tell whether it is for all markets."""
        return self.symbol is None


Handler = Callable[[Call], Answer]


def applied(text: str, fields: Mapping[str, Any] | None = None) -> Answer:
    """Return an answer that says: done."""
    return Answer(ReplyState.APPLIED, text, fields or {})


def rejected(text: str) -> Answer:
    """Return an answer that says: not done, and why."""
    return Answer(ReplyState.REJECTED, text)


def shown(view: View) -> Answer:
    """Return an answer that shows something."""
    return Answer(ReplyState.APPLIED, view.text, view.fields)
