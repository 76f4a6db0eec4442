"""The lanes of a chat as a table, which events belong to which, and in what order they go.

An alert is never dropped for its age: it is in the database until a chat has shown it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final


class Lane(IntEnum):
    """Order what waits for a chat by how much it matters."""

    REPLY = 0
    ALERT = 1
    TEXT = 2
    NOTICE = 3
    STATUS = 4
    LOG = 5


@dataclass(frozen=True, slots=True)
class LaneRule:
    """Hold how one lane is treated.

    From `rises_after_s` on, what waits competes with the lane above: nothing starves. `is_kept`
    is over restarts; `repeats` is what happens after a call that perhaps went through; what
    `is_bulk` uses only a part of a chat's speed.
    """

    is_kept: bool
    is_silent: bool
    lifetime_s: float | None
    rises_after_s: float | None
    repeats: bool
    is_bulk: bool = False


LANES: Final[Mapping[Lane, LaneRule]] = {
    Lane.REPLY: LaneRule(False, False, 60.0, None, False),
    Lane.ALERT: LaneRule(True, False, None, 10.0, True),
    # What a bot says that is no event: of one without events all it says, perhaps every log line.
    Lane.TEXT: LaneRule(False, False, None, 10.0, True, is_bulk=True),
    Lane.NOTICE: LaneRule(True, True, 6 * 3_600.0, 120.0, True, is_bulk=True),
    Lane.STATUS: LaneRule(False, True, None, 120.0, True),
    Lane.LOG: LaneRule(False, True, 600.0, None, False, is_bulk=True),
}

# A command that has ended must not stand in a chat as one that is under way.
EDIT_LIFETIME_S: Final = 86_400.0

# Who gives way first when too much waits; alerts are the last.
EVICTION: Final = (Lane.LOG, Lane.STATUS, Lane.NOTICE, Lane.TEXT, Lane.REPLY, Lane.ALERT)

# What happens all day and needs no sound. Every other kind is an alert: one that this table does
# not know may matter.
NOTICE_KINDS: Final = frozenset({"order_placed", "status_report", "configuration_reloaded"})
_ALWAYS_ALERTS: Final = frozenset({"warning", "critical"})

# What a summary calls these kinds; the others are just alerts.
FILL_KINDS: Final = frozenset({"bought", "sold", "sold_short", "bought_back", "sold_part"})


def lane_of(kind: str, severity: str) -> Lane:
    """Return the lane of an event."""
    if severity in _ALWAYS_ALERTS or kind not in NOTICE_KINDS:
        return Lane.ALERT
    return Lane.NOTICE


def rank(lane: Lane, waited_s: float) -> int:
    """Return the place in the order: the lane, or the one above for what has waited long."""
    rises = LANES[lane].rises_after_s
    return lane - 1 if rises is not None and waited_s >= rises else int(lane)
