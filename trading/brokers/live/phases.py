"""Where an order of ours is on its way to the venue and back, as a table.

QUEUED was not sent yet. SENDING has its one request on the wire. UNCLEAR is looked up until it is
known. SETTLED has ended, or was given up; one that shows up at the venue all the same comes back.
An unlisted pair raises and changes nothing; above all, nothing leads back from UNCLEAR to SENDING.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from trading.errors import IllegalTransitionError


class Phase(StrEnum):
    """Name where an order is."""

    QUEUED = "queued"
    SENDING = "sending"
    LIVE = "live"
    UNCLEAR = "unclear"
    CANCELLING = "cancelling"
    SETTLED = "settled"


class PhaseTrigger(StrEnum):
    """Name what moves an order on."""

    SEND = "send"
    POSTPONE = "postpone"
    TAKE = "take"
    LOSE = "lose"
    CANCEL = "cancel"
    SETTLE = "settle"
    RETURN = "return"


TRANSITIONS: Mapping[tuple[Phase, PhaseTrigger], Phase] = MappingProxyType(
    {
        (Phase.QUEUED, PhaseTrigger.SEND): Phase.SENDING,
        (Phase.QUEUED, PhaseTrigger.SETTLE): Phase.SETTLED,
        # The venue shows an order that it had refused for a moment: it is not sent again.
        (Phase.QUEUED, PhaseTrigger.TAKE): Phase.LIVE,
        # Only after a definite no for a passing reason.
        (Phase.SENDING, PhaseTrigger.POSTPONE): Phase.QUEUED,
        (Phase.SENDING, PhaseTrigger.TAKE): Phase.LIVE,
        (Phase.SENDING, PhaseTrigger.LOSE): Phase.UNCLEAR,
        (Phase.SENDING, PhaseTrigger.SETTLE): Phase.SETTLED,
        (Phase.LIVE, PhaseTrigger.CANCEL): Phase.CANCELLING,
        (Phase.LIVE, PhaseTrigger.LOSE): Phase.UNCLEAR,
        (Phase.LIVE, PhaseTrigger.SETTLE): Phase.SETTLED,
        (Phase.UNCLEAR, PhaseTrigger.TAKE): Phase.LIVE,
        (Phase.UNCLEAR, PhaseTrigger.SETTLE): Phase.SETTLED,
        (Phase.CANCELLING, PhaseTrigger.LOSE): Phase.UNCLEAR,
        (Phase.CANCELLING, PhaseTrigger.SETTLE): Phase.SETTLED,
        (Phase.SETTLED, PhaseTrigger.RETURN): Phase.LIVE,
    }
)


def advance_phase(phase: Phase, trigger: PhaseTrigger) -> Phase:
    """Return the phase that follows, or raise IllegalTransitionError."""
    following = TRANSITIONS.get((phase, trigger))
    if following is None:
        raise IllegalTransitionError(f"an order that is {phase} cannot {trigger}")
    return following
