"""The states of a bot's presence, as a table: here, missed, lost, back again, stopped.

Values and a table; knows no clock and no words.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Presence(StrEnum):
    """Name how a bot is there or away, and what of it was said."""

    HERE = "here"
    MISSED = "missed"
    LEAVING = "leaving"
    LOST = "lost"
    RETURNING = "returning"
    STOPPED = "stopped"


class Sign(StrEnum):
    """Name what can be noticed of a bot; DUE says that its state has lasted long enough."""

    CAME = "came"
    CUT = "cut"
    GOODBYE = "goodbye"
    DUE = "due"


CONNECTED: Final = frozenset({Presence.HERE, Presence.RETURNING})

_NEXT: Final[Mapping[Presence, Mapping[Sign, Presence]]] = {
    Presence.HERE: {
        Sign.CAME: Presence.HERE,
        Sign.CUT: Presence.MISSED,
        Sign.GOODBYE: Presence.LEAVING,
    },
    Presence.MISSED: {Sign.CAME: Presence.HERE, Sign.DUE: Presence.LOST},
    Presence.LEAVING: {Sign.CAME: Presence.HERE, Sign.DUE: Presence.STOPPED},
    Presence.LOST: {Sign.CAME: Presence.RETURNING},
    # Whoever dies again before the all-clear was never announced as back.
    Presence.RETURNING: {
        Sign.CAME: Presence.RETURNING,
        Sign.CUT: Presence.LOST,
        Sign.GOODBYE: Presence.LOST,
        Sign.DUE: Presence.HERE,
    },
    Presence.STOPPED: {Sign.CAME: Presence.HERE},
}


def next_presence(state: Presence, sign: Sign) -> Presence:
    """Return the state that follows; a pair that cannot happen is a programmer's error."""
    found = _NEXT[state].get(sign)
    if found is None:
        raise ValueError(f"a bot that is {state} cannot be noticed as {sign}")
    return found


def resumed(state: Presence) -> Presence:
    """Return what a state becomes while nobody has listened: whoever was here is missed."""
    if state is Presence.HERE:
        return Presence.MISSED
    return Presence.LOST if state is Presence.RETURNING else state
