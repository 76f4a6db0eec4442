"""Modes of a strategy instance, as a table: off, observe, active.

An instance is switched on to observe before it may act, and it may be switched off at once.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from trading.errors import IllegalTransitionError


class Mode(StrEnum):
    """Name what an instance may do: nothing, watch and think, or also trade."""

    OFF = "off"
    OBSERVE = "observe"
    ACTIVE = "active"


FOLLOWING: Mapping[Mode, frozenset[Mode]] = MappingProxyType(
    {
        Mode.OFF: frozenset({Mode.OFF, Mode.OBSERVE}),
        Mode.OBSERVE: frozenset({Mode.OFF, Mode.OBSERVE, Mode.ACTIVE}),
        Mode.ACTIVE: frozenset({Mode.OFF, Mode.OBSERVE, Mode.ACTIVE}),
    }
)


def change_mode(present: Mode, wanted: Mode) -> Mode:
    """Return the wanted mode, or raise IllegalTransitionError when it is not the next one."""
    if wanted not in FOLLOWING[present]:
        raise IllegalTransitionError(f"an instance that is {present} cannot become {wanted}")
    return wanted
