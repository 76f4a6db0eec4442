"""What the engine is told: every event carries the times it needs, because the core has no clock.

`at` is wall time in unix seconds. Market data (`Tick`, `Bar`) comes as it is, in market time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from tcpproto import Command
from trading.model.market import Bar, Tick
from trading.model.report import Report
from trading.model.venue_news import VenueNews


class TimerName(StrEnum):
    """Name the timers that the core may start."""

    STATUS = "status"
    REPORT = "report"
    ALERT = "alert"


class StoreTrouble(StrEnum):
    """Name why the store does not commit."""

    FULL = "disk full"
    BUSY = "database locked"
    INPUT_OUTPUT = "disk error"
    DAMAGED = "database damaged"

    @property
    def is_lasting(self) -> bool:
        """Tell whether only a restart with a restored database ends it."""
        return self is StoreTrouble.DAMAGED


@dataclass(frozen=True, slots=True)
class EngineStarted:
    """Say that store, link and feeds are wired and the engine may run."""

    at: float


@dataclass(frozen=True, slots=True)
class CandlesClosed:
    """Bring closed candles in the order of their time: as if each had come by itself.

    They are what a recorded market is played by at speed; the equities after each of them come
    back as an effect. Who wants to look in between ends a run there.
    """

    bars: Sequence[Bar]


@dataclass(frozen=True, slots=True)
class HistoryLoaded:
    """Bring closed candles from before the start: known past, never a reason to act."""

    bars: Sequence[Bar]


@dataclass(frozen=True, slots=True)
class FeedStarted:
    """Say that a feed publishes."""

    feed: str
    description: str
    at: float


@dataclass(frozen=True, slots=True)
class FeedEnded:
    """Say that a feed has nothing more to publish, such as a replay at its end."""

    feed: str
    at: float


@dataclass(frozen=True, slots=True)
class FeedFailed:
    """Say that a feed broke; `retry_in_s` is None when it is given up."""

    feed: str
    reason: str
    retry_in_s: float | None
    at: float


@dataclass(frozen=True, slots=True)
class CommandReceived:
    """Bring a command; `at` is when the engine took it up, which is what its expiry is held to.

    `is_history_known` is False when the store could not say whether it was answered before.
    """

    command: Command
    at: float
    is_history_known: bool = True


@dataclass(frozen=True, slots=True)
class UncheckedCommand:
    """Bring a command of which the store could not say whether it was answered before."""

    command: Command


@dataclass(frozen=True, slots=True)
class TimerFired:
    """Say that a timer of the core is due."""

    name: TimerName
    at: float


@dataclass(frozen=True, slots=True)
class StoreFault:
    """Say that the store cannot commit; what it holds is kept and tried again."""

    trouble: StoreTrouble
    detail: str
    at: float


@dataclass(frozen=True, slots=True)
class StoreRecovered:
    """Say that everything held back has been committed, in order."""

    stalled_s: float
    at: float


@dataclass(frozen=True, slots=True)
class ReloadRefused:
    """Say that a changed configuration is wrong and the old one stays in force."""

    reason: str
    at: float


@dataclass(frozen=True, slots=True)
class ConfigurationReloaded:
    """Say which keys of a changed configuration are in force and which wait for a restart."""

    applied: tuple[str, ...]
    waiting: tuple[str, ...]
    at: float
    status_interval_s: float


@dataclass(frozen=True, slots=True)
class HealthSampled:
    """Bring figures that others own, for the status; the core decides nothing by them but pauses.

    `outbox_room` is how many more events the outbox takes before it refuses the lesser ones;
    `is_shown` says that the status is wanted too.
    """

    at: float
    uptime_s: float
    ticks_conflated: int
    outbox_rows: int
    outbox_room: int
    events_refused: int
    log_lines_dropped: int
    link: str
    link_since: float
    is_shown: bool = True


@dataclass(frozen=True, slots=True)
class StoodStill:
    """Say that the whole process did nothing for a while: it was stopped, or starved."""

    still_s: float
    at: float
    uptime_s: float


@dataclass(frozen=True, slots=True)
class RunsShort:
    """Say that the process runs short of something, and how much there is."""

    what: str
    text: str
    at: float


@dataclass(frozen=True, slots=True)
class StopAhead:
    """Say that a stop follows: first goes what rests at real venues and could enter meanwhile."""

    at: float


@dataclass(frozen=True, slots=True)
class StopRequested:
    """Ask the engine to stop; `reason` goes into the goodbye."""

    reason: str
    at: float


MarketEvent = Tick | Bar
# What a feed says about itself keeps its place among what it publishes.
FeedEvent = HistoryLoaded | FeedStarted | FeedEnded | FeedFailed
Notice = (
    EngineStarted
    | CommandReceived
    | TimerFired
    | StoreFault
    | StoreRecovered
    | ReloadRefused
    | ConfigurationReloaded
    | HealthSampled
    | StoodStill
    | RunsShort
    | StopAhead
    | StopRequested
    | Report
    | VenueNews
)
EngineEvent = MarketEvent | CandlesClosed | FeedEvent | Notice
