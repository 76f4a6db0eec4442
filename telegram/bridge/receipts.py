"""The life of a command as a table: everything that affects its states is in this module.

A command is queued, sent and accepted on its way to exactly one outcome. `unknown` is the one
outcome that can still be resolved: the bot may answer late. A step that the table does not
list raises IllegalStepError and changes nothing.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from telegram.bridge.errors import IllegalStepError


class State(StrEnum):
    """Name how far a command has come."""

    QUEUED = "queued"
    SENT = "sent"
    ACCEPTED = "accepted"
    APPLIED = "applied"
    REJECTED = "rejected"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


class Step(StrEnum):
    """Name what can happen to a command."""

    SEND = "send"
    ACCEPT = "accept"
    APPLY = "apply"
    REJECT = "reject"
    EXPIRE = "expire"
    LOSE = "lose"
    CANCEL = "cancel"


OPEN = frozenset({State.QUEUED, State.SENT, State.ACCEPTED})
OUTCOMES = frozenset({State.APPLIED, State.REJECTED, State.EXPIRED, State.UNKNOWN})
SETTLED = OUTCOMES - {State.UNKNOWN}


def _answers(state: State) -> dict[tuple[State, Step], State]:
    return {
        (state, Step.APPLY): State.APPLIED,
        (state, Step.REJECT): State.REJECTED,
        (state, Step.EXPIRE): State.EXPIRED,
        (state, Step.LOSE): State.UNKNOWN,
    }


NEXT: Mapping[tuple[State, Step], State] = MappingProxyType(
    {
        (State.QUEUED, Step.SEND): State.SENT,
        (State.QUEUED, Step.CANCEL): State.REJECTED,
        (State.QUEUED, Step.REJECT): State.REJECTED,
        (State.QUEUED, Step.EXPIRE): State.EXPIRED,
        # After a reconnect the same id is sent again and the bot repeats its first answer.
        (State.SENT, Step.SEND): State.SENT,
        (State.SENT, Step.ACCEPT): State.ACCEPTED,
        **_answers(State.SENT),
        (State.ACCEPTED, Step.SEND): State.ACCEPTED,
        (State.ACCEPTED, Step.ACCEPT): State.ACCEPTED,
        **_answers(State.ACCEPTED),
        # Too late to be told in time, but better known than not.
        (State.UNKNOWN, Step.ACCEPT): State.UNKNOWN,
        **_answers(State.UNKNOWN),
        # The repeat of an outcome is no news; a different one is refused.
        (State.APPLIED, Step.APPLY): State.APPLIED,
        (State.REJECTED, Step.REJECT): State.REJECTED,
        (State.EXPIRED, Step.EXPIRE): State.EXPIRED,
    }
)

# How the answers of a bot (tcpproto.ReplyState) move a command.
STEP_OF_REPLY: Mapping[str, Step] = MappingProxyType(
    {
        "accepted": Step.ACCEPT,
        "applied": Step.APPLY,
        "rejected": Step.REJECT,
        "expired": Step.EXPIRE,
        "unknown": Step.LOSE,
    }
)


def advance(state: State, step: Step) -> State:
    """Return the state that follows, or raise IllegalStepError."""
    following = NEXT.get((state, step))
    if following is None:
        raise IllegalStepError(f"a command that is {state} cannot {step}")
    return following
