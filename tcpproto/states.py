"""The connection's states. Everything that decides a change of state is in these two tables.

Imports only the standard library. A pair that is not listed raises and changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from typing import Final

from tcpproto.errors import LocalProtocolError


class State(Enum):
    """Name where a conversation stands."""

    NEW = auto()
    GREETED = auto()  # client: hello sent; server: hello seen, the bridge has not decided
    PROVING = auto()  # client: proof sent; server: challenge sent
    OPEN = auto()
    LEGACY = auto()  # server only: a three-field peer of seed 003
    CLOSED = auto()


class Trigger(Enum):
    """Name what moves a conversation on."""

    HELLO = auto()
    CHALLENGE = auto()
    PROOF = auto()
    WELCOME = auto()
    OTHER_FRAME = auto()
    SILENCE = auto()
    CLOSE = auto()


Table = Mapping[tuple[State, Trigger], State]

CLIENT_TABLE: Final[Table] = {
    (State.NEW, Trigger.HELLO): State.GREETED,
    (State.GREETED, Trigger.CHALLENGE): State.PROVING,
    (State.GREETED, Trigger.WELCOME): State.OPEN,
    (State.PROVING, Trigger.WELCOME): State.OPEN,
    (State.NEW, Trigger.CLOSE): State.CLOSED,
    (State.GREETED, Trigger.CLOSE): State.CLOSED,
    (State.PROVING, Trigger.CLOSE): State.CLOSED,
    (State.OPEN, Trigger.CLOSE): State.CLOSED,
}

SERVER_TABLE: Final[Table] = {
    (State.NEW, Trigger.HELLO): State.GREETED,
    (State.NEW, Trigger.CHALLENGE): State.PROVING,
    (State.PROVING, Trigger.PROOF): State.GREETED,
    (State.GREETED, Trigger.WELCOME): State.OPEN,
    (State.NEW, Trigger.OTHER_FRAME): State.LEGACY,
    (State.NEW, Trigger.SILENCE): State.LEGACY,
    # A hello that was late on a slow line is still a hello.
    (State.LEGACY, Trigger.HELLO): State.GREETED,
    (State.NEW, Trigger.CLOSE): State.CLOSED,
    (State.PROVING, Trigger.CLOSE): State.CLOSED,
    (State.GREETED, Trigger.CLOSE): State.CLOSED,
    (State.OPEN, Trigger.CLOSE): State.CLOSED,
    (State.LEGACY, Trigger.CLOSE): State.CLOSED,
}


def next_state(table: Table, state: State, trigger: Trigger) -> State:
    """Return the state that follows, or raise LocalProtocolError."""
    try:
        return table[state, trigger]
    except KeyError:
        raise LocalProtocolError(
            "bad_transition", f"{trigger.name} is not possible in state {state.name}"
        ) from None
