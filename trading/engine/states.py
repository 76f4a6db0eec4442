"""The engine's states and the only ways between them.

Everything that affects the life of the engine stands in this table; an unlisted pair raises and
changes nothing. Trading on or off is a separate, stored intent and not a state of the engine.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from trading.errors import IllegalTransitionError


class EngineState(StrEnum):
    """Name where the engine is in its life."""

    STARTING = "STARTING"
    RUNNING = "RUNNING"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"


class EngineTrigger(StrEnum):
    """Name what moves the engine from one state to the next."""

    STARTED = "started"
    STOP_ASKED = "stop asked"
    DRAINED = "drained"


class TradingIntent(StrEnum):
    """Name what the operator wants: trade or watch. The first start begins with OFF."""

    OFF = "OFF"
    ON = "ON"


TRANSITIONS: Mapping[tuple[EngineState, EngineTrigger], EngineState] = MappingProxyType(
    {
        (EngineState.STARTING, EngineTrigger.STARTED): EngineState.RUNNING,
        (EngineState.STARTING, EngineTrigger.STOP_ASKED): EngineState.STOPPING,
        (EngineState.RUNNING, EngineTrigger.STOP_ASKED): EngineState.STOPPING,
        (EngineState.STOPPING, EngineTrigger.DRAINED): EngineState.STOPPED,
    }
)


class EngineLife:
    """Hold the engine's state and move it along the table."""

    __slots__ = ("state",)

    def __init__(self) -> None:
        self.state = EngineState.STARTING

    def advance(self, trigger: EngineTrigger) -> EngineState:
        """Move by one trigger, or raise IllegalTransitionError and stay."""
        following = TRANSITIONS.get((self.state, trigger))
        if following is None:
            raise IllegalTransitionError(f"the engine is {self.state}: it cannot be {trigger}")
        self.state = following
        return following
