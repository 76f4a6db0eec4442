"""How a live account is worked: every interval, age and bound, in seconds unless said otherwise."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Final


class RequestKind(StrEnum):
    """Name what a request is for: each has its own weight at the venue."""

    ORDER = "order"
    CANCEL = "cancel"
    FIND = "find"
    FIND_BY_ID = "find by id"
    OPEN_ORDERS = "open orders"
    FILLS = "fills"
    HOLDINGS = "holdings"
    POSITIONS = "positions"
    CASH_MOVES = "cash moves"
    SERVER_TIME = "server time"
    STREAM = "stream"
    CONNECT = "connect"


LOOK_UPS: Final = frozenset({RequestKind.FIND, RequestKind.FIND_BY_ID})


class Haste(Enum):
    """Name how urgent a read is, by the share of what can be saved up that it leaves to others.

    URGENT is what a stop waits for: the executions of an entry, what became of an unclear order.
    """

    URGENT = 0.0
    WANTED = 0.25
    ROUTINE = 0.75


def _light_orders() -> Mapping[RequestKind, float]:
    return {RequestKind.ORDER: 0.2, RequestKind.CANCEL: 0.2}


@dataclass(frozen=True, slots=True)
class RequestBudget:
    """Hold what a venue allows one key: `per_s` come back, at most `burst` are saved up.

    A kind that `weights` does not name weighs 1; of those in `by_page` each page weighs as much.
    Orders and cancels weigh little, because most venues count them apart, and because leaving many
    positions at once must not have to wait for the look-ups that tell how each of their orders
    ended. `read_weight` is what a read weighs for people, who count requests.
    """

    per_s: float = 10.0
    burst: float = 40.0
    weights: Mapping[RequestKind, float] = field(default_factory=_light_orders)
    by_page: frozenset[RequestKind] = frozenset()
    read_weight: float = 1.0


# An order may be executed in hundreds of parts, and exchanges count what they are asked: so much of
# what is heard is read at once, and then it is paced.
HINTS: Final = RequestBudget(per_s=0.5, burst=10.0)


@dataclass(frozen=True, slots=True)
class LiveSettings:
    """Hold the rules of one account's worker.

    `poll_s`: how often open orders are read while there are any; `fills_s`: how old the fills may
    be meanwhile; `reconcile_s`: how often all of the account is looked at; `unknown_settle_s`: how
    long an order may take to show up where the venue has no rule of its own; `entry_age_max_s`:
    older entries are not sent; `exit_retry_s`: how long a reducing order that was refused for a
    passing reason is tried again; `fills_patience_s`: how long executions may lag behind the
    order they belong to; `fills_lookback_s`: how far back the first look at executions goes;
    `fills_rest_s`: where they weigh much, one read of them is to serve all orders of so long;
    `poll_stream_s`: how often open orders are read while a stream tells when something happens,
    for which `poll_s` means that it spares none, and `stream_silence_s` how long it may say
    nothing; `poll_late_s`: a poll that is late by this
    is wanted, and by twice of it is urgent;
    `pause_longest_s`: the longest pause that a venue may ask for at once; `hints`: how often
    executions are read because a stream was heard.
    """

    poll_s: float = 2.0
    poll_first_s: float = 0.1
    poll_stream_s: float = 20.0
    stream_silence_s: float = 5.0
    poll_late_s: float = 4.0
    fills_s: float = 10.0
    reconcile_s: float = 180.0
    unknown_settle_s: float = 20.0
    entry_age_max_s: float = 5.0
    exit_retry_s: float = 60.0
    clock_skew_max_s: float = 2.0
    clock_retry_s: float = 30.0
    find_first_s: float = 0.25
    find_longest_s: float = 10.0
    cancel_first_s: float = 1.0
    cancel_longest_s: float = 15.0
    fills_patience_s: float = 5.0
    fills_lookback_s: float = 3_600.0
    fills_rest_s: float = 0.0
    look_tries: int = 5
    look_rest_s: float = 2.0
    retry_first_s: float = 0.5
    retry_longest_s: float = 60.0
    key_retry_s: float = 60.0
    pause_longest_s: float = 300.0
    breaker_failures: int = 3
    stop_within_s: float = 5.0
    queue_len_max: int = 1_000
    budget: RequestBudget = RequestBudget()
    hints: RequestBudget = HINTS
