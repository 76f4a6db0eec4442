"""Commands: one table from verb to handler, and exactly one outcome for each command id.

A refused command does nothing and says why. Outcomes are remembered here until they are surely
committed; older ids are answered from the store before they reach the engine.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from tcpproto import Command, Reply, ReplyState
from tcpproto.vocabulary import (
    NOT_AVAILABLE,
    VOCABULARY,
    CommandError,
    Place,
    Risk,
    Verb,
    check_arguments,
    name_arguments,
    nearest,
    needs_confirmation,
    queued_age_max_s,
    risk_of,
    role_allows,
)
from trading.engine.announcements import announce_command_failed
from trading.engine.command_call import Answer, Call, Handler, NotPossibleError, rejected
from trading.engine.effects import (
    AnswerNow,
    Effect,
    RaiseEvent,
    RecordOutcome,
    ReportBug,
    SendReply,
)
from trading.engine.events import StoreTrouble
from trading.engine.status import EngineSnapshot
from trading.model.outcome import CommandOutcome

# More than the store ever holds back, so an id that is forgotten here is committed there.
REMEMBERED_MAX: Final = 8_192
FUTURE_MAX_S: Final = 30.0


class Verdict(StrEnum):
    """Name what the state of the store leaves of a command."""

    ACT = "act"
    REFUSE = "refuse"
    LEAVE_UNKNOWN = "leave unknown"


# Whether a command is carried out: by whether the store writes, whether it can be told that the
# command was not carried out before, and what it does to risk. Reducing works in every state.
ADMISSION: Final[Mapping[tuple[bool, bool, Risk], Verdict]] = MappingProxyType(
    {
        (writes, is_known, risk): (
            Verdict.ACT
            if risk in (Risk.READING, Risk.REDUCING) or (writes and is_known)
            else (Verdict.REFUSE if is_known else Verdict.LEAVE_UNKNOWN)
        )
        for writes in (True, False)
        for is_known in (True, False)
        for risk in Risk
    }
)
UNREADABLE: Final = (
    "state.db cannot be read, so nobody can say whether this was done before; not done now"
)


@dataclass(frozen=True, slots=True)
class Situation:
    """Hold what a command meets: the engine as it is, and whether the store writes.

    `is_history_known`: the store could be asked whether the command was answered before.
    """

    snapshot: Callable[[], EngineSnapshot]
    trouble: StoreTrouble | None
    at: float
    is_history_known: bool = True


@dataclass(slots=True)
class _Remembered:
    outcome: CommandOutcome
    is_kept: bool


@dataclass(frozen=True, slots=True)
class _Pending:
    command_id: str
    verb: str
    author: str


class CommandDesk:
    """Answer commands, each id once; a repeated id does nothing and gets the first outcome."""

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self._handlers = handlers
        self._remembered: dict[str, _Remembered] = {}
        # Commands whose outcome takes a while; they are answered when it is there.
        self._pending: dict[str, _Pending] = {}
        self.handled = 0

    def handle(self, command: Command, situation: Situation) -> list[Effect]:
        """Return what a command leads to."""
        known = self._remembered.get(command.id)
        if known is not None:
            return _repeat(known, situation.trouble)
        if command.id in self._pending:
            return [_say_accepted(command.id, "still under way", situation, repeat=True)]
        self.handled += 1
        answer = self._answer(command, situation)
        pending = _Pending(command.id, command.verb, command.author)
        if answer.state is ReplyState.ACCEPTED:
            self._pending[command.id] = pending
            return [*answer.effects, _say_accepted(command.id, answer.text, situation)]
        return self._conclude(pending, answer, situation)

    def adopt(self, command_id: str, verb: str, author: str) -> None:
        """Take over a command of an earlier run whose outcome is still to come."""
        self._pending[command_id] = _Pending(command_id, verb, author)

    def settle(self, command_id: str, answer: Answer, situation: Situation) -> list[Effect]:
        """Give a command that was accepted its outcome."""
        pending = self._pending.pop(command_id, None)
        return [] if pending is None else self._conclude(pending, answer, situation)

    def keep_all(self) -> list[Effect]:
        """Record, without answering again, the outcomes that were given while nothing was kept."""
        lost = [one for one in self._remembered.values() if not one.is_kept]
        for one in lost:
            one.is_kept = True
        return [RecordOutcome(one.outcome, announce=False) for one in lost]

    def _conclude(self, pending: _Pending, answer: Answer, situation: Situation) -> list[Effect]:
        outcome = CommandOutcome(
            command_id=pending.command_id,
            verb=pending.verb,
            author=pending.author,
            state=answer.state,
            text=answer.text,
            at=situation.at,
            fields=answer.fields,
        )
        self._remember(_Remembered(outcome, is_kept=situation.trouble is None))
        if situation.trouble is not None:
            return [*answer.effects, AnswerNow(outcome.to_reply())]
        return [*answer.effects, RecordOutcome(outcome)]

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
            return rejected(NOT_AVAILABLE)
        try:
            return handler(_call_of(command, situation))
        except NotPossibleError as error:
            return rejected(str(error))
        except Exception as error:  # noqa: BLE001 - one bad command must not stop the engine
            return _contain(command, situation.at, error)


def find_refusal(command: Command, situation: Situation) -> Answer | None:
    """Return why a command is not carried out, or None when nothing speaks against it."""
    verb = VOCABULARY.get(command.verb)
    if verb is None or verb.place is not Place.ENGINE:
        return rejected(_unknown_verb(command.verb))
    if not role_allows(command.role, verb.role):
        return rejected(f"/{verb.name} needs the role {verb.role}, {command.role} is not enough")
    stale = _find_staleness(command, verb, situation.at)
    if stale is not None:
        return Answer(ReplyState.EXPIRED, f"{stale}; nothing was done")
    try:
        args = check_arguments(verb.name, command.args)
    except CommandError as error:
        return rejected(str(error))
    if not verb.available:
        return rejected(NOT_AVAILABLE)
    risk = risk_of(verb.name, args)
    verdict = ADMISSION[situation.trouble is None, situation.is_history_known, risk]
    if verdict is Verdict.REFUSE:
        return rejected(f"store is not writing ({situation.trouble}); nothing was done")
    if verdict is Verdict.LEAVE_UNKNOWN:
        return Answer(ReplyState.UNKNOWN, UNREADABLE)
    if risk is Risk.RAISING and needs_confirmation(verb.name, args) and not command.confirmed:
        return rejected("this needs a yes, and none was given; nothing was done")
    return None


def _call_of(command: Command, situation: Situation) -> Call:
    args = check_arguments(command.verb, command.args)
    return Call(
        id=command.id,
        verb=command.verb,
        named=name_arguments(command.verb, args),
        account=command.account,
        author=command.author,
        confirmed=command.confirmed,
        # One from the future is as old as the clocks differ, at the most.
        age_s=abs(situation.at - command.issued_at),
        at=situation.at,
        snapshot=situation.snapshot,
        chat=command.chat,
    )


def _say_accepted(
    command_id: str, text: str, situation: Situation, *, repeat: bool = False
) -> Effect:
    reply = Reply(command_id, ReplyState.ACCEPTED, text, {}, repeat)
    return SendReply(reply) if situation.trouble is None else AnswerNow(reply)


def _find_staleness(command: Command, verb: Verb, at: float) -> str | None:
    risk = _risk_of(command, verb)
    # What reduces risk is done whichever clock is wrong.
    if command.issued_at - at > FUTURE_MAX_S and risk is not Risk.REDUCING:
        return f"written {command.issued_at - at:.0f} s in the future, the clocks differ"
    if at > command.expires_at:
        return f"expired {at - command.expires_at:.0f} s ago"
    age_s, allowed_s = at - command.issued_at, queued_age_max_s(risk)
    if age_s > allowed_s:
        return f"{age_s:.0f} s old, at most {allowed_s:g} s are allowed"
    return None


def _risk_of(command: Command, verb: Verb) -> Risk:
    """Return the risk of a command, which its arguments may change; of its verb if they cannot."""
    try:
        return risk_of(verb.name, check_arguments(verb.name, command.args))
    except CommandError:
        return verb.risk


def _unknown_verb(name: str) -> str:
    close = nearest(name)
    shown = name[:32] if name.isprintable() else "?"
    return f"no command /{shown}" + (f"; did you mean /{close}?" if close else "")


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
