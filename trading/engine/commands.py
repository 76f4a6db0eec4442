"""Commands: one table from verb to handler, and exactly one outcome for each command id.

A refused command does nothing and says why. Outcomes are remembered here until they are surely
committed; older ids are answered from the store before they reach the engine.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from tcpproto import Command, ReplyState
from tcpproto.vocabulary import (
    NOT_AVAILABLE,
    VOCABULARY,
    CommandError,
    Place,
    Risk,
    Verb,
    check_arguments,
    nearest,
    risk_of,
    role_allows,
)
from trading.engine.announcements import announce_command_failed
from trading.engine.effects import (
    AnswerNow,
    Effect,
    RaiseEvent,
    RecordOutcome,
    ReportBug,
    SendReply,
)
from trading.engine.events import StoreTrouble
from trading.engine.status import EngineSnapshot, render_text
from trading.model.outcome import CommandOutcome

# More than the store ever holds back, so an id that is forgotten here is committed there.
REMEMBERED_MAX: Final = 8_192
FUTURE_MAX_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Answer:
    """Say what became of a command; its effects are committed together with the outcome."""

    state: ReplyState
    text: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    effects: Sequence[Effect] = ()


@dataclass(frozen=True, slots=True)
class Situation:
    """Hold what a command meets: the engine as it is, and whether the store writes."""

    snapshot: Callable[[], EngineSnapshot]
    trouble: StoreTrouble | None
    at: float


Handler = Callable[[Situation, tuple[str, ...]], Answer]


def answer_getstatus(situation: Situation, _args: tuple[str, ...]) -> Answer:
    """Show the status."""
    return Answer(ReplyState.APPLIED, render_text(situation.snapshot()))


HANDLERS: Mapping[str, Handler] = MappingProxyType({"getstatus": answer_getstatus})


@dataclass(slots=True)
class _Remembered:
    outcome: CommandOutcome
    is_kept: bool


class CommandDesk:
    """Answer commands, each id once; a repeated id does nothing and gets the first outcome."""

    def __init__(self, handlers: Mapping[str, Handler] = HANDLERS) -> None:
        self._handlers = handlers
        self._remembered: dict[str, _Remembered] = {}
        self.handled = 0

    def handle(self, command: Command, situation: Situation) -> list[Effect]:
        """Return what a command leads to."""
        known = self._remembered.get(command.id)
        if known is not None:
            return _repeat(known, situation.trouble)
        self.handled += 1
        answer = self._answer(command, situation)
        outcome = CommandOutcome(
            command_id=command.id,
            verb=command.verb,
            author=command.author,
            state=answer.state,
            text=answer.text,
            at=situation.at,
            fields=answer.fields,
        )
        self._remember(_Remembered(outcome, is_kept=situation.trouble is None))
        if situation.trouble is not None:
            return [*answer.effects, AnswerNow(outcome.to_reply())]
        return [*answer.effects, RecordOutcome(outcome)]

    def keep_all(self) -> list[Effect]:
        """Record, without answering again, the outcomes that were given while nothing was kept."""
        lost = [one for one in self._remembered.values() if not one.is_kept]
        for one in lost:
            one.is_kept = True
        return [RecordOutcome(one.outcome, announce=False) for one in lost]

    def _remember(self, entry: _Remembered) -> None:
        self._remembered[entry.outcome.command_id] = entry
        if len(self._remembered) > REMEMBERED_MAX:
            del self._remembered[next(iter(self._remembered))]

    def _answer(self, command: Command, situation: Situation) -> Answer:
        refusal = find_refusal(command, situation)
        if refusal is not None:
            return refusal
        handler = self._handlers.get(command.verb)
        if handler is None:
            return _reject(NOT_AVAILABLE)
        try:
            return handler(situation, check_arguments(command.verb, command.args))
        except Exception as error:  # noqa: BLE001 - one bad command must not stop the engine
            return _contain(command, situation.at, error)


def find_refusal(command: Command, situation: Situation) -> Answer | None:
    """Return why a command is not carried out, or None when nothing speaks against it."""
    verb = VOCABULARY.get(command.verb)
    if verb is None or verb.place is not Place.ENGINE:
        return _reject(_unknown_verb(command.verb))
    if not role_allows(command.role, verb.role):
        return _reject(f"/{verb.name} needs the role {verb.role}, {command.role} is not enough")
    stale = _find_staleness(command, verb, situation.at)
    if stale is not None:
        return Answer(ReplyState.EXPIRED, f"{stale}; nothing was done")
    try:
        args = check_arguments(verb.name, command.args)
    except CommandError as error:
        return _reject(str(error))
    if not verb.available:
        return _reject(NOT_AVAILABLE)
    if situation.trouble is not None and risk_of(verb.name, args) is not Risk.READING:
        return _reject(f"store is not writing ({situation.trouble}); nothing was done")
    return None


def _find_staleness(command: Command, verb: Verb, at: float) -> str | None:
    if command.issued_at - at > FUTURE_MAX_S:
        return f"written {command.issued_at - at:.0f} s in the future, the clocks differ"
    if at > command.expires_at:
        return f"expired {at - command.expires_at:.0f} s ago"
    age_s = at - command.issued_at
    if age_s > verb.max_age_queued_s:
        return f"{age_s:.0f} s old, at most {verb.max_age_queued_s:g} s are allowed"
    return None


def _unknown_verb(name: str) -> str:
    close = nearest(name)
    shown = name[:32] if name.isprintable() else "?"
    return f"no command /{shown}" + (f"; did you mean /{close}?" if close else "")


def _reject(text: str) -> Answer:
    return Answer(ReplyState.REJECTED, text)


def _repeat(known: _Remembered, trouble: StoreTrouble | None) -> list[Effect]:
    reply = known.outcome.to_reply(repeat=True)
    if not known.is_kept:
        return [AnswerNow(reply)]
    # While the store stalls the first answer is still to come; a queue of repeats could only grow.
    return [SendReply(reply)] if trouble is None else []


def _contain(command: Command, at: float, error: Exception) -> Answer:
    name = type(error).__name__
    event = announce_command_failed(command.verb, command.id, name, at)
    return Answer(
        ReplyState.REJECTED,
        f"internal error ({name}), see the log; nothing was done",
        effects=(ReportBug(f"verb={command.verb} id={command.id}", error), RaiseEvent(event)),
    )
